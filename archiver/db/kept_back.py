"""What no batch is formed of though it could be thought due: by what keeps it, counted and listed.

Held and locked records have come to the end of their retention; of those that await an event no end
is known. Permanent ones are none of these: a schedule's body says so, and no row of a record.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_

from archiver.db.holds import IS_HELD
from archiver.db.tables import a_post, record, schedule, segment
from archiver.db.transaction import Transaction
from archiver.model.lock import LockMode
from retention.schedules import Action

Version = tuple[str, int]


class Keeps(StrEnum):
    """What keeps a record."""

    HELD = "held"
    LOCKED = "locked"  # the object it is in, which no hold keeps as well
    AWAITING_EVENT = "awaiting-event"


class Place(NamedTuple):
    """Whose records are counted together."""

    class_code: str
    platform: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGroup:
    """How many records of a place are kept by what."""

    place: Place
    counts: Mapping[Keeps, int]


class KeptRecord(NamedTuple):
    """One of them. Moments are milliseconds; `retain_until` is None while no end is known."""

    log_index: int
    id: str
    captured_at: int
    retain_until: int | None
    lock_until: int


async def groups(tx: Transaction, at: int) -> list[KeptGroup]:
    """Return what is kept back at `at` (ms), by class, platform and account."""
    permanent = await _permanent(tx)
    keeps = _conditions(at)
    ended = or_(record.c.retain_until <= at, record.c.retain_until.is_(None))
    # A condition of its own, or SQLite walks over all records in the order of the groups.
    looked_at = select(record.c.log_index).where(a_post, ended)
    rows = await tx.execute(
        select(
            record.c.class_code,
            record.c.schedule_version,
            record.c.platform,
            record.c.account,
            *(func.sum(case((condition, 1), else_=0)) for condition in keeps.values()),
        )
        .join(segment, segment.c.id == record.c.segment_id)
        .where(record.c.log_index.in_(looked_at))
        .group_by(
            record.c.class_code, record.c.schedule_version, record.c.platform, record.c.account
        )
    )
    found: dict[Place, Counter[Keeps]] = {}
    for class_code, version, platform, account, *counts in rows:
        counted = Counter(dict(zip(keeps, map(int, counts), strict=True)))
        if (class_code, version) in permanent:
            del counted[Keeps.AWAITING_EVENT]
        found.setdefault(Place(class_code, platform, account), Counter()).update(+counted)
    return [
        KeptGroup(place=place, counts=counts) for place, counts in sorted(found.items()) if counts
    ]


async def records(
    tx: Transaction, keeps: Keeps, place: Place, *, at: int, after: int, limit: int
) -> list[KeptRecord]:
    """Return records of a place that are kept so at `at` (ms), in log order behind an index."""
    permanent = await _permanent(tx)
    rows = await tx.execute(
        select(
            record.c.log_index,
            record.c.id,
            record.c.captured_at,
            record.c.retain_until,
            case((segment.c.lock_mode == LockMode.NONE.value, 0), else_=segment.c.lock_until),
        )
        .join(segment, segment.c.id == record.c.segment_id)
        .where(
            record.c.log_index > after,
            record.c.entry_type == "rec",
            record.c.account == place.account,
            record.c.platform == place.platform,
            record.c.class_code == place.class_code,
            or_(
                record.c.retain_until.is_not(None),
                tuple_(record.c.class_code, record.c.schedule_version).not_in(sorted(permanent)),
            ),
            _conditions(at)[keeps],
        )
        .order_by(record.c.log_index)
        .limit(limit)
    )
    return [KeptRecord(*row) for row in rows]


def _conditions(at: int) -> Mapping[Keeps, ColumnElement[bool]]:
    locked = and_(segment.c.lock_mode != LockMode.NONE.value, segment.c.lock_until > at)
    ended = record.c.retain_until <= at
    return {
        Keeps.HELD: and_(ended, IS_HELD),
        Keeps.LOCKED: and_(ended, locked, ~IS_HELD),
        Keeps.AWAITING_EVENT: record.c.retain_until.is_(None),
    }


async def _permanent(tx: Transaction) -> frozenset[Version]:
    """Return the schedule versions under which no record ever ends."""
    rows = await tx.execute(select(schedule.c.class_code, schedule.c.version, schedule.c.body))
    return frozenset(
        (class_code, version)
        for class_code, version, body in rows
        if json.loads(body)["action"] == Action.PERMANENT
    )
