"""Keeping tokens: stored once, logged once, and what a crash left in between put right.

The object comes first, then one transaction with its `tsr` entry. A stored token without an entry
is therefore all that a crash can leave; it is logged by whoever sees it next.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from archiver.assurance.timestamp_view import Stamp, TimestampView, placed_at
from archiver.clock import Clock, to_millis
from archiver.db import timestamps as timestamp_rows
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import Lock
from archiver.preserve.ledger.entry import timestamp_entry
from archiver.preserve.ledger.timestamps import Authority, entry_prefix, roots_file
from archiver.preserve.object_keys import timestamp_object, trust_object
from archiver.preserve.store.threads import AsyncStore

_ROOTS = "tsa-roots.pem"

_log = structlog.get_logger("muniment.jobs")


class TimestampKeeping:
    """The tokens of one archive as this process knows them; `newest` is by authority."""

    def __init__(
        self,
        *,
        archive_id: str,
        store: AsyncStore,
        database: Database,
        view: TimestampView,
        clock: Clock,
        lock: Callable[[], Lock | None],
    ) -> None:
        self._archive_id = archive_id
        self._store = store
        self._database = database
        self._view = view
        self._clock = clock
        self._lock = lock
        self._newest: dict[str, Stamp] = {}
        self._looked_from: int | None = None

    @property
    def newest(self) -> Mapping[str, Stamp]:
        """The newest logged token of each authority, also of those no longer configured."""
        return self._newest

    async def publish_roots(self, authorities: Sequence[Authority]) -> None:
        """Bring the public copy of the authorities' roots up to date, where it is not."""
        key = trust_object(self._archive_id, _ROOTS)
        try:
            published = await self._store.get(key)
        except NotFound:
            published = b""
        content = roots_file(authorities, published)
        if content != published:
            await self._store.replace(key, content)

    async def look(self) -> None:
        """Learn which tokens were stored since the last look, and log those that are not yet.

        The first look takes the newest of each authority: older ones were looked at in their time.

        Raises:
            IntegrityError: a stored token is not the one its log entry promises.
        """
        start = self._looked_from
        names = await self._view.names(start=start or 0)
        for size, authority in names if start is not None else _last_of_each(names):
            stamp = await self._view.read(size, authority)
            if stamp.log_index is None and stamp.token is None:
                _log.warning("timestamp.unlogged", object=stamp.object_key, error=stamp.problem)
            else:
                self._remember(await self._logged(stamp))
        self._looked_from = names[-1][0] if names else start or 0

    async def keep(self, size: int, authority: str, response: bytes) -> Stamp:
        """Store a response and log whichever lies there then: another process may be first.

        Raises:
            IntegrityError: what lies there does not verify.
        """
        key = timestamp_object(self._archive_id, size, authority)
        try:
            await self._store.put(key, response, lock=self._lock())
        except IntegrityError:
            _log.info("timestamp.was_first", object=key)
        stamp = await self._view.read(size, authority)
        if stamp.token is None:
            raise IntegrityError(f"{key}: {stamp.problem}", object_key=key)
        stamp = await self._logged(stamp)
        self._remember(stamp)
        return stamp

    async def _logged(self, stamp: Stamp) -> Stamp:
        """Return a token with its log index, its entry being added unless it is there."""
        if stamp.log_index is not None or stamp.token is None:
            return stamp
        entry = timestamp_entry(
            size=stamp.size,
            authority=stamp.authority,
            token_sha256=stamp.response_sha256,
            time_ms=to_millis(stamp.token.time),
            ts_ms=to_millis(self._clock()),
        )
        prefix = entry_prefix(stamp.size, stamp.authority)
        async with self._database.transaction() as tx:
            placed = await timestamp_rows.add_once(tx, entry, prefix=prefix, start=stamp.size)
        return placed_at(stamp, placed)

    def _remember(self, stamp: Stamp) -> None:
        known = self._newest.get(stamp.authority)
        if known is None or known.size <= stamp.size:
            self._newest[stamp.authority] = stamp


def _last_of_each(names: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the newest token of each authority, given all in order of size; in that order."""
    newest = {authority: size for size, authority in names}
    return sorted((size, authority) for authority, size in newest.items())
