"""The moments of entries: how a bundle is summed up, and what timestamps say of an index."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.log_scan import _moments, moment_of
from archiver.assurance.stamps import Stamp
from archiver.assurance.times import _Bounds
from archiver.preserve.ledger.entry import hold_entry, other_entry

LAST_MS = 253_402_300_799_999


def entry(ts_ms: int) -> bytes:
    return hold_entry(
        "01JD4M8X7ZK3Q9V5T2W6Y8B1CG", on=True, count=1, members_sha256=bytes(32), ts_ms=ts_ms
    )


@given(st.lists(st.integers(0, LAST_MS) | st.integers(1_763_757_000_000, 1_763_757_030_000)))
def test_the_moments_of_a_bundle_are_those_of_its_entries_one_by_one(times: list[int]) -> None:
    known = [ts_ms for ts_ms in times if ts_ms]
    falls = [max(known[: place + 1]) - ts_ms for place, ts_ms in enumerate(known)]

    least, greatest, fall = _moments([entry(ts_ms) for ts_ms in times])

    assert (least, greatest) == (min(known, default=0), max(known, default=0))
    span = greatest - least
    assert fall == max(falls, default=0) or (fall == span <= 60_000)  # a bound where it is small


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_bytes_that_are_no_entries_have_no_moment_and_harm_nothing(others: list[bytes]) -> None:
    least, greatest, _ = _moments([*others, entry(1_763_757_000_000)])
    assert least <= 1_763_757_000_000 <= greatest
    assert all(0 <= moment_of(other) <= LAST_MS for other in others)


@pytest.mark.parametrize("ts_ms", [0, 1, 999, 1_763_757_000_123, LAST_MS])
def test_the_moment_of_an_entry_stands_last(ts_ms: int) -> None:
    assert moment_of(entry(ts_ms)) == ts_ms
    assert moment_of(other_entry("novel", {"ts2": ':"5}'}, ts_ms)) == ts_ms


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 100)), max_size=8),
    st.integers(0, 40),
)
def test_an_index_lies_between_the_timestamps_around_it(
    pairs: list[tuple[int, int]], index: int
) -> None:
    Random(0).shuffle(pairs)
    stamps = [Stamp(size=size, time_ms=time, where="") for size, time in sorted(pairs)]
    bounds = _Bounds(stamps)

    before = [one.time_ms for one in stamps if one.size <= index]
    after = [one.time_ms for one in stamps if one.size > index]
    assert bounds.not_before(index) == max(before, default=0)
    assert bounds.not_after(index) == min(after, default=2**62)
