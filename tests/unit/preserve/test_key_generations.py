"""Later generations of wrapped keys: survivors keep index and bytes, and nobody else is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import IntegrityError
from archiver.preserve.object_keys import first_keys_of, generation_of, keys_generation
from archiver.preserve.segments.keys import (
    build_keys,
    next_generation,
    parse_generation,
    parse_keys,
    unwrap_key,
    wrapping_key,
)

SEGMENT = bytes(range(16))
WRAPPING = wrapping_key(b"e" * 32, SEGMENT)
RECORDS = [(bytes([n]) * 16, bytes([n + 100]) * 32) for n in range(6)]
FIRST = build_keys(SEGMENT, WRAPPING, RECORDS)


@given(st.sets(st.integers(0, 5), min_size=1, max_size=5), st.integers(1, 2**31))
def test_survivors_keep_their_index_and_their_key(gone: set[int], generation: int) -> None:
    later = next_generation(FIRST, SEGMENT, gone, generation=generation)

    assert later is not None
    assert parse_generation(later) == generation
    kept = parse_keys(later, SEGMENT)
    assert kept.keys() == set(range(6)) - gone
    for index, wrapped in kept.items():
        record_id, key = RECORDS[index]
        assert unwrap_key(WRAPPING, index, record_id, wrapped) == key
    for index in gone:
        assert parse_keys(FIRST, SEGMENT)[index] not in later


def test_where_nobody_survives_there_is_no_generation() -> None:
    assert next_generation(FIRST, SEGMENT, range(6), generation=1) is None


def test_altered_keys_make_no_generation() -> None:
    with pytest.raises(IntegrityError):
        next_generation(FIRST[:-1] + b"\0", SEGMENT, {1}, generation=1)
    with pytest.raises(IntegrityError):
        next_generation(FIRST, bytes(16), {1}, generation=1)


@pytest.mark.parametrize("number", [0, 1, 9, 10, 12345])
def test_a_generation_is_told_by_its_name(number: int) -> None:
    name = keys_generation("keys/a/c/2020-01/S.keys", number)

    assert generation_of(name) == number
    assert first_keys_of(name) == "keys/a/c/2020-01/S.keys"


@pytest.mark.parametrize(
    "name", ["keys/a/epoch.json", "S.keys.", "S.keys.0", "S.keys.01", "S.keys.x", "S.keysx", "S"]
)
def test_other_names_are_no_generation(name: str) -> None:
    assert generation_of(name) is None
