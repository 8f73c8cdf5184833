"""Spreading the reading and hashing over processes, each with a store of its own.

Tasks are module-level functions of `(store, item)`. Results come back in the order of the items,
and only a few items are under way at once, so that memory does not grow with the archive.
"""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Self, TypeVar

from archiver.clock import Clock
from archiver.errors import Stopping
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = Callable[[ObjectStore, Item], Result]

_AHEAD = 2  # items queued per worker beyond the one it works on
_S3_READS = 8  # reads of one worker under way at once; a disk gains nothing by it


class Workers:
    """Runs tasks in `count` processes; with one, in this process. A context manager.

    Raises:
        ConfigurationError, StorageUnavailable: the store cannot be opened.
    """

    def __init__(self, store_url: str, clock: Clock, count: int) -> None:
        self.store = open_store(store_url, clock=clock, create=False)
        self._count = count
        _spare_the_collector()
        self._pool: ProcessPoolExecutor | None = None
        if count > 1:
            # Not fork: this process has threads, whose locks a forked child would inherit.
            self._pool = ProcessPoolExecutor(
                count, get_context("spawn"), initializer=_open, initargs=(store_url, clock)
            )
            self._pool.submit(_ready)  # they start now, while the store is being listed

    def __enter__(self) -> Self:
        """Nothing more is needed to start."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes and close the store."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self.store.close()

    def map(self, task: Task[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield `task(store, item)` for each item, in order.

        Raises:
            Stopping: a worker process died; everything a task raises passes through.
        """
        if self._pool is None:
            for item in items:
                yield task(self.store, item)
            return
        run = partial(_run, task)
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(run, item))
                if len(waiting) > self._count * (1 + _AHEAD):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise Stopping(
                "a verification worker died, which is what a lack of memory looks like; nothing "
                "was changed: run it again with fewer --workers"
            ) from error


def batches(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Yield the items in tuples of `size`, the last one shorter."""
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


def read_together(
    store: ObjectStore, read: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[Result]:
    """Yield `read(item)` in order; a remote store is asked for several at once."""
    if store.url.startswith("file:") or len(items) == 1:
        yield from map(read, items)
        return
    with ThreadPoolExecutor(_S3_READS) as threads:
        yield from threads.map(read, items)


_stores: list[ObjectStore] = []  # of this worker process: exactly one, opened when it starts


def _spare_the_collector() -> None:
    """Keep what was imported out of every later garbage collection.

    Reading makes many short-lived objects; going through all modules again and again for them took
    a twentieth of a verification.
    """
    gc.freeze()


def _open(url: str, clock: Clock) -> None:
    _spare_the_collector()
    _stores.append(open_store(url, clock=clock, create=False))


def _ready() -> None:
    """Nothing: the first task is what makes the pool start its processes."""


def _run(task: Task[Item, Result], item: Item) -> Result:
    return task(_stores[0], item)
