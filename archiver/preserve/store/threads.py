"""Object stores for asynchronous callers: each call runs in a thread of the store's own pool."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import ParamSpec, TypeVar

from archiver.model.lock import Lock
from archiver.preserve.store import ObjectStore, StoredObject

FILESYSTEM_THREADS = 8  # one disk; more only queue in the kernel
S3_THREADS = 16  # calls mostly wait for the network
_PAGE = 1000

P = ParamSpec("P")
T = TypeVar("T")


class AsyncStore:
    """An `ObjectStore` whose methods are awaited. `blocking` is the store itself.

    The pool is the store's own, so that slow storage cannot starve other threaded work. A cancelled
    call goes on in its thread: whether a cancelled `put` stored the object is not known.
    """

    def __init__(self, blocking: ObjectStore, *, threads: int | None = None) -> None:
        self.blocking = blocking
        count = threads or (S3_THREADS if blocking.url.startswith("s3:") else FILESYSTEM_THREADS)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="store")

    async def put(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Await `ObjectStore.put`."""
        return await self._run(self.blocking.put, key, body, lock=lock, legal_hold=legal_hold)

    async def replace(self, key: str, body: bytes, *, lock: Lock | None = None) -> StoredObject:
        """Await `ObjectStore.replace`."""
        return await self._run(self.blocking.replace, key, body, lock=lock)

    async def restore(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Await `ObjectStore.restore`."""
        return await self._run(self.blocking.restore, key, body, lock=lock, legal_hold=legal_hold)

    async def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """Await `ObjectStore.get`."""
        return await self._run(self.blocking.get, key, version_id=version_id)

    async def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        """Await `ObjectStore.get_range`."""
        return await self._run(self.blocking.get_range, key, offset, length, version_id=version_id)

    async def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        """Await `ObjectStore.head`."""
        return await self._run(self.blocking.head, key, version_id=version_id)

    async def list_keys(self, prefix: str, *, after: str = "") -> AsyncIterator[str]:
        """Iterate over `ObjectStore.list_keys`, a page at a time in a thread."""
        keys = self.blocking.list_keys(prefix, after=after)
        while page := await self._run(_page, keys):
            for key in page:
                yield key

    async def list_versions(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Iterate over `ObjectStore.list_versions`, a page at a time in a thread."""
        versions = self.blocking.list_versions(prefix)
        while page := await self._run(_page, versions):
            for version in page:
                yield version

    async def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        """Await `ObjectStore.set_legal_hold`."""
        await self._run(self.blocking.set_legal_hold, key, version_id=version_id, on=on)

    async def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        """Await `ObjectStore.extend_lock`."""
        await self._run(self.blocking.extend_lock, key, version_id=version_id, lock=lock)

    async def delete(self, key: str, *, version_id: str) -> None:
        """Await `ObjectStore.delete`."""
        await self._run(self.blocking.delete, key, version_id=version_id)

    async def probe(self) -> None:
        """Await `ObjectStore.probe`."""
        await self._run(self.blocking.probe)

    async def close(self) -> None:
        """Wait for calls under way, then close the store."""
        await asyncio.to_thread(self._threads.shutdown)
        self.blocking.close()

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **kwargs))


def _page(items: Iterator[T]) -> list[T]:
    return list(islice(items, _PAGE))
