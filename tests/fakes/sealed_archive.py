"""An archive of a few hundred records, written by the real writer and integrator, to be attacked.

Composed from `archiver.preserve` alone, so that what verification stands on is all it depends on.
It has posts in two lanes, an event, a blob, entries without frames, several checkpoints and, with
over 512 entries, two full tiles of level 0 and a partial one.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from archiver.assurance.target import VerificationTarget
from archiver.clock import Clock, rfc3339, system_clock, to_millis
from archiver.db import archive as archive_rows
from archiver.db import ledger as ledger_rows
from archiver.db import schema
from archiver.db.transaction import Database, open_database
from archiver.ids import Ulids
from archiver.model.lock import LockMode
from archiver.model.post import Arrival, Author, Part, PartRole, Post, Provenance
from archiver.preserve.blobs import BlobWriter
from archiver.preserve.epochs import Epochs
from archiver.preserve.event_effects import effect_of
from archiver.preserve.event_record import EventBody, event_part, event_row, members_part
from archiver.preserve.keyring import Keyring, create_keyring
from archiver.preserve.lanes import Lane
from archiver.preserve.ledger.entry import members_digest
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.ledger.merkle import EMPTY_ROOT
from archiver.preserve.sealing import SECRET_BYTES, Draft, Sealed, seal
from archiver.preserve.segments.manifest import Blob, Retention, Source
from archiver.preserve.sequencer import Sequencer
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer, WriterLimits

ORIGIN = "archive.example.com/sealed"
LANE = Lane("correspondence", "2032-11", LockMode.GOVERNANCE)
EVENTS = Lane("audit-trail", "9999-12", LockMode.GOVERNANCE)
_numbers = itertools.count(100)
BATCHES = (200, 56, 270, 60)
"""Posts between one checkpoint and the next; the second one ends with a full tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedArchive:
    """Where a finished archive is, and what verifies it. Nothing of it is open."""

    archive_id: str
    store_url: str
    database_url: str
    keyring: Keyring

    @property
    def vkey(self) -> str:
        return str(self.keyring.signers[0].vkey)

    @contextmanager
    def opened_store(self) -> Iterator[ObjectStore]:
        store = open_store(self.store_url, clock=system_clock, create=False)
        yield store
        store.close()

    def target(self, database: Database | None, *, keyring: bool = True) -> VerificationTarget:
        return VerificationTarget(
            archive_id=self.archive_id,
            origin=ORIGIN,
            vkeys=(self.vkey,),
            store_url=self.store_url,
            database=database,
            keyring=self.keyring if keyring else None,
        )


async def build_archive(
    store_url: str, database_url: str, *, batches: tuple[int, ...] = BATCHES
) -> SealedArchive:
    """Write an archive into an empty store and an empty database."""
    ulids = Ulids()
    keyring = create_keyring(ulids.one(system_clock()), ORIGIN, os.urandom)
    archive = SealedArchive(
        archive_id=keyring.archive_id,
        store_url=store_url,
        database_url=database_url,
        keyring=keyring,
    )
    store = AsyncStore(open_store(store_url, clock=system_clock, create=True))
    database = open_database(database_url)
    try:
        await _found(database, archive)
        await _Filling(archive, store, database, ulids).fill(batches)
    finally:
        await database.close()
        await store.close()
    return archive


async def add_posts(archive: SealedArchive, count: int, clock: Clock = system_clock) -> None:
    """Write more posts into an archive, by a clock of one's own, and a hold."""
    store = AsyncStore(open_store(archive.store_url, clock=system_clock, create=False))
    database = open_database(archive.database_url)
    try:
        filling = _Filling(archive, store, database, Ulids(), clock)
        await filling.fill((count,), first=next(_numbers))
    finally:
        await database.close()
        await store.close()


async def _found(database: Database, archive: SealedArchive) -> None:
    await schema.migrate(database)
    async with database.transaction() as tx:
        await archive_rows.create(
            tx,
            archive_rows.ArchiveRow(
                id=archive.archive_id,
                origin=ORIGIN,
                vkey=archive.vkey,
                zone="UTC",
                created_at=to_millis(system_clock()),
            ),
        )
        await ledger_rows.create(tx, EMPTY_ROOT)


class _Filling:
    def __init__(
        self,
        archive: SealedArchive,
        store: AsyncStore,
        database: Database,
        ulids: Ulids,
        clock: Clock = system_clock,
    ) -> None:
        self._clock = clock
        signer = archive.keyring.signers[0]
        self._archive_id = archive.archive_id
        self._database = database
        self._ulids = ulids
        self._integrator = Integrator(
            archive_id=archive.archive_id,
            signers=archive.keyring.signers,
            verifiers=archive.keyring.verifiers,
            store=store.blocking,
            database=database,
            clock=clock,
            lock_mode=LockMode.GOVERNANCE,
        )
        self._writer = Writer(
            archive_id=archive.archive_id,
            software="muniment/test",
            epochs=Epochs(archive.keyring, store.blocking, os.urandom),
            store=store,
            sequencer=Sequencer(database=database, signer=signer, clock=clock),
            clock=clock,
            ulids=ulids,
            limits=WriterLimits(),
        )
        self._blobs = BlobWriter(
            archive_id=archive.archive_id,
            store=store,
            clock=clock,
            ulids=ulids,
            randomness=os.urandom,
            inline_limit=1000,
            lock_limit=timedelta(days=3660),
        )

    async def fill(self, batches: tuple[int, ...], *, first: int = 0) -> None:
        async with self._writer:
            for number, count in enumerate(batches, first):
                posts = [await self._post(number, place) for place in range(count)]
                for start in range(0, count, 100):
                    await self._writer.write_segment(LANE, posts[start : start + 100])
                if number == 1:
                    await self._writer.write_segment(EVENTS, [self._search()])
                if number == first + len(batches) - 1:
                    await self._writer.write_segment(EVENTS, [await self._hold()])
                await self._integrator.integrate()
        self._integrator.close()

    async def _post(self, batch: int, place: int) -> Sealed:
        record_id = self._ulids.one(self._clock())
        payload = f'{{"id": "{batch}-{place}", "text": "Quarterly results, no. {place}"}}'
        parts = [_part("payload.json", PartRole.RAW, payload.encode())]
        blobs: list[tuple[int, Blob]] = []
        if place == 7:
            parts.append(_part("picture.png", PartRole.MEDIA, os.urandom(40_000)))
        post = Post(
            platform="mastodon",
            account="@acme",
            post_id=f"{batch}-{place}",
            posted_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
            text=f"Quarterly results, no. {place}",
            author=Author(id="1", handle="@acme", name="Acme"),
        )
        arrival = Arrival(
            post=post, parts=tuple(parts), provenance=Provenance(method="import", source="test")
        )
        blobs = await self._blobs.put(self._blobs.large_parts(arrival), record_id, LANE)
        draft = Draft(
            record_id=record_id,
            entry_type="rec",
            lane=LANE,
            source=Source(method="import", source="test"),
            parts=arrival.parts,
            retention=_retention(LANE, "2032-11-30T23:59:59.000Z"),
            post=post,
            blobs=tuple(blobs),
        )
        return seal(self._archive_id, draft, self._clock(), os.urandom(SECRET_BYTES))

    def _event(
        self,
        action: str,
        object_type: str,
        object_id: str,
        details: dict[str, str | int | bool],
        *more: Part,
    ) -> Sealed:
        now = self._clock()
        record_id = self._ulids.one(now)
        body = EventBody(
            at=rfc3339(now),
            actor="carla",
            roles=["counsel"],
            via="web",
            action=action,
            object_type=object_type,
            object_id=object_id,
            result="ok",
            details=details,
        )
        parts = (event_part(body), *more)
        draft = Draft(
            record_id=record_id,
            entry_type="aud",
            lane=EVENTS,
            source=Source(method="event"),
            parts=parts,
            retention=_retention(EVENTS, ""),
            event=event_row(record_id, body),
            effect=effect_of(body, {part.name: part.content for part in parts}.get),
        )
        return seal(self._archive_id, draft, now, os.urandom(SECRET_BYTES))

    def _search(self) -> Sealed:
        return self._event("search", "query", "", {"query": "results", "count": 3})

    async def _hold(self) -> Sealed:
        """The event that places a hold over the first and the last post there are."""
        async with self._database.reading() as tx:
            found = await tx.execute(
                text("SELECT log_index, id FROM record WHERE entry_type='rec'")
            )
            posts = sorted(found)
        ids = sorted((posts[0].id, posts[-1].id))
        details: dict[str, str | int | bool] = {
            "name": "Q",
            "matter": "24-1",
            "reason": "suit",
            "scope": "{}",
            "log_size": posts[-1].log_index + 1,
            "records": len(ids),
            "members_sha256": members_digest(ids).hex(),
        }
        hold_id = self._ulids.one(self._clock())
        return self._event("hold:placed", "hold", hold_id, details, members_part(ids))


def _part(name: str, role: PartRole, content: bytes) -> Part:
    return Part(name=name, role=role, media_type="application/octet-stream", content=content)


def _retention(lane: Lane, until: str) -> Retention:
    return Retention(class_code=lane.class_code, rule="1/default", schedule_version=1, until=until)
