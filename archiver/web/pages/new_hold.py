"""Placing a hold: the scope with its live exact count, what will happen, then the act.

The scope can be given in the address (`?q=`, `account=`), so that a search leads here. Nothing is
kept between the steps: each carries what was filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.hold_views import HoldPreview
from archiver.web.pages.holds import FORM, HTML
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import Parameter, route

_FIELDS = ("name", "matter", "reason", "query", "saved", "set_id", "accounts", "record_ids")
_MISSING = {
    "name": "Give the hold a name.",
    "reason": "Say why it is placed.",
}


@dataclass(frozen=True, slots=True)
class HoldForm:
    """What was filled in. `accounts` and `record_ids` have one to a line."""

    name: str = ""
    matter: str = ""
    reason: str = ""
    query: str = ""
    saved: str = ""
    set_id: str = ""
    accounts: str = ""
    record_ids: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "HoldForm":
        """Return the form's fields; those not sent are empty."""
        return cls(**{name: fields.get(name, "") for name in _FIELDS})

    @property
    def missing(self) -> list[tuple[str, str]]:
        """Which fields must still be filled in, each with the sentence that asks for it."""
        found = [(name, ask) for name, ask in _MISSING.items() if not getattr(self, name)]
        if not self.has_scope:
            found.append(("query", "Say what to hold: a query, accounts or records."))
        return found

    @property
    def has_scope(self) -> bool:
        """Whether a condition is stated."""
        return any((self.query, self.saved, self.set_id, self.accounts, self.record_ids))

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The fields as the next step carries them, the reason apart."""
        return [(name, getattr(self, name)) for name in _FIELDS if name != "reason"]

    def asked(self) -> dict[str, object]:
        """Return the arguments of `holds.place` and `holds.preview`."""
        return {
            "name": self.name,
            "matter": self.matter,
            "reason": self.reason,
            "query": self.query or None,
            "saved": self.saved,
            "set_id": self.set_id,
            "accounts": _lines(self.accounts),
            "record_ids": _lines(self.record_ids),
        }


@route(
    "GET",
    "/holds/new",
    permission=Permission.PLACE_HOLDS,
    summary="A new hold",
    answers={200: HTML},
    parameters=(
        Parameter(name="q", what="The query to hold the hits of"),
        Parameter(name="saved", what="The saved search to hold the hits of, as ID@3"),
        Parameter(name="set", what="The frozen set to hold the records of"),
        Parameter(name="account", what="An account to hold the posts of"),
        Parameter(name="record", what="A record to hold"),
    ),
    confirm=True,
)
async def new_hold(request: web.Request) -> web.StreamResponse:
    """Show the form, filled in as far as the address says."""
    given = HoldForm(
        query=request.query.get("q", ""),
        saved=request.query.get("saved", ""),
        set_id=request.query.get("set", ""),
        accounts="\n".join(request.query.getall("account", [])),
        record_ids="\n".join(request.query.getall("record", [])),
    )
    return await _form(request, given)


@route(
    "POST",
    "/holds/count",
    permission=Permission.PLACE_HOLDS,
    summary="How much a scope would hold",
    takes=(FORM,),
    answers={200: HTML},
    looks=True,
)
async def count(request: web.Request) -> web.StreamResponse:
    """Show the form again with the exact count; to htmx the count alone."""
    return await _form(request, HoldForm.of(await read_form(request)))


@route(
    "POST",
    "/holds/new",
    permission=Permission.PLACE_HOLDS,
    summary="What placing a hold would do",
    takes=(FORM,),
    answers={200: HTML, 400: HTML},
    confirm=True,
    looks=True,
)
async def consequences(request: web.Request) -> web.StreamResponse:
    """Show what the hold would do, before it is placed."""
    form = HoldForm.of(await read_form(request))
    if form.missing:
        return await _form(request, form, errors=form.missing)
    try:
        preview = await _preview(request, form)
    except InvalidInput as error:
        return await _form(request, form, errors=[(error.pointer or "", str(error))])
    return request.app[PAGES].render(request, "hold_place.html", form=form, preview=preview)


@route(
    "POST",
    "/holds",
    permission=Permission.PLACE_HOLDS,
    summary="Place a hold",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def place(request: web.Request) -> web.StreamResponse:
    """Place the hold; it is in effect when its page is shown."""
    form = HoldForm.of(await read_form(request))
    if form.missing:
        return await _form(request, form, errors=form.missing)
    try:
        view = await services_of(request).holds.place(**form.asked(), actor=actor_of(request))  # type: ignore[arg-type] # of these names and types
    except InvalidInput as error:
        return await _form(request, form, errors=[(error.pointer or "", str(error))])
    return web.Response(status=303, headers={"Location": f"/holds/{view.id}?done=placed"})


async def _preview(request: web.Request, form: HoldForm) -> HoldPreview:
    return await services_of(request).holds.preview(**form.asked(), actor=actor_of(request))  # type: ignore[arg-type] # of these names and types


async def _form(
    request: web.Request, form: HoldForm, *, errors: list[tuple[str, str]] | None = None
) -> web.Response:
    preview, wrong = None, list(errors or ())
    if form.has_scope and not wrong:
        try:
            preview = await _preview(request, form)
        except InvalidInput as error:
            wrong.append((error.pointer or "", str(error)))
    refused = web.HTTPBadRequest.status_code if errors else web.HTTPOk.status_code
    return request.app[PAGES].render(
        request,
        "hold_new.html",
        block="count",
        form=form,
        preview=preview,
        errors=wrong,
        wrong=dict(wrong),
        status=refused,
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


ROUTES = (new_hold, count, consequences, place)
