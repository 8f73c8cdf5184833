"""What stored events state, against the rows that are their views: holds, sets, terms.

The log says that an event is there, and its record what it states. So this is part of level B. A
row may be lawful in itself and still be nobody's decision: a class that no event put the record
into, a schedule that no two people approved, a release that nobody made.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial

from archiver.assurance.content import APPROVAL, COMPARED, FINGERPRINTED, REPLAYED
from archiver.assurance.database_approvals import ApprovalCheck
from archiver.assurance.database_check import REBUILD
from archiver.assurance.database_holds import HoldCheck
from archiver.assurance.database_replay import NOT_WHOLE, ReplayCheck
from archiver.assurance.database_sets import SetCheck
from archiver.assurance.database_ways_in import WaysInCheck
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings
from archiver.db import holds as hold_rows
from archiver.db import refiled_classes
from archiver.db import verification as rows
from archiver.db.replay import Replay
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.event_effects import Effect, HoldPlaced, HoldReleased, effect_of
from archiver.preserve.event_record import PLAN_PART, is_stating, parse_event
from archiver.preserve.set_effects import SetFrozen
from archiver.preserve.stated_terms import StatedTerms

_PAGE = 8192
_WORDS = ("name", "matter", "reason", "scope", "log_size", "placed_by")
_RELEASE_WORDS = ("released_by", "release_reason")


class StatementCheck:
    """Takes in stored events as they are opened, in any order; compares when all are known.

    `views` and `replay` have the rows of when the run began, when `below` entries were sequenced.
    """

    def __init__(
        self,
        *,
        database: Database,
        views: rows.Views,
        replay: Replay,
        below: int,
        holds: HoldCheck,
        findings: Findings,
    ) -> None:
        self._database = database
        self._views = views
        self._below = below
        self._holds = holds
        self._findings = findings
        self._sets = SetCheck(database=database, known=views.sets, below=below, findings=findings)
        self._ways_in = WaysInCheck(known=views.ways_in, below=below, findings=findings)
        self._approvals = ApprovalCheck(known=views.approvals, below=below, findings=findings)
        self._replay = ReplayCheck(database=database, replay=replay, below=below, findings=findings)
        self._effects: list[tuple[int, Effect]] = []
        self._placed: dict[str, hold_rows.HoldRow] = {}
        self._released: dict[str, tuple[int, HoldReleased]] = {}

    async def take(self, log_index: int, parts: Mapping[str, bytes]) -> None:
        """Take in one event, by its parts. Raises DatabaseUnavailable."""
        try:
            body = parse_event(next(iter(parts.values())))
            if body.object_type in REPLAYED or PLAN_PART in parts:
                self._replay.take(log_index, body, parts)
            if body.object_type in FINGERPRINTED:
                self._ways_in.take(log_index, body)
            if body.object_type == APPROVAL:
                self._approvals.take(log_index, body)
            if body.object_type not in COMPARED or is_stating(body, parts.keys()):
                await self._note(log_index, effect_of(body, parts.get))
        except IntegrityError as error:
            self._findings.problem(str(error))

    async def _note(self, log_index: int, effect: Effect | None) -> None:
        match effect:
            case HoldPlaced(row=row, members=members):
                self._placed.setdefault(row.id, row)
                if row.id in self._holds.differing:
                    await self._holds.name_members(row.id, members)
            case HoldReleased(hold_id=hold_id):
                first = self._released.get(hold_id)
                if first is None or log_index < first[0]:
                    self._released[hold_id] = log_index, effect
            case SetFrozen():
                self._sets.take(log_index, effect)
            case None:
                pass
            case _:
                self._effects.append((log_index, effect))

    async def finish(self, log: CheckedLog, *, is_whole: bool, now_ms: int) -> None:
        """Compare, in both directions; `is_whole`: every record of the log was opened.

        Raises:
            DatabaseUnavailable: it did not answer.
        """
        self._check_vouched(log)
        await self._check_words()
        await self._sets.finish()
        earlier, all_of_them = StatedTerms(), StatedTerms()
        for log_index, effect in sorted(self._effects, key=lambda each: each[0]):
            all_of_them.take(effect)
            if log_index < self._below:
                earlier.take(effect)
        self._check_terms(earlier)
        await self._replay.finish(log, is_whole=is_whole)
        but_first = "" if is_whole else NOT_WHOLE
        self._ways_in.finish(now_ms=now_ms, but_first=but_first)
        self._approvals.finish(but_first=but_first)
        await self._check_moved(all_of_them.moved, log.end)

    def _check_vouched(self, log: CheckedLog) -> None:
        for entry in log.holds:
            known = self._placed if entry.on else self._released
            if entry.id not in known:
                act = "placed" if entry.on else "released"
                self._findings.problem(
                    f"hold {entry.id}: the log states that it was {act}, expected the event of who "
                    "did, found none that can be read: an entry was put into the log past the "
                    "archive, or the event is damaged. Let nothing of it be destroyed"
                )

    async def _check_words(self) -> None:
        """Compare what only the events of a hold say: whose matter it is, and who did it why."""
        for hold_id, stated in sorted(self._placed.items()):
            try:
                async with self._database.reading() as tx:
                    row = await hold_rows.get(tx, hold_id)
            except NotFound:  # named where holds were compared
                continue
            wrong = [name for name in _WORDS if getattr(row, name) != getattr(stated, name)]
            if hold_id in self._released and row.released_at is not None:
                release = self._released[hold_id][1]
                said = (release.by, release.reason)
                pairs = zip(_RELEASE_WORDS, said, strict=True)
                wrong += [name for name, right in pairs if getattr(row, name) != right]
            if wrong:
                self._findings.problem(
                    f"hold {hold_id}: its {', '.join(wrong)} in the database is not what its event "
                    f"says; {REBUILD}",
                    object_key="database:hold",
                )

    def _check_terms(self, stated: StatedTerms) -> None:
        if not stated.schedules:  # its founding was cut short, which the next `init` makes up for
            self._findings.not_checked.append("the file plan: no event of the log states it yet")
        schedules = _other_schedules(self._views, stated) if stated.schedules else ()
        for what, table in (
            *((what, "database:schedule") for what in schedules),
            *((what, "database:retention_event") for what in _other_events(self._views, stated)),
        ):
            self._findings.problem(f"{what}; {REBUILD}", object_key=table)

    async def _check_moved(self, moved: Mapping[str, str], end: int) -> None:
        """Compare the rows that say they were reclassified with the events that did it."""
        wrong: dict[str, str] = {}
        async for record_id, class_code in self._reclassified():
            if moved.get(record_id) != class_code:
                right = moved.get(record_id, "the class it was captured in, as no event moved it")
                wrong[record_id] = f"expected it in {right}, found it reclassified to {class_code}"
        ids = list(moved)
        for start in range(0, len(ids), _PAGE):
            async with self._database.reading() as tx:
                found = await rows.never_reclassified(tx, ids[start : start + _PAGE])
            for each in found:
                wrong[each] = f"expected it in {moved[each]}, where an event put it, found it not"
        if not wrong:
            return
        was_any_moved = partial(refiled_classes.was_any_moved, since=end)
        if await self._database.run(was_any_moved, writes=False):
            self._findings.not_checked.append(
                f"how {len(wrong)} records are classified: some were reclassified meanwhile"
            )
            return
        for record_id, what in sorted(wrong.items()):
            self._findings.problem(
                f"{what}; {REBUILD}", object_key="database:record", record_id=record_id
            )

    async def _reclassified(self) -> AsyncIterator[tuple[str, str]]:
        after = -1
        while True:
            async with self._database.reading() as tx:
                page = await rows.reclassified(tx, after, _PAGE)
            for _, record_id, class_code in page:
                yield record_id, class_code
            if len(page) < _PAGE:
                return
            after = page[-1][0]


def _other_schedules(views: rows.Views, stated: StatedTerms) -> Iterator[str]:
    for code, version in sorted(views.schedules.keys() | stated.schedules.keys()):
        found = views.schedules.get((code, version))
        expected = stated.schedules.get((code, version))
        if found != expected:
            how = "altered" if found and expected else "not stated by any" if found else "deleted"
            yield (
                f"schedule {code}: expected version {version} as its event states it, found it "
                f"{how}"
            )


def _other_events(views: rows.Views, stated: StatedTerms) -> Iterator[str]:
    found = {each[0]: each for each in views.statements}
    expected = {each[0]: each for each in stated.statements}
    for one in sorted(found.keys() | expected.keys()):
        if found.get(one) == expected.get(one):
            continue
        if one not in expected:
            yield f"retention event {one}: expected none in force, as no event states it, found one"
        else:
            how = "altered" if one in found else "no row in force"
            yield f"retention event {one}: expected it as its event states it, found it {how}"
