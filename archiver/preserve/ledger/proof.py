"""Proofs as values, and the offline bundle of one: https://c2sp.org/tlog-proof (`.tlog-proof`).

The proofs are computed by `tiles`, checked by `merkle`; here they get a shape for files and JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from archiver.errors import IntegrityError
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from archiver.preserve.ledger.note import (
    MAX_NOTE_BYTES,
    Verifier,
    decode_base64,
    decode_decimal,
    decode_hash,
    encode_base64,
)

MAX_PROOF_BYTES = 2 * MAX_NOTE_BYTES
MAX_PATH = 64

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That the tree of `size` leaves holds a certain leaf at `index`; siblings from the leaf up."""

    index: int
    size: int
    path: tuple[bytes, ...]

    def verify(self, entry: bytes, root: bytes) -> None:
        """Check that `entry` is in the tree with `root`. Raises IntegrityError."""
        verify_inclusion(
            leaf=leaf_hash(entry), index=self.index, size=self.size, proof=self.path, root=root
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the proof for JSON: hashes in base64."""
        return {"index": self.index, "size": self.size, "path": encode_path(self.path)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote. Raises IntegrityError."""
        index, size = read_numbers(data, ("index", "size"))
        return cls(index=index, size=size, path=decode_path(data.get("path")))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """That the tree of `new_size` leaves extends the tree of `old_size`."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]

    def verify(self, old_root: bytes, new_root: bytes) -> None:
        """Check that the tree with `new_root` extends the one with `old_root`.

        Raises:
            IntegrityError: it is not proved.
        """
        verify_consistency(
            old_size=self.old_size,
            new_size=self.new_size,
            old_root=old_root,
            new_root=new_root,
            proof=self.path,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the proof for JSON: hashes in base64."""
        sizes = {"old_size": self.old_size, "new_size": self.new_size}
        return {**sizes, "path": encode_path(self.path)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote. Raises IntegrityError."""
        old_size, new_size = read_numbers(data, ("old_size", "new_size"))
        return cls(old_size=old_size, new_size=new_size, path=decode_path(data.get("path")))


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """An inclusion proof together with the signed checkpoint it leads to.

    `checkpoint` is the note verbatim, cosignatures included. `extra` is not authenticated by
    anything: never rely on it.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the content of the `.tlog-proof` file."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(_EXTRA + encode_base64(self.extra))
        lines += [f"{_INDEX}{self.index}", *encode_path(self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    def verify(self, entry: bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
        """Check offline that the log `origin` holds `entry` at `index`; return its checkpoint.

        Raises:
            IntegrityError: the checkpoint is not the log's, or the proof does not lead to it.
        """
        checkpoint = open_checkpoint(self.checkpoint, origin, verifiers)
        proof = InclusionProof(index=self.index, size=checkpoint.size, path=self.path)
        proof.verify(entry, checkpoint.root)
        return checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a `.tlog-proof` file, which `TlogProof.verify` has yet to check.

    Raises:
        IntegrityError: `data` is not one, or over 2 MB.
    """
    if len(data) > MAX_PROOF_BYTES:
        raise IntegrityError(
            f"expected a proof of at most {MAX_PROOF_BYTES} bytes, found {len(data)}"
        )
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise IntegrityError("expected a tlog-proof in ASCII, found other bytes") from error
    extra = None
    if len(lines) > 1 and lines[1].startswith(_EXTRA):
        extra = decode_base64(lines.pop(1).removeprefix(_EXTRA))
    if not blank or lines[0] != _HEADER or len(lines) == 1 or not lines[1].startswith(_INDEX):
        raise IntegrityError(
            f"expected '{_HEADER}', an index line, hashes, a blank line and a checkpoint, "
            f"found {lines[:2]!r}"
        )
    return TlogProof(
        index=decode_decimal(lines[1].removeprefix(_INDEX)),
        path=decode_path(lines[2:]),
        checkpoint=checkpoint,
        extra=extra,
    )


def encode_path(path: Sequence[bytes]) -> list[str]:
    """Return the hashes of a path in base64."""
    return [encode_base64(sibling) for sibling in path]


def decode_path(path: object) -> tuple[bytes, ...]:
    """Return the hashes of a list of base64 texts.

    Raises:
        IntegrityError: `path` is not such a list, or longer than any tree is high.
    """
    if not isinstance(path, list | tuple) or len(path) > MAX_PATH:
        raise IntegrityError(f"expected a path of at most {MAX_PATH} hashes, found another thing")
    if not all(isinstance(sibling, str) for sibling in path):
        raise IntegrityError("expected a path of base64 texts, found other values")
    return tuple(decode_hash(sibling) for sibling in path)


def read_numbers(data: object, names: Sequence[str]) -> tuple[int, ...]:
    """Return the whole numbers, zero or more, at `names` in a decoded JSON object.

    Raises:
        IntegrityError: `data` is not an object, or one of them is missing or something else.
    """
    values = [data.get(name) if isinstance(data, Mapping) else None for name in names]
    numbers = tuple(value for value in values if type(value) is int and value >= 0)
    if len(numbers) != len(names):
        raise IntegrityError(f"expected whole numbers at {', '.join(names)}, found {values}")
    return numbers
