"""Putting records into another class: what their rows say of retention, changed in place.

The manifest keeps what was decided at capture; the row says what is in force now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from archiver.clock import to_millis
from archiver.db import account_totals
from archiver.db.chunks import chunks
from archiver.db.facts import facts_of_rows
from archiver.db.holds import IS_HELD
from archiver.db.tables import event, record
from archiver.db.transaction import Connection, Transaction
from retention.decisions import retain_until
from retention.schedules import Schedule

RECLASSIFIED = "reclassified"
"""What a row names in place of the rule that chose its class."""

RECLASSIFYING = "record:reclassified"
"""The action of the event by which records are moved."""

_POST = "rec"

_MOVE = (
    update(record)
    .where(record.c.log_index == bindparam("at"), record.c.entry_type == _POST)
    .values(
        class_code=bindparam("into"),
        rule=RECLASSIFIED,
        schedule_version=bindparam("version"),
        retain_until=bindparam("until"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a post stands before it is moved. `retain_until` is milliseconds, None: no end known."""

    log_index: int
    id: str
    class_code: str
    retain_until: int | None
    held: bool


def move(
    connection: Connection,
    log_indexes: Sequence[int],
    class_code: str,
    version: int,
    schedule: Schedule | None,
) -> None:
    """Put these posts into a class, kept by that version of its schedule.

    Without a schedule (a file plan that was restored in part) no end is known, so nothing of them
    falls due.
    """
    until = {} if schedule is None else ends(connection, log_indexes, schedule)
    account_totals.move_class(connection, log_indexes, class_code)
    for some in chunks(log_indexes):
        connection.execute(
            _MOVE,
            [
                {"at": index, "into": class_code, "version": version, "until": until.get(index)}
                for index in some
            ],
        )


def was_any_moved(connection: Connection, since: int) -> bool:
    """Return whether an event at a log index from `since` on reclassified records."""
    found = connection.execute(
        select(event.c.record_id)
        .join(record, record.c.id == event.c.record_id)
        .where(event.c.action == RECLASSIFYING, record.c.log_index >= since)
        .limit(1)
    )
    return found.first() is not None


def ends(
    connection: Connection, log_indexes: Sequence[int], schedule: Schedule
) -> Mapping[int, int | None]:
    """Return until when a schedule keeps these records, in milliseconds; None: no end is known."""
    found: dict[int, int | None] = {}
    for index, facts in facts_of_rows(connection, log_indexes).items():
        until = retain_until(facts, schedule).until
        found[index] = None if until is None else to_millis(until)
    return found


async def standing(tx: Transaction, log_indexes: Sequence[int]) -> list[Standing]:
    """Return how the posts among these stand, in log order."""
    columns: tuple[Any, ...] = (
        record.c.log_index,
        record.c.id,
        record.c.class_code,
        record.c.retain_until,
        IS_HELD.label("held"),
    )
    found: list[Standing] = []
    for chunk in chunks(log_indexes):
        rows = await tx.execute(
            select(*columns)
            .where(record.c.log_index.in_(chunk), record.c.entry_type == _POST)
            .order_by(record.c.log_index)
        )
        found.extend(
            Standing(
                log_index=row.log_index,
                id=row.id,
                class_code=row.class_code,
                retain_until=row.retain_until,
                held=bool(row.held),
            )
            for row in rows
        )
    return found
