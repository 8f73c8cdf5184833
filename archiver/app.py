"""The composition root: settings in, services out. The only place that chooses implementations.

`open_services` opens an existing archive and never creates one; `archiver.founding` creates.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from archiver import __version__
from archiver.access.approvals import Approvals
from archiver.access.content_tickets import PURPOSE as CONTENT_TICKETS
from archiver.access.content_tickets import ContentTickets
from archiver.access.derived_keys import derive
from archiver.access.home import Home
from archiver.access.installation import Installation
from archiver.access.invitations import Invitations
from archiver.access.keys import Keys
from archiver.access.opening import open_access
from archiver.access.passkeys import Passkeys
from archiver.access.passwords import Passwords
from archiver.access.people import People
from archiver.access.records import Records
from archiver.access.sessions import Sessions
from archiver.access.sign_in_opening import open_passkeys, open_provider
from archiver.access.tokens import Tokens
from archiver.assurance.attestations import Attestations
from archiver.assurance.audit_export import AuditExport
from archiver.assurance.audit_view import AuditView
from archiver.assurance.evidence.exporting import Evidence
from archiver.assurance.integrity_view import IntegrityView
from archiver.assurance.log_view import LogView
from archiver.assurance.proof_bundle import ProofBundles
from archiver.audit.trail import Trail
from archiver.capture.accounts import Accounts
from archiver.capture.importing import Importing, Worker
from archiver.capture.ingest import Ingest
from archiver.clock import Clock, system_clock, system_stopwatch, to_millis
from archiver.composition import (
    SOFTWARE,
    Background,
    Ground,
    Views,
    WritePath,
    open_background,
    open_second_copy,
    open_views,
    open_write_path,
)
from archiver.config import Settings, explain_environment
from archiver.db import archive as archive_rows
from archiver.db import schema
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database, open_database
from archiver.disposal.destruction import Destruction
from archiver.disposal.disposition import Disposition
from archiver.disposal.filing import Filing
from archiver.disposal.keeping import Keeping
from archiver.disposal.plan_making import PlanMaking
from archiver.errors import ConfigurationError
from archiver.ids import Ulids
from archiver.jobs.account_totals import AccountTotals
from archiver.jobs.audit_exports import audit_export_kind
from archiver.jobs.documents import Documents
from archiver.jobs.health import Health
from archiver.jobs.imports import Imports
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.integrity_signals import signals_of
from archiver.jobs.loops import Loops
from archiver.jobs.reindexing import Reindexing
from archiver.jobs.sample import Sample
from archiver.jobs.search_index import SearchIndex
from archiver.jobs.second_store import SecondStore
from archiver.jobs.telling import Telling
from archiver.jobs.term_jobs import open_sets, term_report_kind
from archiver.jobs.timestamping import Timestamping
from archiver.jobs.verifying import Verifying
from archiver.jobs.witnessing import Witnessing
from archiver.jobs.work import Work
from archiver.jobs.work_kinds import Jobs, open_jobs
from archiver.jobs.work_runner import Runner
from archiver.jobs.worm_probing import WormProbing
from archiver.legal.explaining import Explaining, explaining_of
from archiver.legal.frozen_sets import FrozenSets
from archiver.legal.hold_register import HoldRegister
from archiver.legal.hold_release import HoldReleases
from archiver.legal.holds import Holds
from archiver.legal.saved_searches import SavedSearches
from archiver.legal.searching import Searching
from archiver.legal.subscriptions import Subscriptions
from archiver.legal.term_reports import TermReports
from archiver.preserve.blobs import BlobWriter
from archiver.preserve.clock_guard import Stopwatch, open_guard
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import Keyring, KeyringFile
from archiver.preserve.plan_versions import load_file_plan
from archiver.preserve.recovery import Recovered
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer
from archiver.retention_composition import disposition_of, keeping_of, plan_making_of

if TYPE_CHECKING:  # it brings a library along that only archives with a provider need
    from archiver.access.provider_sign_in import ProviderSignIn


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
    reindexing: Reindexing
    comparison: IndexComparison
    loops: Loops
    recovered: Recovered
    trail: Trail
    ingest: Ingest
    importing: Importing
    searching: Searching
    explaining: Explaining
    records: Records
    filing: Filing
    home: Home
    accounts: Accounts
    account_totals: AccountTotals
    holds: Holds
    hold_register: HoldRegister
    releases: HoldReleases
    saved_searches: SavedSearches
    subscriptions: Subscriptions
    telling: Telling
    destruction: Destruction
    disposition: Disposition
    keeping: Keeping
    plan: PlanMaking
    frozen_sets: FrozenSets
    term_reports: TermReports
    log: LogView
    evidence: Evidence
    verifying: Verifying
    audit: AuditView
    audit_export: AuditExport
    installation: Installation
    work: Work
    runner: Runner
    imports: Imports
    sample: Sample
    integrity: IntegrityView
    proofs: ProofBundles
    timestamping: Timestamping
    worm: WormProbing
    witnessing: Witnessing
    tokens: Tokens
    sessions: Sessions
    people: People
    invitations: Invitations
    passwords: Passwords
    approvals: Approvals
    passkeys: Passkeys
    provider: "ProviderSignIn | None"
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


def _ingest(ground: Ground, path: WritePath) -> Ingest:
    blobs = BlobWriter(
        archive_id=ground.archive.id,
        store=ground.store,
        clock=ground.guard.now,
        ulids=ground.ulids,
        randomness=os.urandom,
        inline_limit=ground.settings.inline_limit_bytes,
        lock_limit=ground.lock_limit,
    )
    return Ingest(
        archive_id=ground.archive.id,
        plan=ground.plan,
        writer=path.writer,
        blobs=blobs,
        database=ground.database,
        signer=ground.keyring.signers[0],
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
    )


def _services(ground: Ground, path: WritePath, views: Views, background: Background) -> Services:
    settings, archive, database = ground.settings, ground.archive, ground.database
    clock, trail, reads = ground.clock, path.trail, background.reads
    access = open_access(
        database=database, clock=clock, ulids=ground.ulids, trail=trail, settings=settings
    )
    passkeys = open_passkeys(keyring=ground.keyring, database=database, trail=trail, clock=clock)
    ingest, loops = _ingest(ground, path), background.loops
    log = LogView(archive=archive, database=database, store=reads)
    importing = Importing(
        worker=Worker(archive.id, ground.plan, settings.inline_limit_bytes),
        writer=path.writer,
        ingest=ingest,
        database=database,
        trail=trail,
        clock=clock,
        following=loops.following,
        refresh_plan=ground.refresh_plan,
    )
    verifying = Verifying(settings=settings, archive=archive, database=database, trail=trail)
    evidence = Evidence(
        archive=archive,
        database=database,
        store=ground.store,
        reader=path.reader,
        signers=ground.keyring.signers,
        policy=background.witnessing.policy,
        trail=trail,
        software=SOFTWARE,
    )
    filing = Filing(database=database, trail=trail, clock=clock)
    jobs = _jobs(ground, path, background, importing, verifying, evidence)
    integrity = _integrity(ground, views, background)
    audit_export = _audit_export(ground, path, background)
    accounts = Accounts(
        database=database, trail=trail, clock=clock, ulids=ground.ulids, plan=ground.plan
    )
    sample = Sample(
        ingest=ingest, accounts=accounts, database=database, work=jobs.work, clock=clock
    )
    jobs.work.register(audit_export_kind(audit_export), sample.kind, views.reindexing.kind)
    sets = open_sets(
        database=database,
        index=views.index,
        documents=views.documents,
        zone=ZoneInfo(archive.zone),
        trail=trail,
        clock=clock,
        ulids=ground.ulids,
        engine=views.engine,
        turns=views.turns,
    )
    jobs.work.register(term_report_kind(sets.reports))
    register = HoldRegister(
        database=database, trail=trail, clock=clock, pending=views.holds.pending
    )
    return Services(
        settings=settings,
        clock=clock,
        version=__version__,
        archive=archive,
        database=database,
        store=reads,
        second=background.second,
        epochs=path.epochs,
        writer=path.writer,
        documents=views.documents,
        index=views.index,
        reindexing=views.reindexing,
        comparison=background.comparison,
        loops=loops,
        recovered=path.recovered,
        trail=trail,
        ingest=ingest,
        importing=importing,
        searching=Searching(
            index=views.index,
            database=database,
            records=path.reader,
            zone=ZoneInfo(archive.zone),
            trail=trail,
            engine=views.engine,
            turns=views.turns,
        ),
        explaining=explaining_of(views.index, database, trail, archive.zone, views.turns),
        records=_records(ground, path, background, filing),
        filing=filing,
        accounts=accounts,
        home=Home(database=database, clock=clock),
        account_totals=AccountTotals(database=database, clock=clock),
        holds=views.holds,
        hold_register=register,
        releases=HoldReleases(
            holds=views.holds,
            register=register,
            approvals=access.approvals,
            two_person=settings.two_person_hold_release,
        ),
        frozen_sets=sets.frozen,
        term_reports=sets.reports,
        saved_searches=background.telling.saved_searches,
        subscriptions=background.telling.subscriptions,
        telling=background.telling,
        destruction=background.destruction,
        disposition=disposition_of(ground, path, background, evidence, jobs.work),
        keeping=keeping_of(ground, path, loops),
        plan=plan_making_of(ground, path),
        timestamping=background.timestamping,
        log=log,
        evidence=evidence,
        verifying=verifying,
        audit=AuditView(database=database, reader=path.reader, trail=trail, clock=clock),
        audit_export=audit_export,
        installation=Installation(
            version=__version__,
            archive=archive,
            explain=lambda: explain_environment(settings),
        ),
        work=jobs.work,
        runner=jobs.runner,
        imports=jobs.imports,
        sample=sample,
        integrity=integrity,
        proofs=ProofBundles(
            archive=archive,
            store=reads,
            log=log,
            integrity=integrity,
            policy=background.witnessing.policy,
            clock=clock,
        ),
        worm=background.worm,
        witnessing=background.witnessing,
        tokens=Tokens(
            database=database, clock=clock, ulids=ground.ulids, trail=trail, randomness=os.urandom
        ),
        sessions=access.sessions,
        people=access.people,
        invitations=access.invitations,
        passwords=access.passwords,
        approvals=access.approvals,
        passkeys=passkeys,
        provider=open_provider(
            settings,
            keyring=ground.keyring,
            trail=trail,
            clock=clock,
            roster=access.roster,
            passkeys=passkeys,
            sessions=access.sessions,
        ),
        keys=_keys(ground, path, background),
        health=Health(database=database, store=ground.store, writer=path.writer, loops=loops),
    )


def _records(ground: Ground, path: WritePath, background: Background, filing: Filing) -> Records:
    attestations = Attestations(
        archive_id=ground.archive.id,
        stamps=background.timestamping.view,
        policy=background.witnessing.policy,
        store=background.reads,
    )
    return Records(
        archive=ground.archive,
        verifiers=ground.keyring.verifiers,
        database=ground.database,
        store=background.reads,
        reader=path.reader,
        trail=path.trail,
        explain=filing.explain,
        attest=attestations.over,
        tickets=ContentTickets(
            key=derive(ground.keyring, CONTENT_TICKETS), clock=ground.clock, randomness=os.urandom
        ),
    )


def _audit_export(ground: Ground, path: WritePath, background: Background) -> AuditExport:
    return AuditExport(
        archive=ground.archive,
        verifiers=ground.keyring.verifiers,
        database=ground.database,
        store=background.reads,
        reader=path.reader,
        trail=path.trail,
        clock=ground.clock,
    )


def _jobs(  # noqa: PLR0917 - the parts of an archive that long work needs
    ground: Ground,
    path: WritePath,
    background: Background,
    importing: Importing,
    verifying: Verifying,
    evidence: Evidence,
) -> Jobs:
    return open_jobs(
        settings=ground.settings,
        database=ground.database,
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
        trail=path.trail,
        loops=background.loops,
        worm=background.worm,
        importing=importing,
        verifying=verifying,
        evidence=evidence,
    )


def _integrity(ground: Ground, views: Views, background: Background) -> IntegrityView:
    signals = signals_of(
        settings=ground.settings,
        loops=background.loops,
        database=ground.database,
        index=views.index,
        comparison=background.comparison,
        timestamping=background.timestamping,
        witnessing=background.witnessing,
        worm=background.worm,
        second=background.second,
    )
    return IntegrityView(database=ground.database, clock=ground.clock, signals=signals)


def _keys(ground: Ground, path: WritePath, background: Background) -> Keys:
    return Keys(
        file=KeyringFile.of(ground.settings),
        database=ground.database,
        store=ground.store,
        trail=path.trail,
        clock=ground.clock,
        randomness=os.urandom,
        lease=path.lease,
        publish=background.loops.catch_up,
        lock=background.integrator.lasting_lock,
    )


def _require_same_archive(archive: ArchiveRow, keyring: Keyring) -> None:
    if (archive.id, archive.origin) != (keyring.archive_id, keyring.origin):
        raise ConfigurationError(
            f"the database is of archive {archive.id} ({archive.origin}), the keyring of "
            f"{keyring.archive_id} ({keyring.origin}); check MUNIMENT_HOME, MUNIMENT_DATABASE_URL "
            "and MUNIMENT_KEYRING_FILE: they must belong to one archive"
        )
