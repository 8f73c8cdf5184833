"""Signed notes: text signed by one or more keys (https://c2sp.org/signed-note@v1.0.0).

Checkpoints and receipts are notes. A note's text means nothing until `open_note` returned it.
Only Ed25519 note signatures (type 0x01) are made and verified here; the other assigned types are
recognised in verifier keys, and their signature lines are carried along unread, as the
specification asks. The strict base64 and decimal readers at the end serve all C2SP formats.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from archiver.errors import IntegrityError

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_KEY_ID_BYTES = 4
_ED25519_KEY_BYTES = 32
_DASH = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
# `\s` is Unicode's spaces; surrogates cannot be written as UTF-8.
_UNUSABLE_IN_NAME = re.compile(r"[\s+\x00-\x1f\ud800-\udfff]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_HASH_BYTES = 32


class SignatureType(IntEnum):
    """Signature types with an assigned byte whose keys may stand in our trust files."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    RFC6962_TREE_HEAD = 0x05
    ML_DSA_44_COSIGNATURE = 0x06
    OTHER = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key with its name: what a vkey line says."""

    name: str
    type: SignatureType
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that name the key in a signature line, together with the key's name."""
        hashed = self.name.encode() + b"\n" + bytes([self.type]) + self.public_key
        return sha256(hashed).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        material = encode_base64(bytes([self.type]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{material}"


def parse_vkey(text: str) -> VerifierKey:
    """Return the key that a vkey, `<name>+<hex key id>+<base64 of type and key>`, describes.

    Raises:
        IntegrityError: malformed, of a type not assigned, or its id is not the key's.
    """
    name, _, rest = text.partition("+")
    stated_id, _, material = rest.partition("+")
    decoded = decode_base64(material)
    if not is_key_name(name):
        raise IntegrityError(f"expected a vkey that begins with a key name, found {text!r}")
    try:
        key = VerifierKey(name=name, type=SignatureType(decoded[0]), public_key=decoded[1:])
    except (ValueError, IndexError) as error:
        raise IntegrityError(f"expected a vkey of a known type, found {text!r}") from error
    if key.key_id.hex() != stated_id:
        raise IntegrityError(
            f"expected a vkey whose id is {key.key_id.hex()}, found {text!r}; compare it with the "
            "publisher's copy"
        )
    return key


class Signer(Protocol):
    """Holds one private key. Real ones: `Ed25519Signer`; a KMS or HSM may stand behind it."""

    @property
    def name(self) -> str:
        """The key's name; for a log key, the log's origin."""

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte id."""

    def sign(self, text: bytes) -> bytes:
        """Return the signature over a note's text, without the key id."""


class Verifier(Protocol):
    """Holds one public key and knows the signature type it is for."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte id."""

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Return whether `signature`, without the key id, is this key's over the note's text."""


class Ed25519Signer:
    """Signs notes with an Ed25519 key (type 0x01). Deterministic: the same text, the same note."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        if not is_key_name(name):
            raise IntegrityError(
                f"expected a key name without spaces, '+' or control characters, found {name!r}"
            )
        self._private_key = private_key
        self.vkey = VerifierKey(
            name=name,
            type=SignatureType.ED25519,
            public_key=private_key.public_key().public_bytes_raw(),
        )
        self.name = name
        self.key_id = self.vkey.key_id

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Return the signer whose private key is the 32-byte `seed` (RFC 8032 section 5.1.5)."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, text: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over `text`."""
        return self._private_key.sign(text)


class Ed25519Verifier:
    """Verifies note signatures of one Ed25519 key (type 0x01)."""

    def __init__(self, vkey: VerifierKey) -> None:
        if vkey.type is not SignatureType.ED25519 or len(vkey.public_key) != _ED25519_KEY_BYTES:
            raise IntegrityError(
                f"expected an Ed25519 note key (type 0x01, 32 bytes), found {vkey}; "
                "this version verifies no other type"
            )
        self._public_key = Ed25519PublicKey.from_public_bytes(vkey.public_key)
        self.name = vkey.name
        self.key_id = vkey.key_id

    @classmethod
    def from_vkey(cls, text: str) -> Self:
        """Return the verifier for a vkey line. Raises IntegrityError."""
        return cls(parse_vkey(text))

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Return whether `signature` is this key's over `text`."""
        try:
            self._public_key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line: who says to have signed, and the signature without the key id."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text with signatures: all of them as `parse_note` reads it, as `open_note` the verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """Return the note's encoding."""
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()


def sign_note(text: str, signers: Iterable[Signer]) -> bytes:
    """Return `text`, which ends in a newline, as a note signed by each of `signers`.

    Raises:
        IntegrityError: the text could not be read back from a note, or nobody signs.
    """
    signatures = tuple(
        NoteSignature(name=signer.name, key_id=signer.key_id, signature=signer.sign(text.encode()))
        for signer in signers
    )
    note = Note(text=text, signatures=signatures)
    data = note.to_bytes()
    if parse_note(data) != note:
        raise IntegrityError(f"expected a text that survives being a note, found {text!r}")
    return data


def parse_note(data: bytes) -> Note:
    """Split a note into text and signature lines. *Nothing is verified*: see `open_note`.

    Raises:
        IntegrityError: `data` is not a well-formed note, or over a size limit.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise IntegrityError(
            f"expected a note of at most {MAX_NOTE_BYTES} bytes, found {len(data)}"
        )
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IntegrityError("expected a note in UTF-8, found other bytes") from error
    if _CONTROL.search(content):
        raise IntegrityError("expected a note without control characters, found one")
    text, blank, lines = content.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise IntegrityError(
            "expected a text, a blank line and signature lines, found no such note"
        )
    signed = lines.removesuffix("\n").split("\n")
    if len(signed) > MAX_SIGNATURES:
        raise IntegrityError(f"expected at most {MAX_SIGNATURES} signatures, found {len(signed)}")
    return Note(text=text + "\n", signatures=tuple(map(_parse_signature, signed)))


def _parse_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise IntegrityError(
            f"expected a signature line '{_DASH}<name> <base64>' in the note, found {line!r}"
        )
    decoded = decode_base64(encoded)
    if len(decoded) <= _KEY_ID_BYTES:
        raise IntegrityError(f"expected a key id and a signature in the note, found {line!r}")
    return NoteSignature(
        name=name, key_id=decoded[:_KEY_ID_BYTES], signature=decoded[_KEY_ID_BYTES:]
    )


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> Note:
    """Return a note that at least one known key signed, with its verified signatures only.

    Lines of unknown keys are ignored. A line of a known key that does not verify condemns the
    whole note, as the specification advises.

    Raises:
        IntegrityError: malformed, a known key's signature fails, or no known key signed.
    """
    note = parse_note(data)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    if len(known) != len(verifiers):
        raise IntegrityError("expected verifier keys of different names or ids, found two alike")
    verified = []
    for line in note.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.verify(note.text.encode(), line.signature):
            raise IntegrityError(
                f"the signature of {line.name}+{line.key_id.hex()} does not match the note; "
                "it was altered, or the key is not the one it is said to be"
            )
        verified.append(line)
    if not verified:
        found = ", ".join(f"{line.name}+{line.key_id.hex()}" for line in note.signatures)
        raise IntegrityError(f"expected a note signed by a trusted key, found only {found}")
    return Note(text=note.text, signatures=tuple(verified))


def is_key_name(name: str) -> bool:
    """Return whether `name` may name a key: not empty, no Unicode space, `+` or control."""
    return bool(name) and not _UNUSABLE_IN_NAME.search(name)


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4)."""
    return b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Return the bytes of standard base64 with padding, in its one canonical spelling.

    Raises:
        IntegrityError: `text` is anything else.
    """
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise IntegrityError(f"expected base64, found {text!r}") from error
    if encode_base64(data) != text:
        raise IntegrityError(f"expected canonical base64, found {text!r}")
    return data


def decode_hash(text: str) -> bytes:
    """Return the 32 bytes of a base64 hash. Raises IntegrityError."""
    data = decode_base64(text)
    if len(data) != _HASH_BYTES:
        raise IntegrityError(f"expected base64 of {_HASH_BYTES} bytes, found {text!r}")
    return data


def decode_decimal(text: str) -> int:
    """Return a decimal of at most 19 digits without sign or leading zeros.

    Raises:
        IntegrityError: `text` is anything else.
    """
    if not _DECIMAL.fullmatch(text):
        raise IntegrityError(f"expected a decimal without leading zeros, found {text!r}")
    return int(text)
