"""Saved searches, their versions, and subscriptions to them.

The version of a saved search is its ETag; a change names the one it was made from with `If-Match`.
"""

import re

from aiohttp import web

from archiver.access.rules import Permission
from archiver.legal.saved_views import SavedView
from archiver.web.answering import json_answer, list_answer
from archiver.web.reading import actor_of, flag_of, read_document, services_of, text_of, whole_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.saved_documents import (
    DeliveryList,
    NewSavedSearch,
    NewSubscription,
    SavedSearchChange,
    SavedSearchDocument,
    SavedSearchList,
    SubscriptionChange,
    SubscriptionDocument,
    SubscriptionList,
    WebhookTestDocument,
)

_ETAG = re.compile(r'"([1-9][0-9]{0,8})"')
_MOST = 2**31
_ID = "/api/v1/saved-searches/{id}"


@route(
    "GET",
    "/api/v1/saved-searches",
    permission=Permission.SEARCH,
    summary="List saved searches with what is new in each",
    answers={200: Body(model=SavedSearchList)},
    parameters=(
        Parameter(name="archived", what="`true`: those put away", type="boolean"),
        Parameter(name="limit", what="At most 100", type="integer"),
        Parameter(name="cursor", what="`next_cursor` of the page before"),
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of them."""
    page = await services_of(request).saved_searches.list(
        archived=flag_of(request, "archived"),
        limit=whole_of(request, "limit", default=50, most=_MOST),
        cursor=text_of(request, "cursor", default=""),
        actor=actor_of(request),
    )
    items = [view.to_dict() for view in page.items]
    return json_answer(
        {"items": items, "next_cursor": page.cursor, "total": page.total, "total_is_exact": True}
    )


@route(
    "POST",
    "/api/v1/saved-searches",
    permission=Permission.SEARCH,
    summary="Save a search",
    takes=(Body(model=NewSavedSearch),),
    answers={201: Body(model=SavedSearchDocument)},
)
async def save(request: web.Request) -> web.StreamResponse:
    """Save a query and its filters."""
    given = await read_document(request, NewSavedSearch)
    view = await services_of(request).saved_searches.save(
        given.asked(),
        name=given.name,
        description=given.description,
        shared_with=given.shared_with,
        actor=actor_of(request),
    )
    return _answer(view, status=201)


@route(
    "GET",
    _ID,
    permission=Permission.SEARCH,
    summary="Show a saved search",
    answers={200: Body(model=SavedSearchDocument)},
    parameters=(Parameter(name="version", what="Which one; else the newest", type="integer"),),
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one version."""
    version = whole_of(request, "version", default=0, most=_MOST)
    view = await services_of(request).saved_searches.show(
        request.match_info["id"], version=version, actor=actor_of(request)
    )
    return _answer(view)


@route(
    "POST",
    _ID,
    permission=Permission.SEARCH,
    summary="Change a saved search of yours: a new version",
    takes=(Body(model=SavedSearchChange),),
    answers={200: Body(model=SavedSearchDocument)},
    parameters=(
        Parameter(
            name="If-Match",
            place="header",
            what='The version it is made from, as `"3"`; 409 where there is a later one',
            required=True,
        ),
    ),
)
async def change(request: web.Request) -> web.StreamResponse:
    """Make a new version."""
    given = await read_document(request, SavedSearchChange)
    searches, actor = services_of(request).saved_searches, actor_of(request)
    view = await searches.change(
        request.match_info["id"], given.change(), based_on=_based_on(request), actor=actor
    )
    return _answer(view)


@route(
    "GET",
    _ID + "/versions",
    permission=Permission.SEARCH,
    summary="Every version of a saved search, the newest first",
    answers={200: Body(model=SavedSearchList)},
)
async def versions(request: web.Request) -> web.StreamResponse:
    """Answer its history."""
    return list_answer(
        await services_of(request).saved_searches.history(
            request.match_info["id"], actor=actor_of(request)
        )
    )


@route(
    "POST",
    _ID + "/run",
    permission=Permission.SEARCH,
    summary="Run a saved search; its hits by now are new to you no more",
    answers={200: Body(what="What `/api/v1/search` answers")},
    parameters=(
        Parameter(name="version", what="Which one; else the newest", type="integer"),
        Parameter(name="limit", what="Hits of a page", type="integer"),
        Parameter(name="cursor", what="`next_cursor` of the page before"),
    ),
)
async def run(request: web.Request) -> web.StreamResponse:
    """Answer a page of hits."""
    services, actor = services_of(request), actor_of(request)
    version = whole_of(request, "version", default=0, most=_MOST)
    view = await services.saved_searches.open(
        request.match_info["id"], version=version, actor=actor
    )
    found = await services.searching.search(
        view.row.normalised,
        limit=whole_of(request, "limit", default=20, most=_MOST),
        cursor=text_of(request, "cursor", default=""),
        actor=actor,
    )
    return json_answer(found.to_dict())


@route(
    "GET",
    _ID + "/subscriptions",
    permission=Permission.SEARCH,
    summary="Your subscriptions to a saved search",
    answers={200: Body(model=SubscriptionList)},
)
async def subscriptions(request: web.Request) -> web.StreamResponse:
    """Answer them."""
    return list_answer(
        await services_of(request).subscriptions.list(
            request.match_info["id"], actor=actor_of(request)
        )
    )


@route(
    "POST",
    _ID + "/subscriptions",
    permission=Permission.SEARCH,
    summary="Be told of new hits; a webhook's secret is in this answer and in no other",
    takes=(Body(model=NewSubscription),),
    answers={201: Body(model=SubscriptionDocument)},
)
async def subscribe(request: web.Request) -> web.StreamResponse:
    """Make a subscription."""
    given = await read_document(request, NewSubscription)
    view = await services_of(request).subscriptions.create(
        request.match_info["id"],
        channel=given.channel,
        target=given.target,
        pace=given.pace,
        actor=actor_of(request),
    )
    return json_answer(view.to_dict(), status=201, headers={"Cache-Control": "no-store"})


@route(
    "GET",
    _ID + "/deliveries",
    permission=Permission.SEARCH,
    summary="The newest deliveries of your subscriptions to a saved search",
    answers={200: Body(model=DeliveryList)},
)
async def deliveries(request: web.Request) -> web.StreamResponse:
    """Answer them."""
    return list_answer(
        await services_of(request).subscriptions.deliveries(
            request.match_info["id"], actor=actor_of(request)
        )
    )


@route(
    "POST",
    "/api/v1/subscriptions/{id}",
    permission=Permission.SEARCH,
    summary="Stop, resume or end a subscription of yours",
    takes=(Body(model=SubscriptionChange),),
    answers={200: Body(model=SubscriptionDocument)},
)
async def set_state(request: web.Request) -> web.StreamResponse:
    """Change whether it goes on."""
    given = await read_document(request, SubscriptionChange)
    view = await services_of(request).subscriptions.set_state(
        request.match_info["id"], given.state, actor=actor_of(request)
    )
    return json_answer(view.to_dict())


@route(
    "POST",
    "/api/v1/subscriptions/{id}/test",
    permission=Permission.SEARCH,
    summary="Send a signed test to a webhook of yours; its `type` is `subscription.test`",
    answers={200: Body(model=WebhookTestDocument)},
)
async def send_test(request: web.Request) -> web.StreamResponse:
    """Send it, and answer what the receiver said."""
    tested = await services_of(request).subscriptions.test(
        request.match_info["id"], actor=actor_of(request)
    )
    return json_answer(tested.to_dict())


@route(
    "POST",
    "/api/v1/deliveries/{id}/retry",
    permission=Permission.SEARCH,
    summary="Have a delivery tried again now",
    answers={200: Body(model=SubscriptionDocument)},
)
async def retry(request: web.Request) -> web.StreamResponse:
    """Try it anew."""
    view = await services_of(request).subscriptions.retry(
        request.match_info["id"], actor=actor_of(request)
    )
    return json_answer(view.to_dict())


ROUTES = (
    list_all,
    save,
    show,
    change,
    versions,
    run,
    subscriptions,
    subscribe,
    deliveries,
    set_state,
    send_test,
    retry,
)


def _answer(view: SavedView, *, status: int = 200) -> web.Response:
    return json_answer(view.to_dict(), status=status, headers={"ETag": f'"{view.row.newest}"'})


def _based_on(request: web.Request) -> int:
    """Return the version that `If-Match` names, 0 where it names none: then nothing is changed."""
    found = _ETAG.fullmatch(request.headers.get("If-Match", ""))
    return 0 if found is None else int(found[1])
