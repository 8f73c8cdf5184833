"""The integrator: sequenced entries become part of the tree, and the tree's head is signed.

Signing two trees that are not prefixes of one another is the one unforgivable failure, so:

1. one leader, by a lease, reads the entries [size, next) in order;
2. bundles and tiles are written with "only if absent": other bytes already there halt everything;
3. what was written is read back, leaf hashes are recomputed from the entry bytes, and the root is
   derived a second time from the stored tiles (a single flipped bit ended the Yeti 2022 log);
4. the checkpoint is signed and swapped in by compare-and-swap on the old size and root: *the commit
   point*;
5. the checkpoint is put at `checkpoints/<size>` and then at `checkpoint`: published.

A crash after any step is repaired by doing it again: every step is deterministic. When the store
holds a later checkpoint than the database (a restored backup), nothing is signed.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from archiver.clock import Clock
from archiver.db import ledger as ledger_rows
from archiver.db.ledger import LogState
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import Lock, LockMode
from archiver.preserve.lanes import ROLLING_LOCK, SHORTEST_LOCK
from archiver.preserve.ledger.checkpoint import (
    Checkpoint,
    open_checkpoint,
    sign_checkpoint,
)
from archiver.preserve.ledger.merkle import Frontier, leaf_hashes
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier
from archiver.preserve.ledger.tiles import (
    TILE_WIDTH,
    Growth,
    TileTree,
    decode_bundle,
    grow,
    parse_tile_path,
)
from archiver.preserve.object_keys import checkpoint_object, checkpoint_prefix, log_prefix
from archiver.preserve.store import ObjectStore

MAX_BATCH = 32_768
"""Entries integrated at once: bounds memory, and the work lost to a crash."""

_CHECKPOINT = "checkpoint"

Item = TypeVar("Item")
Result = TypeVar("Result")


async def require_current_database(store: ObjectStore, database: Database, archive_id: str) -> None:
    """Check that the store holds no checkpoint of more entries than the database has signed.

    Raises:
        IntegrityError: it does: the database was restored from an old backup. What it lacks has log
            indexes already, promised in receipts, and must not get others.
    """
    async with database.reading() as tx:
        signed = (await ledger_rows.state(tx)).size
    newest = await asyncio.to_thread(_newest_checkpoint, store, archive_id, signed)
    if not newest:
        return
    # Another process may have signed since the first look: the database commits before it is put.
    async with database.reading() as tx:
        signed = (await ledger_rows.state(tx)).size
    if newest > checkpoint_object(archive_id, signed):
        raise IntegrityError(
            f"log: the store holds {newest}, but the database knows only {signed} signed entries: "
            "it was restored from an old backup. Nothing was changed and nothing will be signed; "
            "run `muniment recover`, which adds what it lacks",
            object_key=newest,
        )


def _newest_checkpoint(store: ObjectStore, archive_id: str, signed: int) -> str:
    after = checkpoint_object(archive_id, signed)
    return max(store.list_keys(checkpoint_prefix(archive_id), after=after), default="")


class Integrator:
    """Integrates one log. Only the holder of the `integrator` lease may call it."""

    def __init__(
        self,
        *,
        archive_id: str,
        signers: Sequence[Ed25519Signer],
        verifiers: Sequence[Ed25519Verifier],
        store: ObjectStore,
        database: Database,
        clock: Clock,
        lock_mode: LockMode,
    ) -> None:
        self._archive_id = archive_id
        self._prefix = log_prefix(archive_id)
        self._origin = signers[0].name
        self._signers = signers
        self._verifiers = verifiers
        self._store = store
        self._database = database
        self._clock = clock
        self._lock_mode = lock_mode
        self._frontier = Frontier()
        self._published = 0
        self._halted = ""
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="integrator")

    async def start(self) -> LogState:
        """Check that the store is not ahead of the database, and republish the signed state.

        Raises:
            IntegrityError: the store holds a later checkpoint, or another one of the same size.
        """
        await require_current_database(self._store, self._database, self._archive_id)
        async with self._database.reading() as tx:
            state = await ledger_rows.state(tx)
        await asyncio.to_thread(self._republish, state)
        return state

    def halt(self, why: str) -> None:
        """Sign nothing any more: evidence from outside says that this tree must not grow."""
        self._halted = self._halted or why

    async def integrate(self) -> LogState | None:
        """Integrate and publish what is sequenced, at most `MAX_BATCH` entries; None if nothing is.

        Raises:
            IntegrityError: what is stored differs from what must be there. Nothing was signed.
            StorageUnavailable, DatabaseUnavailable: not done; call again.
        """
        if self._halted:
            raise IntegrityError(self._halted)
        async with self._database.reading() as tx:
            state = await ledger_rows.state(tx)
            end = min(state.next_index, state.size + MAX_BATCH)
            entries = await ledger_rows.entries(tx, state.size, end)
        if len(entries) != end - state.size:
            raise IntegrityError(
                f"log: expected entries {state.size} to {end - 1} in the database, found "
                f"{len(entries)}; rows are missing: restore the database, then run verify"
            )
        if state.size != self._published:
            # Signed, but the store failed before it was public; no new entry need ever come.
            await asyncio.to_thread(self._put_checkpoint, state.size, state.checkpoint)
        return await self._publish(state, entries) if entries else None

    async def _publish(self, state: LogState, entries: Sequence[bytes]) -> LogState:
        growth = await asyncio.to_thread(self._write_and_check, state, entries)
        size = growth.frontier.size
        checkpoint = Checkpoint(origin=self._origin, size=size, root=growth.root)
        note = sign_checkpoint(checkpoint, self._signers)
        async with self._database.transaction() as tx:
            if not await ledger_rows.swap(tx, state, size=size, root=growth.root, checkpoint=note):
                raise IntegrityError(
                    f"log: another process signed past size {state.size} while this one was about "
                    "to; this one stops. Only one integrator may run: check the lease"
                )
        self._frontier = growth.frontier
        await asyncio.to_thread(self._put_checkpoint, size, note)
        return LogState(next_index=state.next_index, size=size, root=growth.root, checkpoint=note)

    def _republish(self, state: LogState) -> None:
        if state.size:
            found = open_checkpoint(state.checkpoint, self._origin, self._verifiers)
            if (found.size, found.root) != (state.size, state.root):
                raise IntegrityError("log: the database's checkpoint is not that of its own state")
            self._put_checkpoint(state.size, state.checkpoint)

    def _write_and_check(self, state: LogState, entries: Sequence[bytes]) -> Growth:
        frontier = self._tree(state)
        growth = grow(frontier, entries, self._read)
        keep, partial = self._locks()
        self._together(
            lambda item: self._store.put(
                self._prefix + item[0],
                item[1],
                lock=keep if parse_tile_path(item[0]).width == TILE_WIDTH else partial,
            ),
            growth.objects,
        )
        self._check_read_back(frontier, growth, len(entries))
        return growth

    def _check_read_back(self, old: Frontier, growth: Growth, added: int) -> None:
        """Derive the root again from what the store gives back, entry bytes included."""
        paths = [path for path, _ in growth.objects]
        stored = self._together(self._read, paths)
        for (path, body), found in zip(growth.objects, stored, strict=True):
            if found != body:
                raise IntegrityError(
                    f"log: {path} was written and reads back with other bytes; nothing was "
                    "signed. Check the store's disks and memory",
                    object_key=self._prefix + path,
                )
        entries = [
            entry
            for path, data in zip(paths, stored, strict=True)
            if parse_tile_path(path).level is None
            for entry in decode_bundle(data)
        ]
        replayed = old.append(leaf_hashes(entries[-added:])).root()
        if not growth.root == replayed == TileTree(growth.frontier.size, self._read).root():
            raise IntegrityError(
                f"log: the stored tiles and entries of size {growth.frontier.size} do not have "
                "the root that was computed; nothing was signed"
            )

    def _tree(self, state: LogState) -> Frontier:
        if self._frontier.size != state.size:
            self._frontier = TileTree(state.size, self._read).frontier()
        if self._frontier.root() != state.root:
            raise IntegrityError(
                f"log: the stored tiles of size {state.size} do not have the signed root"
            )
        return self._frontier

    def _put_checkpoint(self, size: int, note: bytes) -> None:
        keep, _ = self._locks()
        self._store.put(checkpoint_object(self._archive_id, size), note, lock=keep)
        try:
            if self._store.get(self._prefix + _CHECKPOINT) == note:
                self._published = size
                return
        except NotFound:
            pass
        self._store.replace(self._prefix + _CHECKPOINT, note)
        self._published = size

    def _read(self, path: str) -> bytes:
        key = self._prefix + path
        try:
            return self._store.get(key)
        except NotFound as error:
            raise IntegrityError(
                f"log: {key} must be there and is not; nothing was signed. Restore it from the "
                "store's second copy",
                object_key=key,
            ) from error

    def lasting_lock(self) -> Lock | None:
        """Return the lock of what is kept as long as the log itself."""
        return self._locks()[0]

    def _locks(self) -> tuple[Lock | None, Lock | None]:
        """Return the locks of what is kept for good and of partial tiles, which are superseded."""
        now = self._clock()
        return self._lock(now, ROLLING_LOCK), self._lock(now, SHORTEST_LOCK)

    def _lock(self, now: datetime, period: timedelta) -> Lock | None:
        if self._lock_mode is LockMode.NONE:
            return None
        return Lock(mode=self._lock_mode, until=(now + period).replace(microsecond=0))

    def _together(self, act: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        return list(self._threads.map(act, items))

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown()
