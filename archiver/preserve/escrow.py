"""Escrow: the root keys, sealed to the public key of a designated third party.

17 CFR 240.17a-4(f)(3)(v) wants somebody outside the firm able to furnish its records. The copy
opens records and signs nothing: no log key is in it. It does not outlive disposal either: an epoch
key that was destroyed is nowhere but in its object, so the root keys that wrapped it open nothing.

Sealed by HPKE (RFC 9180, base mode): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with
`escrow/v1`, a zero byte and the archive's id as `info`. `sealed` is `enc || ciphertext`.
"""

import hashlib

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from archiver.errors import InvalidInput
from archiver.preserve.keyring import Keyring, KeyState, LogKey

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class _Secrets(msgspec.Struct, frozen=True):
    root_keys: list[bytes]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    archive: str
    origin: str
    log_keys: list[str]
    recipient: str
    sealed: bytes


def recipient_key(pem: bytes) -> X25519PublicKey:
    """Return the third party's public key. Raises InvalidInput with the command that makes one."""
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, X25519PublicKey):
        raise InvalidInput(
            "expected an X25519 public key in PEM; `openssl genpkey -algorithm X25519` makes a "
            "private one, and `openssl pkey -pubout` prints the public half of that"
        )
    return key


def recipient_id(key: X25519PublicKey) -> str:
    """Return the public name of a recipient: 16 hex digits of the SHA-256 of the raw key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def seal_escrow(keyring: Keyring, recipient: X25519PublicKey) -> bytes:
    """Return the escrow file that only the recipient opens."""
    secrets = msgspec.json.encode(_Secrets(list(keyring.root_keys)))
    file = _File(
        v=1,
        archive=keyring.archive_id,
        origin=keyring.origin,
        log_keys=[key.vkey for key in keyring.log_keys],
        recipient=recipient_id(recipient),
        sealed=_SUITE.encrypt(secrets, recipient, _info(keyring.archive_id)),
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def open_escrow(data: bytes, private_pem: bytes) -> Keyring:
    """Return the keyring in an escrow file: it opens every record and signs nothing.

    Raises:
        InvalidInput: this is no escrow file, it was altered, or it is sealed to somebody else.
    """
    try:
        private = load_pem_private_key(private_pem, password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"the private key could not be read: {error}") from error
    if not isinstance(private, X25519PrivateKey):
        raise InvalidInput("expected an X25519 private key in PEM, found one of another kind")
    try:
        file = msgspec.json.decode(data, type=_File)
        opened = _SUITE.decrypt(file.sealed, private, _info(file.archive))
        root_keys = tuple(msgspec.json.decode(opened, type=_Secrets).root_keys)
    except (msgspec.MsgspecError, ValueError, InvalidTag) as error:
        raise InvalidInput(
            "the escrow file does not open: it was altered, or sealed to another key than "
            f"{recipient_id(private.public_key())}"
        ) from error
    return Keyring(
        archive_id=file.archive,
        origin=file.origin,
        root_keys=root_keys,
        log_keys=tuple(
            LogKey(vkey=vkey, seed=b"", state=KeyState.RETIRED) for vkey in file.log_keys
        ),
    )


def _info(archive_id: str) -> bytes:
    return b"escrow/v1\x00" + archive_id.encode()
