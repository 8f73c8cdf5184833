"""The small file beside each object of a filesystem store that says what was promised about it.

JSON in one line: `{"size":…,"sha256":"<hex>","mode":"compliance","until":"2032-12-01T00:00:00Z",
"legal_hold":false}`; `mode` is `none` and `until` null where there is no lock.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from archiver.errors import IntegrityError
from archiver.model.lock import Lock, LockMode, longest


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    size: int
    sha256: str
    mode: LockMode
    until: datetime | None
    legal_hold: bool


_decode = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What the store promises about one object: its bytes, its lock, its hold."""

    size: int
    sha256: bytes
    lock: Lock | None
    legal_hold: bool

    @property
    def version_id(self) -> str:
        """The object's version, derived from its bytes."""
        return version_of(self.sha256)

    def encode(self) -> bytes:
        """Return the line that `decode` reads."""
        return _encode(
            _Line(
                size=self.size,
                sha256=self.sha256.hex(),
                mode=self.lock.mode if self.lock else LockMode.NONE,
                until=self.lock.until if self.lock else None,
                legal_hold=self.legal_hold,
            )
        )

    def keeping(self, *, lock: Lock | None, legal_hold: bool) -> "Sidecar":
        """The sidecar that also keeps these promises; nothing is ever taken back."""
        return replace(
            self, lock=longest(self.lock, lock), legal_hold=self.legal_hold or legal_hold
        )


def describing(body: bytes, *, lock: Lock | None, legal_hold: bool) -> Sidecar:
    """Return the sidecar of `body`."""
    return Sidecar(
        size=len(body), sha256=hashlib.sha256(body).digest(), lock=lock, legal_hold=legal_hold
    )


def decode(line: bytes, *, key: str) -> Sidecar:
    """Read what `Sidecar.encode` wrote.

    Raises:
        IntegrityError: it is damaged.
    """
    try:
        read = _decode(line)
        digest = bytes.fromhex(read.sha256)
    except (msgspec.DecodeError, ValueError) as error:
        raise _damaged(key, str(error)) from error
    if len(digest) != hashlib.sha256().digest_size:
        raise _damaged(key, f"sha256 has {len(digest)} bytes, expected 32")
    lock = None
    if read.mode is not LockMode.NONE:
        if read.until is None or read.until.tzinfo is None:
            raise _damaged(key, f"mode {read.mode} without an end in UTC")
        lock = Lock(mode=read.mode, until=read.until)
    return Sidecar(size=read.size, sha256=digest, lock=lock, legal_hold=read.legal_hold)


def version_of(sha256: bytes) -> str:
    """Return the version id of an object with this digest: its first 16 bytes in hex."""
    return sha256[:16].hex()


def _damaged(key: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"the lock file of object {key} is damaged ({what}); the object's bytes may be whole: "
        f"verify it, then restore the lock file from a backup",
        object_key=key,
    )
