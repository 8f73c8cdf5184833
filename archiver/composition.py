"""The parts of an archive, opened in stages: ground, write path, views.

Each stage stands on those before it; `background_composition` on them all. `archiver.app` makes the
use cases of them.
"""

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from archiver import __version__
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db.archive import ArchiveRow
from archiver.db.lease import Lease, shared, try_alone
from archiver.db.transaction import Database
from archiver.errors import ConfigurationError
from archiver.ids import Ulids
from archiver.jobs.documents import Documents
from archiver.jobs.reindexing import Reindexing
from archiver.jobs.search_index import SearchIndex
from archiver.legal.holds import Holds
from archiver.legal.turns import Turns
from archiver.model.actor import SYSTEM
from archiver.preserve.clock_guard import ClockGuard
from archiver.preserve.disk_reserve import DiskReserve
from archiver.preserve.epochs import Epochs
from archiver.preserve.filing import FilePlan
from archiver.preserve.keyring import Keyring
from archiver.preserve.plan_versions import Refresh, refreshing
from archiver.preserve.reader import RecordReader
from archiver.preserve.recovery import Recovered, Recovery
from archiver.preserve.sequencer import Sequencer
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.second_copy import SecondCopy
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer, WriterLimits
from search.engines.opening import engine_name
from search.errors import IndexUnavailable

SOFTWARE = f"muniment/{__version__}"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What everything stands on."""

    settings: Settings
    clock: Clock
    guard: ClockGuard
    keyring: Keyring
    database: Database
    archive: ArchiveRow
    plan: FilePlan
    store: AsyncStore
    copies: SecondCopy | None
    ulids: Ulids

    @cached_property
    def refresh_plan(self) -> Refresh:
        """Looks for versions of the file plan that came in since."""
        return refreshing(self.database, self.plan)

    @property
    def reading(self) -> ObjectStore:
        """Where content is read from: both stores, where there is a second one."""
        return self.copies or self.store.blocking

    @property
    def lock_limit(self) -> timedelta:
        """The furthest end of any lock from now."""
        return timedelta(days=366 * self.settings.lock_limit_years)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePath:
    """From a post's bytes to its place in the log, and back."""

    epochs: Epochs
    sequencer: Sequencer
    writer: Writer
    reader: RecordReader
    recovery: Recovery
    lease: Lease
    recovered: Recovered
    trail: Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What is derived from the log, and the holds that need it.

    `engine` tells the search engine and its version, as answers state it; `turns` is the one line
    of all who ask it.
    """

    documents: Documents
    index: SearchIndex
    engine: Callable[[], str]
    turns: Turns
    reindexing: Reindexing
    holds: Holds


async def open_write_path(stack: AsyncExitStack, ground: Ground) -> WritePath:
    """Adopt what a crash left, and then take what comes."""
    settings, store, archive_id = ground.settings, ground.store, ground.archive.id
    epochs = Epochs(ground.keyring, store.blocking, os.urandom, reading=ground.reading)
    sequencer = Sequencer(
        database=ground.database, signer=ground.keyring.signers[0], clock=ground.clock
    )
    reader = RecordReader(archive_id, ground.reading, epochs)
    recovery = Recovery(
        archive_id=archive_id,
        store=store.blocking,
        reader=reader,
        database=ground.database,
        sequencer=sequencer,
        clock=ground.clock,
    )
    lease, recovered = await _recover(stack, ground.database, recovery)
    writer = await stack.enter_async_context(_writer(ground, epochs, sequencer, settings))
    trail = Trail(
        archive_id=archive_id,
        writer=writer,
        plan=ground.plan,
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
    )
    await _note_recovery(trail, ground.archive, recovered)
    return WritePath(
        epochs=epochs,
        sequencer=sequencer,
        writer=writer,
        reader=reader,
        recovery=recovery,
        lease=lease,
        recovered=recovered,
        trail=trail,
    )


def _writer(ground: Ground, epochs: Epochs, sequencer: Sequencer, settings: Settings) -> Writer:
    on_s3 = ground.store.blocking.url.startswith("s3:")
    return Writer(
        archive_id=ground.archive.id,
        software=SOFTWARE,
        epochs=epochs,
        store=ground.store,
        sequencer=sequencer,
        clock=ground.guard.now,
        ulids=ground.ulids,
        limits=WriterLimits(
            outstanding_records=settings.queue_records,
            segments_in_flight=8 if on_s3 else 4,
            lock_limit=ground.lock_limit,
        ),
        require_room=DiskReserve(
            settings.local_folders, settings.disk_reserve_mb << 20
        ).require_room,
    )


def open_views(stack: AsyncExitStack, ground: Ground, path: WritePath) -> Views:
    """Open what is derived from the log.

    Raises:
        ConfigurationError: the search URL names no engine.
    """
    engine = _engine(ground.settings.effective_search_url)
    documents = Documents(ground.database, path.reader)
    path.sequencer.listen(documents.remember)
    index = SearchIndex(
        ground.settings.effective_search_url,
        archive_id=ground.archive.id,
        database=ground.database,
        documents=documents,
        clock=ground.clock,
        probe=ground.store.blocking.probe,
    )
    stack.callback(index.close)
    turns = Turns()
    holds = Holds(
        database=ground.database,
        store=ground.store,
        index=index,
        documents=documents,
        zone=ZoneInfo(ground.archive.zone),
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        turns=turns,
    )
    reindexing = Reindexing(
        index=index,
        database=ground.database,
        documents=documents,
        clock=ground.clock,
        trail=path.trail,
    )
    return Views(
        documents=documents,
        index=index,
        engine=engine,
        turns=turns,
        reindexing=reindexing,
        holds=holds,
    )


def _engine(url: str) -> Callable[[], str]:
    """Return what tells the engine of a URL: a server's version is known once it was asked."""
    try:
        engine_name(url)
    except IndexUnavailable as error:
        raise ConfigurationError(f"MUNIMENT_SEARCH_URL: {error}") from error
    return partial(engine_name, url)


def open_second_copy(settings: Settings, clock: Clock, first: ObjectStore) -> SecondCopy | None:
    """Return both stores as one for reading, where the settings name a second one.

    The second is opened when it is first needed: an archive starts and captures without it.
    """
    if not settings.second_store_url:
        return None
    return SecondCopy(
        first,
        lambda: open_store(settings.second_store_url, clock=clock, create=False),
        clock=clock,
    )


async def _recover(
    stack: AsyncExitStack, database: Database, recovery: Recovery
) -> tuple[Lease, Recovered]:
    """Adopt what a crash left, before the first post is taken.

    Alone on the archive, every unsequenced segment is a dead process's; beside other writers only
    the loop adopts, and only what is old.
    """
    lease = await try_alone(database, "writers")
    if lease is None:
        lease = await shared(database, "writers")
        stack.push_async_callback(lease.release)
        return lease, Recovered()
    stack.push_async_callback(lease.release)
    recovered = await recovery.adopt_orphans()
    await lease.share()
    return lease, recovered


async def _note_recovery(trail: Trail, archive: ArchiveRow, recovered: Recovered) -> None:
    if recovered.segments:
        await trail.record(
            Action.ARCHIVE_RECOVERED,
            actor=SYSTEM,
            object_type="archive",
            object_id=archive.id,
            details={"segments": recovered.segments, "records": recovered.records},
        )
