"""A calendar day that a person states is that day, in whatever zone a schedule counts."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given

from archiver.clock import from_millis
from archiver.disposal.stated_events import NewEvent, when_of_text
from archiver.errors import InvalidInput
from retention.decisions import decide, retain_until
from retention.ends import Ends
from retention.facts import Facts
from retention.periods import NO_CUTOFF, Cutoff, CutoffKind, Period, end_after, start_of_day
from retention.schedules import Action, LockMode, Mark, Schedule, Term, Trigger
from tests.unit.retention.samples import cutoffs, days, periods, zones

CLOSED = "account_closed"
CAPTURED = datetime(1990, 1, 1, tzinfo=UTC)


def schedule_of(zone: str, cutoff: Cutoff, period: Period) -> Schedule:
    term = Term(
        id="closed",
        citation="17 CFR 240.17a-4(c)",
        trigger=Trigger.parse(f"event:{CLOSED}"),
        period=period,
        cutoff=cutoff,
        mark=Mark.CONFIRMED,
    )
    return Schedule(
        class_code="default",
        version=1,
        terms=(term,),
        action=Action.DESTROY,
        lock=LockMode.NONE,
        zone=zone,
    )


def stated(day: date, at_home: str) -> NewEvent:
    """The event of somebody of an archive at home in a zone, who writes a day."""
    when = when_of_text(day.isoformat(), ZoneInfo(at_home))
    return NewEvent(name=CLOSED, happened_at=when.at, day=when.day, platform="x", account="@acme")


def facts_of(event: NewEvent) -> Facts:
    assert event.day is not None
    return Facts(platform="x", account="@acme", captured_at=CAPTURED, days=((CLOSED, event.day),))


@given(day=days, at_home=zones, zone=zones, cutoff=cutoffs, period=periods)
@example(
    day=date(2026, 1, 31),
    at_home="Pacific/Auckland",  # its end is 2026-01-30 23:59 there:
    zone="Pacific/Pago_Pago",
    cutoff=NO_CUTOFF,
    period=Period(years=6),
)
@example(
    day=date(2026, 12, 31),
    at_home="Pacific/Honolulu",  # its end is 2027-01-01 22:59 there:
    zone="Pacific/Auckland",
    cutoff=Cutoff(kind=CutoffKind.CALENDAR_YEAR),
    period=Period(years=6),
)
def test_the_term_counts_from_the_day_that_was_stated_in_every_pair_of_zones(
    day: date, at_home: str, zone: str, cutoff: Cutoff, period: Period
) -> None:
    schedule = schedule_of(zone, cutoff, period)
    event = stated(day, at_home)

    expected = start_of_day(end_after(day, cutoff=cutoff, period=period), ZoneInfo(zone))

    assert retain_until(facts_of(event), schedule).until == expected
    by_table = Ends(schedule).until(None, 0, None, {CLOSED: event.happened})
    assert by_table is not None
    assert from_millis(by_table) == expected


def test_the_reason_names_the_day_and_no_hour() -> None:
    schedule = schedule_of("Pacific/Pago_Pago", NO_CUTOFF, Period(years=6))
    event = stated(date(2026, 1, 31), "Pacific/Auckland")

    (reason, *_) = decide(facts_of(event), schedule, (), CAPTURED).reasons

    assert reason.text == (
        "Event account_closed on 2026-01-31; kept 6 years from then, until 2032-02-01 00:00."
    )


def test_of_a_day_and_a_moment_that_were_stated_the_later_local_day_counts() -> None:
    same_night = datetime(2026, 1, 31, 10, 59, tzinfo=UTC)
    facts = Facts(
        platform="x",
        account="@acme",
        captured_at=CAPTURED,
        events=((CLOSED, same_night),),
        days=((CLOSED, date(2026, 1, 31)),),
    )
    for zone, until in (
        ("Pacific/Pago_Pago", date(2026, 2, 1)),  # where it is still 30 January at that moment
        ("Pacific/Kiritimati", date(2026, 2, 2)),  # where it is 1 February
    ):
        schedule = schedule_of(zone, NO_CUTOFF, Period(days=0))
        assert retain_until(facts, schedule).until == start_of_day(until, ZoneInfo(zone))


def test_a_moment_stays_a_moment_and_what_is_neither_is_refused() -> None:
    when = when_of_text("2026-01-31T23:59:00+13:00", ZoneInfo("Pacific/Auckland"))
    assert (when.at, when.day) == (datetime(2026, 1, 31, 10, 59, tzinfo=UTC), None)
    for text in ("31.1.2026", "2026-01-31T23:59:00", "9999-12-31", ""):
        with pytest.raises(InvalidInput):
            when_of_text(text, ZoneInfo("Pacific/Auckland"))
