"""Reading timestamps: which tokens there are, what they say, and which covers which.

A token over a checkpoint of size n covers every log entry below n, and so every older token's
entry: the chain of renewals of RFC 4998, by the log's own proofs. Nothing here holds content.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from archiver.access.rules import Permission, require
from archiver.clock import from_millis
from archiver.db import timestamps as timestamp_rows
from archiver.db.timestamps import Placed
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.model.actor import Actor
from archiver.preserve.ledger.entry import TimestampEntry, decode_entry
from archiver.preserve.ledger.timestamps import Authority, Token, entry_prefix, verify_response
from archiver.preserve.object_keys import checkpoint_object, timestamp_object, timestamp_prefix
from archiver.preserve.store.threads import AsyncStore

_NAME = re.compile(r"([0-9]{12})/([a-z0-9][a-z0-9-]{0,62})\.tsr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A stored token over the checkpoint of `size`.

    `log_index` is where its entry stands and `logged_at` what our own clock said then, both None
    until it is logged. `token` is None, and `problem`
    says why, where it does not verify under the roots configured now.
    """

    size: int
    authority: str
    object_key: str
    response_sha256: bytes
    log_index: int | None = None
    logged_at: datetime | None = None
    token: Token | None = None
    problem: str = ""

    def covers(self, other: "Stamp") -> bool:
        """Whether the checkpoint of this token covers the entry of the other one."""
        return other.log_index is not None and other.log_index < self.size


class TimestampView:
    """The timestamps of one archive, for reading."""

    def __init__(
        self,
        *,
        archive_id: str,
        authorities: Sequence[Authority],
        store: AsyncStore,
        database: Database,
    ) -> None:
        self._archive_id = archive_id
        self._roots = {authority.name: authority.roots for authority in authorities}
        self._store = store
        self._database = database

    async def stamps(self, *, newest: int, actor: Actor) -> list[Stamp]:
        """Return the newest tokens, oldest first.

        Raises:
            Denied: the actor may not read the log.
            IntegrityError: a stored token is not the one its log entry promises.
        """
        require(actor, Permission.READ_LOG)
        names = await self.names()
        shown = names[max(0, len(names) - newest) :]
        return [await self.read(size, authority) for size, authority in shown]

    async def names(self, *, start: int = 0, most: int | None = None) -> list[tuple[int, str]]:
        """Return size and authority of the stored tokens from size `start` on, in that order.

        With `most` it stops after so many; without, it tells all.
        """
        prefix = timestamp_prefix(self._archive_id)
        found: list[tuple[int, str]] = []
        async for key in self._store.list_keys(prefix, after=f"{prefix}{start:012d}"):
            match = _NAME.fullmatch(key.removeprefix(prefix))
            if match:
                found.append((int(match[1]), match[2]))
            if len(found) == most:
                break
        return found

    async def read(self, size: int, authority: str) -> Stamp:
        """Return one token.

        Raises:
            NotFound: there is none.
            IntegrityError: it is not the one its log entry promises.
        """
        key = timestamp_object(self._archive_id, size, authority)
        response = await self._store.get(key)
        digest = hashlib.sha256(response).digest()
        async with self._database.reading() as tx:
            placed = await timestamp_rows.find(tx, entry_prefix(size, authority), start=size)
        token, problem = await self._verify(response, size, authority)
        stamp = Stamp(
            size=size,
            authority=authority,
            object_key=key,
            response_sha256=digest,
            token=token,
            problem=problem,
        )
        return placed_at(stamp, placed) if placed else stamp

    async def _verify(self, response: bytes, size: int, authority: str) -> tuple[Token | None, str]:
        roots = self._roots.get(authority)
        if roots is None:
            return None, "its authority is no longer in the authorities file"
        try:
            message = await self._store.get(checkpoint_object(self._archive_id, size))
            return await asyncio.to_thread(verify_response, response, message, roots), ""
        except (IntegrityError, NotFound) as error:
            return None, str(error)


def placed_at(stamp: Stamp, placed: Placed) -> Stamp:
    """Return a token with the place of its entry.

    Raises:
        IntegrityError: the entry is of another token: the stored object was exchanged.
    """
    index, data = placed
    entry = decode_entry(data)
    if not isinstance(entry, TimestampEntry) or entry.token_sha256 != stamp.response_sha256:
        raise IntegrityError(
            f"{stamp.object_key}: entry {index} of the log promises a token with another hash than "
            "that of the stored one; restore the object from the store's second copy",
            object_key=stamp.object_key,
        )
    return replace(stamp, log_index=index, logged_at=from_millis(entry.ts_ms))
