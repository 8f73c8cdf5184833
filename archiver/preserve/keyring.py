"""The keyring: the root key and the log's signing key, in one file sealed by a passphrase or key.

Without the keyring the archive cannot be read, and nobody can sign checkpoints in its name, so it
is the one thing besides the bucket that must be backed up. Keys never stand in the database:
database backups must not hold them.

The file is JSON: what seals it, and `sealed` = nonce(12) || AES-256-GCM of the secrets, with the
archive id as associated data. A passphrase is stretched by scrypt (RFC 7914, n=2^17, r=8, p=1).
"""

import base64
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.errors import ConfigurationError
from archiver.ids import Randomness

_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1
_SCRYPT_MEMORY = 256 * 1024 * 1024
_SEALS = ("key-file", "scrypt")
_LEAST_SEALED = 12 + 16  # nonce and tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The archive's secrets, opened. `log_key` is an Ed25519 seed; all keys are 32 bytes."""

    archive_id: str
    origin: str
    root_key: bytes = field(repr=False)
    log_key: bytes = field(repr=False)


class _File(msgspec.Struct, frozen=True):
    v: int
    archive: str
    origin: str
    seal: str  # key-file or scrypt
    salt: str
    sealed: str


class _Secrets(msgspec.Struct, frozen=True):
    root_key: str
    log_key: str


def create_keyring(archive_id: str, origin: str, randomness: Randomness) -> Keyring:
    """Return a keyring with fresh keys."""
    return Keyring(
        archive_id=archive_id, origin=origin, root_key=randomness(32), log_key=randomness(32)
    )


def write_keyring(
    path: Path, keyring: Keyring, *, seal: str, secret: bytes, randomness: Randomness
) -> None:
    """Write a keyring file that only `secret` opens; `seal` is `key-file` or `scrypt`.

    Raises:
        ConfigurationError: there is a file already; a keyring is never overwritten.
    """
    salt, nonce = randomness(16), randomness(12)
    secrets = msgspec.json.encode(
        _Secrets(root_key=_b64(keyring.root_key), log_key=_b64(keyring.log_key))
    )
    sealed = AESGCM(_sealing_key(seal, secret, salt)).encrypt(
        nonce, secrets, keyring.archive_id.encode("ascii")
    )
    body = msgspec.json.encode(
        _File(
            v=1,
            archive=keyring.archive_id,
            origin=keyring.origin,
            seal=seal,
            salt=_b64(salt),
            sealed=_b64(nonce + sealed),
        )
    )
    write_private(path, msgspec.json.format(body, indent=2) + b"\n")


def open_keyring(path: Path, secret_path: Path | None, *, passphrase: bool) -> Keyring:
    """Open the keyring file with the secret in `secret_path`.

    Raises:
        ConfigurationError: a file is missing or malformed, or the secret does not open it.
    """
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File)
        salt = base64.b64decode(stored.salt, validate=True)
        blob = base64.b64decode(stored.sealed, validate=True)
        context = stored.archive.encode("ascii")
        secret = secret_path.read_bytes() if secret_path else b""
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(
            f"the keyring {path} could not be read ({error}); run `muniment init` for a new "
            "archive, or restore the keyring of this one"
        ) from error
    if stored.v != 1 or stored.seal not in _SEALS or len(blob) < _LEAST_SEALED:
        raise ConfigurationError(
            f"the keyring {path} is not one this version knows: expected version 1 sealed by "
            f"{' or '.join(_SEALS)}, found version {stored.v} sealed by {stored.seal!r}"
        )
    if passphrase:
        secret = secret.rstrip(b"\r\n")
    try:
        opened = AESGCM(_sealing_key(stored.seal, secret, salt)).decrypt(
            blob[:12], blob[12:], context
        )
    except InvalidTag as error:
        raise ConfigurationError(
            f"the keyring {path} does not open: expected the {stored.seal} secret it was sealed "
            f"with, found another in {secret_path}; nothing was changed"
        ) from error
    secrets = msgspec.json.decode(opened, type=_Secrets)
    return Keyring(
        archive_id=stored.archive,
        origin=stored.origin,
        root_key=base64.b64decode(secrets.root_key),
        log_key=base64.b64decode(secrets.log_key),
    )


def write_private(path: Path, body: bytes) -> None:
    """Create a file that only its owner can read, durably, never over an existing one.

    It gets its name when it is whole: a crash on the way leaves no half a keyring to trip over.

    Raises:
        ConfigurationError: the file exists.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(unfinished)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists already and is never overwritten") from error
    finally:
        unfinished.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sealing_key(seal: str, secret: bytes, salt: bytes) -> bytes:
    if seal == "scrypt":
        return hashlib.scrypt(
            secret,
            salt=salt,
            n=_SCRYPT_N,
            r=_SCRYPT_R,
            p=_SCRYPT_P,
            maxmem=_SCRYPT_MEMORY,
            dklen=32,
        )
    # A key file holds 32 random bytes; hashing it with the salt only fixes the length.
    return hashlib.sha256(b"muniment keyring key-file\x00" + salt + secret).digest()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
