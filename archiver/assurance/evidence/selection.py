"""Which records a bundle holds, and as of which state of the log."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The records of one bundle and the checkpoints that prove them.

    `indexes` are the records' log indexes, ascending. `head` is the size of the newest checkpoint
    in the bundle, `as_of` the time that the last entry under it states: nothing in a bundle is
    later. `stamped` are the sizes of checkpoints with timestamps, ascending, none above `head`.
    """

    indexes: tuple[int, ...]
    head: int
    as_of: datetime
    stamped: tuple[int, ...]

    def checkpoint_for(self, index: int) -> int:
        """Return the size of the earliest timestamped checkpoint over `index`, else the head's.

        The earliest, because it gives the earliest time by which the record existed.
        """
        place = bisect_right(self.stamped, index)
        return self.stamped[place] if place < len(self.stamped) else self.head

    def checkpoints(self) -> tuple[int, ...]:
        """Return the sizes of all checkpoints the bundle needs, ascending; the last is the head."""
        return tuple(sorted({*map(self.checkpoint_for, self.indexes), self.head}))
