"""Which records may be gone: those that a later `dis` entry of the log covers, and none takes back.

A record that the gate let go can be kept after all, for a hold or a lock that came in between.
An entry of the method `keep` says so, and from there on it may not be missing.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from archiver.preserve.ledger.disposal_entry import KEEP, DisposalEntry

Ranges = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Destroyed:
    """What all `dis` entries say together. An entry speaks of what stands before it."""

    _said: list[tuple[int, bool, Ranges]] = field(default_factory=list)
    _gone: list[tuple[int, int]] = field(default_factory=list)
    _kept: set[int] = field(default_factory=set)
    _is_settled: bool = True

    def add(self, index: int, entry: DisposalEntry) -> None:
        """Take in the `dis` entry at `index` of the log; in any order."""
        ranges = tuple((first, end) for first, end in entry.ranges if end <= index)
        self._said.append((index, entry.method != KEEP, ranges))
        self._is_settled = False

    def covers(self, index: int) -> bool:
        """Return whether the record at a log index may be gone."""
        if not self._is_settled:
            self._settle()
        return _is_in(self._gone, index) and index not in self._kept

    def _settle(self) -> None:
        """Go through the entries as they stand in the log: the last word on a record counts."""
        self._kept.clear()
        for _, lets_go, ranges in sorted(self._said):
            if lets_go:
                self._kept -= {each for each in self._kept if _is_in(ranges, each)}
            else:
                self._kept.update(each for first, end in ranges for each in range(first, end))
        self._gone = _merged([each for _, lets_go, some in self._said if lets_go for each in some])
        self._is_settled = True


def _is_in(ranges: list[tuple[int, int]] | Ranges, index: int) -> bool:
    place = bisect_right(ranges, index, key=lambda each: each[0]) - 1
    return place >= 0 and index < ranges[place][1]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, end in sorted(ranges):  # one spared of a batch may stand in a later one again
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((first, end))
    return merged
