"""Retention events: what happened, and when, that terms count from; one by one or as CSV."""

from datetime import datetime

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.event_import import COLUMNS, BadLine
from archiver.disposal.stated_events import NewEvent, When, when_of_text
from archiver.web.answering import json_answer
from archiver.web.connection import read_body
from archiver.web.documents import StatedReason
from archiver.web.reading import (
    actor_of,
    flag_of,
    read_document,
    services_of,
    text_of,
    whole_of,
)
from archiver.web.retention_documents import (
    NewRetentionEvent,
    RetentionEventCorrection,
    RetentionEventDocument,
    RetentionEventImport,
    RetentionEventList,
)
from archiver.web.routing import Body, Parameter, route

MOST_LISTED = 200
MOST_BYTES = 16 << 20
_BAD_LINES_NAMED = 1000
_ID = "/api/v1/retention-events/{id}"


@route(
    "GET",
    "/api/v1/retention-events",
    permission=Permission.READ_FILE_PLAN,
    summary="List what was stated, the newest first, statements no longer in force included",
    answers={200: Body(model=RetentionEventList)},
    parameters=(
        Parameter(name="platform", what="Only of accounts of this platform"),
        Parameter(name="account", what="Only of accounts of this handle"),
        Parameter(name="record", what="Only of this record"),
        Parameter(name="name", what="Only events of this name, such as account_closed"),
        Parameter(name="in_force", what="`true`: only what is in force", type="boolean"),
        Parameter(name="cursor", what="next_cursor of the page before"),
        Parameter(name="limit", what="At most 200", type="integer"),
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of statements."""
    found = await services_of(request).keeping.events.list(
        platform=text_of(request, "platform", default=""),
        account=text_of(request, "account", default=""),
        record_id=text_of(request, "record", default=""),
        name=text_of(request, "name", default=""),
        in_force_only=flag_of(request, "in_force"),
        limit=whole_of(request, "limit", default=50, most=MOST_LISTED),
        cursor=text_of(request, "cursor", default=""),
        actor=actor_of(request),
    )
    return json_answer(found.to_dict())


@route(
    "POST",
    "/api/v1/retention-events",
    permission=Permission.EDIT_FILE_PLAN,
    summary="State that something happened to an account or a record",
    takes=(Body(model=NewRetentionEvent),),
    answers={201: Body(model=RetentionEventDocument)},
)
async def state(request: web.Request) -> web.StreamResponse:
    """State an event."""
    asked = await read_document(request, NewRetentionEvent)
    when = _when(request, asked.happened_at)
    view = await services_of(request).keeping.events.state(
        NewEvent(**asked.model_dump(exclude={"happened_at"}), happened_at=when.at, day=when.day),
        actor=actor_of(request),
    )
    return json_answer(view.to_dict(), status=201)


@route(
    "POST",
    "/api/v1/retention-events/import",
    permission=Permission.EDIT_FILE_PLAN,
    summary=f"State the events of a CSV file with the columns {', '.join(COLUMNS)}",
    takes=(Body(media_type="text/csv", what="A first line of columns, then a line an event"),),
    answers={200: Body(model=RetentionEventImport)},
)
async def import_file(request: web.Request) -> web.StreamResponse:
    """State the events of a file."""
    body = await read_body(request, limit=MOST_BYTES)
    bad: list[BadLine] = []

    def report(line: BadLine) -> None:
        if len(bad) < _BAD_LINES_NAMED:
            bad.append(line)

    found = await services_of(request).keeping.event_import.run(
        body.splitlines(keepends=True), actor=actor_of(request), report=report
    )
    told = [{"line": each.line, "reason": each.reason} for each in bad]
    return json_answer({**found.to_dict(), "bad_lines": told})


@route(
    "GET",
    _ID,
    permission=Permission.READ_FILE_PLAN,
    summary="Show one statement",
    answers={200: Body(model=RetentionEventDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one statement."""
    events = services_of(request).keeping.events
    view = await events.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(view.to_dict())


@route(
    "POST",
    _ID + "/correct",
    permission=Permission.EDIT_FILE_PLAN,
    summary="State another date for an event; the statement before stays on record",
    takes=(Body(model=RetentionEventCorrection),),
    answers={200: Body(model=RetentionEventDocument)},
)
async def correct(request: web.Request) -> web.StreamResponse:
    """Correct an event."""
    asked = await read_document(request, RetentionEventCorrection)
    when = _when(request, asked.happened_at)
    view = await services_of(request).keeping.events.correct(
        request.match_info["id"],
        happened_at=when.at,
        day=when.day,
        note=asked.note,
        reason=asked.reason,
        actor=actor_of(request),
    )
    return json_answer(view.to_dict())


@route(
    "POST",
    _ID + "/withdraw",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Take a statement back; it stays on record",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=RetentionEventDocument)},
)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """Withdraw an event."""
    asked = await read_document(request, StatedReason)
    view = await services_of(request).keeping.events.withdraw(
        request.match_info["id"], reason=asked.reason, actor=actor_of(request)
    )
    return json_answer(view.to_dict())


ROUTES = (list_all, state, import_file, show, correct, withdraw)


def _when(request: web.Request, said: str | datetime) -> When:
    """Return when something happened: a calendar day, or a moment."""
    if isinstance(said, datetime):
        return When(at=said)
    return when_of_text(said, services_of(request).keeping.zone)
