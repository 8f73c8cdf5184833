"""Queries that compare what terms count from with the events that stated it."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from archiver.db import hit_rows
from archiver.db.disposal_tables import retention_event
from archiver.db.hit_rows import HitRows
from archiver.db.tables import schedule
from archiver.db.transaction import Connection

OF_STATEMENT = ("id", "name", "platform", "account", "record_id", "happened_at", "day")
"""What of a retention event a term may count from."""


Schedules = dict[tuple[str, int], tuple[dict[str, Any], int]]
"""By class and version: the body, and the moment (ms) from which it is in force."""


class Rows(NamedTuple):
    """What the database says, of one moment.

    `events` are the stored events that stated it, in log order.
    """

    events: HitRows
    schedules: Schedules
    statements: frozenset[tuple[Any, ...]]


def rows_of(connection: Connection, log_indexes: Sequence[int]) -> Rows:
    """Return what the database says terms count from, and the events at these log indexes."""
    return Rows(
        events=hit_rows.read(connection, log_indexes),
        schedules=schedules(connection),
        statements=statements(connection),
    )


def schedules(connection: Connection) -> Schedules:
    """Return every version of every schedule."""
    rows = connection.execute(select(schedule))
    return {
        (row.class_code, row.version): (json.loads(row.body), row.in_force_from) for row in rows
    }


def statements(connection: Connection) -> frozenset[tuple[Any, ...]]:
    """Return the values of `OF_STATEMENT` of the retention events in force."""
    rows = connection.execute(
        select(*(retention_event.c[name] for name in OF_STATEMENT)).where(
            retention_event.c.in_force.is_(True)
        )
    )
    return frozenset(map(tuple, rows))
