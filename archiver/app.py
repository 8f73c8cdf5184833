"""The composition root: settings in, services out. The only place that chooses implementations.

`open_services` opens an existing archive and never creates one; `archiver.founding` creates.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from archiver import __version__
from archiver.access_composition import AccessCases, access_cases
from archiver.audit.trail import Trail
from archiver.background_composition import Background, open_background
from archiver.capture_composition import CaptureCases, capture_cases
from archiver.clock import Clock, system_clock, system_stopwatch, to_millis
from archiver.composition import (
    Ground,
    Views,
    WritePath,
    open_second_copy,
    open_views,
    open_write_path,
)
from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import schema
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database, open_database
from archiver.disposal.destruction import Destruction
from archiver.errors import ConfigurationError
from archiver.ids import Ulids
from archiver.jobs.audit_exports import audit_export_kind
from archiver.jobs.documents import Documents
from archiver.jobs.health import Health
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.loops import Loops
from archiver.jobs.reindexing import Reindexing
from archiver.jobs.search_index import SearchIndex
from archiver.jobs.second_store import SecondStore
from archiver.jobs.telling import Telling
from archiver.jobs.term_jobs import term_report_kind
from archiver.jobs.timestamping import Timestamping
from archiver.jobs.witnessing import Witnessing
from archiver.jobs.worm_probing import WormProbing
from archiver.legal_composition import LegalCases, legal_cases
from archiver.preserve.clock_guard import Stopwatch, open_guard
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import Keyring, KeyringFile
from archiver.preserve.plan_versions import load_file_plan
from archiver.preserve.recovery import Recovered
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer
from archiver.reading_composition import ReadingCases, reading_cases
from archiver.retention_composition import RetentionCases, retention_cases


@dataclass(frozen=True, kw_only=True)
class Running:
    """The archive itself, and what goes on without being asked."""

    settings: Settings
    clock: Clock
    version: str
    archive: ArchiveRow
    database: Database
    store: AsyncStore
    second: SecondStore | None
    epochs: Epochs
    writer: Writer
    trail: Trail
    recovered: Recovered
    documents: Documents
    index: SearchIndex
    reindexing: Reindexing
    comparison: IndexComparison
    loops: Loops
    telling: Telling
    timestamping: Timestamping
    witnessing: Witnessing
    worm: WormProbing
    destruction: Destruction
    health: Health


@dataclass(frozen=True, kw_only=True)
class Services(Running, AccessCases, ReadingCases, CaptureCases, LegalCases, RetentionCases):
    """Everything the faces (web, command line) may call: all parts, each under its own name."""


@asynccontextmanager
async def open_services(
    settings: Settings, *, clock: Clock = system_clock, stopwatch: Stopwatch = system_stopwatch
) -> AsyncIterator[Services]:
    """Open the archive the settings name, adopt what a crash left, and yield its services.

    A `clock` that goes otherwise than `stopwatch` is doubted (`clock_guard`).

    Raises:
        ConfigurationError: there is no archive, or settings, keyring and database do not belong
            together. Nothing is ever created because it is missing.
        OperatorError: a component did not answer.
    """
    async with AsyncExitStack() as stack:
        keyring = KeyringFile.of(settings).open()
        database = open_database(settings.effective_database_url)
        stack.push_async_callback(database.close)
        await schema.check(database)
        async with database.reading() as tx:
            archive = await archive_rows.get(tx)
        _require_same_archive(archive, keyring)
        blocking = open_store(settings.effective_store_url, clock=clock, create=False)
        store = AsyncStore(blocking)
        stack.push_async_callback(store.close)
        guard = await open_guard(
            clock, stopwatch, database, blocking, confirmed=settings.clock_confirmed
        )
        async with database.reading() as tx:  # a clock set back must not undo the file plan
            plan = await load_file_plan(tx, to_millis(max(clock(), guard.newest)))
        ground = Ground(
            settings=settings,
            clock=clock,
            guard=guard,
            keyring=keyring,
            database=database,
            archive=archive,
            plan=plan,
            store=store,
            copies=open_second_copy(settings, clock, blocking),
            ulids=Ulids(os.urandom),
        )
        path = await open_write_path(stack, ground)
        views = open_views(stack, ground, path)
        yield _services(ground, path, views, await open_background(stack, ground, path, views))


def _services(ground: Ground, path: WritePath, views: Views, background: Background) -> Services:
    running = _running(ground, path, views, background)
    access = access_cases(ground, path, background)
    reading = reading_cases(ground, path, views, background)
    capture = capture_cases(
        ground, path, background, verifying=reading.verifying, evidence=reading.evidence
    )
    legal = legal_cases(ground, path, views, background, access.approvals)
    capture.work.register(
        audit_export_kind(reading.audit_export),
        capture.sample.kind,
        views.reindexing.kind,
        term_report_kind(legal.term_reports),
    )
    retention = retention_cases(ground, path, background, reading.evidence, capture.work)
    parts = (running, access, reading, capture, legal, retention)
    # Each is whole by its type; one that is forgotten here fails every start.
    return Services(**{name: each for part in parts for name, each in vars(part).items()})


def _running(ground: Ground, path: WritePath, views: Views, background: Background) -> Running:
    return Running(
        settings=ground.settings,
        clock=ground.clock,
        version=__version__,
        archive=ground.archive,
        database=ground.database,
        store=background.reads,
        second=background.second,
        epochs=path.epochs,
        writer=path.writer,
        trail=path.trail,
        recovered=path.recovered,
        documents=views.documents,
        index=views.index,
        reindexing=views.reindexing,
        comparison=background.comparison,
        loops=background.loops,
        telling=background.telling,
        timestamping=background.timestamping,
        witnessing=background.witnessing,
        worm=background.worm,
        destruction=background.destruction,
        health=Health(
            database=ground.database,
            store=ground.store,
            writer=path.writer,
            loops=background.loops,
        ),
    )


def _require_same_archive(archive: ArchiveRow, keyring: Keyring) -> None:
    if (archive.id, archive.origin) != (keyring.archive_id, keyring.origin):
        raise ConfigurationError(
            f"the database is of archive {archive.id} ({archive.origin}), the keyring of "
            f"{keyring.archive_id} ({keyring.origin}); check MUNIMENT_HOME, MUNIMENT_DATABASE_URL "
            "and MUNIMENT_KEYRING_FILE: they must belong to one archive"
        )
