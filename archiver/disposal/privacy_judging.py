"""What may be decided on the records of a privacy request: facts, schedules, holds and locks asked.

The rule itself is pure (`retention.erasure`). The gate asks the same one once more, whatever was
decided here.
"""

from collections.abc import Sequence

from archiver.clock import from_millis
from archiver.db import disposal as disposal_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db.facts import facts_of
from archiver.db.privacy import Asked
from archiver.db.transaction import Transaction
from archiver.disposal.privacy_views import JudgedRecord
from archiver.model.lock import LockMode
from archiver.preserve.disposal_effects import hold_of
from retention.erasure import Bar, bars_to_erasure
from retention.facts import Facts, Hold
from retention.reasons import Reason
from retention.schedules import Schedule


async def judged(tx: Transaction, asked: Sequence[Asked], *, at: int) -> list[JudgedRecord]:
    """Return these records, each with what stands against erasing it at `at` (milliseconds)."""
    indexes = [each.log_index for each in asked if not each.is_gone]
    facts = await facts_of(tx, indexes)
    held = await tx.run_sync(lambda connection: disposal_rows.holds_on(connection, indexes))
    holds = {index: tuple(map(hold_of, found)) for index, found in held.items()}
    named = {(each.class_code, each.schedule_version) for each in asked if not each.is_gone}
    schedules = {
        each: Schedule.from_dict(await file_plan_rows.get_schedule(tx, *each))
        for each in sorted(named)
    }
    return [
        JudgedRecord(
            asked=each,
            bars=_bars(
                each,
                facts.get(each.log_index),
                schedules.get((each.class_code, each.schedule_version)),
                holds.get(each.log_index, ()),
                at,
            ),
        )
        for each in asked
    ]


def _bars(
    asked: Asked,
    facts: Facts | None,
    schedule: Schedule | None,
    holds: tuple[Hold, ...],
    at: int,
) -> tuple[Bar, ...]:
    if asked.is_gone:
        return ()
    if facts is None or schedule is None:
        reason = Reason(text="Its schedule or its facts cannot be read.", citation="this archive")
        return (Bar(reason=reason, ground=None),)
    is_locked = asked.lock_mode != LockMode.NONE and asked.lock_until
    return bars_to_erasure(
        facts,
        schedule,
        holds,
        from_millis(at),
        lock_until=from_millis(asked.lock_until) if is_locked else None,
    )
