"""The clock is doubted where it could set wrong locks, and believed again once it is right."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.clock import system_stopwatch
from archiver.errors import Stopping
from archiver.preserve.clock_guard import ClockGuard, ClockLimits, compare_with_store
from archiver.preserve.store.filesystem import FilesystemStore

NEWEST = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
LIMITS = ClockLimits()
SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)


class Instruments:
    """A clock that can be set, and a stopwatch that cannot."""

    def __init__(self, now: datetime = NEWEST, *, confirmed: datetime | None = None) -> None:
        self.time = now
        self.elapsed = 100.0
        self.guard = ClockGuard(
            clock=lambda: self.time,
            stopwatch=lambda: self.elapsed,
            newest=NEWEST,
            confirmed=confirmed,
        )

    def wait(self, span: timedelta) -> None:
        self.time += span
        self.elapsed += span.total_seconds()


@pytest.mark.parametrize("span", [-LIMITS.behind, timedelta(), LIMITS.ahead])
def test_at_the_start_a_clock_near_the_newest_entry_is_believed(span: timedelta) -> None:
    assert Instruments(NEWEST + span).guard.now() == NEWEST + span


@pytest.mark.parametrize("span", [-10 * YEAR, -LIMITS.behind - SECOND, LIMITS.ahead + SECOND])
def test_at_the_start_a_clock_far_from_the_newest_entry_is_doubted(span: timedelta) -> None:
    found = Instruments(NEWEST + span)
    with pytest.raises(Stopping, match=r"newest time of the log.*MUNIMENT_CLOCK_CONFIRMED=20"):
        found.guard.now()

    found.time = NEWEST
    assert found.guard.now() == NEWEST, "it needs no restart"


@pytest.mark.parametrize("years", [-10, 10])
def test_what_an_operator_confirms_is_believed_and_so_is_what_the_log_says(years: int) -> None:
    confirmed = NEWEST + years * YEAR
    assert Instruments(confirmed, confirmed=confirmed).guard.now() == confirmed
    assert Instruments(NEWEST, confirmed=confirmed).guard.now() == NEWEST


@pytest.mark.parametrize("step", [10 * YEAR, -10 * YEAR, timedelta(hours=1), timedelta(hours=-1)])
def test_a_step_while_running_is_doubted_until_it_is_undone(step: timedelta) -> None:
    found = Instruments()
    found.guard.now()
    found.wait(timedelta(hours=5))
    found.time += step
    for _ in range(2):
        with pytest.raises(Stopping, match=r"set while running|newest time of the log is 2026"):
            found.guard.now()

    found.time -= step
    assert found.guard.now() == NEWEST + timedelta(hours=5)


@given(
    waits=st.lists(st.timedeltas(timedelta(0), timedelta(days=400)), max_size=20),
    drifts=st.lists(st.integers(-60, 60), min_size=20, max_size=20),
)
def test_time_that_passes_is_never_doubted_however_long_nobody_asks(
    waits: list[timedelta], drifts: list[int]
) -> None:
    found = Instruments()
    found.guard.now()
    for wait, drift in zip(waits, drifts, strict=False):
        found.wait(wait)
        found.time += drift * SECOND
        if found.time >= found.guard._lowest - LIMITS.behind:
            assert found.guard.now() == found.time


@given(st.lists(st.timedeltas(timedelta(days=-4000), timedelta(days=4000)), max_size=30))
def test_whatever_the_clock_does_the_time_told_never_goes_back_or_leaps(
    steps: list[timedelta],
) -> None:
    found = Instruments()
    told = [found.guard.now()]
    for step in steps:
        found.time += step
        try:
            told.append(found.guard.now())
        except Stopping:
            continue
    for number, later in enumerate(told[1:], start=1):
        assert max(told[:number]) - LIMITS.behind <= later <= told[number - 1] + LIMITS.step


def test_a_clock_that_differs_from_the_store_s_is_doubted_and_confirmation_does_not_help() -> None:
    found = Instruments(confirmed=NEWEST)
    for skew in (LIMITS.skew + SECOND, -LIMITS.skew - SECOND):
        found.guard.compare(NEWEST + skew)
        with pytest.raises(Stopping, match="the store's says"):
            found.guard.now()
    found.guard.compare(NEWEST + LIMITS.skew)
    assert found.guard.now() == NEWEST


def test_the_store_s_clock_settles_a_doubt_about_time_nobody_saw_passing() -> None:
    slept = Instruments()
    slept.guard.now()
    slept.time += timedelta(days=2)  # the machine was paused, and its stopwatch with it
    with pytest.raises(Stopping):
        slept.guard.now()
    slept.guard.compare(slept.time)
    assert slept.guard.now() == slept.time

    quiet = Instruments(NEWEST + YEAR)
    quiet.guard.compare(quiet.time)
    assert quiet.guard.now() == quiet.time


def test_the_store_s_clock_does_not_take_the_log_back() -> None:
    found = Instruments(NEWEST - YEAR)
    found.guard.compare(found.time)
    with pytest.raises(Stopping, match="newest time of the log"):
        found.guard.now()


def test_a_store_without_a_clock_is_not_asked(filesystem_store: FilesystemStore) -> None:
    found = Instruments()
    compare_with_store(found.guard, filesystem_store)
    found.time += YEAR
    with pytest.raises(Stopping):
        compare_with_store(found.guard, filesystem_store)


def test_the_stopwatch_only_goes_forward() -> None:
    first = system_stopwatch()
    assert system_stopwatch() >= first
