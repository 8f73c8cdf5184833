"""Calendar counting: leap days, missing days, clock changes, cutoffs."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import DefinitionError
from retention.periods import (
    NO_CUTOFF,
    PERMANENT,
    Cutoff,
    Period,
    end_of_period,
    parse_length,
    start_of_day,
    time_zone,
)
from tests.unit.retention.samples import cutoffs, moments, periods, utc, zones

additions = st.builds(
    Period, years=st.integers(0, 3), months=st.integers(0, 30), days=st.integers(0, 99)
)


def ends(moment: str, period: str, zone: str, cutoff: str = "none") -> str:
    end = end_of_period(
        utc(moment), cutoff=Cutoff.parse(cutoff), period=Period.parse(period), zone=time_zone(zone)
    )
    assert end.tzinfo is UTC
    return f"{end:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("text", ["P3Y", "P90D", "P18M", "P0D", "P1Y6M", "P2Y10D", "P1Y2M3D"])
def test_a_period_is_written_as_it_was_read(text: str) -> None:
    assert str(Period.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "P", "3Y", "P3", "p3y", "P3Y ", "P-3Y", "P3Y\n", "PT3H", "P3W", "P1.5Y", "P3D2Y", "P٣Y"],
)
def test_what_is_not_a_period_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="expected a period"):
        Period.parse(text)


@pytest.mark.parametrize("text", ["P201Y", "P200Y1M", "P99999D"])
def test_a_period_over_two_centuries_must_say_permanent(text: str) -> None:
    with pytest.raises(DefinitionError, match="write permanent"):
        Period.parse(text)


def test_a_negative_period_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no negative"):
        Period(days=-1)


def test_permanent_is_a_length_but_no_period() -> None:
    assert parse_length("permanent") is PERMANENT
    assert parse_length("P3Y") == Period(years=3)


@pytest.mark.parametrize(
    ("start", "period", "last"),
    [
        ("2019-03-15", "P3Y", "2022-03-15"),
        ("2020-02-29", "P4Y", "2024-02-29"),
        ("2020-02-29", "P3Y", "2023-03-01"),  # 28 February would be a day short of three years
        ("2096-02-29", "P4Y", "2100-03-01"),  # 2100 is no leap year
        ("2019-02-28", "P1Y", "2020-02-28"),
        ("2023-01-31", "P1M", "2023-03-01"),
        ("2023-08-31", "P18M", "2025-03-01"),
        ("2023-12-31", "P2M", "2024-03-01"),
        ("2023-11-30", "P1M", "2023-12-30"),
        ("2024-02-29", "P90D", "2024-05-29"),
        ("2020-02-29", "P1Y1D", "2021-03-02"),
        ("2024-02-29", "P0D", "2024-02-29"),
    ],
)
def test_the_last_day_is_the_corresponding_date_or_the_first_of_the_next_month(
    start: str, period: str, last: str
) -> None:
    assert Period.parse(period).after(date.fromisoformat(start)) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("moment", "zone", "end"),
    [
        # 2020-02-29 10:00 local; through 2023-03-01; New York is at UTC-5 in March 1-11
        ("2020-02-29T15:00", "America/New_York", "2023-03-02T05:00"),
        # the same moment is 1 March in Kiritimati (UTC+14)
        ("2020-02-29T15:00", "Pacific/Kiritimati", "2023-03-01T10:00"),
        # 03:59 UTC is still the evening before in New York (UTC-4)
        ("2021-07-04T03:59", "America/New_York", "2024-07-04T04:00"),
        ("2021-07-04T04:00", "America/New_York", "2024-07-05T04:00"),
        # winter to summer: posted at UTC+0, ends at UTC+1
        ("2020-03-29T00:30", "Europe/London", "2023-03-29T23:00"),
        # Sao Paulo dropped summer time in 2019: the end is at UTC-3
        ("2018-01-15T12:00", "America/Sao_Paulo", "2021-01-16T03:00"),
        ("2020-06-30T18:14", "Asia/Kathmandu", "2023-06-30T18:15"),
        ("2020-06-30T18:15", "Asia/Kathmandu", "2023-07-01T18:15"),
    ],
)
def test_three_years_end_at_a_midnight_of_the_named_zone(moment: str, zone: str, end: str) -> None:
    assert ends(moment, "P3Y", zone) == end


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        # clocks went from 23:59:59 (UTC+2) to 01:00 (UTC+3): the day starts at the change
        ("2024-04-26", "Africa/Cairo", "2024-04-25T22:00"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00"),
        # 00:00 came twice, at UTC-4 and an hour later at UTC-5: the first one starts the day
        ("2023-11-05", "America/Havana", "2023-11-05T04:00"),
        # Samoa had no 30 December 2011; the 31st started where the 29th ended
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00"),
    ],
)
def test_a_day_starts_at_its_first_moment_where_clocks_change_at_midnight(
    day: str, zone: str, start: str
) -> None:
    assert start_of_day(date.fromisoformat(day), time_zone(zone)) == utc(start)


@pytest.mark.parametrize(
    ("cutoff", "first_day_after"),
    [
        ("none", "2024-02-29"),
        ("month", "2024-03-01"),
        ("quarter", "2024-04-01"),
        ("calendar-year", "2025-01-01"),
        ("fiscal-year:1", "2025-01-01"),
        ("fiscal-year:2", "2025-02-01"),
        ("fiscal-year:3", "2024-03-01"),
        ("fiscal-year:7", "2024-07-01"),
        ("fiscal-year:10", "2024-10-01"),
        ("fiscal-year:12", "2024-12-01"),
    ],
)
def test_a_cutoff_is_the_end_of_its_span(cutoff: str, first_day_after: str) -> None:
    parsed = Cutoff.parse(cutoff)

    assert parsed.first_day_after(date(2024, 2, 29)) == date.fromisoformat(first_day_after)
    assert str(parsed) == cutoff


def test_after_a_cutoff_the_period_counts_from_its_midnight() -> None:
    # one year from the end of 28 February 2023 holds all of 29 February 2024
    assert ends("2023-02-10T12:00", "P1Y", "UTC", "month") == "2024-03-01T00:00"
    assert ends("2023-12-31T23:00", "P5Y", "UTC", "calendar-year") == "2029-01-01T00:00"
    # already the new year in Kolkata
    assert ends("2023-12-31T23:00", "P5Y", "Asia/Kolkata", "calendar-year") == "2029-12-31T18:30"


@pytest.mark.parametrize(
    "text",
    ["", "year", "fiscal-year", "fiscal-year:0", "fiscal-year:13", "fiscal-year:001", "month:3"],
)
def test_what_is_not_a_cutoff_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        Cutoff.parse(text)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America", "UTC\0", "x" * 5000]
)
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="IANA time zone"):
        time_zone(name)


@given(moments, periods, zones)
def test_a_time_zone_never_costs_a_day(moment: datetime, period: Period, zone: str) -> None:
    local = time_zone(zone)
    last = period.after(moment.astimezone(local).date())

    end = end_of_period(moment, cutoff=NO_CUTOFF, period=period, zone=local)

    assert (end - timedelta(microseconds=1)).astimezone(local).date() == last
    assert end.astimezone(local).date() == last + timedelta(days=1)


@given(moments, periods, cutoffs, zones)
def test_a_cutoff_never_brings_the_end_forward_by_more_than_its_own_midnight(
    moment: datetime, period: Period, cutoff: Cutoff, zone: str
) -> None:
    local = time_zone(zone)
    end = end_of_period(moment, cutoff=cutoff, period=period, zone=local)

    assert end > moment
    assert end >= start_of_day(period.after(moment.astimezone(local).date()), local)


@given(moments, periods, additions, cutoffs, zones)
def test_a_longer_period_never_ends_earlier(
    moment: datetime, period: Period, more: Period, cutoff: Cutoff, zone: str
) -> None:
    longer = Period(
        years=period.years + more.years,
        months=period.months + more.months,
        days=period.days + more.days,
    )
    local = time_zone(zone)

    assert end_of_period(moment, cutoff=cutoff, period=longer, zone=local) >= end_of_period(
        moment, cutoff=cutoff, period=period, zone=local
    )


@given(periods)
def test_every_period_survives_its_text(period: Period) -> None:
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize(
    ("text", "words"),
    [("P7Y", "7 years"), ("P1Y6M", "1 year 6 months"), ("P90D", "90 days"), ("P0D", "0 days")],
)
def test_a_period_is_read_aloud(text: str, words: str) -> None:
    assert Period.parse(text).in_words == words
