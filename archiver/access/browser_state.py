"""What a sign-in has to remember between two requests, kept by the browser that began it.

The browser holds it in a cookie, encrypted and authenticated (AES-256-GCM) under a key that every
server of the archive derives for itself, so that any of them can take the second request. It ends
after ten minutes, is good for one purpose, and once: each process remembers what was used until it
would have ended anyway. Another process does not know, so nothing may rest on that alone: a code is
redeemed once by the provider, and a passkey's counter goes up.
"""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.clock import Clock, to_millis
from archiver.errors import Denied
from archiver.ids import Randomness

LASTS = timedelta(minutes=10)
_NONCE_BYTES = 12
_MOST_CHARACTERS = 4096  # what browsers keep of one cookie
_MOST_USED = 100_000

State = TypeVar("State", bound=msgspec.Struct)


class _Envelope(msgspec.Struct, frozen=True):
    ends: int
    state: msgspec.Raw


class BrowserState(Generic[State]):
    """Seals and opens states of one kind; `purpose` keeps the kinds apart under one key."""

    def __init__(
        self,
        kind: type[State],
        *,
        purpose: str,
        key: bytes,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._purpose = purpose.encode("ascii")
        self._cipher = AESGCM(key)
        self._clock = clock
        self._randomness = randomness
        self._used: dict[bytes, int] = {}

    def seal(self, state: State) -> str:
        """Return the cookie's value: base64url of nonce and ciphertext."""
        ends = to_millis(self._clock() + LASTS)
        body = msgspec.json.encode(_Envelope(ends, msgspec.Raw(msgspec.json.encode(state))))
        nonce = self._randomness(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, body, self._purpose)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open_once(self, text: str) -> State:
        """Return what was sealed, the first time it is asked for.

        Raises:
            Denied: not sealed by this archive for this purpose, over ten minutes old, or used.
        """
        now = self._clock()
        sealed = _decoded(text)
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            body = self._cipher.decrypt(nonce, ciphertext, self._purpose)
        except (InvalidTag, ValueError) as error:
            raise _refused("that this archive made for this browser") from error
        envelope = msgspec.json.decode(body, type=_Envelope)
        if envelope.ends <= to_millis(now):
            raise _refused("of the last ten minutes")
        self._use(nonce, envelope.ends, now)
        return self._decode(envelope.state)

    def _use(self, nonce: bytes, ends: int, now: datetime) -> None:
        if nonce in self._used:
            raise _refused("that was not used before")
        if len(self._used) >= _MOST_USED:
            raise Denied("too many sign-ins are under way; wait ten minutes and begin again")
        self._used[nonce] = ends
        while (first := next(iter(self._used))) and self._used[first] <= to_millis(now):
            del self._used[first]


def _decoded(text: str) -> bytes:
    if len(text) > _MOST_CHARACTERS:
        raise _refused("that a browser would keep")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise _refused("that this archive made for this browser") from error


def _refused(expected: str) -> Denied:
    return Denied(
        f"expected the beginning of a sign-in {expected}, found another or none; begin again in "
        "this browser, and let it keep cookies"
    )
