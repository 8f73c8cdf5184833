"""Which posts can be searched, and where they stand: what the search index has to hold.

Events, duplicates and posts without any words are not among them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select

from archiver.db import records as record_rows
from archiver.db import set_aside
from archiver.db.chunks import chunks
from archiver.db.refiled_classes import RECLASSIFIED
from archiver.db.tables import record
from archiver.db.transaction import Connection, Transaction
from retention.templates import AUDIT_CLASS


class Place(NamedTuple):
    """Where a record stands: its log index, its segment, its frame in it, and the class it is in.

    The class is that of now; the record itself names the one it was filed in at capture.
    """

    log_index: int
    segment_id: str
    frame: int
    class_code: str


async def places(tx: Transaction, start: int, end: int) -> list[Place]:
    """Return where the searchable posts with log indexes in [start, end) stand, in log order.

    Events and duplicates are not searched.
    """
    where = (record.c.log_index >= start) & (record.c.log_index < end)
    return [Place(*row) for row in await tx.execute(_places(where))]


async def places_at(tx: Transaction, indexes: Sequence[int]) -> list[Place]:
    """Return where those of the posts at ascending log indexes stand that are searched."""
    found: list[Place] = []
    for some in chunks(indexes):
        where = record.c.log_index.in_(some)
        found.extend(Place(*row) for row in await tx.execute(_places(where)))
    return found


async def between(tx: Transaction, start: int, end: int) -> list[int]:
    """Return the log indexes in [start, end) of the posts that are searched, ascending."""
    where = (record.c.log_index >= start) & (record.c.log_index < end)
    statement = _places(where).with_only_columns(record.c.log_index)
    return list((await tx.execute(statement)).scalars().all())


def reclassified(connection: Connection) -> Mapping[str, list[int]]:
    """Return the log indexes of the posts that are searched and were reclassified, by class."""
    statement = _places(record.c.rule == RECLASSIFIED)
    found: dict[str, list[int]] = {}
    for place in map(Place._make, connection.execute(statement)):
        found.setdefault(place.class_code, []).append(place.log_index)
    return found


async def count(tx: Transaction, log_size: int) -> int:
    """Return how many posts below `log_size` a search index has to hold: what is set aside is not.

    A few statements over segments and small indexes, whatever the size of the archive.
    """
    return await count_all(tx, log_size) - await set_aside.count(tx, log_size)


async def count_all(tx: Transaction, log_size: int) -> int:
    """Return how many posts below `log_size` can be searched; below it that never changes."""
    posts = await record_rows.count_posts(tx, log_size, AUDIT_CLASS)
    return posts - await record_rows.count_not_searchable(tx, log_size)


def _places(where: ColumnElement[bool]) -> Select[Any]:
    return (
        select(record.c.log_index, record.c.segment_id, record.c.frame, record.c.class_code)
        .where(
            where,
            record.c.entry_type == "rec",
            record.c.searchable.is_(True),
            record.c.duplicate_of.is_(None),
        )
        .order_by(record.c.log_index)
    )
