"""Samples: one seed draws the same each time, anybody can draw it, and all have a fair chance."""

from collections import Counter
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from archiver.disposal.samples import draw

INDEXES = st.sets(st.integers(0, 10**9), max_size=60)


@given(INDEXES, st.integers(0, 80), st.text(max_size=20))
def test_a_sample_is_of_the_batch_as_large_as_asked_and_the_same_each_time(
    indexes: set[int], size: int, seed: str
) -> None:
    drawn = draw(indexes, size, seed)

    assert drawn == draw(sorted(indexes, reverse=True), size, seed)
    assert drawn == sorted(set(drawn))
    assert indexes.issuperset(drawn)
    assert len(drawn) == min(size, len(indexes))


@given(INDEXES.filter(lambda indexes: len(indexes) > 5), st.text(max_size=20))
def test_a_record_that_left_the_batch_changes_only_its_own_place(
    indexes: set[int], seed: str
) -> None:
    drawn = draw(indexes, 5, seed)
    without = draw(indexes - {drawn[0]}, 5, seed)

    assert set(drawn[1:]) <= set(without)


def test_the_sample_is_that_of_the_smallest_hashes() -> None:
    ranked = sorted(range(100), key=lambda n: sha256(f"2026:{n}".encode()).digest())

    assert draw(range(100), 10, "2026") == sorted(ranked[:10])


def test_every_record_has_the_same_chance() -> None:
    seen = Counter(index for seed in range(2000) for index in draw(range(20), 5, str(seed)))

    assert len(seen) == 20
    assert all(400 < count < 600 for count in seen.values()), seen  # 500 expected, give or take 19
