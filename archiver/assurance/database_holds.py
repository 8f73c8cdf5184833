"""Holds: what the database says of each against what the log says, and over whom.

A hold is two entries of the log, one that it came in force and one that it was released, each with
how many records and a digest of their ids. Rows that say otherwise would free records, or keep
them, without anybody having decided so.
"""

from collections.abc import Iterable
from contextlib import suppress

from archiver.assurance.database_check import PAGE, REBUILD, id_of
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings
from archiver.db import verification as rows
from archiver.db.holds import ACTIVE, RELEASED
from archiver.db.transaction import Database
from archiver.db.verification import HoldFacts
from archiver.errors import IntegrityError
from archiver.preserve.ledger.entry import HoldEntry, decode_entry, members_digest

_HOLDS = 500
_NAMED = 5
_HOLD, _MEMBERS = "database:hold", "database:hold_record"
_NEXT = f"let nothing be destroyed (`muniment disposition stop`), {REBUILD}"


class HoldCheck:
    """Compares every hold with the log. `differing` are those that are over other records."""

    def __init__(self, *, database: Database, log: CheckedLog, findings: Findings) -> None:
        self._database = database
        self._log = log
        self._findings = findings
        self._placed: dict[str, HoldEntry] = {}
        self._released: dict[str, HoldEntry] = {}
        self.differing: set[str] = set()

    async def run(self) -> None:
        """Compare in both directions, one page after the other. Raises DatabaseUnavailable."""
        self._read_log()
        known = await self._rows()
        later = await self._later()  # behind the rows: what they know of is in the log, or in this
        for row in known:
            if row.id in later:
                continue
            wrong = _difference(row, self._placed.get(row.id), self._released.get(row.id))
            if wrong and not (self._log.unreadable and row.id not in self._placed):
                self._problem(row.id, wrong)
            elif not wrong and (wrong := await self._other_members(row)):
                self.differing.add(row.id)
                self._problem(row.id, wrong, _MEMBERS)
        for hold_id in sorted(self._placed.keys() - {row.id for row in known}):
            state = RELEASED if hold_id in self._released else ACTIVE
            count = self._placed[hold_id].count
            self._problem(hold_id, f"expected it {state} over {count} records, found no row")
        self._findings.count("holds", len(known))

    def _read_log(self) -> None:
        for entry in self._log.holds:
            first = (self._placed if entry.on else self._released).setdefault(entry.id, entry)
            if (entry.count, entry.members_sha256) != (first.count, first.members_sha256):
                self._problem(
                    entry.id,
                    f"the log states it over {first.count} records first, and over others later: "
                    "an entry was put into the log past the archive",
                    "",
                )

    async def _rows(self) -> list[HoldFacts]:
        found: list[HoldFacts] = []
        while True:
            async with self._database.reading() as tx:
                page = await rows.holds_after(tx, found[-1].id if found else "", _HOLDS)
            found += page
            if len(page) < _HOLDS:
                return found

    async def _later(self) -> set[str]:
        """Return the holds that were placed or released since the run began."""
        found: set[str] = set()
        start = self._log.end
        while True:
            async with self._database.reading() as tx:
                page = await rows.entries(tx, start, start + PAGE)
            for _, data in page:
                with suppress(IntegrityError):  # no sound entry states anything
                    entry = decode_entry(data)
                    if isinstance(entry, HoldEntry):
                        found.add(entry.id)
            if not page:
                return found
            start += PAGE

    async def _other_members(self, row: HoldFacts) -> str:
        """Return how the records under a hold are other than the log says, "" if they are not.

        Their ids are those of the log's entries, which were compared before: rows of records could
        have been renumbered.
        """
        ids = await self._ids(row.id)
        if (len(ids), members_digest(ids)) == (row.records, row.members_sha256):
            return ""
        return f"expected the {row.records} records that the log says, found {len(ids)}" + (
            ", among them others" if len(ids) == row.records else ""
        )

    async def _ids(self, hold_id: str) -> list[str]:
        ids: list[str] = []
        after = -1
        while True:
            async with self._database.reading() as tx:
                page = await rows.held_entries(tx, hold_id, after, PAGE)
            ids += [id_of(entry) for _, entry in page]
            if len(page) < PAGE:
                return ids
            after = page[-1][0]

    async def name_members(self, hold_id: str, members: Iterable[str]) -> None:
        """Name the first records that are under a hold and should not be, or should and are not."""
        stated, found = set(members), set(await self._ids(hold_id))
        for wrong, what in (
            (stated - found, "expected this record under it, found it taken out"),
            (found - stated, "expected this record not under it, found it put in"),
        ):
            for record_id in sorted(wrong)[:_NAMED]:
                more = f" (of {len(wrong)})" if len(wrong) > _NAMED else ""
                self._problem(hold_id, what + more, _MEMBERS, record_id)

    def _problem(self, hold_id: str, what: str, table: str = _HOLD, record_id: str = "") -> None:
        self._findings.problem(
            f"hold {hold_id}: {what}; {_NEXT}", object_key=table, record_id=record_id
        )


def _difference(row: HoldFacts, placed: HoldEntry | None, released: HoldEntry | None) -> str:
    """Return in words how a hold's row is other than its entries, "" if it is not."""
    if placed is None:
        return f"expected no such hold, as the log has none, found one that is {row.state!r}"
    wanted = {
        "state": ACTIVE if released is None else RELEASED,
        "records": placed.count,
        "members_sha256": placed.members_sha256,
        "placed_at": placed.ts_ms,
        "released_at": None if released is None else released.ts_ms,
    }
    found = {name: getattr(row, name) for name in wanted}
    return ", ".join(
        f"expected {name} {_shown(right)} as in the log, found {_shown(found[name])}"
        for name, right in wanted.items()
        if found[name] != right
    )


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)
