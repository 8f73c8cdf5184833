"""One retention event with everything that was ever said of it: stated, corrected, taken back."""

import json
from dataclasses import dataclass
from datetime import datetime

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import from_millis
from archiver.db import retention_events as rows
from archiver.db.events import EventRow
from archiver.db.retention_events import RetentionEventRow
from archiver.db.transaction import Database
from archiver.disposal.stated_events import EventView
from archiver.model.actor import Actor

_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of the history: `what` is stated, corrected or withdrawn.

    `day` is the calendar day where one was stated. `why` is the reason of a correction or
    withdrawal, the note of a first statement.
    """

    at: datetime
    what: str
    by: str
    happened_at: datetime
    why: str
    source: str
    statement_id: str
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """A statement with its history, oldest first; `stands` is the one in force now, if any is."""

    view: EventView
    said: tuple[Said, ...]
    stands: str


class EventHistory:
    """The use case that shows one statement."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def show(self, event_id: str, *, actor: Actor) -> EventPage:
        """Return a statement with those it corrects and those that corrected it.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            NotFound: no such statement.
        """
        require(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            row = await rows.get(tx, event_id)
            same = await rows.listed(
                tx,
                platform=row.platform,
                account=row.account,
                record_id=row.record_id,
                name=row.name,
                limit=_MOST,
            )
            acts = await rows.acts_since(
                tx,
                (Action.RETENTION_CORRECTED, Action.RETENTION_WITHDRAWN),
                min(each.stated_at for each in (row, *same)),
            )
        chain = _chain(row, same)
        return EventPage(
            view=EventView(row=row),
            said=_said(chain, acts),
            stands=next((each.id for each in chain if each.in_force), ""),
        )


def _chain(row: RetentionEventRow, same: list[RetentionEventRow]) -> list[RetentionEventRow]:
    """Return the statements that one took the place of, and those that took its, oldest first."""
    by_id = {each.id: each for each in same}
    after = {each.corrects: each for each in same if each.corrects}
    chain = [row]
    while (before := by_id.get(chain[0].corrects)) is not None:
        chain.insert(0, before)
    while (later := after.get(chain[-1].id)) is not None:
        chain.append(later)
    return chain


def _said(chain: list[RetentionEventRow], acts: list[EventRow]) -> tuple[Said, ...]:
    told = [(act, json.loads(act.details)) for act in acts]
    reasons = {
        details.get("event"): details.get("reason", "")
        for act, details in told
        if act.action == Action.RETENTION_CORRECTED
    }
    lines = [
        Said(
            at=from_millis(row.stated_at),
            what="corrected" if row.corrects else "stated",
            by=row.stated_by,
            happened_at=from_millis(row.happened_at),
            why=str(reasons.get(row.id, row.note)),
            source=row.source,
            statement_id=row.id,
            day=row.day,
        )
        for row in chain
    ]
    by_id = {row.id: row for row in chain}
    lines += [
        Said(
            at=from_millis(act.at),
            what="withdrawn",
            by=act.actor,
            happened_at=from_millis(by_id[details["event"]].happened_at),
            why=str(details.get("reason", "")),
            source="",
            statement_id=details["event"],
            day=by_id[details["event"]].day,
        )
        for act, details in told
        if act.action == Action.RETENTION_WITHDRAWN and details.get("event") in by_id
    ]
    return tuple(lines)
