"""What a draft would do to the archive: every number, and the list behind each."""

from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.draft_views import DraftView, definition_of
from archiver.disposal.simulation import SimulatedRecord
from archiver.disposal.simulation_result import Category, Selection
from archiver.disposal.simulation_views import CATEGORIES
from archiver.errors import InvalidInput
from archiver.web.pages.draft_editor import HTML, shown_simulation
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, services_of, text_of
from archiver.web.routing import Parameter, route

_PER_PAGE = 50


@route(
    "GET",
    "/drafts/{id}/simulation",
    permission=Permission.READ_FILE_PLAN,
    summary="What a draft would do to the whole archive",
    answers={200: HTML},
    parameters=(Parameter(name="beside", what="yes: as it stands beside the form"),),
)
async def show(request: web.Request) -> web.StreamResponse:
    """Show every number of a draft's simulation; it follows one that runs."""
    view = await _seen(request)
    services, actor = services_of(request), actor_of(request)
    known = await services.simulations.look(view, actor=actor)
    return request.app[PAGES].render(
        request,
        "draft_simulation.html",
        block="panel",
        draft=view,
        simulation=shown_simulation(view, known),
        job=known.job,
        beside=text_of(request, "beside", default="") == "yes",
    )


@route(
    "GET",
    "/drafts/{id}/records",
    permission=Permission.READ_FILE_PLAN,
    summary="The records behind a number of a simulation",
    answers={200: HTML},
    parameters=(
        Parameter(name="what", what="The category: kept-longer, newly-due, …", required=True),
        Parameter(name="year", what="Of ends in this year"),
        Parameter(name="platform", what="Of this platform"),
        Parameter(name="account", what="Of this account"),
        Parameter(name="class", what="Of this class"),
        Parameter(name="after", what="The log index the page follows", type="integer"),
    ),
)
async def records(request: web.Request) -> web.StreamResponse:
    """Show a page of the records behind a number."""
    view, selection = await _seen(request), _selection(request)
    page = await services_of(request).simulations.records(
        view.row.id, selection, after=after_of(request), limit=_PER_PAGE, actor=actor_of(request)
    )
    return _list(
        request,
        view,
        page.records,
        page.next_after,
        name=CATEGORIES[selection.category],
        selection=selection,
        gone=page.gone,
    )


@route(
    "GET",
    "/drafts/{id}/try",
    permission=Permission.READ_FILE_PLAN,
    summary="The posts of one account that drafted class rules would move",
    answers={200: HTML, 400: HTML},
    parameters=(
        Parameter(name="platform", what="The platform of the account"),
        Parameter(name="account", what="The account"),
        Parameter(name="after", what="The log index the page follows", type="integer"),
    ),
)
async def try_rules(request: web.Request) -> web.StreamResponse:
    """Show which of an account's own posts the drafted rules would put elsewhere."""
    view = await _seen(request)
    selection = Selection(
        category=Category.MOVED,
        platform=text_of(request, "platform", default="").strip(),
        account=text_of(request, "account", default="").strip(),
    )
    if not selection.account:
        raise InvalidInput("expected an account to try the rules on", pointer="account")
    found = await services_of(request).keeping.simulation.records(
        definition_of(view.row),
        selection,
        after=after_of(request),
        limit=_PER_PAGE,
        actor=actor_of(request),
    )
    following = found[-1].log_index if len(found) == _PER_PAGE else None
    name = (f"Posts of {selection.account} that would move", CATEGORIES[Category.MOVED][1])
    return _list(request, view, found, following, name=name, selection=selection, gone=0)


ROUTES = (show, records, try_rules)


def _list(
    request: web.Request,
    view: DraftView,
    found: tuple[SimulatedRecord, ...],
    following: int | None,
    *,
    name: tuple[str, str],
    selection: Selection,
    gone: int,
) -> web.Response:
    here = [(key, value) for key, value in request.query.items() if key != "after"]
    first = f"{request.path}?{urlencode(here)}"
    return request.app[PAGES].render(
        request,
        "draft_records.html",
        draft=view,
        records=found,
        name=name,
        selection=selection,
        what=text_of(request, "what", default=""),
        gone=gone,
        next_href="" if following is None else f"{first}&after={following}",
    )


def _selection(request: web.Request) -> Selection:
    category = text_of(request, "what")
    if category not in list(Category):
        raise InvalidInput(
            f"expected one of {', '.join(Category)}, found {category[:40]!r}", pointer="what"
        )
    return Selection(
        category=Category(category),
        year=text_of(request, "year", default=""),
        platform=text_of(request, "platform", default=""),
        account=text_of(request, "account", default=""),
        class_code=text_of(request, "class", default=""),
    )


async def _seen(request: web.Request) -> DraftView:
    drafts = services_of(request).plan.drafts
    return await drafts.show(request.match_info["id"], actor=actor_of(request))
