"""What the statements of retention events change: rows that terms count from, and a refiling.

The event's part names the statements whole, those that came in force and those that ended, so that
they can be derived again in any order: what ended once is never in force again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from archiver.db import refiling
from archiver.db import retention_events as rows
from archiver.db.refiling import Scope
from archiver.db.retention_events import RetentionEventRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import STATEMENTS_PART, EventBody, detail_of, moment_of

RETENTION = "retention"
"""The object type of these events; the id is that of the act, which may state many things."""

REFILING = "refiling"
"""The object type of the event that says what a refiling came to."""

RETENTION_STATED = ("retention:stated", "retention:corrected", "retention:withdrawn")
REFILED = "records:refiled"
RETENTION_ACT = "retention_act"
"""The detail that names the refiling where the event is about something else (an account)."""


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One retention event as a statement says it; `happened_at` in milliseconds since 1970 UTC.

    `day` is the calendar day where one was stated, in ISO 8601. Statements of before there was a
    `day` count from the moment they name.
    """

    id: str
    name: str
    happened_at: int
    platform: str = ""
    account: str = ""
    record_id: str = ""
    note: str = ""
    source: str = ""
    corrects: str = ""
    stated_by: str = ""  # "" and 0: by whom and when the event itself was
    stated_at: int = 0
    day: str = ""


def statement_of(row: RetentionEventRow) -> Statement:
    """Return a row as an event of the trail names it."""
    return Statement(
        id=row.id,
        name=row.name,
        happened_at=row.happened_at,
        platform=row.platform,
        account=row.account,
        record_id=row.record_id,
        note=row.note,
        source=row.source,
        corrects=row.corrects,
        stated_by=row.stated_by,
        stated_at=row.stated_at,
        day=row.day,
    )


class Statements(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came in force and what is no longer."""

    stated: tuple[Statement, ...] = ()
    ended: tuple[Statement, ...] = ()

    @property
    def part(self) -> Part:
        """The part of the event that names them."""
        return Part(
            name=STATEMENTS_PART,
            role=PartRole.DERIVED,
            media_type="application/json",
            content=msgspec.json.encode(self, order="sorted"),
        )


_decode = msgspec.json.Decoder(Statements).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionChanged(SelfStated):
    """Retention events were stated, corrected or withdrawn; `act_id` names the refiling."""

    act_id: str
    statements: Statements
    by: str
    at: int

    def apply(self, connection: Connection) -> bool:
        """Bring the rows in and out of force, and ask for a refiling where that changed any."""
        ended, stated = self.statements.ended, self.statements.stated
        took = rows.end(connection, [each.id for each in ended])
        # What ended and is not there yet comes in ended, so that its own event changes nothing.
        new = [self._row(each, in_force=False) for each in ended if each.id not in took]
        new += [self._row(each, in_force=True) for each in stated]
        took |= rows.add(connection, new)
        changed = [each for each in (*ended, *stated) if each.id in took]
        if changed:
            cause = _cause(changed)
            refiling.ask(connection, self.act_id, cause, _scope(changed), self.at)
        return False

    def _row(self, each: Statement, *, in_force: bool) -> RetentionEventRow:
        return RetentionEventRow(
            id=each.id,
            name=each.name,
            platform=each.platform,
            account=each.account,
            record_id=each.record_id,
            happened_at=each.happened_at,
            note=each.note,
            source=each.source,
            corrects=each.corrects,
            in_force=in_force,
            stated_by=each.stated_by or self.by,
            stated_at=each.stated_at or self.at,
            day=each.day,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refiled(SelfStated):
    """A refiling is done."""

    refiling_id: str
    class_code: str
    version: int

    def apply(self, connection: Connection) -> bool:
        """Strike out the refiling."""
        scope = Scope(class_code=self.class_code, version=self.version)
        refiling.forget(connection, self.refiling_id, scope)
        return False


def retention_changed(body: EventBody, part: PartOf) -> RetentionChanged | None:
    """Return what an event changes that has a part of statements; None where it has none.

    Raises:
        ValueError, InvalidInput: it does not state them whole.
    """
    content = part(STATEMENTS_PART)
    if content is None:
        if body.action in RETENTION_STATED and body.result == "ok":
            raise ValueError("it does not name what was stated")
        return None
    try:
        statements = _decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"its statements do not parse: {error}") from error
    for each in (*statements.stated, *statements.ended):
        ulid_bytes(each.id)
        if each.day:
            date.fromisoformat(each.day)
        if bool(each.record_id) == bool(each.platform and each.account):
            raise ValueError(f"statement {each.id} is of neither an account nor a record")
    act_id = (
        body.object_id if body.action in RETENTION_STATED else detail_of(body, "retention_act", str)
    )
    ulid_bytes(act_id)
    return RetentionChanged(act_id=act_id, statements=statements, by=body.actor, at=moment_of(body))


def refiled(body: EventBody, _part: PartOf) -> Refiled:
    """Return what the end of a refiling changes.

    Raises:
        ValueError, InvalidInput: it does not say which one.
    """
    ulid_bytes(body.object_id)
    return Refiled(
        refiling_id=body.object_id,
        class_code=detail_of(body, "class_code", str),
        version=detail_of(body, "version", int),
    )


def _scope(statements: Sequence[Statement]) -> Scope:
    return Scope(
        accounts=tuple(
            sorted({(each.platform, each.account) for each in statements if each.account})
        ),
        record_ids=tuple(sorted({each.record_id for each in statements if each.record_id})),
    )


def _cause(statements: Sequence[Statement]) -> str:
    first = statements[0]
    about = f"{first.account} on {first.platform}" if first.account else first.record_id
    others = f" and {len(statements) - 1} others" if len(statements) > 1 else ""
    return f"event {first.name} of {about}{others}"
