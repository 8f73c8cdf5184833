"""Which records may be gone: those that a later `dis` entry of the log covers."""

from bisect import bisect_right
from dataclasses import dataclass, field

from archiver.preserve.ledger.disposal_entry import DisposalEntry


@dataclass(slots=True)
class Destroyed:
    """The log indexes of all `dis` entries, as ranges. An entry speaks of what stands before it."""

    _ranges: list[tuple[int, int]] = field(default_factory=list)
    _is_sorted: bool = True

    def add(self, index: int, entry: DisposalEntry) -> None:
        """Take in the `dis` entry at `index` of the log."""
        self._ranges += [(first, end) for first, end in entry.ranges if end <= index]
        self._is_sorted = False

    def covers(self, index: int) -> bool:
        """Return whether the record at a log index may be gone."""
        if not self._is_sorted:
            self._ranges = _merged(self._ranges)
            self._is_sorted = True
        place = bisect_right(self._ranges, index, key=lambda each: each[0]) - 1
        return place >= 0 and index < self._ranges[place][1]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, end in sorted(ranges):  # one spared of a batch may stand in a later one again
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((first, end))
    return merged
