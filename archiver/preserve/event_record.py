"""Events as records: how one line of the audit trail is written into a part, and read back.

An event is a record like any other (encrypted, logged, retained), because user names and search
terms are personal data that must not stand in the log itself. Its one part is JSON.
"""

import re

import msgspec

from archiver.clock import to_millis
from archiver.errors import IntegrityError
from archiver.model.post import Part, PartRole
from archiver.preserve.segments.manifest import parse_moment


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
