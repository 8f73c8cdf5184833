"""The reference of B2: `muniment serve` with group commit taken out and nothing else.

Each post gets a segment of its own (its keys and its segment are files with an fsync each, and
their folder's), segments are put one after the other, and each has a transaction of its own (one
more fsync, of SQLite's log). That is what "one fsync per post" comes to where keys, bytes
and rows are kept: as many syncs for each post as the product needs for each group.
"""

import sys
from functools import partial
from unittest.mock import patch

from archiver.cli.main import main
from archiver.preserve.sequencer import Sequencer
from archiver.preserve.writer import WriterLimits


class UngroupedSequencer(Sequencer):
    """Commits one segment a transaction."""

    async def run(self) -> None:
        """Commit what is queued, one by one, for ever."""
        while True:
            await self._commit([await self._queue.get()])


if __name__ == "__main__":
    ungrouped = partial(WriterLimits, lane_records=1)
    with (
        patch("archiver.composition.Sequencer", UngroupedSequencer),
        patch(
            "archiver.composition.WriterLimits",
            lambda **limits: ungrouped(**{**limits, "segments_in_flight": 1}),
        ),
    ):
        sys.exit(main(["serve", "--port", sys.argv[1]]))
