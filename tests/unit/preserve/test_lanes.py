"""Which month a record belongs to and how long its objects are locked; names of objects."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model.lock import Lock, LockMode
from archiver.preserve import object_keys
from archiver.preserve.lanes import (
    OPEN_PERIOD,
    SHORTEST_LOCK,
    Lane,
    end_of_month,
    lock_for,
    period_of,
)

CAPTURED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
LIMIT = timedelta(days=366 * 30)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "captured", "period"),
    [
        ("2032-11-15", "2026-11-20", "2032-11"),
        ("2032-12-01", "2026-11-20", "2032-11"),  # exclusive: November is its last month
        ("2032-12-01T00:00:00.000001", "2026-11-20", "2032-12"),
        ("2028-02-29T12:00", "2026-11-20", "2028-02"),
        ("2028-03-01", "2026-11-20", "2028-02"),
        ("2033-01-01", "2026-11-20", "2032-12"),
        ("2020-01-01", "2026-11-20", "2026-11"),  # over before it was captured
        ("2026-12-01", "2026-11-30T23:59:59.999999", "2026-11"),
    ],
)
def test_a_record_is_kept_to_the_end_of_its_month(until: str, captured: str, period: str) -> None:
    assert period_of(utc(until), utc(captured)) == period


def test_a_record_without_an_end_is_in_the_open_period() -> None:
    assert period_of(None, CAPTURED) == OPEN_PERIOD == "9999-12"


def test_the_month_is_that_of_utc() -> None:
    until = datetime(2032, 11, 30, 20, tzinfo=timezone(timedelta(hours=-5)))

    assert period_of(until, CAPTURED) == "2032-12"


@pytest.mark.parametrize(
    ("period", "now", "until"),
    [
        ("2032-11", "2026-11-20T09:30", "2032-12-01"),
        ("2028-02", "2026-11-20T09:30", "2028-03-01"),
        ("2032-12", "2026-11-20T09:30", "2033-01-01"),
        ("2026-11", "2026-11-20T09:30", "2026-12-01"),
        ("2026-11", "2026-11-30T09:30:00.5", "2026-12-01T09:30"),  # never shorter than a day
        ("2020-01", "2026-11-20T09:30", "2026-11-21T09:30"),
        ("2126-01", "2026-11-20T09:30", "2056-12-12T09:30"),  # never beyond the limit
        ("9999-12", "2026-11-20T09:30", "2027-11-20"),  # rolling, in whole days
    ],
)
def test_a_lock_ends_with_the_month_within_its_bounds(period: str, now: str, until: str) -> None:
    lock = lock_for(Lane("c", period, LockMode.COMPLIANCE), utc(now), LIMIT)

    assert lock == Lock(mode=LockMode.COMPLIANCE, until=utc(until))


def test_a_class_without_locks_has_none() -> None:
    assert lock_for(Lane("c", "2032-11", LockMode.NONE), CAPTURED, LIMIT) is None


@given(
    until=st.datetimes(datetime(2000, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    captured=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_no_record_is_locked_for_less_than_it_must_be_kept(
    until: datetime, captured: datetime
) -> None:
    period = period_of(until, captured)
    lock = lock_for(Lane("c", period, LockMode.COMPLIANCE), captured, timedelta(days=366 * 600))

    assert lock is not None
    assert end_of_month(period) >= until
    assert lock.until >= (captured + SHORTEST_LOCK).replace(microsecond=0)
    assert lock.until >= end_of_month(period)


def test_names_of_objects_find_each_other_and_sort_by_lane() -> None:
    segment = object_keys.segment_object("A", "c", "2032-11", "S")

    assert segment == "seg/A/c/2032-11/S.seg"
    assert segment.startswith(object_keys.segment_prefix("A"))
    assert object_keys.keys_for_segment(segment) == "keys/A/c/2032-11/S.keys"
    assert object_keys.keys_object("A", "c", "2032-11", "S") == "keys/A/c/2032-11/S.keys"
    assert object_keys.segment_id_of(segment) == "S"
    assert object_keys.epoch_object("A", "c", "2032-11") == "keys/A/c/2032-11/epoch.json"
    assert object_keys.blob_object("A", "c", "2032-11", "B") == "blob/A/c/2032-11/B"
    assert object_keys.checkpoint_object("A", 7) == "log/A/checkpoints/000000000007"
    assert object_keys.log_prefix("A") == "log/A/"
