"""A whole small archive of real components, composed for tests: nothing in it is faked but time.

Store and index stand in a folder, the database is whichever the test runs on. Loops do not run:
`index_all` and `publish` do at once what they would do in a moment.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from archiver.access.content_tickets import ContentTickets
from archiver.access.derived_keys import derive
from archiver.access.records import Records
from archiver.assurance.attestations import Attestations
from archiver.assurance.timestamp_view import TimestampView
from archiver.audit.trail import Trail
from archiver.capture.ingest import Ingest, Outcome
from archiver.clock import to_millis
from archiver.config import Settings, load_settings
from archiver.db import archive as archive_rows
from archiver.db import events as event_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import ledger as ledger_rows
from archiver.db.events import EventRow
from archiver.db.ledger import LogState
from archiver.db.transaction import Database, open_database
from archiver.disposal.filing import Filing
from archiver.founding import found_archive
from archiver.ids import Ulids
from archiver.jobs.documents import Documents
from archiver.jobs.search_index import SearchIndex
from archiver.legal.frozen_sets import FrozenSets
from archiver.legal.hold_register import HoldRegister
from archiver.legal.holds import Holds
from archiver.legal.searching import Searching
from archiver.legal.term_reports import TermReports
from archiver.legal.turns import Turns
from archiver.model.actor import Actor, Role
from archiver.model.lock import LockMode
from archiver.model.post import Arrival, Author, Change, Part, PartRole, Post, Provenance
from archiver.preserve.blobs import BlobWriter
from archiver.preserve.epochs import Epochs
from archiver.preserve.filing import FilePlan
from archiver.preserve.keyring import open_keyring
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.policy import archive_policy
from archiver.preserve.reader import RecordReader
from archiver.preserve.sequencer import Sequencer
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer, WriterLimits
from retention.rules import RuleSet
from retention.schedules import Schedule
from search.engines.opening import engine_name

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INLINE_LIMIT = 4096
LOCK_LIMIT = timedelta(days=366 * 30)

AGENT = Actor(name="agent", roles=frozenset({Role.CAPTURE_AGENT}))
COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL}))
AUDITOR = Actor(name="audrey", roles=frozenset({Role.AUDITOR}))


class MovingClock:
    """A clock that a test sets."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, span: timedelta) -> None:
        self.now += span


class SmallArchive:
    """The parts of one open archive, and what tests do with them all the time."""

    def __init__(
        self,
        *,
        clock: MovingClock,
        database: Database,
        archive: archive_rows.ArchiveRow,
        store: AsyncStore,
        settings: Settings,
        plan: FilePlan,
    ) -> None:
        keyring = open_keyring(
            settings.effective_keyring_file, settings.keyring_secret_file, passphrase=False
        )
        signer = keyring.signers[0]
        verifier = Ed25519Verifier.from_vkey(archive.vkey)
        ulids = Ulids()
        epochs = Epochs(keyring, store.blocking, os.urandom)
        self.home = settings.home
        self.clock = clock
        self.plan = plan
        self.database = database
        self.archive = archive
        self.store = store
        self.sequencer = Sequencer(database=database, signer=signer, clock=clock)
        self.writer = Writer(
            archive_id=archive.id,
            software="muniment/test",
            epochs=epochs,
            store=store,
            sequencer=self.sequencer,
            clock=clock,
            ulids=ulids,
            limits=WriterLimits(),
        )
        self.reader = RecordReader(archive.id, store.blocking, epochs)
        self.documents = Documents(database, self.reader)
        self.index = SearchIndex(
            f"tantivy:{settings.home / 'index'}",
            archive_id=archive.id,
            database=database,
            documents=self.documents,
            clock=clock,
            probe=store.blocking.probe,
        )
        self.integrator = Integrator(
            archive_id=archive.id,
            signers=[signer],
            verifiers=[verifier],
            store=store.blocking,
            database=database,
            clock=clock,
            lock_mode=LockMode.GOVERNANCE,
        )
        self.trail = Trail(
            archive_id=archive.id,
            writer=self.writer,
            plan=plan,
            clock=clock,
            ulids=ulids,
            randomness=os.urandom,
        )
        self.ingest = Ingest(
            archive_id=archive.id,
            plan=plan,
            writer=self.writer,
            blobs=BlobWriter(
                archive_id=archive.id,
                store=store,
                clock=clock,
                ulids=ulids,
                randomness=os.urandom,
                inline_limit=INLINE_LIMIT,
                lock_limit=LOCK_LIMIT,
            ),
            database=database,
            signer=signer,
            clock=clock,
            ulids=ulids,
            randomness=os.urandom,
        )
        turns = Turns()
        self.searching = Searching(
            index=self.index,
            database=database,
            records=self.reader,
            zone=UTC,
            trail=self.trail,
            engine=partial(engine_name, self.index.url),
            turns=turns,
        )
        self.filing = Filing(database=database, trail=self.trail, clock=clock)
        attestations = Attestations(
            archive_id=archive.id,
            stamps=TimestampView(
                archive_id=archive.id, authorities=(), store=store, database=database
            ),
            policy=archive_policy([archive.vkey], None),
            store=store,
        )
        self.records = Records(
            archive=archive,
            verifiers=keyring.verifiers,
            database=database,
            store=store,
            reader=self.reader,
            trail=self.trail,
            explain=self.filing.explain,
            attest=attestations.over,
            tickets=ContentTickets(key=derive(keyring, "test"), clock=clock, randomness=os.urandom),
        )
        self.holds = Holds(
            database=database,
            store=store,
            index=self.index,
            documents=self.documents,
            zone=UTC,
            trail=self.trail,
            clock=clock,
            ulids=ulids,
            turns=turns,
        )
        self.frozen_sets = FrozenSets(
            database=database,
            index=self.index,
            documents=self.documents,
            zone=UTC,
            trail=self.trail,
            clock=clock,
            ulids=ulids,
            engine=partial(engine_name, self.index.url),
            turns=turns,
        )
        self.term_reports = TermReports(
            database=database,
            index=self.index,
            documents=self.documents,
            sets=self.frozen_sets,
            zone=UTC,
            trail=self.trail,
            clock=clock,
            ulids=ulids,
            engine=partial(engine_name, self.index.url),
            turns=turns,
        )
        self.hold_register = HoldRegister(
            database=database, trail=self.trail, clock=clock, pending=self.holds.pending
        )

    async def capture(self, *arrivals: Arrival) -> tuple[Outcome, ...]:
        """Keep arrivals; they are sequenced when this returns, and not indexed yet."""
        return await self.ingest.submit(arrivals, actor=AGENT)

    async def index_all(self) -> None:
        """Let the index read all that is sequenced."""
        await self.index.open_writer()
        while await self.index.follow():
            pass

    async def publish(self) -> None:
        """Integrate all that is sequenced, under a published checkpoint."""
        while await self.integrator.integrate() is not None:
            pass

    async def log_state(self) -> LogState:
        """Return how far the log is."""
        async with self.database.reading() as tx:
            return await ledger_rows.state(tx)

    async def events_about(self, object_id: str) -> Sequence[EventRow]:
        """Return the events about an object or by an actor, newest first."""
        async with self.database.reading() as tx:
            return await event_rows.list_about(tx, object_id, 100)


@asynccontextmanager
async def small_archive(
    home: Path, database_url: str, *, clock: MovingClock | None = None
) -> AsyncIterator[SmallArchive]:
    """Found an archive in `home` over an empty database, and open it."""
    clock = clock or MovingClock()
    settings = load_settings(
        {
            "MUNIMENT_HOME": str(home),
            "MUNIMENT_DATABASE_URL": database_url,
            "MUNIMENT_ORIGIN": "archive.example/acme",
        }
    )
    founded = await found_archive(settings, clock=clock, randomness=os.urandom, ulids=Ulids())
    database = open_database(database_url)
    store = AsyncStore(FilesystemStore(home / "store", clock=clock))
    try:
        async with database.reading() as tx:
            at = to_millis(clock())
            rules = RuleSet.from_dict(await file_plan_rows.rules_in_force(tx, at))
            bodies = await file_plan_rows.schedules_in_force(tx, at)
        plan = FilePlan(rules, {code: Schedule.from_dict(body) for code, body in bodies.items()})
        opened = SmallArchive(
            clock=clock,
            database=database,
            archive=founded.archive,
            store=store,
            settings=settings,
            plan=plan,
        )
        async with opened.writer:
            yield opened
        opened.index.close()
        opened.integrator.close()
    finally:
        await store.close()
        await database.close()


def arrival(
    post_id: str,
    text: str,
    *,
    account: str = "@acme",
    change: Change = Change.CREATED,
    posted_at: datetime | None = START,
    edited_at: datetime | None = None,
    media: bytes = b"",
    in_reply_to: str = "",
) -> Arrival:
    """Return a post on its way in, whose payload is JSON of its own."""
    payload = f'{{"id":"{post_id}","text":"{text}","change":"{change}"}}'.encode()
    parts = [
        Part(
            name="payload.json",
            role=PartRole.RAW,
            media_type="application/json",
            content=payload,
        )
    ]
    if media:
        parts.append(
            Part(name="film.mp4", role=PartRole.MEDIA, media_type="video/mp4", content=media)
        )
    return Arrival(
        post=Post(
            platform="mastodon",
            account=account,
            post_id=post_id,
            change=change,
            posted_at=posted_at,
            edited_at=edited_at,
            text=text,
            author=Author(id="1", handle=account, name="Acme Corp"),
            permalink=f"https://social.example/{post_id}",
            in_reply_to=in_reply_to,
        ),
        parts=tuple(parts),
        provenance=Provenance(method="push", source="test"),
    )
