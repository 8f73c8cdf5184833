"""Disposition: the queue of batches, what is due, and forming batches of it."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.db.kept_back import Keeps, Place
from archiver.model.batch import BatchState
from archiver.web.pages.addresses import addresses
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, flag_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

HTML = Body(media_type="text/html")
FORM = Body(media_type="application/x-www-form-urlencoded")
_PER_PAGE = 25
_LISTED = 50
_PLACE = (
    Parameter(name="class", what="Only of this class"),
    Parameter(name="account", what="Only of this account"),
)


@route(
    "GET",
    "/disposition",
    permission=Permission.READ_FILE_PLAN,
    summary="Disposition",
    answers={200: HTML, 400: HTML},
    parameters=(
        Parameter(name="state", what=f"One of {', '.join(BatchState)}"),
        *_PLACE,
        Parameter(name="mine", what="Only what waits for a step of yours", type="boolean"),
        Parameter(name="cursor", what="Go on behind this batch"),
    ),
)
async def queue(request: web.Request) -> web.StreamResponse:
    """Show the batches, newest first."""
    disposition, actor = services_of(request).disposition, actor_of(request)
    asked = _asked(request, "state", "class", "account", "mine", "cursor")
    page = await disposition.batches.list(
        state=asked["state"],
        class_code=asked["class"],
        account=asked["account"],
        mine=flag_of(request, "mine"),
        cursor=asked["cursor"],
        limit=_PER_PAGE,
        actor=actor,
    )
    return request.app[PAGES].render(
        request,
        "disposition.html",
        page=page,
        asked=asked,
        href=addresses("/disposition", asked),
        states=tuple(BatchState),
        stop=await disposition.stop.state(actor=actor),
    )


@route(
    "GET",
    "/disposition/due",
    permission=Permission.READ_FILE_PLAN,
    summary="What is due",
    answers={200: HTML},
    parameters=_PLACE,
)
async def due(request: web.Request) -> web.StreamResponse:
    """Show what batches would be formed of, and what is kept back."""
    disposition, actor = services_of(request).disposition, actor_of(request)
    asked = _asked(request, "class", "account")
    found = await disposition.forming.due(actor=actor)
    groups = [
        each
        for each in found
        if asked["class"] in {"", each.group.class_code}
        and asked["account"] in {"", each.group.account}
    ]
    return request.app[PAGES].render(
        request,
        "disposition_due.html",
        groups=groups,
        every=found,
        classes=_options("All classes", {each.group.class_code for each in found}),
        accounts=_options("All accounts", {each.group.account for each in found}),
        kept=[
            each
            for each in await disposition.kept.groups(actor=actor)
            if asked["class"] in {"", each.place.class_code}
            and asked["account"] in {"", each.place.account}
        ],
        asked=asked,
        stop=await disposition.stop.state(actor=actor),
    )


@route(
    "POST",
    "/disposition/due",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Form batches of what is due",
    takes=(FORM,),
    answers={303: HTML},
)
async def form(request: web.Request) -> web.StreamResponse:
    """Form the batches and show them in the queue; of one alone its page."""
    fields = await read_form(request)
    formed = await services_of(request).disposition.forming.form(
        class_code=fields.get("class", ""),
        account=fields.get("account", ""),
        actor=actor_of(request),
    )
    where = f"/{formed[0].id}?done=formed" if len(formed) == 1 else "?state=formed"
    return web.Response(status=303, headers={"Location": f"/disposition{where}"})


@route(
    "GET",
    "/disposition/kept",
    permission=Permission.READ_CONTENT,
    summary="What is kept back from disposal",
    answers={200: HTML, 400: HTML},
    parameters=(
        Parameter(name="why", what=f"One of {', '.join(Keeps)}", required=True),
        *_PLACE,
        Parameter(name="platform", what="Only of this platform"),
        Parameter(name="after", what="The log index the page follows", type="integer"),
    ),
)
async def kept(request: web.Request) -> web.StreamResponse:
    """Show a page of the records behind a count of what is kept back."""
    asked = _asked(request, "why", "class", "platform", "account")
    found = await services_of(request).disposition.kept.records(
        asked["why"],
        Place(asked["class"], asked["platform"], asked["account"]),
        after=after_of(request),
        limit=_LISTED,
        actor=actor_of(request),
    )
    following = str(found[-1].log_index) if len(found) == _LISTED else ""
    return request.app[PAGES].render(
        request,
        "disposition_kept.html",
        found=found,
        asked=asked,
        next_href=addresses("/disposition/kept", asked)(after=following) if following else "",
    )


def _options(every: str, values: set[str]) -> list[tuple[str, str]]:
    return [("", every), *((value, value) for value in sorted(values))]


def _asked(request: web.Request, *names: str) -> dict[str, str]:
    return {name: text_of(request, name, default="") for name in names}


ROUTES = (queue, due, form, kept)
