"""The `dis` entry: which records the gate of destruction let go or kept, as ranges of the log.

It is published before a byte is deleted. From then on a record that its ranges cover may be gone,
and nobody may miss it; the entries of those records stay in the log, with their hashes. Whether it
is gone already, the store shows. One that was kept after all, for a hold or a lock that came in
between, is stated again, to be kept: from there on it is missed. `entry` reads and writes it beside
all others.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from archiver.errors import IntegrityError
from archiver.preserve.ledger.merkle import HASH_SIZE
from archiver.preserve.ledger.tiles import MAX_ENTRY_BYTES

Method = Literal["delete", "erase", "keep"]
"""How records go: `delete` the stored objects, `erase` the keys of those in objects that stay.

`keep` takes back: they stay.
"""

KEEP: Method = "keep"

_is_ulid = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}").fullmatch
_MAX_MILLIS = 253_402_300_799_999  # the end of year 9999
_RANGES_BYTES = MAX_ENTRY_BYTES - 256  # what else a `dis` entry says fits into the rest


class DisposalEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`dis`: from here on `count` records of a batch may be gone, and no one may miss them.

    `ranges` are the log indexes of their entries, each `[first, end)`, ascending and as few as can
    be; `members_sha256` is over their ids, as of a hold. `method` says how: `delete` takes the
    stored objects away, `erase` the keys of those whose objects also hold others. With `keep` they
    may not be gone any more: what let them go is taken back.
    """

    v: Literal[1] = 1
    kind: Literal["dis"] = msgspec.field(name="t", default="dis")
    id: str
    method: Method = msgspec.field(name="w")
    count: int = msgspec.field(name="n")
    members_sha256: bytes = msgspec.field(name="d")
    ranges: tuple[tuple[int, int], ...] = msgspec.field(name="r")
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (
            _is_ulid(self.id)
            and len(self.members_sha256) == HASH_SIZE
            and _are_ranges(self.ranges)
            and self.count == sum(end - first for first, end in self.ranges)
            and 0 <= self.ts_ms <= _MAX_MILLIS
        ):
            raise IntegrityError(f"expected a well-formed log entry, found {self!r}")

    @property
    def indexes(self) -> Iterator[int]:
        """The log indexes that it covers, ascending."""
        return (index for first, end in self.ranges for index in range(first, end))


def ranges_of(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Return distinct log indexes as the fewest `[first, end)`, ascending."""
    found: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index:
            found[-1] = found[-1][0], index + 1
        else:
            found.append((index, index + 1))
    return found


def in_rows(ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield ranges in rows, each short enough for one entry of 65,535 bytes."""
    row: list[tuple[int, int]] = []
    room = _RANGES_BYTES
    for each in ranges:
        length = len(f"[{each[0]},{each[1]}],")
        if length > room:
            yield tuple(row)
            row, room = [], _RANGES_BYTES
        row.append(each)
        room -= length
    if row:
        yield tuple(row)


def _are_ranges(ranges: Sequence[tuple[int, int]]) -> bool:
    """Whether these are ascending, not empty, and neither overlap nor touch."""
    end_before = -1
    for first, end in ranges:
        if not end_before < first < end:
            return False
        end_before = end
    return bool(ranges) and ranges[0][0] >= 0
