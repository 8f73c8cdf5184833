"""A whole archive for tests: founded in a folder, opened as the server opens it; and posts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from archiver.app import Services, open_services
from archiver.clock import Clock, system_clock
from archiver.config import PREFIX, Settings, load_settings
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.founding import Founded, found_archive, record_founding
from archiver.ids import Ulids
from archiver.model.actor import SYSTEM, Actor, Role
from archiver.model.post import Arrival, Author, Change, Part, PartRole, Post, Provenance
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash, verify_inclusion
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix, segment_id_of, segment_prefix
from archiver.preserve.reader import OpenedRecord, RecordReader
from tests.fakes.migrated import migrated_sqlite

AGENT = Actor(name="push", roles=frozenset({Role.CAPTURE_AGENT}))
T = TypeVar("T")
POSTED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def settings_for(home: Path, *, database_url: str = "", store_url: str = "") -> Settings:
    """Settings of an archive that lives in `home` but for what is named; it publishes quickly."""
    given = {
        "HOME": str(home),
        "DATABASE_URL": database_url,
        "STORE_URL": store_url,
        "ORIGIN": "archive.example.com/acme",
        "PUBLISH_INTERVAL_S": "0.05",
        "INDEX_INTERVAL_S": "0.05",
    }
    return load_settings({PREFIX + name: value for name, value in given.items() if value})


async def found(settings: Settings, *, clock: Clock = system_clock) -> Settings:
    """Found the archive the settings describe, and return them. Its log is empty.

    A SQLite database that is not there yet begins as a copy of a migrated one.
    """
    await _founded(settings, clock)
    return settings


async def found_whole(settings: Settings, *, clock: Clock = system_clock) -> Settings:
    """Found an archive as `muniment init` does: its first log entries state its file plan."""
    founded = await _founded(settings, clock)
    async with open_services(settings, clock=clock) as services:
        await record_founding(services.database, services.trail, founded, SYSTEM)
    return settings


async def _founded(settings: Settings, clock: Clock) -> Founded:
    url = settings.effective_database_url
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():  # noqa: ASYNC240 - at once
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(migrated_sqlite())  # noqa: ASYNC240 - at once
    return await found_archive(settings, clock=clock, randomness=os.urandom, ulids=Ulids())


@asynccontextmanager
async def serving(settings: Settings, *, clock: Clock = system_clock) -> AsyncIterator[Services]:
    """The archive's services with their background loops running."""
    async with open_services(settings, clock=clock) as services:
        loops = [asyncio.create_task(loop()) for loop in services.loops.all()]
        try:
            yield services
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


def an_arrival(
    content: bytes,
    *,
    post_id: str = "",
    change: Change = Change.CREATED,
    idempotency_key: str = "",
    posted_at: datetime | None = POSTED,
    media: tuple[bytes, ...] = (),
) -> Arrival:
    """One post whose verbatim payload is `content`; its id is taken from the bytes if not given."""
    raw = Part(name="post.json", role=PartRole.RAW, media_type="application/json", content=content)
    files = tuple(
        Part(name=f"{n}.jpg", role=PartRole.MEDIA, media_type="image/jpeg", content=each)
        for n, each in enumerate(media)
    )
    return Arrival(
        post=Post(
            platform="example",
            account="acme",
            post_id=post_id or sha256(content).hexdigest()[:16],
            change=change,
            posted_at=posted_at,
            text=content.decode(errors="replace").replace("\0", "\ufffd"),
            author=Author(id="1", handle="acme", name="Acme"),
        ),
        parts=(raw, *files),
        provenance=Provenance(method="push", source="test"),
        idempotency_key=idempotency_key,
    )


def reader_of(services: Services) -> RecordReader:
    """A reader of the archive with no cached keys: what it returns comes from the store."""
    return RecordReader(services.archive.id, services.store.blocking, services.epochs)


async def row_and_entry(services: Services, record_id: str) -> tuple[RecordRow, bytes]:
    """What the database says of a record, and its log entry."""
    async with services.database.reading() as tx:
        row = await record_rows.get(tx, record_id)
        (entry,) = await ledger_rows.entries(tx, row.log_index, row.log_index + 1)
    return row, entry


async def read_back(services: Services, record_id: str) -> OpenedRecord:
    """A record opened from the store's bytes, checked against its log entry."""
    row, entry = await row_and_entry(services, record_id)
    async with services.database.reading() as tx:
        segment = await segment_rows.get(tx, row.segment_id)
    return await asyncio.to_thread(reader_of(services).open, segment, row, entry)


async def stored_posts(services: Services) -> list[RecordRow]:
    """Every record of a post in the database, in log order, duplicates included."""
    async with services.database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        rows = await record_rows.list_range(tx, 0, end)
    return [row for row in rows if row.entry_type == "rec"]


async def unsequenced(services: Services) -> set[str]:
    """Segments in the store that the database does not name."""
    keys = [key async for key in services.store.list_keys(segment_prefix(services.archive.id))]
    async with services.database.reading() as tx:
        known = await segment_rows.known(tx, [segment_id_of(key) for key in keys])
    return {key for key in keys if segment_id_of(key) not in known}


async def left_by(services: Services, count: int) -> set[str]:
    """The unsequenced segments, once there are `count` of them; until then none."""
    found = await unsequenced(services)
    return found if len(found) == count else set()


async def eventually(check: Callable[[], Awaitable[T]]) -> T:
    """What `check` gives as soon as that is something; a test that waits 20 s for it fails."""
    async with asyncio.timeout(20):
        while not (found := await check()):  # noqa: ASYNC110 - stores and databases have no events
            await asyncio.sleep(0.01)
    return found


async def publish(services: Services) -> Checkpoint:
    """Integrate all that is sequenced; return the published checkpoint, its signature checked."""
    async with asyncio.timeout(60):
        while await services.loops.integrate_once():
            pass
    prefix = log_prefix(services.archive.id)
    note = await services.store.get(prefix + "checkpoint")
    verifier = Ed25519Verifier.from_vkey(services.archive.vkey)
    return open_checkpoint(note, services.archive.origin, [verifier])


def require_included(services: Services, head: Checkpoint, index: int, entry: bytes) -> None:
    """Check the inclusion of an entry under a checkpoint, by the tiles in the store."""
    prefix = log_prefix(services.archive.id)
    store = services.store.blocking
    path = TileTree(head.size, lambda name: store.get(prefix + name)).inclusion_proof(index)
    verify_inclusion(leaf=leaf_hash(entry), index=index, size=head.size, proof=path, root=head.root)
