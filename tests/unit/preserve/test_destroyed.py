"""Which records may be gone: the log's last word on each of them."""

import pytest

from archiver.preserve.ledger.destroyed import Destroyed
from archiver.preserve.ledger.disposal_entry import DisposalEntry, Method, ranges_of

BATCH = "01JD4M8X7ZK3Q9V5T2W6Y8B1CD"


def said(method: Method, *indexes: int) -> DisposalEntry:
    return DisposalEntry(
        id=BATCH,
        method=method,
        count=len(indexes),
        members_sha256=bytes(32),
        ranges=tuple(ranges_of(indexes)),
        ts_ms=0,
    )


LET_GO = (20, said("delete", 3, 4, 5, 9))
TAKEN_BACK = (21, said("keep", 4, 9))
LET_GO_AGAIN = (40, said("erase", 4, 30, 50))


@pytest.mark.parametrize(
    ("entries", "gone"),
    [
        ((), ()),
        ((LET_GO,), (3, 4, 5, 9)),
        ((LET_GO, TAKEN_BACK), (3, 5)),
        ((LET_GO, TAKEN_BACK, LET_GO_AGAIN), (3, 4, 5, 30)),
        ((TAKEN_BACK,), ()),
    ],
)
def test_the_last_word_of_the_log_counts(
    entries: tuple[tuple[int, DisposalEntry], ...], gone: tuple[int, ...]
) -> None:
    for order in (entries, entries[::-1]):
        destroyed = Destroyed()
        for index, entry in order:
            destroyed.add(index, entry)
        assert tuple(index for index in range(60) if destroyed.covers(index)) == gone
