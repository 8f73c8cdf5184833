"""What stating, correcting or withdrawing a retention event would do, before anybody decides on it.

Both ends of each record concerned are worked out on the facts of this moment: with the statements
in force, and as they would be. An account of more than `MOST_COUNTED` records is counted so far.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

from archiver.access.rules import Permission, require
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import retained
from archiver.db import retention_events as rows
from archiver.db.refiling import Scope
from archiver.db.retained import Needs, Page, Where
from archiver.db.retention_events import Named, RetentionEventRow
from archiver.db.transaction import Connection, Database
from archiver.disposal.retention_events import RetentionEvents
from archiver.disposal.stated_events import EventView, NewEvent, as_new
from archiver.errors import Conflict
from archiver.model.actor import Actor
from retention.ends import Ends, Happened
from retention.schedules import Schedule

MOST_COUNTED = 50_000
"""Records worked out for one preview: a quarter of a second."""

_PAGE = 10_000

Subject = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEffect:
    """How many records' ends would move, and to where. Every number is of records.

    `records` are in classes whose schedule counts from the event. `begin` have no end and get one,
    `await_again` have one and lose it. `due` come up for disposal that do not now. `first` and
    `last` are the ends of those that move. Not `whole`: there are more than were counted.
    """

    records: int = 0
    begin: int = 0
    longer: int = 0
    shorter: int = 0
    await_again: int = 0
    due: int = 0
    first: datetime | None = None
    last: datetime | None = None
    whole: bool = True

    @property
    def moved(self) -> int:
        """How many records would be kept otherwise than now."""
        return self.begin + self.longer + self.shorter + self.await_again


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPreview:
    """What would be stated, what would end by that, and what it does to the records concerned.

    `stated` is empty where a statement is taken back, `ended` where nothing was stated before.
    """

    stated: tuple[NewEvent, ...]
    ended: EventView | None
    effect: EventEffect
    awaited: bool

    @property
    def name(self) -> str:
        """What happened."""
        return self.stated[0].name if self.stated else self.ended.row.name if self.ended else ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it does, in words: whose ends move, where to, and what does not change."""
        return (*_in_words(self.effect, self.name, awaited=self.awaited), *_UNCHANGED)


_UNCHANGED = (
    "Object locks are extended where an end moves later, and never shortened. Holds stay.",
    "Nothing is disposed of by this: that takes a batch, a review and other people.",
)


def _in_words(effect: EventEffect, name: str, *, awaited: bool) -> Iterator[str]:
    if not awaited:
        yield f"No schedule in force counts from {name}: no end moves before one does."
        return
    if not effect.records:
        yield f"No record captured so far is in a class whose schedule counts from {name}."
        return
    more = "" if effect.whole else "More than "
    yield (
        f"{more}{_records(effect.records)} in classes whose schedule counts from {name}"
        + ("." if effect.whole else "; the numbers below are of these.")
    )
    for number, words in (
        (effect.begin, "without an end so far: an end is set"),
        (effect.longer, "kept longer than now"),
        (effect.shorter, "kept shorter than now"),
        (effect.await_again, "without an end from then on: kept until the event is stated again"),
    ):
        if number:
            yield f"{_records(number)} {words}."
    if not effect.moved:
        yield "No end moves: other terms, or another statement, decide."
    if effect.first and effect.last:
        ends = [f"{each:%Y-%m-%d %H:%M} UTC" for each in (effect.first, effect.last)]
        yield f"The new ends: {' to '.join(dict.fromkeys(ends))}."
    if effect.due:
        yield f"{_records(effect.due)} due for disposal at once, but for holds and object locks."


def _records(number: int) -> str:
    return f"{number:,} record" if number == 1 else f"{number:,} records"


@dataclass(slots=True)
class _Tally:
    """The effect as it is counted."""

    now: int
    records: int = 0
    moved: dict[str, int] = field(default_factory=dict)
    due: int = 0
    ends: set[int] = field(default_factory=set)

    def add(self, before: int | None, after: int | None) -> None:
        self.records += 1
        if before == after:
            return
        kind = (
            "begin"
            if before is None
            else "await_again"
            if after is None
            else "longer"
            if after > before
            else "shorter"
        )
        self.moved[kind] = self.moved.get(kind, 0) + 1
        if after is not None:
            self.ends.add(after)
            self.due += after <= self.now and (before is None or before > self.now)

    def effect(self, *, whole: bool) -> EventEffect:
        return EventEffect(
            records=self.records,
            **self.moved,
            due=self.due,
            first=from_millis(min(self.ends)) if self.ends else None,
            last=from_millis(max(self.ends)) if self.ends else None,
            whole=whole,
        )


class EventPreviews:
    """The use cases that look ahead; nothing is changed, and no content is read."""

    def __init__(self, *, events: RetentionEvents, database: Database, clock: Clock) -> None:
        self._events = events
        self._database = database
        self._clock = clock

    async def state(self, events: Sequence[NewEvent], *, actor: Actor) -> EventPreview:
        """Return what stating these events of one name would do.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            InvalidInput: as `RetentionEvents.state`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        stated = await self._events.sound(events)
        return await self._preview(stated, None)

    async def correct(
        self, event_id: str, *, happened_at: datetime, day: date | None = None, actor: Actor
    ) -> EventPreview:
        """Return what another date would do.

        Raises:
            Denied, NotFound, InvalidInput, Conflict: as `RetentionEvents.correct`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        before = await self._in_force(event_id, actor)
        event = self._events.checked(replace(as_new(before.row), happened_at=happened_at, day=day))
        return await self._preview((event,), before)

    async def withdraw(self, event_id: str, *, actor: Actor) -> EventPreview:
        """Return what taking a statement back would do.

        Raises:
            Denied, NotFound, Conflict: as `RetentionEvents.withdraw`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        return await self._preview((), await self._in_force(event_id, actor))

    async def _in_force(self, event_id: str, actor: Actor) -> EventView:
        view = await self._events.show(event_id, actor=actor)
        if not view.row.in_force:
            raise Conflict(f"event {event_id} is in force no longer; list the events about it")
        return view

    async def _preview(self, stated: tuple[NewEvent, ...], ended: EventView | None) -> EventPreview:
        before = None if ended is None else ended.row
        subjects = {event.subject for event in stated} | ({before.subject} if before else set())
        async with self._database.reading() as tx:
            in_force = await rows.in_force_about(tx, subjects)
            at = to_millis(self._clock())
            found = await tx.run_sync(partial(retained.schedules_in_force, at=at))
        ends = {
            code: Ends(Schedule.from_dict(json.loads(body))) for code, (_, body) in found.items()
        }
        name = before.name if before else stated[0].name
        counting = {code: each for code, each in ends.items() if name in each.awaited}
        change = _Change(latest=_latest(in_force, stated, before), counting=counting, now=at)
        effect = await self._database.run(change.effect, writes=False)
        return EventPreview(stated=stated, ended=ended, effect=effect, awaited=bool(counting))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The events of some subjects as they would be; `counting` are the classes that ask."""

    latest: Mapping[Subject, Mapping[str, Happened]]
    counting: Mapping[str, Ends]
    now: int

    def effect(self, connection: Connection) -> EventEffect:
        """Work out the records of the subjects, page after page."""
        tally, whole = _Tally(self.now), True
        if self.counting:
            scope = Scope(
                accounts=tuple((p, a) for p, a, record_id in self.latest if not record_id),
                record_ids=tuple(record_id for *_, record_id in self.latest if record_id),
            )
            whole = all(self._walk(connection, part, tally) for part in scope.parts)
        return tally.effect(whole=whole)

    def _walk(self, connection: Connection, part: Where, tally: _Tally) -> bool:
        """Count the records of a part; False where there are more than are counted."""
        needs, after = Needs.of(tuple(self.counting.values())), -1
        while tally.records < MOST_COUNTED:
            page = retained.read_page(connection, part, after, _PAGE, needs)
            if not page.rows:
                return True
            changed = self._changed(page)
            for row in page.rows:
                ends = self.counting.get(row.class_code)
                if ends is not None and row.entry_type == "rec":
                    tally.add(page.until(ends, row), changed.until(ends, row))
            after = page.rows[-1].log_index
        return False

    def _changed(self, page: Page) -> Page:
        of_account, of_record = dict(page.of_account), dict(page.of_record)
        for (platform, account, record_id), events in self.latest.items():
            if record_id:
                of_record[record_id] = events
            else:
                of_account[platform, account] = events
        return replace(page, of_account=of_account, of_record=of_record)


def _latest(
    in_force: Collection[RetentionEventRow],
    stated: Collection[NewEvent],
    ended: RetentionEventRow | None,
) -> Mapping[Subject, Mapping[str, Happened]]:
    """Return when each named event last happened to each subject, once the change is made."""
    happened = [
        (row.subject, row.name, row.happened)
        for row in in_force
        if ended is None or row.id != ended.id
    ]
    happened += [(each.subject, each.name, each.happened) for each in stated]
    subjects = {each.subject for each in stated} | ({ended.subject} if ended else set())
    found: dict[Subject, list[Named]] = {subject: [] for subject in subjects}
    for subject, name, when in happened:
        found[subject].append((name, when))
    return {subject: retained.latest_of(named) for subject, named in found.items()}
