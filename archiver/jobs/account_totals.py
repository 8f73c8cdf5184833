"""The totals of accounts and classes, as a follower of the log.

Lists of accounts need not count records then, however many there are. The watermark and what it
counts are moved by one transaction; both can be dropped and are built again from the log.
"""

from functools import partial

from archiver.clock import Clock, to_millis
from archiver.db import account_totals as rows
from archiver.db import accounts as account_rows
from archiver.db import followers as follower_rows
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.jobs.loops import Chore
from archiver.preserve.filing import FilePlan

BATCH = 20_000
"""Log indexes counted in one transaction: a few hundredths of a second."""

_EVERY_S = 1.0
_REGISTER_EVERY_S = 15.0


class AccountTotals:
    """The follower. Several processes may run it; each batch is counted once."""

    def __init__(self, *, database: Database, clock: Clock, batch: int = BATCH) -> None:
        self._database = database
        self._clock = clock
        self._batch = batch

    async def follow(self) -> bool:
        """Count the next batch of sequenced records; True if more were waiting.

        Raises:
            DatabaseUnavailable: nothing was counted.
        """
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
            start = await follower_rows.position(tx, rows.FOLLOWER)
        stop = min(end, start + self._batch)
        if stop <= start:
            return False
        now = to_millis(self._clock())
        if start == 0:
            await self._begin(now)
        await self._database.run(partial(rows.advance, start=start, end=stop, now=now), writes=True)
        return stop < end

    async def reset(self) -> None:
        """Forget every total; `follow` counts again from the beginning of the log."""
        await self._database.run(rows.reset, writes=True)

    async def catch_up(self) -> str:
        """Count all that is sequenced. Nothing of it is worth an operator's notice."""
        while await self.follow():
            pass
        return ""

    async def _begin(self, now: int) -> None:
        await self._database.run(partial(rows.begin, now=now), writes=True)


def account_chores(database: Database, clock: Clock, plan: FilePlan) -> tuple[Chore, ...]:
    """Return the loops that keep totals up, and `plan` at the units that the register gives.

    The process that changes the register knows at once; the others file by the old unit meanwhile.
    """

    async def refresh() -> str:
        async with database.reading() as tx:
            plan.set_units(await account_rows.units_by_place(tx))
        return ""

    totals = AccountTotals(database=database, clock=clock)
    return (
        Chore(name=rows.FOLLOWER, act=totals.catch_up, every_s=_EVERY_S, of_posts=True),
        Chore(name="account register", act=refresh, every_s=_REGISTER_EVERY_S),
    )
