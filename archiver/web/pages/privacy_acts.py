"""Acting on a privacy request, each act on its own page with consequences and a reason."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.privacy_requests import past_moment
from archiver.errors import CallerError, Conflict, Denied, InvalidInput, NotFound
from archiver.web.pages.batch_decisions import version_in
from archiver.web.pages.disposition import FORM, HTML
from archiver.web.pages.privacy import REQUEST
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.privacy_services import Privacy
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import Handler, Parameter, Route, route
from archiver.web.services import Services
from retention.erasure import Ground

Fields = Mapping[str, str]
Given = dict[str, object]
_GROUNDS = [("", "None"), *((each.value, f"{each.text} ({each.citation})") for each in Ground)]


def _months(fields: Fields, _services: Services) -> Given:
    text = fields.get("months", "")
    return {"months": int(text) if text in {"1", "2"} else 0, "reason": fields.get("reason", "")}


def _found(fields: Fields, _services: Services) -> Given:
    return {"record_ids": fields.get("records", "").split(), "set_id": fields.get("set_id", "")}


def _chosen(fields: Fields) -> Given:
    everything = fields.get("which", "") == "all"
    return {
        "record_ids": [] if everything else fields.get("records", "").split(),
        "everything": everything,
        "reason": fields.get("reason", ""),
    }


def _decided(fields: Fields, _services: Services) -> Given:
    said = {name: fields.get(name, "") for name in ("decision", "ground")}
    return _chosen(fields) | said


def _lifted(fields: Fields, services: Services) -> Given:
    told = past_moment(fields.get("told_at", ""), services.keeping.zone, services.clock())
    return _chosen(fields) | {"told_at": told}


def _remark(fields: Fields, _services: Services) -> Given:
    return {"remark": fields.get("remark", "")}


def _nothing(_fields: Fields, _services: Services) -> Given:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: its step in the address, the use case, and how its arguments are read."""

    step: str
    summary: str
    act: Callable[[Privacy], Callable[..., Awaitable[object]]]
    read: Callable[[Fields, Services], Given]
    confirm: bool = True


ACTS = (
    Act(
        step="extend",
        summary="Take more time for a privacy request",
        act=lambda use: use.requests.extend,
        read=_months,
        confirm=False,
    ),
    Act(
        step="find",
        summary="Put records under a privacy request",
        act=lambda use: use.decisions.find,
        read=_found,
        confirm=False,
    ),
    Act(
        step="decide",
        summary="Decide on records of a privacy request",
        act=lambda use: use.decisions.decide,
        read=_decided,
    ),
    Act(
        step="lift",
        summary="Lift restrictions of a privacy request",
        act=lambda use: use.decisions.lift,
        read=_lifted,
    ),
    Act(
        step="erase",
        summary="Form disposal batches of what a privacy request is to erase",
        act=lambda use: use.erasing.form,
        read=_nothing,
    ),
    Act(
        step="close",
        summary="Close a privacy request",
        act=lambda use: use.closing.close,
        read=_remark,
    ),
)


def _routes(act: Act) -> tuple[Route, Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        """Show what the act would do."""
        return await _page(request, act, dict(request.query))

    async def do(request: web.Request) -> web.StreamResponse:
        """Do it, or say why not."""
        fields = await read_form(request)
        try:
            await _do(request, act, fields)
        except (Conflict, Denied, InvalidInput, NotFound) as error:
            return await _page(request, act, fields, error)
        return web.Response(status=303, headers={"Location": _after(request, act)})

    return _declared("GET", act, show), _declared("POST", act, do)


def _declared(method: str, act: Act, handler: Handler) -> Route:
    is_act = method == "POST"
    filled = tuple(Parameter(name=name, what="Filled in") for name in ("records", "decision"))
    return route(
        "POST" if is_act else "GET",
        f"{REQUEST}/{act.step}",
        permission=Permission.MANAGE_PRIVACY,
        summary=act.summary,
        takes=(FORM,) if is_act else (),
        answers={303: HTML, 400: HTML} if is_act else {200: HTML},
        parameters=() if is_act else filled,
        confirm=act.confirm,
    )(handler)


async def _do(request: web.Request, act: Act, fields: Fields) -> None:
    services = services_of(request)
    await act.act(services.privacy)(
        request.match_info["id"],
        **act.read(fields, services),
        version=version_in(fields),
        actor=actor_of(request),
    )


def _after(request: web.Request, act: Act) -> str:
    return f"/privacy/{request.match_info['id']}?done={act.step}"


async def _page(
    request: web.Request, act: Act, given: Fields, error: CallerError | None = None
) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    sets = await services.frozen_sets.list(actor=actor) if act.step == "find" else ()
    return request.app[PAGES].render(
        request,
        "privacy_act.html",
        status=refused_status(error),
        act=act,
        view=await services.privacy.requests.show(request.match_info["id"], actor=actor),
        sets=[("", "None"), *((each.id, each.name or each.query or each.id) for each in sets)],
        grounds=_GROUNDS,
        given=given,
        errors=refused(error),
    )


ROUTES = tuple(each for act in ACTS for each in _routes(act))
