"""Batches for tests of the gate: formed, proposed and approved by events, as people make them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from archiver.app import Services, open_services
from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.config import Settings
from archiver.db import batches
from archiver.db import ledger as ledger_rows
from archiver.db.batches import BatchRow
from archiver.db.records import RecordRow
from archiver.ids import Ulids
from archiver.model.actor import Actor, Role
from archiver.preserve.batch_effects import BATCH, BatchFormed
from archiver.preserve.named_records import members_part
from tests.fakes.archive import stored_posts
from tests.fakes.disposal_people import ADA, BEN, RITA, employ

BEGINNING = datetime(2012, 3, 4, 5, 6, 7, tzinfo=UTC)
# In the past, because a file cannot be older than what it says it is.
NINE_YEARS = timedelta(days=9 * 365)
"""Beyond the seven years of the class that posts are filed in unless rules say otherwise."""

MANAGER = Actor(name="rita", roles=frozenset({Role.RECORDS_MANAGER}))
COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL}))
_WHY = "its retention has ended"
_ulids = Ulids()


class Time:
    """A clock and the stopwatch beside it; both go on only when they are told."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self.now = now
        self._set = timedelta()

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def seconds(self) -> float:
        """The stopwatch."""
        return (self.now - self._set).timestamp()

    def set_forward(self, span: timedelta) -> None:
        """Set the clock alone, as somebody does who wants years to have passed."""
        self.now += span
        self._set += span

    def pass_by(self, span: timedelta) -> None:
        """Let time pass, for both."""
        self.now += span


@asynccontextmanager
async def opened(settings: Settings, time: Time) -> AsyncIterator[Services]:
    """The archive, opened at a time that the operator vouches for.

    Its log is not locked: nobody extends locks while years pass in a moment.
    """
    confirmed = settings.model_copy(update={"clock_confirmed": time.now, "log_lock": "none"})
    async with open_services(confirmed, clock=time, stopwatch=time.seconds) as services:
        async with services.database.reading() as tx:
            is_founded = (await ledger_rows.state(tx)).next_index > 0
        if is_founded:  # what comes first in the log is its founding
            await employ(services, RITA, ADA, BEN)
        yield services


async def posts_saying(services: Services, ids: Sequence[str]) -> list[RecordRow]:
    """The records of these ids, in log order."""
    return [row for row in await stored_posts(services) if row.id in set(ids)]


async def formed(services: Services, rows: Sequence[RecordRow], *, action: str = "destroy") -> str:
    """A batch of these records; return its id."""
    now = services.clock()
    batch_id = _ulids.one(now)
    first = rows[0]
    indexes = sorted(row.log_index for row in rows)
    row = BatchRow(
        id=batch_id,
        class_code=first.class_code,
        schedule_version=first.schedule_version,
        action=action,
        platform=first.platform,
        account=first.account,
        period="2007-02",
        state="formed",
        log_size=indexes[-1] + 1,
        records=len(indexes),
        bytes=sum(each.frame_length for each in rows),
        formed_by=MANAGER.name,
        formed_by_id=RITA.person_id,
        formed_at=to_millis(now),
        stated_at=to_millis(now),
    )
    effect = BatchFormed(row=row, indexes=indexes)
    await services.trail.record(
        Action.BATCH_FORMED,
        actor=MANAGER,
        object_type=BATCH,
        object_id=batch_id,
        details=effect.details,
        parts=(members_part(indexes),),
        at=now,
    )
    return batch_id


async def approved(
    services: Services,
    rows: Sequence[RecordRow],
    *,
    approvers: Sequence[str] = (ADA.person_id, BEN.person_id),
    needed: int = 2,
    count: int | None = None,
    action: str = "destroy",
) -> str:
    """A batch of these records that these people have approved; return its id."""
    await employ(services, RITA, ADA, BEN)
    batch_id = await formed(services, rows, action=action)
    async with services.database.reading() as tx:
        was = (await batches.get(tx, batch_id)).stated_at
    records = len(rows) if count is None else count
    steps: list[tuple[Action, dict[str, str | int | bool]]] = [
        (Action.BATCH_PROPOSED, {"by_id": RITA.person_id, "needed": needed, "reason": _WHY})
    ]
    for each in approvers:
        details: dict[str, str | int | bool] = {"by_id": each, "records": records, "reason": _WHY}
        steps.append((Action.BATCH_APPROVED, details))
    for action_of, details in steps:
        at = datetime.fromtimestamp(was / 1000, UTC) + timedelta(milliseconds=1)
        await services.trail.record(
            action_of,
            actor=MANAGER if action_of is Action.BATCH_PROPOSED else COUNSEL,
            object_type=BATCH,
            object_id=batch_id,
            details={"was": was, **details},
            at=at,
        )
        was = to_millis(at)
    return batch_id
