"""One draft: the form, what it changes, and beside it what it would do to the archive."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from archiver.access.rules import Permission, allowed
from archiver.disposal.draft_views import DraftView
from archiver.disposal.schedule_words import ACTIONS, CUTOFFS, LOCKS, MONTHS, TRIGGERS
from archiver.disposal.simulation_views import SimulationView, view_of_result, view_of_summary
from archiver.errors import Conflict, InvalidInput
from archiver.jobs.draft_simulations import DraftSimulation
from archiver.web.pages.draft_forms import DraftForm, errors_of, form_of, form_sent
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

HTML = Body(media_type="text/html")
FORM = Body(media_type="application/x-www-form-urlencoded")

_KEEP, _SIMULATE = "save", "simulate"


@route(
    "GET",
    "/drafts/{id}",
    permission=Permission.READ_FILE_PLAN,
    summary="One draft, to be edited and simulated",
    answers={200: HTML},
    parameters=(Parameter(name="done", what="What was just done: begun, saved, submitted, …"),),
)
async def show(request: web.Request) -> web.StreamResponse:
    """Show a draft with its form and its simulation."""
    view = await _seen(request)
    done = text_of(request, "done", default="")
    return await _page(request, view, form_of(view), tuple(errors_of(view.problems)), done=done)


@route(
    "POST",
    "/drafts/{id}",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Save a draft, with `do=simulate` simulate it too",
    takes=(FORM,),
    answers={200: HTML, 303: HTML, 400: HTML, 409: HTML},
)
async def save(request: web.Request) -> web.StreamResponse:
    """Save what was typed, or only rearrange the form; nothing typed is lost."""
    sent, view = await read_form(request), await _seen(request)
    form, act = form_sent(view, sent), sent.get("do", _KEEP)
    if act not in {_KEEP, _SIMULATE}:
        return await _page(request, view, form.rearranged(act), done="rearranged")
    try:
        view = await _saved(request, view, form, sent.get("revision", ""))
    except InvalidInput as error:
        wrong = ((error.pointer or "", _sentence(error)),)
        return await _page(request, view, form, wrong, status=400)
    except Conflict as error:
        return await _page(request, view, form, (("", _sentence(error)),), status=409)
    if act == _SIMULATE and not view.problems:
        await services_of(request).simulations.start(view.row.id, actor=actor_of(request))
    return web.Response(status=303, headers={"Location": f"/drafts/{view.row.id}?done=saved"})


@route(
    "POST",
    "/drafts/{id}/simulate",
    permission=Permission.READ_FILE_PLAN,
    summary="Simulate a draft as it stands",
    takes=(FORM,),
    answers={303: HTML},
)
async def simulate(request: web.Request) -> web.StreamResponse:
    """Queue the simulation and show the draft."""
    await read_form(request)
    draft_id = request.match_info["id"]
    await services_of(request).simulations.start(draft_id, actor=actor_of(request))
    return web.Response(status=303, headers={"Location": f"/drafts/{draft_id}#simulation"})


ROUTES = (show, save, simulate)


def shown_simulation(view: DraftView, known: DraftSimulation) -> SimulationView | None:
    """Return the simulation that a page shows of a draft: the kept one, or what it was sent with.

    None where there is neither.
    """
    if known.result is not None:
        return view_of_result(known.result)
    return None if view.simulation is None else view_of_summary(view.simulation)


async def _seen(request: web.Request) -> DraftView:
    drafts = services_of(request).plan.drafts
    return await drafts.show(request.match_info["id"], actor=actor_of(request))


async def _saved(
    request: web.Request, view: DraftView, form: DraftForm, revision: str
) -> DraftView:
    """Return the draft as it stands after saving; what is as it was is not saved again."""
    if not revision.isascii() or not revision.isdecimal():
        raise InvalidInput("expected the revision that you have seen; open the draft again")
    body, reason = _changes(view, form)
    if body is None and reason is None and int(revision) == view.row.revision:
        return view
    return await services_of(request).plan.drafts.edit(
        view.row.id,
        body=body,
        reason=reason,
        revision=int(revision),
        actor=actor_of(request),
    )


def _changes(view: DraftView, form: DraftForm) -> tuple[Mapping[str, Any] | None, str | None]:
    body = form.body()
    return (
        None if body == form_of(view).body() else body,
        None if form.reason == view.row.reason else form.reason,
    )


async def _page(
    request: web.Request,
    view: DraftView,
    form: DraftForm,
    errors: Sequence[tuple[str, str]] = (),
    *,
    done: str = "",
    status: int = 200,
) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    known = await services.simulations.look(view, actor=actor)
    states = await services.plan.classes.tree(actor=actor) if view.is_rules else ()
    return request.app[PAGES].render(
        request,
        "draft.html",
        block="editor",
        status=status,
        draft=view,
        form=form,
        errors=errors,
        wrong=dict(errors),
        done=done,
        simulation=shown_simulation(view, known),
        job=known.job,
        may_simulate=allowed(actor, Permission.READ_FILE_PLAN),
        triggers=TRIGGERS,
        cutoffs=CUTOFFS,
        months=MONTHS,
        actions=[(each.value, words) for each, words in ACTIONS.items()],
        locks=[(each.value, words) for each, words in LOCKS.items()],
        classes=[("", "Choose a class"), *_open_classes(states)],
        two_person=services.plan.life.two_person,
    )


def _open_classes(states: Sequence[Any]) -> list[tuple[str, str]]:
    return [
        (state.row.code, f"{state.row.code}: {state.row.file_class.title}")
        for state in states
        if state.row.closed_at is None
    ]


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
