"""The composition root: settings in, services out. The only place that chooses implementations.

`open_services` opens an existing archive and never creates one; `archiver.founding` creates.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from archiver import __version__
from archiver.access.keys import Keys
from archiver.access.records import Records
from archiver.access.tokens import Tokens
from archiver.assurance.evidence.exporting import Evidence
from archiver.assurance.log_view import LogView
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.capture.importing import Importing, Worker
from archiver.capture.ingest import Ingest
from archiver.clock import Clock, system_clock, system_stopwatch, to_millis
from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import ledger as ledger_rows
from archiver.db import schema
from archiver.db.archive import ArchiveRow
from archiver.db.lease import Lease, shared, try_alone
from archiver.db.transaction import Database, Transaction, open_database
from archiver.disposal.filing import Filing
from archiver.errors import ArchiverError, ConfigurationError
from archiver.ids import Ulids
from archiver.jobs.documents import Documents
from archiver.jobs.loops import Loops
from archiver.jobs.search_index import SearchIndex, index_path
from archiver.jobs.second_store import SecondStore, second_store
from archiver.jobs.timestamping import Timestamping, open_timestamping
from archiver.jobs.witnessing import Witnessing, open_witnessing
from archiver.jobs.worm_probing import WormProbing
from archiver.legal.holds import Holds
from archiver.legal.searching import Searching
from archiver.model.actor import SYSTEM
from archiver.model.lock import LockMode
from archiver.preserve.blobs import BlobWriter
from archiver.preserve.clock_guard import ClockGuard, Stopwatch, compare_with_store, open_guard
from archiver.preserve.disk_reserve import DiskReserve
from archiver.preserve.epochs import Epochs
from archiver.preserve.filing import FilePlan
from archiver.preserve.keyring import Keyring, KeyringFile
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.reader import RecordReader
from archiver.preserve.recovery import Recovered, Recovery
from archiver.preserve.sequencer import Sequencer
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.second_copy import SecondCopy
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer, WriterLimits
from retention.rules import RuleSet
from retention.schedules import Schedule

SOFTWARE = f"muniment/{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the parts answer, in words."""

    database: Database
    store: AsyncStore
    writer: Writer
    loops: Loops

    async def ready(self) -> Mapping[str, str]:
        """Return `ok` or the problem for each part."""
        answers = {
            "database": await self._database(),
            "store": await self._store(),
            "writer": self.writer.stopped or "ok",
        }
        for name, state in self.loops.states.items():
            answers[name] = state.problem or (f"ok; {state.notice}" if state.notice else "ok")
        return answers

    async def _database(self) -> str:
        try:
            async with self.database.reading() as tx:
                await ledger_rows.state(tx)
        except ArchiverError as error:
            return str(error)
        return "ok"

    async def _store(self) -> str:
        try:
            await self.store.probe()
        except ArchiverError as error:
            return str(error)
        return "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the faces (web, command line) may call."""

    settings: Settings
    clock: Clock
    version: str
    archive: ArchiveRow
    database: Database
    store: AsyncStore
    second: SecondStore | None
    epochs: Epochs
    writer: Writer
    documents: Documents
    index: SearchIndex
    loops: Loops
    recovered: Recovered
    trail: Trail
    ingest: Ingest
    importing: Importing
    searching: Searching
    records: Records
    filing: Filing
    holds: Holds
    log: LogView
    evidence: Evidence
    timestamping: Timestamping
    worm: WormProbing
    witnessing: Witnessing
    tokens: Tokens
    keys: Keys
    health: Health


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
        keyring = keyring_file(settings).open()
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
        yield await _compose(stack, settings, clock, guard, keyring, database, archive, plan, store)


async def _compose(  # noqa: PLR0915, PLR0917 - the one function that knows everything
    stack: AsyncExitStack,
    settings: Settings,
    clock: Clock,
    guard: ClockGuard,
    keyring: Keyring,
    database: Database,
    archive: ArchiveRow,
    plan: FilePlan,
    store: AsyncStore,
) -> Services:
    randomness = os.urandom
    ulids = Ulids(randomness)
    signer = keyring.signers[0]
    copies = open_second_copy(settings, clock, store.blocking)
    reading = copies or store.blocking
    epochs = Epochs(keyring, store.blocking, randomness, reading=reading)
    lock_limit = timedelta(days=366 * settings.lock_limit_years)
    sequencer = Sequencer(database=database, signer=signer, clock=clock)
    writer = Writer(
        archive_id=archive.id,
        software=SOFTWARE,
        epochs=epochs,
        store=store,
        sequencer=sequencer,
        clock=guard.now,
        ulids=ulids,
        limits=WriterLimits(
            outstanding_records=settings.queue_records,
            segments_in_flight=8 if store.blocking.url.startswith("s3:") else 4,
            lock_limit=lock_limit,
        ),
        require_room=DiskReserve(
            settings.local_folders, settings.disk_reserve_mb << 20
        ).require_room,
    )
    reader = RecordReader(archive.id, reading, epochs)
    recovery = Recovery(
        archive_id=archive.id,
        store=store.blocking,
        reader=reader,
        database=database,
        sequencer=sequencer,
        clock=clock,
    )
    lease, recovered = await _recover(stack, database, recovery)
    documents = Documents(database, reader)
    sequencer.listen(documents.remember)
    index = SearchIndex(index_path(settings.effective_search_url), database, documents)
    stack.callback(index.close)
    integrator = Integrator(
        archive_id=archive.id,
        signers=keyring.signers,
        verifiers=keyring.verifiers,
        store=store.blocking,
        database=database,
        clock=guard.now,
        lock_mode=LockMode(settings.log_lock),
    )
    stack.callback(integrator.close)
    await stack.enter_async_context(writer)
    trail = Trail(
        archive_id=archive.id,
        writer=writer,
        plan=plan,
        clock=clock,
        ulids=ulids,
        randomness=randomness,
    )
    holds = Holds(
        database=database,
        store=store,
        index=index,
        documents=documents,
        zone=ZoneInfo(archive.zone),
        trail=trail,
        clock=clock,
        ulids=ulids,
    )
    await _note_recovery(trail, archive, recovered)
    witnessing = open_witnessing(
        settings=settings,
        keyring=keyring,
        integrator=integrator,
        writer=writer,
        database=database,
        store=store,
        trail=trail,
        clock=clock,
    )
    timestamping = open_timestamping(
        settings,
        archive_id=archive.id,
        store=store,
        database=database,
        trail=trail,
        clock=guard.now,
        lock=integrator.lasting_lock,
    )
    stack.push_async_callback(timestamping.close)
    loops = Loops(
        database=database,
        integrator=integrator,
        index=index,
        recovery=recovery,
        mirror_holds=holds.mirror,
        check_clock=lambda: compare_with_store(guard, store.blocking),
        clock=clock,
        publish_interval_s=settings.publish_interval_s,
        index_interval_s=settings.index_interval_s,
        chores=(witnessing.chore, *timestamping.chores),
        before_signing=witnessing.before_signing,
    )
    worm = WormProbing(
        archive_id=archive.id,
        store=store.blocking,
        database=database,
        plan=plan,
        credentials_file=settings.worm_credentials_file,
        clock=clock,
        ulids=ulids,
        notify=loops.notify,
    )
    loops.chores += (worm.chore,)
    stack.push_async_callback(loops.close)
    sequencer.listen(loops.notify)
    blobs = BlobWriter(
        archive_id=archive.id,
        store=store,
        clock=guard.now,
        ulids=ulids,
        randomness=randomness,
        inline_limit=settings.inline_limit_bytes,
        lock_limit=lock_limit,
    )
    second = second_store(
        copies,
        archive=archive,
        verifiers=keyring.verifiers,
        database=database,
        reader=reader,
        epochs=epochs,
        trail=trail,
        clock=clock,
        notify=loops.notify,
    )
    reads = await _keep_copied(stack, loops, store, second)
    ingest = Ingest(
        archive_id=archive.id,
        plan=plan,
        writer=writer,
        blobs=blobs,
        database=database,
        signer=signer,
        clock=clock,
        ulids=ulids,
        randomness=randomness,
    )
    return Services(
        settings=settings,
        clock=clock,
        version=__version__,
        archive=archive,
        database=database,
        store=reads,
        second=second,
        epochs=epochs,
        writer=writer,
        documents=documents,
        index=index,
        loops=loops,
        recovered=recovered,
        trail=trail,
        ingest=ingest,
        importing=Importing(
            worker=Worker(archive.id, plan, settings.inline_limit_bytes),
            writer=writer,
            ingest=ingest,
            database=database,
            trail=trail,
            clock=clock,
            following=loops.following,
        ),
        searching=Searching(
            index=index, database=database, records=reader, zone=ZoneInfo(archive.zone), trail=trail
        ),
        records=Records(
            archive=archive, database=database, store=reads, reader=reader, trail=trail
        ),
        filing=Filing(database=database, trail=trail, clock=clock),
        holds=holds,
        timestamping=timestamping,
        log=LogView(archive=archive, database=database, store=reads),
        evidence=Evidence(
            archive=archive,
            database=database,
            store=store,
            reader=reader,
            signers=keyring.signers,
            policy=witnessing.policy,
            trail=trail,
            software=SOFTWARE,
        ),
        worm=worm,
        witnessing=witnessing,
        tokens=Tokens(
            database=database, clock=clock, ulids=ulids, trail=trail, randomness=randomness
        ),
        keys=Keys(
            file=keyring_file(settings),
            database=database,
            store=store,
            trail=trail,
            clock=clock,
            randomness=randomness,
            lease=lease,
            publish=loops.catch_up,
            lock=integrator.lasting_lock,
        ),
        health=Health(database=database, store=store, writer=writer, loops=loops),
    )


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


async def _keep_copied(
    stack: AsyncExitStack, loops: Loops, store: AsyncStore, second: SecondStore | None
) -> AsyncStore:
    """Keep the second copy up in the background; return what content is read from."""
    if second is None:
        return store
    reads = AsyncStore(second.copies)
    stack.push_async_callback(reads.close)
    stack.push_async_callback(second.replication.close)
    loops.chores = (*loops.chores, second.chore())
    return reads


async def load_file_plan(tx: Transaction, at: int) -> FilePlan:
    """Return the class rules and schedules in force at a moment in milliseconds."""
    rules = RuleSet.from_dict(await file_plan_rows.rules_in_force(tx, at))
    bodies = await file_plan_rows.schedules_in_force(tx, at)
    return FilePlan(rules, {code: Schedule.from_dict(body) for code, body in bodies.items()})


def keyring_file(settings: Settings) -> KeyringFile:
    """Return where the settings say the keyring lies."""
    return KeyringFile(
        path=settings.effective_keyring_file,
        secret_path=settings.keyring_secret_file,
        passphrase=settings.keyring_passphrase_file is not None,
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


def _require_same_archive(archive: ArchiveRow, keyring: Keyring) -> None:
    if (archive.id, archive.origin) != (keyring.archive_id, keyring.origin):
        raise ConfigurationError(
            f"the database is of archive {archive.id} ({archive.origin}), the keyring of "
            f"{keyring.archive_id} ({keyring.origin}); check MUNIMENT_HOME, MUNIMENT_DATABASE_URL "
            "and MUNIMENT_KEYRING_FILE: they must belong to one archive"
        )
