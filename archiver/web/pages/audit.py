"""The audit trail: the list, following it, one event, everything about one object, one's own acts.

All state is in the address. Archived words in sentences go through the `word` macro like any other.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from archiver.access.rules import Permission, allowed
from archiver.assurance.audit_filter import TrailFilter
from archiver.audit.actions import Action
from archiver.audit.sentences import action_in_words
from archiver.db.events import NOT_OK
from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from archiver.web.api.events import FILTER, PAGE, asked_filter, start_export
from archiver.web.pages.addresses import addresses
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of, whole_of
from archiver.web.routing import Access, Body, Parameter, route

HTML = Body(media_type="text/html")
_EVENT = "/audit/{id:[0-7][0-9A-HJKMNP-TV-Z]{25}}"

# What an object's own page is, for whom; the rest is known to the trail alone.
_OWN_PAGES: Mapping[str, tuple[str, Permission]] = {
    "record": ("/records/", Permission.READ_CONTENT),
    "hold": ("/holds/", Permission.READ_HOLDS),
    "account": ("/accounts/", Permission.READ_ACCOUNTS),
    "class": ("/classes/", Permission.READ_FILE_PLAN),
    "batch": ("/disposition/", Permission.READ_FILE_PLAN),
    "certificate": ("/certificates/", Permission.READ_FILE_PLAN),
    "draft": ("/drafts/", Permission.READ_FILE_PLAN),
    "privacy-request": ("/privacy/", Permission.READ_PRIVACY),
    "person": ("/people/", Permission.MANAGE_ACCESS),
    "job": ("/jobs/", Permission.READ_SETTINGS),
}
_TOLD_ABOUT = {*_OWN_PAGES, "token"}
_MADE_FOR_PEOPLE = {"sentence", "object_name", "relation"}
_RESULTS = (("", "Any"), (NOT_OK, "Did not end well"), ("ok", "Ended well"))


@route(
    "GET",
    "/audit",
    permission=Permission.READ_AUDIT,
    summary="The audit trail",
    answers={200: HTML},
    parameters=(*FILTER, *PAGE),
)
async def trail(request: web.Request) -> web.StreamResponse:
    """Show a page of the trail; a filter that cannot be read is explained where it stands."""
    services, actor = services_of(request), actor_of(request)
    wanted, page, wrong = TrailFilter(), None, None
    try:
        wanted = asked_filter(request)
        cursor = text_of(request, "cursor", default="")
        page = await services.audit.list(wanted, cursor=cursor, actor=actor)
    except InvalidInput as error:
        wrong = (error.pointer or "", str(error))
    return request.app[PAGES].render(
        request,
        "audit.html",
        status=200 if wrong is None else 400,
        asked={each.name: request.query.get(each.name, "") for each in FILTER},
        wanted=wanted,
        page=None if page is None else page.to_dict(),
        wrong=wrong,
        href=addresses("/audit", wanted.to_params()),
        href_export=addresses("/audit/export", wanted.to_params())(),
        follow=addresses("/audit/follow", wanted.to_params()),
        link=object_link,
        raw_json=raw_json,
        actions=_action_options(),
        results=_RESULTS,
        matters=[
            ("", "Any"),
            *((each, each) for each in await services.audit.matters(actor=actor)),
        ],
    )


@route(
    "GET",
    "/audit/follow",
    permission=Permission.READ_AUDIT,
    summary="The audit trail as it grows",
    answers={200: HTML},
    parameters=(
        *FILTER,
        Parameter(name="start", what="How long the log was when following began", type="integer"),
    ),
)
async def follow(request: web.Request) -> web.StreamResponse:
    """Show what happened since following began; htmx asks for the list alone."""
    wanted, start = asked_filter(request), whole_of(request, "start")
    news = await services_of(request).audit.follow(wanted, start=start, actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "audit_follow.html",
        block="news",
        wanted=wanted,
        news=news.to_dict(),
        here_again=addresses("/audit/follow", wanted.to_params())(start=str(start)),
        back=addresses("/audit", wanted.to_params())(),
        link=object_link,
        raw_json=raw_json,
    )


@route(
    "GET",
    _EVENT,
    permission=Permission.READ_AUDIT,
    summary="One event of the audit trail",
    answers={200: HTML},
)
async def event(request: web.Request) -> web.StreamResponse:
    """Show one event as its record in the log holds it."""
    audit = services_of(request).audit
    detail = await audit.show(request.match_info["id"], actor=actor_of(request))
    return request.app[PAGES].render(
        request, "audit_event.html", event=detail.to_dict(), link=object_link, raw_json=raw_json
    )


@route(
    "GET",
    "/audit/about/{type:[a-z]+}/{object}",
    permission=Permission.READ_AUDIT,
    summary="Everything the trail knows about one object",
    answers={200: HTML},
    parameters=PAGE,
)
async def about(request: web.Request) -> web.StreamResponse:
    """Show everything about one record, person, hold, account, class, token or job."""
    actor, object_type = actor_of(request), request.match_info["type"]
    object_id = request.match_info["object"]
    cursor = text_of(request, "cursor", default="")
    told = await services_of(request).audit.about(
        object_type, object_id, cursor=cursor, actor=actor
    )
    return request.app[PAGES].render(
        request,
        "audit_about.html",
        told=told.to_dict(),
        own=own_page(object_type, object_id, actor),
        href=addresses(request.path, {}),
        link=object_link,
        raw_json=raw_json,
        action_words=action_in_words,
    )


@route(
    "POST",
    "/audit/export",
    permission=Permission.READ_AUDIT,
    summary="Export the trail with proofs",
    answers={303: HTML},
    takes=(Body(media_type="application/x-www-form-urlencoded"),),
    parameters=FILTER,
)
async def export(request: web.Request) -> web.StreamResponse:
    """Start the export as a job; the filter stands in the address."""
    await read_form(request)
    job = await start_export(request, asked_filter(request))
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


@route(
    "GET",
    "/me/activity",
    permission=Access.SIGNED_IN,
    summary="What you did",
    answers={200: HTML},
    parameters=PAGE,
)
async def mine(request: web.Request) -> web.StreamResponse:
    """Show one's own acts."""
    cursor = text_of(request, "cursor", default="")
    page = await services_of(request).audit.mine(cursor=cursor, actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "audit_mine.html",
        page=page.to_dict(),
        href=addresses("/me/activity", {}),
        link=object_link,
        raw_json=raw_json,
    )


ROUTES = (trail, follow, event, about, export, mine)


def object_link(object_type: str, object_id: str) -> str:
    """Return where the trail tells everything about an object; empty where it has no such page."""
    if object_type not in _TOLD_ABOUT or not object_id:
        return ""
    return f"/audit/about/{object_type}/{quote(object_id, safe='')}"


def raw_json(event: Mapping[str, object]) -> str:
    """Return an event of a list as JSON, without what was made for people to read."""
    kept = {name: value for name, value in event.items() if name not in _MADE_FOR_PEOPLE}
    return json.dumps(kept, indent=2, ensure_ascii=False)


def own_page(object_type: str, object_id: str, actor: Actor) -> str:
    """Return the object's own page, empty where it has none or the actor may not open it."""
    page = _OWN_PAGES.get(object_type)
    if page is None or not allowed(actor, page[1]):
        return ""
    return page[0] + quote(object_id, safe="")


def _action_options() -> list[tuple[str, str]]:
    subjects = sorted({action.partition(":")[0] for action in Action})
    groups = [(f"{subject}:*", f"Anything about a {subject}") for subject in subjects]
    acts = sorted(((each.value, action_in_words(each)) for each in Action), key=lambda act: act[1])
    return [("", "Anything"), *groups, *acts]
