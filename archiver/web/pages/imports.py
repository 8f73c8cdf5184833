"""Imports: what was imported, and a new one in three steps: send the file, look, import."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.capture.fields import FIELDS
from archiver.capture.import_request import FORMAT_NAMES, ImportRequest
from archiver.capture.importers import AUTO
from archiver.errors import InvalidInput, TooLarge
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.uploads import receive_file

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_UPLOAD = Body(media_type="multipart/form-data", what="The form's token, then the file")
_MAP = "map."
_MOST_VALUE = 500

FORMATS = {
    AUTO: "Tell by the content",
    "ndjson": "NDJSON: one JSON object a line",
    "json": "JSON: an array of objects",
    "csv": "CSV",
    "x-archive": "X: the archive of one's data",
    "mastodon-outbox": "Mastodon: outbox",
    "slack-export": "Slack: workspace export",
    "feed": "Feed: RSS, Atom or JSON Feed",
}
"""What people call each format; one without words here is shown by its name."""

FIELD_WORDS = {
    "post_id": "Id of the post",
    "kind": "Kind",
    "posted_at": "Time of posting",
    "edited_at": "Time of the edit",
    "text": "Text",
    "lang": "Language",
    "permalink": "Address",
    "in_reply_to": "Id of the post it answers",
    "conversation_id": "Id of the conversation",
    "author.id": "Author's id",
    "author.handle": "Author's handle",
    "author.name": "Author's name",
    "account": "Business account",
}
"""What people call each field of a post."""

_CHOSEN = (
    Parameter(name="format", what="How to read the file; auto tells by its content"),
    Parameter(name="platform", what="Platform of the posts, where the file is mapped"),
    Parameter(name="account", what="Business account, where the file names none"),
    Parameter(name="zone", what="IANA time zone of times that name none"),
)


@route(
    "GET",
    "/imports",
    permission=Permission.READ_SETTINGS,
    summary="Imports",
    answers={200: _HTML},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Show the history of imports and those under way."""
    services, actor = services_of(request), actor_of(request)
    history = await services.imports.history(actor=actor)
    sample = await services.sample.is_offered(actor=actor)
    return request.app[PAGES].render(request, "imports.html", history=history, sample=sample)


@route(
    "POST",
    "/imports/sample",
    permission=Permission.CAPTURE,
    summary="Load the sample company",
    takes=(_FORM,),
    answers={303: _HTML, 409: _HTML},
)
async def load_sample(request: web.Request) -> web.StreamResponse:
    """Fill an empty archive with the posts of a company that does not exist."""
    job = await services_of(request).sample.start(actor=actor_of(request))
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


@route(
    "GET",
    "/imports/new",
    permission=Permission.CAPTURE,
    summary="New import: the file",
    answers={200: _HTML},
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form that takes a file."""
    return _new(request)


@route(
    "POST",
    "/imports/new",
    permission=Permission.CAPTURE,
    summary="Send a file to be imported",
    takes=(_UPLOAD,),
    answers={303: _HTML, 400: _HTML, 413: _HTML},
)
async def send(request: web.Request) -> web.StreamResponse:
    """Take the file and lead to the look at it."""
    try:
        upload = await receive_file(request, services_of(request).imports)
    except (InvalidInput, TooLarge) as error:
        return _new(request, status=413 if isinstance(error, TooLarge) else 400, problem=str(error))
    return web.Response(status=303, headers={"Location": f"/imports/new/{upload.id}"})


@route(
    "GET",
    "/imports/new/{id}",
    permission=Permission.CAPTURE,
    summary="New import: a look at the file",
    answers={200: _HTML},
    parameters=_CHOSEN,
)
async def look(request: web.Request) -> web.StreamResponse:
    """Show the first posts as they would be imported; nothing is stored."""
    preview = await services_of(request).imports.preview(
        request.match_info["id"], _request(request.query), actor=actor_of(request)
    )
    mapped = dict(each.split("=", 1) for each in preview.request.fields)
    return request.app[PAGES].render(
        request,
        "import_look.html",
        preview=preview,
        formats=_formats(),
        fields=[(field, FIELD_WORDS.get(field, field)) for field in FIELDS],
        mapped=mapped,
        hidden=_hidden(preview.request),
    )


@route(
    "POST",
    "/imports/new/{id}",
    permission=Permission.CAPTURE,
    summary="Import the file that was looked at",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def start(request: web.Request) -> web.StreamResponse:
    """Start the import and show its job; choices that cannot be are shown as they were made."""
    upload_id, asked = request.match_info["id"], _request(await read_form(request))
    try:
        job = await services_of(request).imports.start(upload_id, asked, actor=actor_of(request))
    except InvalidInput:
        query = urlencode(_hidden(asked))
        return web.Response(status=303, headers={"Location": f"/imports/new/{upload_id}?{query}"})
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


ROUTES = (list_all, load_sample, new, send, look, start)


def _new(request: web.Request, *, status: int = 200, problem: str = "") -> web.Response:
    limit = services_of(request).settings.import_limit_mb
    return request.app[PAGES].render(
        request, "import_new.html", status=status, limit_mb=limit, problem=problem
    )


def _request(chosen: Mapping[str, str]) -> ImportRequest:
    """Return the request that a form's fields make; each field of a post has one of its own."""
    paths = {field: chosen.get(_MAP + field, "").strip()[:_MOST_VALUE] for field in FIELDS}
    return ImportRequest(
        format=chosen.get("format", AUTO)[:_MOST_VALUE],
        platform=chosen.get("platform", "").strip()[:_MOST_VALUE],
        account=chosen.get("account", "").strip()[:_MOST_VALUE],
        fields=tuple(f"{field}={path}" for field, path in paths.items() if path),
        zone=chosen.get("zone", "").strip()[:_MOST_VALUE],
    )


def _hidden(asked: ImportRequest) -> list[tuple[str, str]]:
    """Return the fields that make the same request again."""
    pairs = [
        ("format", asked.format),
        ("platform", asked.platform),
        ("account", asked.account),
        ("zone", asked.zone),
        *((_MAP + field, path) for field, path in (each.split("=", 1) for each in asked.fields)),
    ]
    return [(name, value) for name, value in pairs if value]


def _formats() -> list[tuple[str, str]]:
    return [(name, FORMATS.get(name, name)) for name in FORMAT_NAMES]
