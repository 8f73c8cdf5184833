"""The `dis` entry: which records may be gone, in as few bytes as ranges of the log need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import IntegrityError
from archiver.preserve.ledger.disposal_entry import DisposalEntry, Method, ranges_of
from archiver.preserve.ledger.entry import decode_entry, disposal_entries, members_digest
from tests.unit.ledger.mutations import mutations

BATCH = "01JD4M8X7ZK3Q9V5T2W6Y8B1CD"
TS = 1_763_757_000_123
DIS = (
    f'{{"v":1,"t":"dis","id":"{BATCH}","w":"delete","n":3,'
    '"d":"6n+wi3otxGGf+3x7s42VogR5NfoWXXGxLv04UqLm0Mw=",'
    f'"r":[[4,6],[9,10]],"ts":{TS}}}'
).encode()


def made(members: dict[int, str], method: Method = "delete") -> list[DisposalEntry]:
    found = [decode_entry(each) for each in disposal_entries(BATCH, method, members, TS)]
    return [each for each in found if isinstance(each, DisposalEntry)]


def test_a_disposal_entry_is_these_exact_bytes() -> None:
    members = {4: "a", 5: "b", 9: "c"}

    assert disposal_entries(BATCH, "delete", members, TS) == [DIS]


def test_nothing_destroyed_makes_no_entry() -> None:
    assert disposal_entries(BATCH, "erase", {}, TS) == []


def test_what_is_too_much_for_one_entry_makes_several_that_are_each_whole() -> None:
    members = {index: f"record {index}" for index in range(10**9, 10**9 + 20_000, 2)}

    entries = disposal_entries(BATCH, "erase", members, TS)

    found = made(members, "erase")
    assert len(found) == len(entries) > 1
    assert max(map(len, entries)) <= 65_535
    assert [index for each in found for index in each.indexes] == sorted(members)
    for each in found:
        assert each.members_sha256 == members_digest(members[index] for index in each.indexes)


@given(st.sets(st.integers(0, 2**53), max_size=60))
def test_ranges_say_the_indexes_and_no_fewer_would(indexes: set[int]) -> None:
    ranges = ranges_of(indexes)

    assert {i for first, end in ranges for i in range(first, end)} == indexes
    assert len(ranges) == sum(index - 1 not in indexes for index in indexes)
    assert len(made(dict.fromkeys(indexes, "x"))) == bool(indexes)


MALFORMED = [
    DIS.replace(b'"w":"delete"', b'"w":"shred"'),
    DIS.replace(b'"n":3', b'"n":4'),
    DIS.replace(b"[[4,6],[9,10]]", b"[]").replace(b'"n":3', b'"n":0'),
    DIS.replace(b"[[4,6],[9,10]]", b"[[4,6],[6,7]]"),  # they touch: one range says it
    DIS.replace(b"[[4,6],[9,10]]", b"[[9,10],[4,6]]"),
    DIS.replace(b"[[4,6],[9,10]]", b"[[4,6],[5,6]]"),
    DIS.replace(b"[[4,6],[9,10]]", b"[[4,7],[9,9]]"),
    DIS.replace(b"[[4,6],[9,10]]", b"[[-1,2]]"),
    DIS.replace(b"[[4,6],[9,10]]", b"[[4,7,9]]"),
    DIS.replace(b"[[4,6],[9,10]]", b"[[4.0,7]]"),
    DIS.replace(b"[[4,6],[9,10]]", b'[["4",7]]'),
    DIS.replace(BATCH.encode(), b""),
    DIS.replace(b",", b", ", 1),
    DIS.replace(b"}", b',"more":1}'),
    DIS.replace(str(TS).encode(), b"-1"),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_another_spelling_is_no_disposal(data: bytes) -> None:
    assert data != DIS
    with pytest.raises(IntegrityError):
        decode_entry(data)


def test_a_mutated_disposal_is_refused_or_says_something_else() -> None:
    original = decode_entry(DIS)
    assert isinstance(original, DisposalEntry)
    for mutated in mutations(DIS):
        try:
            entry = decode_entry(mutated)
        except IntegrityError:
            continue
        assert entry != original, mutated


@given(st.text(alphabet='{}[]":,0123456789wndr', max_size=60))
def test_garbage_in_a_disposal_is_refused(tail: str) -> None:
    with pytest.raises(IntegrityError):
        decode_entry(b'{"v":1,"t":"dis"' + tail.encode())
