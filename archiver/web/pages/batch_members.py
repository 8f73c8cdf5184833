"""Leaving records of a batch out, until a day where one is given, and putting them back."""

import re
from collections.abc import Mapping
from datetime import date

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.batches import MAX_EXCLUDED
from archiver.errors import CallerError, Conflict, Denied, InvalidInput, NotFound
from archiver.web.pages.batch import BATCH
from archiver.web.pages.batch_decisions import version_in
from archiver.web.pages.disposition import FORM, HTML
from archiver.web.pages.record_words import local_list
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Handler, Parameter, Route, route

EXCLUDE, INCLUDE = "exclude", "include"
_SUMMARIES = {
    EXCLUDE: "Leave records out of a batch",
    INCLUDE: "Put records back into a batch",
}
_SPACE = re.compile(r"[\s,]+")


def _declared(method: str, step: str, handler: Handler) -> Route:
    return route(
        "POST" if method == "POST" else "GET",
        f"{BATCH}/{step}",
        permission=Permission.PROPOSE_DISPOSAL,
        summary=_SUMMARIES[step],
        takes=(FORM,) if method == "POST" else (),
        answers={303: HTML, 400: HTML} if method == "POST" else {200: HTML},
        parameters=()
        if method == "POST"
        else (
            Parameter(name="record", what="A record that is selected; as often as there are any"),
            Parameter(name="back", what="The list one came from"),
        ),
    )(handler)


def _routes(step: str) -> tuple[Route, Route]:
    async def show(request: web.Request) -> web.StreamResponse:
        """Ask why, and of leaving out until when."""
        given = {
            "records": "\n".join(request.query.getall("record", [])),
            "back": text_of(request, "back", default=""),
        }
        return await _page(request, step, given)

    async def change(request: web.Request) -> web.StreamResponse:
        """Change the batch and lead back to the list, or say why not."""
        given = await read_form(request)
        try:
            await _change(request, step, given)
        except (Conflict, Denied, InvalidInput, NotFound) as error:
            return await _page(request, step, given, error)
        return web.Response(status=303, headers={"Location": _back(request, given)})

    return _declared("GET", step, show), _declared("POST", step, change)


async def _change(request: web.Request, step: str, given: Mapping[str, str]) -> None:
    batches, until = services_of(request).disposition.batches, given.get("keep_until", "")
    batch_id, ids = request.match_info["id"], _ids(given)
    reason, version, actor = given.get("reason", ""), version_in(given), actor_of(request)
    if step == INCLUDE:
        await batches.include(batch_id, ids, reason=reason, version=version, actor=actor)
        return
    await batches.exclude(
        batch_id,
        ids,
        reason=reason,
        keep_until=_day(until) if until else None,
        version=version,
        actor=actor,
    )


async def _page(
    request: web.Request, step: str, given: Mapping[str, str], error: CallerError | None = None
) -> web.Response:
    found = await services_of(request).disposition.executions.show(
        request.match_info["id"], actor=actor_of(request)
    )
    return request.app[PAGES].render(
        request,
        "batch_members.html",
        status=refused_status(error),
        step=step,
        view=found.view,
        given=given,
        chosen=len(_ids(given)),
        most=MAX_EXCLUDED,
        back=_back(request, given),
        errors=refused(error),
    )


def _ids(given: Mapping[str, str]) -> list[str]:
    return [each for each in _SPACE.split(given.get("records", "")) if each]


def _back(request: web.Request, given: Mapping[str, str]) -> str:
    """Return the list one came from, its selection let go; the batch where none is named."""
    return local_list(given.get("back", "")) or f"/disposition/{request.match_info['id']}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"expected a day such as 2030-01-31, found {text[:40]!r}", pointer="keep_until"
        ) from error


ROUTES = (*_routes(EXCLUDE), *_routes(INCLUDE))
