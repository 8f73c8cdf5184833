"""Walking through the records a change of the file plan concerns: each before and after.

Page after page by log index, each page a short transaction of its own, so that a walk of a million
records keeps no snapshot open and can be stopped between two pages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from archiver.db import retained
from archiver.db.retained import Needs, Page, RetainedRow
from archiver.db.transaction import Connection, Database
from archiver.disposal.simulation_result import AWAITING, MOVED, PERMANENT, flags_of
from retention.ends import Ends
from retention.facts import EARLIEST, Facts
from retention.rules import RuleSet

PAGE = 10_000


class Judged(NamedTuple):
    """One record before and after; `flags` are its categories (`categories_of`)."""

    row: Any
    class_after: str
    before: int
    after: int
    flags: int
    size: int


class Member(NamedTuple):
    """A record that was judged before, and the classes it was in before and after."""

    log_index: int
    class_before: str
    class_after: str


Visit = Callable[[Judged], bool]
"""Takes a record; False when enough were seen."""

Progress = Callable[[int, int], None]
"""Told the log index reached and the log's size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is simulated: the schedules of each class before and after, and new rules if any.

    `units` are those of accounts, by platform and handle: rules may ask for them. It concerns the
    records of `class_code`; without one, every post (the archive's own events keep their class).
    """

    before: Mapping[str, Ends]
    after: Mapping[str, Ends]
    rules: RuleSet | None
    units: Mapping[tuple[str, str], str]
    class_code: str = ""

    @property
    def needs(self) -> Needs:
        """What must be read of the records."""
        needs = Needs.of((*self.before.values(), *self.after.values()))
        return needs._replace(filing=self.rules is not None)

    def classes(self) -> Callable[[Any], str]:
        """Return what tells the class of a row after the change."""
        rules, units = self.rules, self.units
        if rules is None:
            return lambda row: str(row.class_code)

        @cache
        def assigned(platform: str, account: str, kind: str, tags: str) -> str:
            facts = Facts(
                platform=platform,
                account=account,
                captured_at=EARLIEST,
                unit=units.get((platform, account), ""),
                kind=kind,
                tags=tuple(tags.split()),
            )
            return rules.assign(facts).class_code

        def class_after(row: Any) -> str:
            if row.entry_type != "rec":
                return str(row.class_code)
            return assigned(row.platform, row.account, row.kind, row.tags)

        return class_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A walk over the log below `log_size`, judging records as of `now` (ms).

    `locks` are the ends of the object locks of segments, those without a lock absent. `platform`
    and `account` limit it to some of the records.
    """

    database: Database
    change: Change
    locks: Mapping[str, int]
    log_size: int
    now: int
    platform: str = ""
    account: str = ""
    page: int = PAGE

    async def run(self, visit: Visit, progress: Progress, *, after: int = -1) -> None:
        """Show `visit` every record that changes may concern, above the log index `after`."""
        judge = _judge(self)
        while True:
            last = await self.database.run(partial(self._page, judge, visit, after), writes=False)
            if last is None:
                progress(self.log_size, self.log_size)
                return
            after = last
            progress(after, self.log_size)

    def look(self, members: Sequence[Member], connection: Connection) -> list[Judged]:
        """Return records judged once more, but for their categories (`flags` is 0)."""
        known = {member.log_index: member for member in members}
        needs = self.change.needs._replace(filing=False)  # their classes are known
        page = retained.read_at(connection, sorted(known), needs)
        media = retained.media_at(connection, sorted(known))
        found = []
        for row in page.rows:
            _, was, becomes = known[row.log_index]
            before = _end(page, self.change.before[was], row)
            after = _end(page, self.change.after[becomes], row)
            size = row.frame_length + media.get(row.log_index, 0)
            shown = RetainedRow(*row)._replace(class_code=was)
            found.append(Judged(shown, becomes, before, after, 0, size))
        return found

    def _page(self, judge: "Judge", visit: Visit, after: int, connection: Connection) -> int | None:
        """Visit one page; return its last log index, None where there is no more to see."""
        code = self.change.class_code
        where = retained.among(
            class_code=code,
            posts_only=not code,
            platform=self.platform,
            account=self.account,
            below=self.log_size,
        )
        page = retained.read_page(connection, where, after, self.page, self.change.needs)
        if not page.rows:
            return None
        first, last = page.rows[0].log_index, page.rows[-1].log_index
        held = retained.held_among(connection, first, last)
        media = retained.media_among(connection, first, last)
        for row in page.rows:
            size = row.frame_length + media.get(row.log_index, 0)
            if not visit(judge(page, row, row.log_index in held, size)):
                return None
        return int(last)


Judge = Callable[[Page, Any, bool, int], Judged]


def _judge(walk: Walk) -> Judge:
    """Return what judges one row; made once, as it is asked a million times."""
    change, locks, now = walk.change, walk.locks, walk.now
    before_of, after_of, class_of = change.before, change.after, change.classes()

    def judge(page: Page, row: Any, held: bool, size: int) -> Judged:  # noqa: FBT001 - a column
        class_after = class_of(row)
        before = _end(page, before_of[row.class_code], row)
        after = _end(page, after_of[class_after], row)
        flags = flags_of(before, after, lock_until=locks.get(row.segment_id, 0), held=held, now=now)
        if class_after != row.class_code:
            flags |= MOVED
        return Judged(row, class_after, before, after, flags, size)

    return judge


def _end(page: Page, ends: Ends, row: Any) -> int:
    until = page.until(ends, row)
    if until is not None:
        return until
    return PERMANENT if ends.permanent else AWAITING
