"""Local times as they are typed, in zones whose clocks are changed."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.disposal.local_moments import moment_in
from archiver.errors import InvalidInput

NEW_YORK = "America/New_York"


def test_a_local_time_is_the_moment_it_means_in_its_zone() -> None:
    meant = moment_in(" 2027-01-01 00:00 ", NEW_YORK, pointer="from")
    assert meant == datetime(2027, 1, 1, 5, tzinfo=UTC)
    assert moment_in("  ", NEW_YORK, pointer="from") is None


def test_of_a_time_that_comes_twice_the_later_one_is_meant() -> None:
    meant = moment_in("2026-11-01T01:30", NEW_YORK, pointer="from")
    assert meant == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-08 02:30",  # clocks skip it
        "tomorrow",
        "2027-01-01T00:00Z",
        "0001-01-01 00:00",
        "9999-12-31 23:59",
    ],
)
def test_what_is_no_local_time_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        moment_in(text, NEW_YORK, pointer="from")
    assert refused.value.pointer == "from"


@given(st.text(), st.sampled_from([NEW_YORK, "nowhere", "../x", "Asia/Kathmandu"]))
def test_garbage_is_a_moment_or_refused(text: str, zone: str) -> None:
    with suppress(InvalidInput):
        moment_in(text, zone, pointer="from")
