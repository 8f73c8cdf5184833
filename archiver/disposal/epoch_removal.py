"""Removing the epoch keys of lanes of which nothing is left and which nothing can enter any more.

A lane may be empty before its month is over, and what is captured until then is still packed with
its key. Those are swept when the month has ended (`sweep`), which somebody has to ask for.
"""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from archiver.db import disposed as disposed_rows
from archiver.db.transaction import Database
from archiver.disposal.removal import Removal
from archiver.preserve.epochs import Epochs
from archiver.preserve.object_keys import epoch_object

LATE = timedelta(days=2)
"""How long after a month's end a server may still be storing what it captured in it."""

Lane = tuple[str, str]
"""Class and month."""


class EpochRemoval:
    """Removes epoch keys of one archive."""

    def __init__(
        self, *, archive_id: str, database: Database, removal: Removal, epochs: Epochs
    ) -> None:
        self._archive_id = archive_id
        self._database = database
        self._removal = removal
        self._epochs = epochs
        self._swept = ""

    async def sweep(self, now: datetime) -> int:
        """Remove the keys of lanes that emptied before their month was over; return how many.

        It may be asked at any time: only the first call of a month looks, which costs one listing
        for each lane there is.

        Raises:
            OperatorError: a store or the database did not answer: do it again.
        """
        if self._swept == _over_before(now):
            return 0
        classes = await self._database.run(disposed_rows.classes_of_destroyed, writes=False)
        lanes = await asyncio.to_thread(lambda: list(self._keyless(classes)))
        count = await self.remove(lanes, now)
        self._swept = _over_before(now)
        return count

    async def remove(self, lanes: Iterable[Lane], now: datetime) -> int:
        """Remove the keys of those of these lanes that nothing is left of, and return how many.

        Raises as `sweep`.
        """
        count = 0
        for class_code, period in sorted(lanes):
            if period >= _over_before(now):
                continue
            empty = await self._database.run(
                partial(disposed_rows.lane_is_empty, class_code=class_code, period=period),
                writes=False,
            )
            if empty and await asyncio.to_thread(self._remove, class_code, period):
                self._epochs.forget(class_code, period)
                count += 1
        return count

    def _remove(self, class_code: str, period: str) -> bool:
        key = epoch_object(self._archive_id, class_code, period)
        stored = self._removal.store.list_keys(f"seg/{self._archive_id}/{class_code}/{period}/")
        if next(iter(stored), None) is not None or self._removal.obstacle(key):
            return False
        return self._removal.remove(key)

    def _keyless(self, classes: Iterable[str]) -> Iterator[Lane]:
        """Yield the lanes of these classes that have an epoch key and no keys of a segment."""
        for class_code in classes:
            prefix = f"keys/{self._archive_id}/{class_code}/"
            after = ""
            while key := next(iter(self._removal.store.list_keys(prefix, after=after)), None):
                period, _, name = key.removeprefix(prefix).partition("/")
                if name == "epoch.json":  # it stands behind those of segments, whose names are ids
                    yield class_code, period
                after = epoch_object(self._archive_id, class_code, period)


def _over_before(now: datetime) -> str:
    """Return the first month that is not over for certain."""
    return (now - LATE).strftime("%Y-%m")
