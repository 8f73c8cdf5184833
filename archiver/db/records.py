"""Records: what the database knows of them. Content is never here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, func, select

from archiver.db.disposal_tables import disposed
from archiver.db.holds import ACTIVE, HoldRow
from archiver.db.number_lists import AT_ONCE, listed
from archiver.db.tables import (
    a_duplicate,
    hold,
    hold_record,
    log_entry,
    not_searchable,
    record,
    segment,
)
from archiver.db.transaction import Row, Transaction, insert_rows
from archiver.errors import NotFound

FACTS = (
    "id",
    "entry_type",
    "raw_sha256",
    "content_key",
    "idempotency_key",
    "platform",
    "account",
    "post_id",
    "kind",
    "change",
    "posted_at",
    "edited_at",
    "captured_at",
    "author_id",
    "author_handle",
    "conversation_id",
    "in_reply_to",
    "lang",
    "tags",
    "media",
    "searchable",
    "class_code",
    "rule",
    "schedule_version",
    "retain_until",
)
"""Columns whose values `archiver.preserve.sealing.record_facts` gives, in that order."""

PLACE = ("log_index", "segment_id", "frame", "frame_offset", "frame_length", "duplicate_of")
"""Columns that say where a record stands in its segment and in the log."""

_IDS_AT_ONCE = 5_000
_BATCH = 500  # SQLite allows 32,766 variables; short lists also keep plans cached


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A record already stored under a key that was asked for."""

    record_id: str
    log_index: int
    raw_sha256: bytes
    entry: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One record as the database describes it. Moments are milliseconds since 1970 UTC."""

    log_index: int
    id: str
    entry_type: str
    segment_id: str
    frame: int
    frame_offset: int
    frame_length: int
    raw_sha256: bytes
    duplicate_of: str | None
    platform: str
    account: str
    post_id: str
    kind: str
    change: str
    posted_at: int | None
    edited_at: int | None
    captured_at: int
    author_id: str
    author_handle: str
    conversation_id: str
    in_reply_to: str
    lang: str
    tags: str
    media: int
    searchable: bool
    class_code: str
    rule: str
    schedule_version: int
    retain_until: int | None


_COLUMNS = tuple(RecordRow.__dataclass_fields__)


def insert(connection: Connection, rows: list[Row]) -> None:
    """Insert rows of `PLACE` followed by `FACTS`."""
    insert_rows(connection, record, PLACE + FACTS, rows)


def find_stored(
    connection: Connection, content_keys: Sequence[bytes], idempotency_keys: Sequence[bytes]
) -> tuple[dict[bytes, Known], dict[bytes, Known]]:
    """Return what is stored under content keys and under idempotency keys."""
    by_content: dict[bytes, Known] = {}
    by_idempotency: dict[bytes, Known] = {}
    for statement, keys, found in (
        (_KNOWN_CONTENT, content_keys, by_content),
        (_KNOWN_SENDING, idempotency_keys, by_idempotency),
    ):
        for start in range(0, len(keys), _BATCH):
            rows = connection.execute(statement, {"keys": keys[start : start + _BATCH]})
            for key, record_id, log_index, raw_sha256, entry in rows:
                found[key] = Known(
                    record_id=record_id, log_index=log_index, raw_sha256=raw_sha256, entry=entry
                )
    return by_content, by_idempotency


def _known_by(column: ColumnElement[bytes]) -> Select[Any]:
    return (
        select(column, record.c.id, record.c.log_index, record.c.raw_sha256, log_entry.c.entry)
        .join(log_entry, log_entry.c.log_index == record.c.log_index)
        .where(column.in_(bindparam("keys", expanding=True)))
    )


_KNOWN_CONTENT = _known_by(record.c.content_key)
_KNOWN_SENDING = _known_by(record.c.idempotency_key)


async def get(tx: Transaction, record_id: str) -> RecordRow:
    """Return one record.

    Raises:
        NotFound: there is none with this id.
    """
    row = await find(tx, record_id)
    if row is None:
        raise no_record(record_id)
    return row


async def find(tx: Transaction, record_id: str) -> RecordRow | None:
    """Return one record, or None where there is none with this id, or it is being destroyed."""
    going = select(disposed.c.log_index).where(disposed.c.log_index == record.c.log_index).exists()
    row = (await tx.execute(_rows().where(record.c.id == record_id, ~going))).mappings().first()
    return None if row is None else RecordRow(**row)


def no_record(record_id: str) -> NotFound:
    """Return the error that tells that there is no such record, or none for who asks."""
    return NotFound(f"no record {record_id}")


async def list_by_index(tx: Transaction, indexes: Sequence[int]) -> dict[int, RecordRow]:
    """Return the records at these log indexes, by index."""
    found: dict[int, RecordRow] = {}
    for start in range(0, len(indexes), _BATCH):
        chunk = indexes[start : start + _BATCH]
        rows = await tx.execute(_rows().where(record.c.log_index.in_(chunk)))
        found.update((row["log_index"], RecordRow(**row)) for row in rows.mappings())
    return found


async def list_range(tx: Transaction, start: int, end: int) -> list[RecordRow]:
    """Return the records with log indexes in [start, end), in log order."""
    where = (record.c.log_index >= start) & (record.c.log_index < end)
    rows = await tx.execute(_rows().where(where).order_by(record.c.log_index))
    return [RecordRow(**row) for row in rows.mappings()]


async def ids_at(tx: Transaction, indexes: Sequence[int]) -> list[str]:
    """Return the record ids at ascending log indexes, in that order."""
    ids: list[str] = []
    for start in range(0, len(indexes), _IDS_AT_ONCE):
        chunk = listed(tx.dialect, indexes[start : start + _IDS_AT_ONCE])
        rows = await tx.execute(
            select(record.c.id).where(record.c.log_index.in_(chunk)).order_by(record.c.log_index)
        )
        ids.extend(rows.scalars().all())
    return ids


async def ids_among(tx: Transaction, indexes: Sequence[int]) -> list[str]:
    """Return the record ids at these distinct log indexes, ascending; where no record is, none.

    They come as one text for many, which costs half of what a row for each does.
    """
    ids: list[str] = []
    for start in range(0, len(indexes), AT_ONCE):
        wanted = listed(tx.dialect, indexes[start : start + AT_ONCE]).subquery()
        told = await tx.execute(
            select(func.aggregate_strings(record.c.id, " ")).join_from(
                wanted, record, record.c.log_index == wanted.c[0]
            )
        )
        ids.extend((told.scalar_one() or "").split())
    ids.sort()
    return ids


async def indexes_of(tx: Transaction, record_ids: Sequence[str]) -> dict[str, int]:
    """Return the log indexes of these record ids; unknown ids are absent."""
    return await tx.run_sync(lambda connection: find_indexes(connection, record_ids))


def find_indexes(connection: Connection, record_ids: Sequence[str]) -> dict[str, int]:
    """Return the log indexes of these record ids; unknown ids are absent."""
    found: dict[str, int] = {}
    for start in range(0, len(record_ids), _BATCH):
        chunk = record_ids[start : start + _BATCH]
        statement = select(record.c.id, record.c.log_index).where(record.c.id.in_(chunk))
        found.update((row.id, row.log_index) for row in connection.execute(statement))
    return found


VERSION_MOMENT = func.coalesce(
    record.c.edited_at,
    case(
        (
            (record.c.change == "created") & (record.c.posted_at <= record.c.captured_at),
            record.c.posted_at,
        ),
        else_=record.c.captured_at,
    ),
)
"""When a version of a post came to be: its edit; its posting, for the first one; else its capture.

An old post and its old edit are often captured together, long after both.
"""


async def versions(tx: Transaction, platform: str, account: str, post_id: str) -> list[RecordRow]:
    """Return the records of one post, oldest first (`VERSION_MOMENT`)."""
    rows = await tx.execute(
        _rows()
        .where(
            record.c.platform == platform,
            record.c.account == account,
            record.c.post_id == post_id,
            record.c.duplicate_of.is_(None),
        )
        .order_by(VERSION_MOMENT, record.c.log_index)
    )
    return [RecordRow(**row) for row in rows.mappings()]


async def has_posts(tx: Transaction) -> bool:
    """Return whether there is any post; found at once, since posts stand near the beginning."""
    first = select(record.c.log_index).where(record.c.entry_type == "rec").limit(1)
    return (await tx.execute(first)).first() is not None


async def count_posts(tx: Transaction, log_size: int, events_class: str) -> int:
    """Return how many posts stand below `log_size`, duplicates apart.

    Summed over segments, because counting a million records takes seconds: segments of
    `events_class` hold events only, all others posts only.
    """
    posts = segment.c.class_code != events_class
    whole = select(func.coalesce(func.sum(segment.c.records - segment.c.destroyed), 0)).where(
        posts, segment.c.first_index + segment.c.records <= log_size
    )
    # First where the cut segment lies: asked for in a join, SQLite reads all records before it.
    cut = select(segment.c.id, segment.c.first_index).where(
        posts,
        segment.c.first_index < log_size,
        segment.c.first_index + segment.c.records > log_size,
    )
    # Not by its log index either: SQLite would take that instead of the index of the few.
    duplicates = select(func.count()).where(a_duplicate, record.c.log_index + 0 < log_size)
    counts = [int((await tx.execute(each)).scalar_one()) for each in (whole, duplicates)]
    for segment_id, first in (await tx.execute(cut)).all():
        there = select(func.count(record.c.log_index)).where(
            record.c.log_index >= first,
            record.c.log_index < log_size,
            record.c.segment_id == segment_id,
        )
        counts[0] += int((await tx.execute(there)).scalar_one())
    return counts[0] - counts[1]


async def count_not_searchable(tx: Transaction, log_size: int) -> int:
    """Return how many posts below `log_size` hold nothing that can be searched.

    Answered from a partial index, since every search asks it; literal values let SQLite use that.
    """
    statement = select(func.count()).where(not_searchable, record.c.log_index < log_size)
    return int((await tx.execute(statement)).scalar_one())


async def entries_at(tx: Transaction, indexes: Sequence[int]) -> dict[int, bytes]:
    """Return the log's entries at these indexes, by index."""
    found: dict[int, bytes] = {}
    for start in range(0, len(indexes), _BATCH):
        chunk = indexes[start : start + _BATCH]
        rows = await tx.execute(select(log_entry).where(log_entry.c.log_index.in_(chunk)))
        found.update((row.log_index, bytes(row.entry)) for row in rows)
    return found


async def holds_on(tx: Transaction, indexes: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """Return the active holds `(id, name)` on each of these log indexes."""
    found: dict[int, list[tuple[str, str]]] = {}
    for start in range(0, len(indexes), _BATCH):
        rows = await tx.execute(
            select(hold_record.c.log_index, hold.c.id, hold.c.name)
            .join(hold, hold.c.id == hold_record.c.hold_id)
            .where(
                hold_record.c.log_index.in_(indexes[start : start + _BATCH]),
                hold.c.state == ACTIVE,
            )
            .order_by(hold.c.id)
        )
        for row in rows:
            found.setdefault(row.log_index, []).append((row.id, row.name))
    return found


async def holds_ever_on(tx: Transaction, log_index: int) -> list[HoldRow]:
    """Return the holds ever placed on one record, released ones included, oldest first."""
    rows = await tx.execute(
        select(*(hold.c[name] for name in HoldRow.__dataclass_fields__))
        .join(hold_record, hold_record.c.hold_id == hold.c.id)
        .where(hold_record.c.log_index == log_index)
        .order_by(hold.c.id)
    )
    return [HoldRow(**row) for row in rows.mappings()]


def _rows() -> Select[Any]:
    return select(*(record.c[name] for name in _COLUMNS))
