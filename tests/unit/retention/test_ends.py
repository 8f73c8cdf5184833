"""Tables of steps give for millions of records what the engine gives for one."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from retention.decisions import retain_until
from retention.ends import Ends, Happened
from retention.facts import Facts
from retention.periods import Period
from retention.schedules import Action, LockMode, Mark, Schedule, Term, Trigger
from tests.unit.retention.samples import all_facts, facts, moments, schedules, utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def millis(moment: datetime) -> int:
    return (moment - EPOCH) // MS


def whole(moment: datetime) -> datetime:
    """The moment without what is below a millisecond: databases keep no more."""
    return EPOCH + millis(moment) * MS


def in_millis(facts: Facts) -> Facts:
    return Facts(
        platform=facts.platform,
        account=facts.account,
        captured_at=whole(facts.captured_at),
        posted_at=None if facts.posted_at is None else whole(facts.posted_at),
        superseded_at=None if facts.superseded_at is None else whole(facts.superseded_at),
        events=tuple((name, whole(moment)) for name, moment in facts.events),
        days=facts.days,
    )


def happened(facts: Facts, name: str) -> Happened:
    moment = facts.find_event(name)
    return Happened(None if moment is None else millis(moment), facts.find_day(name))


def end_by_table(ends: Ends, facts: Facts) -> datetime | None:
    names = {name for name, _ in (*facts.events, *facts.days)}
    until = ends.until(
        None if facts.posted_at is None else millis(facts.posted_at),
        millis(facts.captured_at),
        None if facts.superseded_at is None else millis(facts.superseded_at),
        {name: happened(facts, name) for name in names},
    )
    return None if until is None else EPOCH + until * MS


@given(schedules, st.lists(all_facts, min_size=1, max_size=5))
def test_every_end_is_the_engines(schedule: Schedule, several: list[Facts]) -> None:
    ends = Ends(schedule)

    for each in map(in_millis, several):
        assert end_by_table(ends, each) == retain_until(each, schedule).until


@given(
    zone=st.sampled_from(
        ["America/St_Johns", "Pacific/Apia", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"]
    ),
    moment=moments,
)
@example(zone="America/St_Johns", moment=utc("2006-10-29T02:30:59.999"))
@example(zone="America/St_Johns", moment=utc("2006-10-29T02:31"))
@example(zone="America/St_Johns", moment=utc("2006-10-29T03:29:59.999"))
@example(zone="Pacific/Apia", moment=utc("2011-12-30T10:00"))
@example(zone="America/Sao_Paulo", moment=utc("2018-02-18T02:30"))
def test_days_that_begin_twice_never_or_late_are_counted_as_the_engine_does(
    zone: str, moment: datetime
) -> None:
    term = Term(
        id="day",
        citation="house rule",
        trigger=Trigger.parse("captured"),
        period=Period(days=1),
        mark=Mark.CONFIRMED,
    )
    schedule = Schedule(
        class_code="default",
        version=1,
        terms=(term,),
        action=Action.DESTROY,
        lock=LockMode.NONE,
        zone=zone,
    )
    one = facts(captured=whole(moment).replace(tzinfo=None).isoformat())

    assert end_by_table(Ends(schedule), one) == retain_until(one, schedule).until
