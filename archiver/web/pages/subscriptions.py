"""Subscriptions to a saved search: asked for on a page of their own; a secret is shown once."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.subscription_views import ChannelName, Pace
from archiver.web.pages.rendering import PAGES
from archiver.web.pages.saved_searches import FORM, HTML
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import route

_STATES = ("active", "stopped", "ended")
_PAGE = "/saved-searches/{id}/subscribe"


@route(
    "GET",
    _PAGE,
    permission=Permission.SEARCH,
    summary="Be told of new hits",
    answers={200: HTML},
)
async def subscribe_form(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return await _form(request, {})


@route(
    "POST",
    _PAGE,
    permission=Permission.SEARCH,
    summary="Subscribe to a saved search",
    takes=(FORM,),
    answers={200: HTML, 303: HTML, 400: HTML},
)
async def subscribe(request: web.Request) -> web.StreamResponse:
    """Subscribe; show the secret of a webhook, this once."""
    given, saved_id = await read_form(request), request.match_info["id"]
    webhook = given.get("channel") == ChannelName.WEBHOOK
    try:
        view = await services_of(request).subscriptions.create(
            saved_id,
            channel=ChannelName.WEBHOOK if webhook else ChannelName.MAIL,
            target=given.get("target", "") if webhook else "",
            pace=_pace(given.get("pace", "")),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return await _form(request, given, error)
    if not view.secret:
        return _back(saved_id, "subscribed")
    return request.app[PAGES].render(request, "subscription_made.html", view=view)


@route(
    "POST",
    "/subscriptions/{id}/state",
    permission=Permission.SEARCH,
    summary="Stop, resume or end a subscription",
    takes=(FORM,),
    answers={303: HTML},
)
async def set_state(request: web.Request) -> web.StreamResponse:
    """Change whether it goes on."""
    asked = (await read_form(request)).get("state", "")
    view = await services_of(request).subscriptions.set_state(
        request.match_info["id"],
        asked if asked in _STATES else "stopped",
        actor=actor_of(request),
    )
    return _back(view.row.saved_search_id, view.row.state)


@route(
    "POST",
    "/subscriptions/{id}/test",
    permission=Permission.SEARCH,
    summary="Send a test to a webhook",
    takes=(FORM,),
    answers={200: HTML, 303: HTML},
)
async def send_test(request: web.Request) -> web.StreamResponse:
    """Send it; where the receiver did not take it, show what it said."""
    await read_form(request)
    tested = await services_of(request).subscriptions.test(
        request.match_info["id"], actor=actor_of(request)
    )
    if not tested.problem:
        return _back(tested.row.saved_search_id, "tested")
    return request.app[PAGES].render(request, "subscription_tested.html", tested=tested)


@route(
    "POST",
    "/deliveries/{id}/retry",
    permission=Permission.SEARCH,
    summary="Have a delivery tried again",
    takes=(FORM,),
    answers={303: HTML},
)
async def retry(request: web.Request) -> web.StreamResponse:
    """Try it anew."""
    view = await services_of(request).subscriptions.retry(
        request.match_info["id"], actor=actor_of(request)
    )
    return _back(view.row.saved_search_id, "retried")


ROUTES = (subscribe_form, subscribe, set_state, send_test, retry)


async def _form(
    request: web.Request, given: Mapping[str, str], error: InvalidInput | None = None
) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    view = await services.saved_searches.show(request.match_info["id"], actor=actor)
    return request.app[PAGES].render(
        request,
        "subscription_new.html",
        view=view,
        given=given,
        own_address=actor.name if actor.person_id else "",
        mail_works=services.subscriptions.mail_works,
        errors=[] if error is None else [(error.pointer or "", str(error))],
        status=400 if error else 200,
    )


def _pace(text: str) -> Pace:
    return Pace(text) if text in set(Pace) else Pace.AT_ONCE


def _back(saved_id: str, done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/saved-searches/{saved_id}?done={done}"})
