"""Events as records: how one line of the audit trail is written into a part, and read back.

An event is a record like any other (encrypted, logged, retained), because user names and search
terms are personal data that must not stand in the log itself. Its one part is JSON.
"""

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


def event_part(body: EventBody) -> Part:
    """Return the part that holds an event."""
    return Part(
        name="event.json",
        role=PartRole.RAW,
        media_type="application/json",
        content=msgspec.json.encode(body, order="sorted"),
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
