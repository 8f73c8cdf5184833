"""Events as records: how one line of the audit trail is written into parts, and read back.

An event is a record like any other (encrypted, logged, retained), because user names and search
terms are personal data that must not stand in the log itself. Its first part is JSON. A second one
holds what is too large for that: who is under a hold that was placed, what came into the file plan.
`event_effects` says what such an event changes.
"""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from archiver.clock import to_millis
from archiver.errors import IntegrityError
from archiver.ids import ulid_text, ulids_bytes
from archiver.model.post import Part, PartRole
from archiver.preserve.segments.manifest import parse_moment

MEMBERS_PART = "members.ulid"
"""The part of a placed hold that names its members: their ids, 16 bytes each, ascending."""

PLAN_PART = "plan.json"
"""The part of an event that adds to the file plan; JSON of `PlanAddition`."""

STATEMENTS_PART = "retention-events.json"
"""The part of an event that states retention events; JSON of `Statements`."""

SET_FROZEN = "set:frozen"
HOLD_RELEASED = "hold:released"
_STATING = frozenset({MEMBERS_PART, PLAN_PART, STATEMENTS_PART})
_ID_BYTES = 16

T = TypeVar("T", str, int)


class EventBody(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: who did what to which object, when, and how it ended."""

    at: str
    actor: str
    roles: list[str]
    via: str
    action: str
    object_type: str
    object_id: str
    result: str
    details: dict[str, str | int | bool]


class PlannedClass(msgspec.Struct, frozen=True):
    """A class."""

    code: str
    body: dict[str, Any]


class PlannedSchedule(msgspec.Struct, frozen=True):
    """A version of a class's schedule, in force from a moment in milliseconds."""

    class_code: str
    version: int
    body: dict[str, Any]
    in_force_from: int


class PlannedRules(msgspec.Struct, frozen=True):
    """A version of the class rules, in force from a moment in milliseconds."""

    version: int
    body: dict[str, Any]
    in_force_from: int


class PlanAddition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Classes, schedule versions and rule versions that an event brought into the file plan."""

    classes: tuple[PlannedClass, ...] = ()
    schedules: tuple[PlannedSchedule, ...] = ()
    rules: tuple[PlannedRules, ...] = ()


_decode_plan = msgspec.json.Decoder(PlanAddition).decode
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def legible(text: str) -> str:
    """Return `text` with U+FFFD for NUL and lone surrogates.

    Events hold what callers sent, ids in URLs included. PostgreSQL refuses NUL in a text and UTF-8
    has no form for a lone surrogate; an event that cannot be stored would stop the write path.
    """
    return _UNSTORABLE.sub("\ufffd", text)


def event_part(body: EventBody) -> Part:
    """Return the part that holds an event."""
    return Part(
        name="event.json",
        role=PartRole.RAW,
        media_type="application/json",
        content=msgspec.json.encode(_legible_body(body), order="sorted"),
    )


def parse_event(content: bytes) -> EventBody:
    """Parse the part of an event.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        return msgspec.json.decode(content, type=EventBody)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"event: its part does not parse: {error}") from error


def moment_of(body: EventBody) -> int:
    """Return when an event happened, in milliseconds. Raises ValueError."""
    at = parse_moment(body.at)
    if at is None or at.tzinfo is None:
        raise ValueError(f"{body.at!r} is no moment")
    return to_millis(at)


def detail_of(body: EventBody, name: str, kind: type[T]) -> T:
    """Return one of the details of an event. Raises ValueError: it is missing, or of another kind.

    `bool` is no `int` here.
    """
    found = body.details.get(name)
    if not isinstance(found, kind) or isinstance(found, bool):
        raise ValueError(f"expected {name} as {kind.__name__}, found {found!r}")  # noqa: TRY004 - as all that does not parse
    return found


def is_stating(body: EventBody, parts: Collection[str]) -> bool:
    """Return whether an event, by the names of its parts, states a hold or what terms count from.

    That is: who is held, what schedules there are, what happened, and who was put into a class.
    """
    return body.action == HOLD_RELEASED or not _STATING.isdisjoint(parts)


def members_part(record_ids: Sequence[str]) -> Part:
    """Return the part that names a hold's members."""
    return Part(
        name=MEMBERS_PART,
        role=PartRole.DERIVED,
        media_type="application/octet-stream",
        content=ulids_bytes(sorted(record_ids)),
    )


def parse_members(content: bytes) -> list[str]:
    """Return the record ids in a members part, ascending.

    Raises:
        IntegrityError: it is not one.
    """
    if len(content) % _ID_BYTES:
        raise IntegrityError(f"hold: {len(content)} bytes are no list of ids of {_ID_BYTES} bytes")
    raw = [content[at : at + _ID_BYTES] for at in range(0, len(content), _ID_BYTES)]
    if any(left >= right for left, right in pairwise(raw)):
        raise IntegrityError("hold: the ids of its members are not in ascending order")
    return [ulid_text(each) for each in raw]


def plan_part(addition: PlanAddition) -> Part:
    """Return the part that adds to the file plan."""
    return Part(
        name=PLAN_PART,
        role=PartRole.DERIVED,
        media_type="application/json",
        content=msgspec.json.encode(addition),
    )


def parse_plan(content: bytes) -> PlanAddition:
    """Parse the part that adds to the file plan.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        return _decode_plan(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"file plan: the part does not parse: {error}") from error


def event_row(record_id: str, body: EventBody) -> tuple[object, ...]:
    """Return the values of `archiver.db.events.COLUMNS`."""
    body = _legible_body(body)
    at = parse_moment(body.at)
    return (
        record_id,
        to_millis(at) if at else 0,
        body.actor,
        body.action,
        body.object_type,
        body.object_id,
        body.result,
        msgspec.json.encode(body.details, order="sorted").decode(),
    )


def _legible_body(body: EventBody) -> EventBody:
    return msgspec.structs.replace(
        body,
        actor=legible(body.actor),
        object_id=legible(body.object_id),
        result=legible(body.result),
        details={
            legible(name): legible(value) if isinstance(value, str) else value
            for name, value in body.details.items()
        },
    )
