"""How many records end soon, or have no end: counted now and then, so that Home need not.

No index tells ends: a million rows are gone through in some seconds, a stretch of the log at a
time, once an hour. Each process keeps the figures it counted.
"""

from datetime import timedelta

from archiver.access.home import Ends
from archiver.clock import Clock, to_millis
from archiver.db import home as rows
from archiver.db import ledger as ledger_rows
from archiver.db.home import EndCounts
from archiver.db.transaction import Database
from archiver.jobs.loops import Chore, Loops

SOON = timedelta(days=90)
_EVERY_S = 3600.0
_STRETCH = 10_000


class EndFigures:
    """The figures and the loop that counts them; None before the first count."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._ends: Ends | None = None

    @property
    def chore(self) -> Chore:
        """The loop that counts."""
        return Chore(name="ends", act=self.count, every_s=_EVERY_S)

    def ends(self) -> Ends | None:
        """Return what was counted last."""
        return self._ends

    async def count(self) -> str:
        """Count all of the log as it is now. Nothing of it is worth an operator's notice."""
        at = self._clock()
        now, until = to_millis(at), to_millis(at + SOON)
        total = EndCounts()
        async with self._database.reading() as tx:
            size = (await ledger_rows.state(tx)).next_index
        for first in range(0, size, _STRETCH):
            below = min(first + _STRETCH, size)
            async with self._database.reading() as tx:
                found = await rows.count_ends(tx, first=first, below=below, now=now, until=until)
            total = EndCounts(
                total.ended + found.ended,
                total.ending + found.ending,
                total.without + found.without,
            )
        self._ends = Ends(counts=total, days=SOON.days, at=at)
        return ""


def open_end_figures(database: Database, clock: Clock, loops: Loops) -> EndFigures:
    """Return the figures of a process; their loop is added to its loops."""
    figures = EndFigures(database=database, clock=clock)
    loops.chores = (*loops.chores, figures.chore)
    return figures
