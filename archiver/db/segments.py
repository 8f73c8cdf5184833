"""Segments and blobs: where the stored objects are, their versions, hashes and locks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, update

from archiver.db.chunks import chunks
from archiver.db.holds import ACTIVE
from archiver.db.tables import blob, hold, hold_record, record, segment
from archiver.db.transaction import Row, Transaction, insert_rows
from archiver.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """One segment as the database describes it. `seal` is the SHA-256 in the object's trailer.

    Of its `records` so many are `destroyed`: their keys are gone.
    """

    id: str
    class_code: str
    period: str
    first_index: int
    records: int
    object_key: str
    version_id: str
    size: int
    seal: bytes
    keys_object_key: str
    keys_version_id: str
    keys_sha256: bytes
    lock_mode: str
    lock_until: int
    legal_hold: bool
    created_at: int
    destroyed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRow:
    """One large part as the database describes it."""

    object_key: str
    version_id: str
    record_id: str
    size: int
    sha256: bytes
    legal_hold: bool


_COLUMNS = tuple(SegmentRow.__dataclass_fields__)
_BLOB_COLUMNS = tuple(BlobRow.__dataclass_fields__)
_VERSIONS = (
    (segment.c.object_key, segment.c.version_id),
    (segment.c.keys_object_key, segment.c.keys_version_id),
    (blob.c.object_key, blob.c.version_id),
)


def insert(connection: Connection, rows: Sequence[SegmentRow]) -> None:
    """Insert segments."""
    values = [tuple(getattr(row, name) for name in _COLUMNS) for row in rows]
    insert_rows(connection, segment, _COLUMNS, values)


def insert_blobs(connection: Connection, rows: list[Row]) -> None:
    """Insert blobs: key, version, record id, size, SHA-256, legal hold."""
    insert_rows(connection, blob, _BLOB_COLUMNS, rows)


async def get(tx: Transaction, segment_id: str) -> SegmentRow:
    """Return one segment. Raises NotFound."""
    row = (await tx.execute(select(segment).where(segment.c.id == segment_id))).mappings().first()
    if row is None:
        raise NotFound(f"no segment {segment_id}")
    return SegmentRow(**row)


async def get_many(tx: Transaction, segment_ids: Collection[str]) -> dict[str, SegmentRow]:
    """Return these segments by id; unknown ids are absent."""
    found: dict[str, SegmentRow] = {}
    wanted = sorted(segment_ids)
    for chunk in chunks(wanted):
        rows = await tx.execute(select(segment).where(segment.c.id.in_(chunk)))
        found.update((row["id"], SegmentRow(**row)) for row in rows.mappings())
    return found


async def known(tx: Transaction, segment_ids: Sequence[str]) -> dict[str, int]:
    """Return `{id: first log index}` of those of these segments that are in the database."""
    found: dict[str, int] = {}
    for some in chunks(segment_ids):
        rows = await tx.execute(
            select(segment.c.id, segment.c.first_index).where(segment.c.id.in_(some))
        )
        found.update((row.id, row.first_index) for row in rows)
    return found


async def list_after(tx: Transaction, first_index: int, limit: int) -> list[SegmentRow]:
    """Return segments in log order, from the one that starts at or after `first_index`."""
    rows = await tx.execute(
        select(segment)
        .where(segment.c.first_index >= first_index)
        .order_by(segment.c.first_index)
        .limit(limit)
    )
    return [SegmentRow(**row) for row in rows.mappings()]


async def hold_drift(tx: Transaction) -> list[tuple[SegmentRow, bool]]:
    """Return segments whose object hold differs from the holds in force, with the wanted state."""
    wanted = _wanted()
    rows = await tx.execute(
        select(segment, wanted.label("wanted")).where(segment.c.legal_hold != wanted)
    )
    return [
        (SegmentRow(**{name: row[name] for name in _COLUMNS}), bool(row["wanted"]))
        for row in rows.mappings()
    ]


async def held_lanes(tx: Transaction) -> set[tuple[str, str]]:
    """Return the `(class, period)` of every segment with a record under a hold in force."""
    rows = await tx.execute(
        select(segment.c.class_code, segment.c.period).where(_wanted()).distinct()
    )
    return {(row[0], row[1]) for row in rows}


async def held_objects(tx: Transaction) -> tuple[list[SegmentRow], list[BlobRow]]:
    """Return the segments and blobs that a hold in force covers, whatever their objects say."""
    segments = await tx.execute(select(segment).where(_wanted()))
    blobs = await tx.execute(select(blob).where(_blob_wanted()))
    return (
        [SegmentRow(**row) for row in segments.mappings()],
        [BlobRow(**row) for row in blobs.mappings()],
    )


async def blob_hold_drift(tx: Transaction) -> list[tuple[BlobRow, bool]]:
    """Return blobs whose object hold differs from the holds in force, with the wanted state."""
    wanted = _blob_wanted()
    rows = await tx.execute(select(blob, wanted.label("wanted")).where(blob.c.legal_hold != wanted))
    return [
        (BlobRow(**{name: row[name] for name in _BLOB_COLUMNS}), bool(row["wanted"]))
        for row in rows.mappings()
    ]


async def set_legal_hold(tx: Transaction, segment_ids: Sequence[str], *, on: bool) -> None:
    """Note that the objects of these segments are, or are no longer, under legal hold."""
    for chunk in chunks(segment_ids):
        await tx.execute(update(segment).where(segment.c.id.in_(chunk)).values(legal_hold=on))


async def set_blob_hold(tx: Transaction, object_keys: Sequence[str], *, on: bool) -> None:
    """Note that these blobs are, or are no longer, under legal hold."""
    for chunk in chunks(object_keys):
        await tx.execute(update(blob).where(blob.c.object_key.in_(chunk)).values(legal_hold=on))


async def versions_named(tx: Transaction, object_key: str) -> set[str]:
    """Return the versions of an object that rows name, which should be one; none for an epoch."""
    found: set[str] = set()
    for key, version in _VERSIONS:
        found |= {row[0] for row in await tx.execute(select(version).where(key == object_key))}
    return found


async def set_version(tx: Transaction, object_key: str, version_id: str) -> None:
    """Note that the version to read of an object is another one, wherever a row names it."""
    for key, version in _VERSIONS:
        await tx.execute(update(key.table).where(key == object_key).values({version: version_id}))


async def count_from(tx: Transaction, first_index: int) -> int:
    """Return how many segments start at or after a log index."""
    rows = await tx.execute(
        select(func.count()).select_from(segment).where(segment.c.first_index >= first_index)
    )
    return int(rows.scalar_one())


async def find_blob(tx: Transaction, object_key: str) -> BlobRow | None:
    """Return one blob, None where there is none."""
    row = (await tx.execute(select(blob).where(blob.c.object_key == object_key))).mappings().first()
    return None if row is None else BlobRow(**row)


async def blobs_within(tx: Transaction, start: int, end: int) -> list[BlobRow]:
    """Return the blobs of the records in [start, end) of the log."""
    rows = await tx.execute(
        select(blob)
        .join(record, record.c.id == blob.c.record_id)
        .where(record.c.log_index >= start, record.c.log_index < end)
        .order_by(blob.c.object_key)
    )
    return [BlobRow(**row) for row in rows.mappings()]


async def list_blobs(tx: Transaction, after: str, limit: int) -> list[BlobRow]:
    """Return blobs by object key, those after `after`."""
    rows = await tx.execute(
        select(blob).where(blob.c.object_key > after).order_by(blob.c.object_key).limit(limit)
    )
    return [BlobRow(**row) for row in rows.mappings()]


def _wanted() -> ColumnElement[bool]:
    """Whether a hold in force covers a record of the segment."""
    return (
        select(hold_record.c.log_index)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .where(
            hold.c.state == ACTIVE,
            hold_record.c.log_index >= segment.c.first_index,
            hold_record.c.log_index < segment.c.first_index + segment.c.records,
        )
        .exists()
    )


def _blob_wanted() -> ColumnElement[bool]:
    """Whether a hold in force covers the record of the blob."""
    return (
        select(hold_record.c.log_index)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .join(record, record.c.log_index == hold_record.c.log_index)
        .where(hold.c.state == ACTIVE, record.c.id == blob.c.record_id)
        .exists()
    )
