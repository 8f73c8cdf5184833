"""What becomes of a draft: sent for approval, approved, refused, withdrawn; each on its own page.

Nobody decides on what they wrote; the use case refuses it, and the page says so beforehand.
"""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.draft_views import DraftView
from archiver.disposal.local_moments import moment_in
from archiver.disposal.simulation_views import effects_of, view_of_summary
from archiver.errors import InvalidInput
from archiver.web.pages.draft_editor import FORM, HTML, shown_simulation
from archiver.web.pages.drafts import error_of
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import route


@route(
    "GET",
    "/drafts/{id}/submit",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What sending a draft for approval would do",
    answers={200: HTML},
    confirm=True,
)
async def submit_form(request: web.Request) -> web.StreamResponse:
    """Show what would be sent, and from when it would count."""
    return await _submit_page(request, {})


@route(
    "POST",
    "/drafts/{id}/submit",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Send a draft for approval",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def submit(request: web.Request) -> web.StreamResponse:
    """Send the draft, or say what is missing."""
    sent, view = await read_form(request), await _seen(request)
    try:
        await services_of(request).plan.life.submit(
            view.row.id,
            in_force_from=moment_in(
                sent.get("in_force_from", ""), _zone(request, view), pointer="in_force_from"
            ),
            seen=sent.get("seen", ""),
            revision=_revision(sent),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return await _submit_page(request, sent, error)
    return _back(view, "submitted")


@route(
    "GET",
    "/drafts/{id}/approve",
    permission=Permission.APPROVE_FILE_PLAN,
    alone=Permission.EDIT_FILE_PLAN,
    summary="What approving a draft would do",
    answers={200: HTML},
    confirm=True,
)
async def approve_form(request: web.Request) -> web.StreamResponse:
    """Show what approving would do, simulated anew."""
    return await _approve_page(request, {})


@route(
    "POST",
    "/drafts/{id}/approve",
    permission=Permission.APPROVE_FILE_PLAN,
    alone=Permission.EDIT_FILE_PLAN,
    summary="Bring a submitted draft into force, as a second person",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def approve(request: web.Request) -> web.StreamResponse:
    """Approve the draft, or say what is missing."""
    sent = await read_form(request)
    try:
        view = await services_of(request).plan.life.approve(
            request.match_info["id"],
            reason=sent.get("reason", ""),
            revision=_revision(sent),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return await _approve_page(request, sent, error)
    return _back(view, "approved")


@route(
    "GET",
    "/drafts/{id}/refuse",
    permission=Permission.APPROVE_FILE_PLAN,
    alone=Permission.EDIT_FILE_PLAN,
    summary="What refusing a draft would do",
    answers={200: HTML},
    confirm=True,
)
async def refuse_form(request: web.Request) -> web.StreamResponse:
    """Show what refusing would do."""
    return await _page(request, "draft_refuse.html", {})


@route(
    "POST",
    "/drafts/{id}/refuse",
    permission=Permission.APPROVE_FILE_PLAN,
    alone=Permission.EDIT_FILE_PLAN,
    summary="Refuse a submitted draft, as a second person",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def refuse(request: web.Request) -> web.StreamResponse:
    """Refuse the draft, or say what is missing."""
    sent = await read_form(request)
    try:
        view = await services_of(request).plan.life.refuse(
            request.match_info["id"],
            reason=sent.get("reason", ""),
            revision=_revision(sent),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return await _page(request, "draft_refuse.html", sent, error)
    return _back(view, "refused")


@route(
    "GET",
    "/drafts/{id}/withdraw",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What withdrawing a draft would do",
    answers={200: HTML},
)
async def withdraw_form(request: web.Request) -> web.StreamResponse:
    """Show what withdrawing would do."""
    return await _page(request, "draft_withdraw.html", {})


@route(
    "POST",
    "/drafts/{id}/withdraw",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Give a draft up; it stays to be read",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """Withdraw the draft, or say what is missing."""
    sent = await read_form(request)
    if not sent.get("reason"):
        missing = InvalidInput("say why it is given up", pointer="reason")
        return await _page(request, "draft_withdraw.html", sent, missing)
    view = await services_of(request).plan.drafts.withdraw(
        request.match_info["id"],
        reason=sent["reason"],
        revision=_revision(sent),
        actor=actor_of(request),
    )
    return _back(view, "withdrawn")


ROUTES = (
    submit_form,
    submit,
    approve_form,
    approve,
    refuse_form,
    refuse,
    withdraw_form,
    withdraw,
)


async def _submit_page(
    request: web.Request, sent: Mapping[str, str], error: InvalidInput | None = None
) -> web.Response:
    services, view = services_of(request), await _seen(request)
    known = await services.simulations.look(view, actor=actor_of(request))
    simulation = shown_simulation(view, known)
    return await _page(
        request,
        "draft_submit.html",
        sent,
        error,
        draft=view,
        zone=_zone(request, view),
        simulation=simulation,
        effects=() if simulation is None else effects_of(simulation),
        two_person=services.plan.life.two_person,
    )


async def _approve_page(
    request: web.Request, sent: Mapping[str, str], error: InvalidInput | None = None
) -> web.Response:
    life = services_of(request).plan.life
    preview = await life.preview(request.match_info["id"], actor=actor_of(request))
    simulation = view_of_summary(preview.simulation)
    return await _page(
        request,
        "draft_approve.html",
        sent,
        error,
        draft=preview.view,
        in_force_from=preview.in_force_from,
        zone=_zone(request, preview.view),
        simulation=simulation,
        effects=effects_of(simulation),
    )


async def _page(
    request: web.Request,
    template: str,
    sent: Mapping[str, str],
    error: InvalidInput | None = None,
    **shown: object,
) -> web.Response:
    draft = shown.pop("draft", None) or await _seen(request)
    errors = () if error is None else (error_of(error),)
    status = web.HTTPBadRequest.status_code if errors else web.HTTPOk.status_code
    values = {"draft": draft, "sent": sent, "errors": errors, "wrong": dict(errors), **shown}
    return request.app[PAGES].render(request, template, block="", status=status, **values)


async def _seen(request: web.Request) -> DraftView:
    drafts = services_of(request).plan.drafts
    return await drafts.show(request.match_info["id"], actor=actor_of(request))


def _zone(request: web.Request, view: DraftView) -> str:
    """Return the time zone that the draft's schedule counts in; of class rules the archive's."""
    return str(view.body.get("zone") or services_of(request).archive.zone)


def _revision(sent: Mapping[str, str]) -> int:
    text = sent.get("revision", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):  # noqa: PLR2004 - of digits
        raise InvalidInput("expected the revision that you have seen; open the draft again")
    return int(text)


def _back(view: DraftView, done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/drafts/{view.row.id}?done={done}"})
