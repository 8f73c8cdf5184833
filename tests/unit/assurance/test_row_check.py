"""Whether rows say what the log says, entry by entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.row_check import row_drift
from archiver.db.lock_states import Sequenced
from archiver.db.segments import SegmentRow
from archiver.preserve.ledger.entry import record_entry

IDS = ("01JD4M8X7ZK3Q9V5T2W6Y8B1CD", "01JD4M8X7ZK3Q9V5T2W6Y8B1CE")
ENTRIES = [record_entry("rec", each, bytes(32), bytes(32), "2033-11", 1) for each in IDS]
ROW = SegmentRow(
    id="S",
    class_code="default",
    period="2033-11",
    first_index=5,
    records=2,
    object_key="seg/S.seg",
    version_id="1",
    size=1,
    seal=b"",
    keys_object_key="keys/S.keys",
    keys_version_id="1",
    keys_sha256=b"",
    lock_mode="compliance",
    lock_until=0,
    legal_hold=False,
    created_at=0,
)
PRESENT = Sequenced(present=dict(zip((5, 6), IDS, strict=True)), destroyed={})


def drift(entries: list[bytes], rows: Sequenced = PRESENT) -> list[str]:
    return list(row_drift(ROW, [b"{}", *entries], 4, rows))


def test_rows_that_say_what_the_log_says_are_no_drift() -> None:
    assert drift(ENTRIES) == []


def test_a_destroyed_record_is_known_by_what_remains_of_it() -> None:
    assert drift(ENTRIES, Sequenced(present={5: IDS[0]}, destroyed={6: IDS[1]})) == []


@pytest.mark.parametrize(
    ("entries", "rows", "said"),
    [
        (ENTRIES[::-1], PRESENT, "is of record"),
        (ENTRIES, Sequenced(present={5: IDS[0]}, destroyed={}), "the rows say none"),
        (ENTRIES[:1], PRESENT, "should be of a record"),
        ([ENTRIES[0], ENTRIES[1].replace(b"2033-11", b"2034-11")], PRESENT, "locked to 2034-11"),
    ],
)
def test_a_difference_is_told(entries: list[bytes], rows: Sequenced, said: str) -> None:
    (what, *_) = drift(entries, rows)

    assert said in what


@given(st.lists(st.binary(max_size=300), min_size=2, max_size=2))
def test_garbage_is_a_difference_and_never_an_error(entries: list[bytes]) -> None:
    assert len(drift(entries)) == 2
