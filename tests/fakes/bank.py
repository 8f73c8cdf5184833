"""A bank that keeps what it says in public: real posts, its people, and years that pass.

The posts are those of congresstweets, as they are; only the moments at which they were posted lie
eight years back, so that years can pass before today: the files of a store are never older than
now.
"""

import asyncio
import gzip
import itertools
import json
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

from archiver.app import Services, open_services
from archiver.assurance.report import Report
from archiver.assurance.verification import verify_full
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db import batches as batch_rows
from archiver.disposal.batch_views import BatchReview, BatchView
from archiver.disposal.certificates import CertificateView
from archiver.disposal.draft_views import DraftView, definition_of
from archiver.disposal.drafts import Source
from archiver.disposal.simulation_result import SimulationResult
from archiver.disposal.stated_events import EventView, NewEvent
from archiver.model.actor import SYSTEM
from archiver.model.lock import Lock
from archiver.model.post import Arrival, Author, Change, Part, PartRole, Post, Provenance
from archiver.preserve.clock_guard import KeepsTime
from archiver.preserve.plan_versions import KNOWN_WITHIN
from retention.templates import AUDIT_CLASS
from tests.e2e.raw_tweets import FILES
from tests.fakes.archive import AGENT, read_back, reader_of, stored_posts
from tests.fakes.disposal import Time, opened
from tests.fakes.disposal_people import ADA, BEN, RITA, employ

PLATFORM = "x"
NEWS, INVEST, HELP = ACCOUNTS = ("bank_news", "bank_invest", "bank_help")
FOUNDED = datetime(2012, 11, 5, 12, tzinfo=UTC)
YEAR = timedelta(days=366)
WHY = "its time is over"
_YEARS_BACK = 8
_AT_ONCE = 250

Tweet = Mapping[str, str]


def tweets(count: int) -> list[Tweet]:
    """Return so many real posts of one day."""
    found: list[Tweet] = json.loads(gzip.decompress(FILES[0].read_bytes()))
    assert len(found) >= count
    return found[:count]


def said(tweet: Tweet, *, change: Change = Change.CREATED, film: bytes = b"") -> Arrival:
    """Return a real post as a platform hands it to the bank; an edit adds a word to its text."""
    text = {
        Change.CREATED: tweet["text"],
        Change.EDITED: f"{tweet['text']} [corrected]",
        Change.DELETED: "",
    }[change]
    raw = json.dumps({**tweet, "text": text, "change": change}, ensure_ascii=False).encode()
    parts = [Part(name="post.json", role=PartRole.RAW, media_type="application/json", content=raw)]
    if film:
        parts.append(
            Part(name="film.mp4", role=PartRole.MEDIA, media_type="video/mp4", content=film)
        )
    posted = datetime.fromisoformat(tweet["time"])
    return Arrival(
        post=Post(
            platform=PLATFORM,
            account=ACCOUNTS[int(tweet["user_id"]) % len(ACCOUNTS)],
            post_id=tweet["id"],
            change=change,
            posted_at=posted.replace(year=posted.year - _YEARS_BACK),
            text=text,
            author=Author(id=tweet["user_id"], handle=tweet["screen_name"]),
        ),
        parts=tuple(parts),
        provenance=Provenance(method="push", source="congresstweets"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of the bank's archive, and what it was captured from."""

    id: str
    arrival: Arrival

    @property
    def account(self) -> str:
        return self.arrival.post.account


class RealTime:
    """The time of this machine, for stores whose locks follow a clock of their own."""

    @property
    def now(self) -> datetime:
        return system_clock()

    def __call__(self) -> datetime:
        return system_clock()

    def pass_by(self, span: timedelta) -> None:
        """Wait."""
        sleep(span.total_seconds())


@asynccontextmanager
async def open_bank(settings: Settings, time: Time | RealTime) -> AsyncIterator["Bank"]:
    """The bank at work on its archive, at this time; its loops do at once what tests ask for."""
    if isinstance(time, Time):
        async with opened(settings, time) as services:
            yield Bank(services, time)
    else:
        async with open_services(settings) as services:
            await employ(services, RITA, ADA, BEN)
            yield Bank(services, time)


class Bank:
    """What the people of the bank do, each by the use case they have for it."""

    def __init__(self, services: Services, time: Time | RealTime) -> None:
        self.services = services
        self.time = time

    async def adopt(self, code: str, *, template: str) -> None:
        """Add a class with the schedule of a template: Rita drafts it, Ada approves it."""
        await self.add_class(code, template=template)
        source = Source(template=template)
        drafts = self.services.plan.drafts
        draft = await drafts.make(code, source=source, reason="the rule applies", actor=RITA)
        await self.bring_into_force(draft)

    async def add_class(self, code: str, *, template: str) -> None:
        """Add a class as a template has it, without a schedule."""
        await self.services.plan.classes.add(code, template=template, actor=RITA)

    async def file_posts(self, rules: Mapping[str, str], *, others: str) -> None:
        """Let the posts of accounts go into these classes, and all others into `others`."""
        drafts = self.services.plan.drafts
        draft = await drafts.make("", reason="who keeps what", actor=RITA)
        body = {
            "default_class": others,
            "rules": [
                {"id": account, "class_code": code, "accounts": [account]}
                for account, code in rules.items()
            ],
        }
        draft = await drafts.edit(draft.row.id, body=body, actor=RITA)
        await self.bring_into_force(draft)

    async def draft(
        self,
        code: str,
        *,
        period: str,
        template: str = "",
        triggers: Sequence[str] = (),
        **changes: str,
    ) -> DraftView:
        """Let Rita draft a schedule whose terms are as long as `period`, and other `changes`.

        Where `triggers` are named, of only those terms that count from one of them.
        """
        drafts, source = self.services.plan.drafts, Source(template=template)
        draft = await drafts.make(code, source=source, reason="counsel asks for it", actor=RITA)
        body = json.loads(draft.row.body) | changes
        if triggers:
            body["terms"] = [each for each in body["terms"] if each["trigger"] in triggers]
        for term in body["terms"]:
            term["period"] = period
        return await drafts.edit(draft.row.id, body=body, actor=RITA)

    async def simulate(self, draft: DraftView) -> SimulationResult:
        """Return what a draft would mean for every record."""
        return await self.services.keeping.simulation.run(definition_of(draft.row), actor=RITA)

    async def bring_into_force(self, draft: DraftView, *, seen: str = "") -> None:
        """Submit a draft as Rita, approve it as Ada, and let its moment come."""
        life = self.services.plan.life
        await life.submit(draft.row.id, seen=seen, actor=RITA)
        await life.approve(draft.row.id, reason="seen", actor=ADA)
        self.time.pass_by(2 * KNOWN_WITHIN)
        await self.services.keeping.refiling.finish()

    async def capture(self, arrivals: Iterable[Arrival]) -> list[Record]:
        """Capture posts, publish and index them; return their records in order."""
        records: list[Record] = []
        waiting = iter(arrivals)
        while some := list(itertools.islice(waiting, _AT_ONCE)):
            outcomes = await self.services.ingest.submit(some, actor=AGENT)
            records += [
                Record(id=outcome.record_id, arrival=each)
                for outcome, each in zip(outcomes, some, strict=True)
            ]
        await self.services.loops.catch_up()
        return records

    async def record_ids(self) -> list[str]:
        """Return the ids of all posts in the archive, in log order."""
        return [row.id for row in await stored_posts(self.services)]

    async def close_account(self, account: str, *, platform: str = PLATFORM) -> EventView:
        """State that an account was closed now; terms that waited for that begin to count."""
        event = NewEvent(
            name="account_closed",
            happened_at=self.services.clock(),
            platform=platform,
            account=account,
        )
        stated = await self.services.keeping.events.state(event, actor=RITA)
        await self.services.keeping.refiling.finish()
        return stated

    async def kept_until(self, record: Record) -> str:
        """Return the day from which a record may go, or what its end waits for."""
        why = (await self.services.filing.why(record.id, actor=ADA)).to_dict()
        return str(why["until"])[:10] if why["until"] else str(why["state"])

    async def state_of(self, record: Record) -> str:
        """Return how a record stands now."""
        return str((await self.services.filing.why(record.id, actor=ADA)).to_dict()["state"])

    async def hold(self, records: Sequence[Record]) -> str:
        """Place a hold on exactly these records; return its id."""
        view = await self.services.holds.place(
            name="Doe v. Bank", reason="complaint", record_ids=[each.id for each in records],
            actor=ADA,
        )  # fmt: skip
        assert view.records == len(records)
        return view.id

    async def release(self, hold_id: str) -> None:
        """Release a hold, by as many people as that takes."""
        released = await self.services.releases.release(hold_id, reason="settled", actor=ADA)
        if released.waits is not None:
            await self.services.releases.decide(hold_id, approve=True, actor=BEN)
        await self.services.holds.mirror()

    async def form_batches(self) -> list[BatchView]:
        """Form batches of all that is due, the largest first."""
        formed = await self.services.disposition.forming.form(actor=RITA)
        return sorted(formed, key=lambda batch: -batch.records)

    async def years_pass(self, count: int) -> None:
        """Let years pass in which somebody is there: the lock keeper, every half a year."""
        for _ in range(2 * count):
            self.time.pass_by(YEAR / 2)
            assert (await self.services.locks.keep(actor=SYSTEM)).whole

    async def review(self, batch: BatchView) -> BatchReview:
        """Return what the review of a batch is told, after a look at some of its records."""
        reviews = self.services.disposition.reviews
        sample = await reviews.sample(batch.id, size=20, actor=RITA)
        assert len(sample.members) == min(20, batch.records)
        return await reviews.show(batch.id, actor=RITA)

    async def approve(self, batch: BatchView) -> BatchView:
        """Propose a batch as Rita and approve it as two others."""
        approvals = self.services.disposition.approvals
        batch = await approvals.propose(batch.id, reason=WHY, actor=RITA)
        for who in (ADA, BEN):
            batch = await approvals.approve(batch.id, records=batch.records, reason=WHY, actor=who)
        return batch

    async def execute(self, batch: BatchView) -> CertificateView:
        """Execute a batch and return its certificate."""
        done = await self.services.disposition.executions.execute(batch.id, actor=RITA)
        assert done.certificate is not None, "nothing was destroyed"
        return done.certificate

    async def lock_objects(self, lock: Lock) -> datetime:
        """Lock every segment with posts and its keys, and return when the locks end."""
        store, archive_id = self.services.store.blocking, self.services.archive.id
        for kind in ("seg", "keys"):
            for key in list(store.list_keys(f"{kind}/{archive_id}/")):
                if f"/{AUDIT_CLASS}/" not in key:
                    store.extend_lock(key, version_id=store.head(key).version_id, lock=lock)
        return lock.until

    async def wait_for_the_store(self, until: datetime) -> None:
        """Wait until a store's own clock has passed a moment."""
        store = self.services.store.blocking
        assert isinstance(store, KeepsTime)
        while await asyncio.to_thread(store.server_time) <= until:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(1)

    async def certificate(self, batch: BatchView) -> CertificateView:
        """Return the certificate that a batch has."""
        return await self.services.disposition.certificates.show(batch.id, actor=RITA)

    async def go_on(self) -> None:
        """Let the loops of a server do what they do every minute."""
        chores = {chore.name: chore for chore in self.services.loops.chores}
        for name in ("disposal", "certificates"):
            assert not await chores[name].act()

    async def batch(self, batch_id: str) -> str:
        """Return the state of a batch."""
        async with self.services.database.reading() as tx:
            return (await batch_rows.get(tx, batch_id)).state

    async def require_intact(self, records: Iterable[Record]) -> None:
        """Open every record from the store's bytes and compare each of its parts."""
        reader = reader_of(self.services)
        for each in records:
            opened_record = await read_back(self.services, each.id)
            for number, part in enumerate(each.arrival.parts):
                found = await asyncio.to_thread(reader.part, opened_record, number)
                assert found.content == part.content, each.id

    async def verify(self) -> Report:
        """Return what `verify --full --content` finds."""
        await self.services.loops.catch_up()
        target = replace(self.services.verifying.target(), clock=self.time)
        return await verify_full(target, workers=1, content=True)

    @staticmethod
    def destroyed(report: Report) -> int:
        """Return how many records a verification found explained by the log's word."""
        return dict(report.counts).get("destroyed, as the log says", 0)

    def policy(self) -> str:
        """Return the trust policy of whoever knows the log's key and asks no witness."""
        return f"log {self.services.archive.vkey}\nquorum none\n"


def execute_until_killed(
    settings: Settings, time: Time | RealTime, batch_id: str, *, removal: int
) -> int:
    """Execute a batch in a process that is killed just before its `removal`-th removal.

    Returns how the process ended: -9.
    """
    process = multiprocessing.get_context("spawn").Process(
        target=_execute_and_die, args=(settings, time, batch_id, removal), daemon=True
    )
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _execute_and_die(
    settings: Settings, time: Time | RealTime, batch_id: str, removal: int
) -> None:
    async def live() -> None:
        async with open_bank(settings, time) as bank:
            removals: Any = bank.services.destruction._removal
            remove, count = removals.remove, itertools.count(1)

            def remove_or_die(key: str) -> None:
                if next(count) == removal:
                    os.kill(os.getpid(), signal.SIGKILL)
                remove(key)

            removals.remove = remove_or_die
            await bank.services.disposition.executions.execute(batch_id, actor=RITA)

    asyncio.run(live())
