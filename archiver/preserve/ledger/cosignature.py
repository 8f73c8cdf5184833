"""Cosignatures: what a witness adds to a checkpoint (https://c2sp.org/tlog-cosignature).

A cosignature is a note signature that says when its witness saw the tree, and that this was the
largest tree of that log it had seen, consistent with all before. Both types are verified; ours
are made with Ed25519 (0x04), because every client of today reads those.
"""

from datetime import UTC, datetime
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.ledger.checkpoint import parse_checkpoint
from archiver.preserve.ledger.note import NoteSignature, SignatureType, VerifierKey, is_key_name

_TIMESTAMP_BYTES = 8
_LATEST_TIMESTAMP = 2**63 - 1
_ED25519_KEY_BYTES = 32
_ED25519_SIGNATURE_BYTES = 64
_ML_DSA_44_KEY_BYTES = 1312
_ML_DSA_44_SIGNATURE_BYTES = 2420
_ML_DSA_44_LABEL = b"subtree/v1\n\0"
_SHORT_TEXT_BYTES = 255


class Ed25519Cosigner:
    """A witness's Ed25519 key (type 0x04)."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        if not is_key_name(name):
            raise IntegrityError(
                f"expected a witness name without spaces, '+' or control characters, found {name!r}"
            )
        self._private_key = private_key
        self.vkey: Final = VerifierKey(
            name=name,
            type=SignatureType.ED25519_COSIGNATURE,
            public_key=private_key.public_key().public_bytes_raw(),
        )

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Return the cosigner whose private key is the 32-byte `seed` (RFC 8032 section 5.1.5)."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def cosign(self, text: bytes, *, at: datetime) -> NoteSignature:
        """Return this witness's line under a checkpoint's text, seen `at` (whole seconds count).

        The caller guarantees what the line says: that it saw no larger or other tree of that log.
        """
        timestamp = int(at.timestamp())
        signature = self._private_key.sign(_ed25519_message(text, timestamp))
        return NoteSignature(
            name=self.vkey.name,
            key_id=self.vkey.key_id,
            signature=timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + signature,
        )


class Ed25519CosignatureVerifier:
    """Verifies the cosignatures of one Ed25519 key (type 0x04)."""

    def __init__(self, vkey: VerifierKey) -> None:
        _require(vkey, SignatureType.ED25519_COSIGNATURE, _ED25519_KEY_BYTES)
        self._public_key = Ed25519PublicKey.from_public_bytes(vkey.public_key)
        self.name = vkey.name
        self.key_id = vkey.key_id

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Return whether `signature`, timestamp first, is this key's over the note's text."""
        timestamp = _timestamp(signature, _ED25519_SIGNATURE_BYTES)
        if timestamp is None:
            return False
        try:
            self._public_key.verify(signature[_TIMESTAMP_BYTES:], _ed25519_message(text, timestamp))
        except InvalidSignature:
            return False
        return True


class MLDSA44CosignatureVerifier:
    """Verifies the cosignatures of one ML-DSA-44 key (type 0x06), of a witness or of a log.

    They cover the checkpoint's origin, size and root, but no extension line.
    """

    def __init__(self, vkey: VerifierKey) -> None:
        _require(vkey, SignatureType.ML_DSA_44_COSIGNATURE, _ML_DSA_44_KEY_BYTES)
        try:
            self._public_key = MLDSA44PublicKey.from_public_bytes(vkey.public_key)
        except UnsupportedAlgorithm as error:
            raise ConfigurationError(
                f"the key of {vkey.name} is an ML-DSA-44 key, which this build of the cryptography "
                "package cannot verify; use one with OpenSSL 3.5 or later"
            ) from error
        self.name = vkey.name
        self.key_id = vkey.key_id

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Return whether `signature`, timestamp first, is this key's over the note's text."""
        timestamp = _timestamp(signature, _ML_DSA_44_SIGNATURE_BYTES)
        message = None if timestamp is None else ml_dsa_44_message(self.name, text, timestamp)
        if message is None:
            return False
        try:
            self._public_key.verify(signature[_TIMESTAMP_BYTES:], message)
        except InvalidSignature:
            return False
        return True


def ml_dsa_44_message(cosigner: str, text: bytes, timestamp: int) -> bytes | None:
    """Return what an ML-DSA-44 cosignature of a checkpoint signs, or None for no such text."""
    try:
        checkpoint = parse_checkpoint(text.decode())
    except (IntegrityError, UnicodeDecodeError):
        return None
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    if max(len(name), len(origin)) > _SHORT_TEXT_BYTES or checkpoint.size >= 2**64:
        return None
    return b"".join(
        (
            _ML_DSA_44_LABEL,
            bytes([len(name)]) + name,
            timestamp.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def cosigned_at(signature: bytes) -> datetime | None:
    """Return when a verified cosignature was made; None when it states no time.

    Raises:
        IntegrityError: the time is none that a calendar has.
    """
    timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
    if timestamp == 0:
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise IntegrityError(
            f"expected the time of a cosignature in seconds since 1970, found {timestamp}"
        ) from error


def _ed25519_message(text: bytes, timestamp: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % timestamp + text


def _timestamp(signature: bytes, signature_bytes: int) -> int | None:
    """Return the seconds at the head of a timestamped signature; None when it is not one."""
    if len(signature) != _TIMESTAMP_BYTES + signature_bytes:
        return None
    timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
    return timestamp if timestamp <= _LATEST_TIMESTAMP else None


def _require(vkey: VerifierKey, kind: SignatureType, key_bytes: int) -> None:
    if vkey.type is not kind or len(vkey.public_key) != key_bytes:
        raise IntegrityError(
            f"expected a cosignature key of type {kind:#04x} with {key_bytes} bytes, found {vkey}"
        )
