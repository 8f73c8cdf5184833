"""Two words or phrases near each other, as most proximity is: found by looking next door.

It finds what the sweep of `search.proximity` does. The nearest place on either side decides, so
each place of one operand is looked up once among those of the other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Place = tuple[int, int]
"""The first and the last of positions in a row: where one word or phrase stands."""


@dataclass(frozen=True, slots=True)
class Pair:
    """At most `distance` apart; `ordered`: the left one first. Places are given ascending."""

    distance: int
    ordered: bool

    def is_in(self, left: Sequence[Place], right: Sequence[Place]) -> bool:
        """Return whether a place of the left and one of the right are near as asked."""
        return self._any_follows(left, right) or (
            not self.ordered and self._any_follows(right, left)
        )

    def taking_part(self, left: Sequence[Place], right: Sequence[Place]) -> set[Place]:
        """Return the places of both that are near one of the other as asked."""
        found = self._following(left, right)
        return found if self.ordered else found | self._following(right, left)

    def _any_follows(self, these: Sequence[Place], those: Sequence[Place]) -> bool:
        firsts = [first for first, _ in those]
        for _, last in these:
            at = bisect_right(firsts, last)
            if at < len(firsts) and firsts[at] - last <= self.distance:
                return True
        return False

    def _following(self, these: Sequence[Place], those: Sequence[Place]) -> set[Place]:
        """Return the places of `these` that one of `those` follows closely, and those that do."""
        firsts = [first for first, _ in those]
        lasts = sorted(last for _, last in these)
        before = {
            place
            for place in these
            if (at := bisect_right(firsts, place[1])) < len(firsts)
            and firsts[at] - place[1] <= self.distance
        }
        after = {
            place
            for place in those
            if (at := bisect_left(lasts, place[0])) > 0
            and place[0] - lasts[at - 1] <= self.distance
        }
        return before | after
