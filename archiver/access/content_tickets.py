"""Tickets for archived content on a host name of its own, where no cookie says who is asking.

A ticket opens one part of one record for five minutes. It is sealed by a key only the archive's
servers have (AES-GCM), for that record and part: it cannot be made, altered or moved to another
part, and tells proxies and logs nothing of who it was given to. Whether they may read the part was
checked when it was given.
"""

import base64
import binascii
from datetime import timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.clock import Clock, to_millis
from archiver.errors import NotFound
from archiver.ids import Randomness
from archiver.model.actor import Actor

PURPOSE = "content tickets"
"""What the key is derived for."""
LASTS = timedelta(minutes=5)

_NONCE_BYTES = 12
_LONGEST = 2_000


class _Ticket(msgspec.Struct, frozen=True, array_like=True):
    until: int
    actor: str
    via: str


class ContentTickets:
    """Gives and reads tickets. `key` is 32 bytes, the same on every server of the archive."""

    def __init__(self, *, key: bytes, clock: Clock, randomness: Randomness) -> None:
        self._seal = AESGCM(key)
        self._clock = clock
        self._randomness = randomness

    def give(self, record_id: str, part: str, *, actor: Actor) -> str:
        """Return a ticket for a part this actor may read; the caller has checked that."""
        ticket = _Ticket(until=to_millis(self._clock() + LASTS), actor=actor.name, via=actor.via)
        nonce = self._randomness(_NONCE_BYTES)
        sealed = self._seal.encrypt(nonce, msgspec.json.encode(ticket), _named(record_id, part))
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def read(self, ticket: str, record_id: str, part: str) -> Actor:
        """Return whom the ticket was given to, without any role: it opens this part only.

        Raises:
            NotFound: it is no ticket of this archive, of another part, or its time is over.
        """
        try:
            blob = base64.b64decode(
                ticket[:_LONGEST] + "=" * (-len(ticket) % 4), altchars=b"-_", validate=True
            )
            opened = self._seal.decrypt(
                blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], _named(record_id, part)
            )
            found = msgspec.json.decode(opened, type=_Ticket)
        except (binascii.Error, ValueError, InvalidTag, msgspec.DecodeError) as error:
            raise _no_ticket() from error
        if to_millis(self._clock()) >= found.until:
            raise _no_ticket()
        return Actor(name=found.actor, roles=frozenset(), via=found.via)


def _named(record_id: str, part: str) -> bytes:
    return f"{record_id}\0{part}".encode("utf-8", "surrogatepass")


def _no_ticket() -> NotFound:
    return NotFound("this address is no longer good: they last five minutes; reload the record")
