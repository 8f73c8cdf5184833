"""What a report tells of the documents it counts: whose, of which month, of which family."""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from archiver.db import term_reports as report_rows
from archiver.db.transaction import Database
from archiver.legal.families import Families, Linked
from archiver.legal.term_counting import Documents
from archiver.legal.term_report import UNDATED, AccountName
from search.calendar import day_of

Progress = Callable[[str, int, int], None]
"""Called with a phase in words, how much of it is done, and how much there is."""

_MONTHS = 12
_UNDATED = 0  # no month of a calendar: they begin with the year 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The documents of a set, ready to be counted, and what their codes stand for.

    `months` are the codes that occur, in order of time, the undated first.
    """

    documents: Documents = field(repr=False)
    accounts: tuple[AccountName, ...]
    months: tuple[int, ...]

    def placed(self, months: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Return counts by code of a month as counts by its place among `months`."""
        return tuple((bisect_left(self.months, code), documents) for code, documents in months)

    def month_names(self) -> tuple[str, ...]:
        """Return the months as they are written, `2026-11`."""
        return tuple(map(_month_name, self.months))


async def describe(
    database: Database,
    numbers: Sequence[int],
    *,
    log_size: int,
    zone: tzinfo,
    progress: Progress,
) -> Described:
    """Read what there is to know of the documents with these log indexes, all below `log_size`."""
    families = await _families(database, log_size, progress)
    accounts, months = _zeros(log_size), _zeros(log_size)
    codes: dict[tuple[str, str], int] = {}
    read = 0
    async for page in report_rows.whose(database, numbers):
        for index, platform, account, posted_at in page:
            accounts[index] = codes.setdefault((platform, account), len(codes))
            months[index] = _UNDATED if posted_at is None else _month(posted_at, zone)
        read += len(page)
        progress("Reading the set", read, len(numbers))
    async with database.reading() as tx:
        custodians = await report_rows.custodians(tx)
    return Described(
        documents=Documents(numbers=numbers, accounts=accounts, months=months, families=families),
        accounts=tuple(AccountName(*name, custodians.get(name, "")) for name in codes),
        months=tuple(sorted({months[index] for index in numbers})),
    )


async def _families(database: Database, log_size: int, progress: Progress) -> "array[int]":
    families, read = Families(log_size), 0
    async for page in report_rows.links(database, log_size):
        await asyncio.to_thread(families.add, (Linked(*row) for row in page))
        read += len(page)
        progress("Finding the threads", read, log_size)
    return await asyncio.to_thread(families.numbers)


def _zeros(size: int) -> "array[int]":
    return array("I", bytes(array("I").itemsize * size))


def _month(unix_ms: int, zone: tzinfo) -> int:
    day = day_of(unix_ms, zone)
    return day.year * _MONTHS + day.month - 1


def _month_name(code: int) -> str:
    if code == _UNDATED:
        return UNDATED
    return f"{code // _MONTHS:04}-{code % _MONTHS + 1:02}"
