"""One store as the lock keeper sees it: looked at in parallel batches, put right, read back.

Every change is confirmed by reading the object again; an answer alone is not believed. A store that
does not answer is given time, and then left: what was not compared of it is said.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import ParamSpec, TypeVar

from archiver.assurance.lock_drift import Drift, DriftKind, Judged, falls_short
from archiver.assurance.lock_promises import ObjectNeed
from archiver.errors import (
    CallerError,
    ConfigurationError,
    IntegrityError,
    NotFound,
    StorageUnavailable,
)
from archiver.preserve.store import ObjectStore, StoredObject

THREADS = 8
"""Few: what comes in has the store's attention."""

FIRST = "first store"
SECOND = "second copy"

_AT_ONCE = 16  # objects looked at by one call of a thread
_PAGE = 1000  # versions listed at once
_PATIENCE_S = (1.0, 5.0, 20.0)  # pauses before a store counts as away: throttled ones need them

P = ParamSpec("P")
T = TypeVar("T")

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it was found: described, or why it could not be."""

    need: ObjectNeed
    stored: StoredObject | None
    problem: tuple[DriftKind, str] | None = None


@dataclass(slots=True, kw_only=True)
class Side:
    """A store that is compared. `copied` is up to which log index it has objects, None for all.

    `problem` says why it is not compared any further, "" while it is.
    """

    name: str
    store: ObjectStore
    threads: ThreadPoolExecutor
    sleep: Sleep
    copied: int | None = None
    segments: int = 0
    problem: str = ""

    @property
    def is_first(self) -> bool:
        """Whether it is the first store: the one whose versions and holds the rows name."""
        return self.name == FIRST

    def has(self, first_index: int) -> bool:
        """Whether what begins at a log index must be here."""
        return self.copied is None or first_index < self.copied

    async def look(self, needs: Sequence[ObjectNeed]) -> list[Seen]:
        """Describe objects as they are now.

        Raises:
            OperatorError: the store did not answer.
        """
        parts = [needs[start : start + _AT_ONCE] for start in range(0, len(needs), _AT_ONCE)]
        answers = await asyncio.gather(*(self._patiently(self._look, part) for part in parts))
        return [seen for answer in answers for seen in answer]

    async def mend(self, seen: StoredObject, judged: Judged) -> str:
        """Do what was judged, and read back; return why it is not as it should be, or "".

        Raises:
            StorageUnavailable: the store did not answer: it may be done or not.
        """
        return await self._patiently(self._mend, seen, judged)

    async def versions(self, prefix: str) -> AsyncIterator[list[StoredObject]]:
        """Iterate over the versions and delete markers of each key, a page at a time in a thread.

        Raises:
            OperatorError: the store did not answer.
            IntegrityError: a damaged lock file hides what is there.
        """
        keys = (
            list(several)
            for _, several in groupby(self.store.list_versions(prefix), lambda one: one.key)
        )
        while page := await self._run(_page, keys):
            for several in page:
                yield several

    async def call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something of the store in a thread, patiently. Raises as it does."""
        return await self._patiently(call, *args, **kwargs)

    def drift(self, kind: DriftKind, key: str, found: str, **more: str | bool) -> Drift:
        """Return a drift of an object of this store."""
        return Drift(
            kind=kind,
            object_key=key,
            store=self.name,
            found=found,
            mended=bool(more.get("mended", False)),
            why_not=str(more.get("why_not", "")),
        )

    def _look(self, needs: Iterable[ObjectNeed]) -> list[Seen]:
        return [self._look_at(need) for need in needs]

    def _look_at(self, need: ObjectNeed) -> Seen:
        version_id = (need.version_id or None) if self.is_first else None
        try:
            return Seen(need, self.store.head(need.key, version_id=version_id))
        except NotFound:
            what = f"no version {version_id}" if version_id else "no such object"
            return Seen(need, None, (DriftKind.LOST, what))
        except IntegrityError as error:
            return Seen(need, None, (DriftKind.UNREADABLE, str(error)))

    def _mend(self, seen: StoredObject, judged: Judged) -> str:
        key, version_id = seen.key, seen.version_id
        try:
            if judged.lock is not None:
                self.store.extend_lock(key, version_id=version_id, lock=judged.lock)
            if judged.hold is not None:
                self.store.set_legal_hold(key, version_id=version_id, on=judged.hold)
            return falls_short(judged, self.store.head(key, version_id=version_id))
        except (CallerError, ConfigurationError, IntegrityError) as error:
            return str(error)

    async def _patiently(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for pause in _PATIENCE_S:
            try:
                return await self._run(call, *args, **kwargs)
            except StorageUnavailable:
                await self.sleep(pause)
        return await self._run(call, *args, **kwargs)

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, partial(call, *args, **kwargs))


def _page(keys: Iterator[list[StoredObject]]) -> list[list[StoredObject]]:
    return list(islice(keys, _PAGE))
