"""Checkpoints: the signed head of the log (https://c2sp.org/tlog-checkpoint).

A checkpoint is a note whose text is the log's origin, the tree size and the root. The key that
signs it is named like the origin; a witness alone cannot make a checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from archiver.errors import ConfigurationError, IntegrityError, InvalidInput
from archiver.preserve.ledger.merkle import EMPTY_ROOT, HASH_SIZE
from archiver.preserve.ledger.note import (
    Signer,
    Verifier,
    decode_decimal,
    decode_hash,
    encode_base64,
    is_key_name,
    open_note,
    sign_note,
)

RECEIPT_LINE_PREFIX = "muniment-receipt/"
"""How the first line of a receipt begins, and no origin: one key signs both kinds of note."""

_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log `origin` had `size` entries under `root` (32 bytes).

    `extensions` are further lines, which other logs may write; ours never does.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or self.origin.startswith(RECEIPT_LINE_PREFIX):
            raise IntegrityError(f"expected a log's origin, found {self.origin!r}")
        if self.size < 0 or len(self.root) != HASH_SIZE:
            raise IntegrityError(
                f"expected a tree size and a root of {HASH_SIZE} bytes in the checkpoint of "
                f"{self.origin}, found {self.size} and {len(self.root)} bytes"
            )
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise IntegrityError(
                f"expected the empty tree's root in the checkpoint of {self.origin} at size 0, "
                f"found {self.root.hex()}"
            )

    def to_text(self) -> str:
        """Return the note text."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "\n".join(lines) + "\n"


def require_origin(origin: str) -> None:
    """Check that `origin` may name a new log: a URL without scheme, such as `example.com/acme`.

    Raises:
        InvalidInput: it may not.
    """
    misplaced = "://" in origin or origin.endswith("/") or origin.startswith(RECEIPT_LINE_PREFIX)
    if misplaced or not is_key_name(origin):
        raise InvalidInput(
            "expected an origin like 'archive.example.com/acme' (no scheme, spaces, '+' or "
            f"trailing slash), found {origin!r}",
            pointer="origin",
        )


def parse_checkpoint(text: str) -> Checkpoint:
    """Return what the text of a note says, which `open_checkpoint` has yet to authenticate.

    Raises:
        IntegrityError: `text` is not a checkpoint's.
    """
    lines = text.split("\n")
    if len(lines) <= _LINES or lines.pop() != "" or not all(lines):
        raise IntegrityError(
            f"expected a checkpoint of {_LINES} or more non-empty lines, found {text!r}"
        )
    return Checkpoint(
        origin=lines[0],
        size=decode_decimal(lines[1]),
        root=decode_hash(lines[2]),
        extensions=tuple(lines[_LINES:]),
    )


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """Return the signed checkpoint. Two signers overlap while the log key is changed.

    The caller guarantees the one unforgivable thing: that this tree extends every tree signed
    before (integrator).

    Raises:
        InvalidInput: the origin is not one for a log of ours, or there are extension lines.
        ConfigurationError: a signing key is not named like the origin.
    """
    require_origin(checkpoint.origin)
    if checkpoint.extensions:
        raise InvalidInput(
            "expected a checkpoint without extension lines: monitors cannot audit them"
        )
    for signer in signers:
        if signer.name != checkpoint.origin:
            raise ConfigurationError(
                f"expected a log key named {checkpoint.origin}, found {signer.name}; "
                "check the keyring and the archive's origin"
            )
    return sign_note(checkpoint.to_text(), signers)


def open_checkpoint(data: bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Return the checkpoint in a note that the log `origin` signed.

    `verifiers` may include witnesses: each of their lines must verify, but the log's own key
    must be among the signers.

    Raises:
        IntegrityError: malformed, of another log, or not signed by a trusted key of this log.
    """
    note = open_note(data, verifiers)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise IntegrityError(f"expected a checkpoint of {origin}, found one of {checkpoint.origin}")
    if all(signature.name != origin for signature in note.signatures):
        signers = ", ".join(signature.name for signature in note.signatures)
        raise IntegrityError(f"expected a checkpoint signed by {origin}, found only {signers}")
    return checkpoint
