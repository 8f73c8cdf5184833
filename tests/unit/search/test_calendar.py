"""Buckets of a histogram: calendar days, weeks and longer in the archive's zone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.calendar import MOST_BUCKETS, Interval, buckets, edges, interval_for
from search.dates import milliseconds

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


def at(*when: int) -> int:
    return milliseconds(datetime(*when, tzinfo=UTC))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("interval", "labels", "first", "last"),
    [
        (Interval.DAY, ["2025-12-31", "2026-01-01"], date(2025, 12, 31), date(2026, 1, 1)),
        (Interval.WEEK, ["2025-12-29"], date(2025, 12, 29), date(2026, 1, 4)),
        (Interval.MONTH, ["2025-12", "2026-01"], date(2025, 12, 1), date(2026, 1, 31)),
        (Interval.QUARTER, ["2025 Q4", "2026 Q1"], date(2025, 10, 1), date(2026, 3, 31)),
        (Interval.YEAR, ["2025", "2026"], date(2025, 1, 1), date(2026, 12, 31)),
        (Interval.DECADE, ["2020–2029"], date(2020, 1, 1), date(2029, 12, 31)),  # noqa: RUF001
        (Interval.CENTURY, ["2000–2099"], date(2000, 1, 1), date(2099, 12, 31)),  # noqa: RUF001
    ],
)
def test_buckets_are_those_of_the_calendar(
    interval: Interval, labels: list[str], first: date, last: date
) -> None:
    found = buckets(at(2025, 12, 31, 12), at(2026, 1, 1, 12), interval, UTC)

    assert [bucket.label for bucket in found] == labels
    assert (found[0].first, found[-1].last) == (first, last)


def test_a_day_is_a_day_of_the_zone_and_may_have_23_hours() -> None:
    before, changed, after = buckets(at(2026, 3, 28, 11), at(2026, 3, 30, 11), Interval.DAY, BERLIN)

    assert [changed.end - changed.start, after.end - after.start] == [23 * HOUR, 24 * HOUR]
    assert before.start == at(2026, 3, 27, 23)
    assert changed.first == changed.last == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("days", "interval"),
    [(0, "day"), (61, "day"), (62, "week"), (400, "week"), (500, "month"), (365 * 6, "quarter"),
     (365 * 20, "year"), (365 * 500, "decade"), (365 * 2000, "century")],
)  # fmt: skip
def test_the_interval_fits_the_span(days: int, interval: str) -> None:
    first = at(2, 1, 5)  # a Saturday, long ago

    assert interval_for(first, first + days * 24 * HOUR, UTC) == interval


INSTANTS = st.integers(at(1, 1, 1), at(9999, 12, 31, 23, 59))


@given(INSTANTS, INSTANTS, st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Auckland")]))
def test_every_time_between_the_first_and_the_last_is_in_one_bucket(
    one: int, other: int, zone: ZoneInfo
) -> None:
    first, last = sorted((one, other))
    found = buckets(first, last, interval_for(first, last, zone), zone)

    assert 1 <= len(found) <= MOST_BUCKETS + 40  # centuries are not cut off
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(before.last + timedelta(days=1) == after.first for before, after in pairwise(found))
    assert edges(found) == sorted(set(edges(found)))
    assert found[0].start <= first or found[0].first == date.min
    assert last < found[-1].end or found[-1].last == date.max


@pytest.mark.parametrize("beyond", [-(2**62), 2**62])
def test_times_no_calendar_knows_break_nothing(beyond: int) -> None:
    first, last = sorted((beyond, 0))

    found = buckets(first, last, interval_for(first, last, UTC), UTC)
    assert found[0].start <= 0 < found[-1].end
