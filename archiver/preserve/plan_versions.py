"""Reading the file plan, and keeping a process at it while new versions are approved.

Versions are only ever added, each with the moment it comes into force, which lies ahead of its
approval by `KNOWN_WITHIN` at least. A process that looks more often than that therefore knows of
every version before it is in force, and files by it from its first millisecond on.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from archiver.db import accounts as account_rows
from archiver.db import file_plan as rows
from archiver.db.file_plan import WholePlan
from archiver.db.transaction import Database, Transaction
from archiver.errors import ConfigurationError
from archiver.preserve.filing import FilePlan, PlanInForce, Span
from retention.rules import RuleSet
from retention.schedules import Schedule

KNOWN_WITHIN = timedelta(seconds=5)
"""How long after its approval a version comes into force at the earliest."""

Refresh = Callable[[], Awaitable[bool]]
"""Looks for new versions; True where there were some."""


async def load_file_plan(tx: Transaction, at: int) -> FilePlan:
    """Return the file plan; `at` is the present in milliseconds, before which nothing is filed.

    Raises:
        ConfigurationError: no class rules are in force; the archive was not set up.
    """
    await rows.rules_in_force(tx, at)
    spans = spans_of(await rows.whole(tx))
    return FilePlan.over_time(spans, floor=at, units=await account_rows.units_by_place(tx))


def spans_of(plan: WholePlan) -> tuple[Span, ...]:
    """Return what is in force when: of every kind the newest version whose moment has come.

    Raises:
        ConfigurationError: there are no class rules, or they name a class that is not for posts.
    """
    rules = [(since, RuleSet.from_dict(body)) for _, body, since in plan.rules]
    schedules = [(since, Schedule.from_dict(body)) for _, _, body, since in plan.schedules]
    if not rules:
        raise ConfigurationError("no class rules are in force; run `muniment init`")
    first = min(since for since, _ in rules)
    moments = {first, *(since for since, _ in (*rules, *schedules) if since > first)}
    return tuple(
        (
            moment,
            PlanInForce(
                # Versions are in order: the last one whose moment has come is the newest.
                [each for since, each in rules if since <= moment][-1],
                {each.class_code: each for since, each in schedules if since <= moment},
            ),
        )
        for moment in sorted(moments)
    )


def refreshing(database: Database, plan: FilePlan) -> Refresh:
    """Return what brings `plan` up to the database's; it costs two counts where nothing is new."""
    known: list[tuple[int, int]] = []

    async def refresh() -> bool:
        async with database.reading() as tx:
            found = await rows.versions_known(tx)
            if known and known[-1] == found:
                return False
            whole = await rows.whole(tx)
        plan.set_spans(spans_of(whole))
        known[:] = [found]
        return True

    return refresh
