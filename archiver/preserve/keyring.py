"""The keyring: root keys and the log's signing keys, in one file sealed by a passphrase or key.

Without the keyring the archive cannot be read, and nobody can sign checkpoints in its name, so it
is the one thing besides the bucket that must be backed up. Keys never stand in the database:
database backups must not hold them.

The file is JSON: what seals it, and `sealed` = nonce(12) || AES-256-GCM of the secrets, with the
archive id as associated data. A passphrase is stretched by scrypt (RFC 7914, n=2^17, r=8, p=1).
"""

import base64
import hashlib
import os
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.errors import ConfigurationError
from archiver.ids import Randomness
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier

if TYPE_CHECKING:  # an audit from outside has keys and no settings: it starts without them
    from archiver.config import Settings

_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1
_SCRYPT_MEMORY = 256 * 1024 * 1024
KEY_FILE, SCRYPT = "key-file", "scrypt"
_SEALS = (KEY_FILE, SCRYPT)
_LEAST_SEALED = 12 + 16  # nonce and tag


class KeyState(StrEnum):
    """Where a log key is in its life."""

    ANNOUNCED = "announced"  # made, perhaps in the log, signs nothing yet
    ACTIVE = "active"
    RETIRED = "retired"  # verifies what it signed; its seed is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A key of the log: its public form, and its Ed25519 seed (32 bytes), empty once retired."""

    vkey: str
    seed: bytes = field(repr=False)
    state: KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The archive's secrets, opened; the newest root key and the newest log key stand first.

    New epoch keys are wrapped under the first root key. The others open what was wrapped under
    them, which its lock keeps as it is.
    """

    archive_id: str
    origin: str
    root_keys: tuple[bytes, ...] = field(repr=False)
    log_keys: tuple[LogKey, ...]

    @property
    def signers(self) -> tuple[Ed25519Signer, ...]:
        """The keys that sign checkpoints now, the newest first.

        Raises:
            ConfigurationError: there is none: a third party's copy opens records and signs nothing.
        """
        active = [key.seed for key in self.log_keys if key.state is KeyState.ACTIVE]
        if not active:
            raise ConfigurationError(
                f"the keyring of archive {self.archive_id} reads and does not sign: it was opened "
                "from an escrow copy. Use it with `muniment verify --from`"
            )
        return tuple(Ed25519Signer.from_seed(self.origin, seed) for seed in active)

    @property
    def verifiers(self) -> tuple[Ed25519Verifier, ...]:
        """What every checkpoint of this log is verified with, retired keys included."""
        return tuple(Ed25519Verifier.from_vkey(key.vkey) for key in self.log_keys)

    def with_log_key(self, key: LogKey) -> "Keyring":
        """Return the keyring in which `key` stands as it is given, first where it is new."""
        if key.vkey not in {known.vkey for known in self.log_keys}:
            return replace(self, log_keys=(key, *self.log_keys))
        keys = tuple(key if known.vkey == key.vkey else known for known in self.log_keys)
        return replace(self, log_keys=keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyringFile:
    """Where the keyring lies, and the file whose content opens it."""

    path: Path
    secret_path: Path
    passphrase: bool

    @classmethod
    def of(cls, settings: "Settings") -> "KeyringFile":
        """Return where the settings say the keyring lies."""
        return cls(
            path=settings.effective_keyring_file,
            secret_path=settings.keyring_secret_file,
            passphrase=settings.keyring_passphrase_file is not None,
        )

    def open(self) -> Keyring:
        """Return the keyring. Raises ConfigurationError, as `open_keyring`."""
        return open_keyring(self.path, self.secret_path, passphrase=self.passphrase)

    def replace(self, keyring: Keyring, randomness: Randomness) -> None:
        """Put `keyring` in the place of the one that is there, sealed by the same secret.

        A crash leaves the old file or the new one, whole.

        Raises:
            ConfigurationError: the file does not open, or is another archive's.
        """
        if self.open().archive_id != keyring.archive_id:
            raise ConfigurationError(f"{self.path} is another archive's; it was not changed")
        body = _sealed(
            keyring,
            seal=SCRYPT if self.passphrase else KEY_FILE,
            secret=_secret(self.secret_path, passphrase=self.passphrase),
            randomness=randomness,
        )
        following = self.path.with_name(f".{self.path.name}.next")
        following.unlink(missing_ok=True)
        write_private(following, body)
        following.replace(self.path)
        _sync_folder(self.path)


def root_key_id(root_key: bytes) -> str:
    """Return the public name of a root key: 16 hex digits that tell nothing of the key."""
    return hashlib.sha256(b"muniment root key id\x00" + root_key).hexdigest()[:16]


def new_log_key(origin: str, seed: bytes, state: KeyState) -> LogKey:
    """Return the log key that `seed` makes."""
    return LogKey(vkey=str(Ed25519Signer.from_seed(origin, seed).vkey), seed=seed, state=state)


class _File(msgspec.Struct, frozen=True):
    v: int
    archive: str
    origin: str
    seal: str  # key-file or scrypt
    salt: str
    sealed: str


class _LogKey(msgspec.Struct, frozen=True):
    vkey: str
    seed: str
    state: KeyState


class _Secrets(msgspec.Struct, frozen=True):
    root_keys: list[str]
    log_keys: list[_LogKey]


def create_keyring(archive_id: str, origin: str, randomness: Randomness) -> Keyring:
    """Return a keyring with fresh keys."""
    return Keyring(
        archive_id=archive_id,
        origin=origin,
        root_keys=(randomness(32),),
        log_keys=(new_log_key(origin, randomness(32), KeyState.ACTIVE),),
    )


def write_keyring(
    path: Path, keyring: Keyring, *, seal: str, secret: bytes, randomness: Randomness
) -> None:
    """Write a keyring file that only `secret` opens; `seal` is `key-file` or `scrypt`.

    Raises:
        ConfigurationError: there is a file already; a keyring is never overwritten.
    """
    write_private(path, _sealed(keyring, seal=seal, secret=secret, randomness=randomness))


def _sealed(keyring: Keyring, *, seal: str, secret: bytes, randomness: Randomness) -> bytes:
    salt, nonce = randomness(16), randomness(12)
    secrets = msgspec.json.encode(
        _Secrets(
            root_keys=[_b64(key) for key in keyring.root_keys],
            log_keys=[_LogKey(key.vkey, _b64(key.seed), key.state) for key in keyring.log_keys],
        )
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
    return msgspec.json.format(body, indent=2) + b"\n"


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
        secret = _secret(secret_path, passphrase=passphrase) if secret_path else b""
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise ConfigurationError(
            f"the keyring {path} could not be read ({error}); run `muniment init` or "
            "`muniment serve --set-up` for a new "
            "archive, or restore the keyring of this one"
        ) from error
    if stored.v != 1 or stored.seal not in _SEALS or len(blob) < _LEAST_SEALED:
        raise ConfigurationError(
            f"the keyring {path} is not one this version knows: expected version 1 sealed by "
            f"{' or '.join(_SEALS)}, found version {stored.v} sealed by {stored.seal!r}"
        )
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
        root_keys=tuple(base64.b64decode(key) for key in secrets.root_keys),
        log_keys=tuple(
            LogKey(vkey=key.vkey, seed=base64.b64decode(key.seed), state=key.state)
            for key in secrets.log_keys
        ),
    )


def _secret(path: Path, *, passphrase: bool) -> bytes:
    secret = path.read_bytes()
    return secret.rstrip(b"\r\n") if passphrase else secret


def write_private(path: Path, body: bytes) -> None:
    """Create a file that only its owner can read, durably, never over an existing one.

    It gets its name when it is whole: a crash on the way leaves no half a keyring to trip over.

    Raises:
        ConfigurationError: the file exists, or its folder takes none.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}; check the folder and its rights"
        ) from error
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
    _sync_folder(path)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sealing_key(seal: str, secret: bytes, salt: bytes) -> bytes:
    if seal == SCRYPT:
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
