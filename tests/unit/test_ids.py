"""ULIDs as text and as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import InvalidInput
from archiver.ids import _AT_ONCE as AT_ONCE
from archiver.ids import ulid_bytes, ulid_text, ulids_bytes

raws = st.binary(min_size=16, max_size=16)


@given(st.lists(raws))
def test_many_at_once_are_those_of_each(raw: list[bytes]) -> None:
    texts = [ulid_text(each) for each in raw]
    assert [ulid_bytes(text) for text in texts] == raw
    assert ulids_bytes(texts) == b"".join(raw)


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, 2 * AT_ONCE + 1])
def test_as_many_come_back_as_were_given(count: int) -> None:
    raw = [(number * (2**128 // max(count, 1))).to_bytes(16, "big") for number in range(count)]
    assert ulids_bytes([ulid_text(each) for each in raw]) == b"".join(raw)


@given(st.lists(raws, max_size=3), st.text())
def test_what_is_no_ulid_is_refused_wherever_it_stands(raw: list[bytes], text: str) -> None:
    texts = [*(ulid_text(each) for each in raw), text]
    with pytest.raises(InvalidInput, match="expected an id of 26 characters"):
        ulids_bytes(texts)


@given(raws, raws)
def test_two_in_one_are_none(one: bytes, other: bytes) -> None:
    with pytest.raises(InvalidInput):
        ulids_bytes([f"{ulid_text(one)}\n{ulid_text(other)}"])
