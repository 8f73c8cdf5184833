"""Accounts: the register, one account, and the acts on it."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission, allowed, allowed_somewhere
from archiver.capture.account_views import AccountPage
from archiver.errors import CallerError, Conflict, InvalidInput
from archiver.web.pages.account_list import AccountFilter, bar_days, bars, records_href
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_PER_PAGE = 50
_DONE = {
    "registered": "The account is registered.",
    "changed": "The change is in force.",
    "closed": "The account is closed.",
    "reopened": "The account is open again.",
}


@route(
    "GET",
    "/accounts",
    permission=Permission.READ_ACCOUNTS,
    summary="Accounts",
    answers={200: _HTML},
    parameters=(
        Parameter(name="q", what="Words in the handle, title or custodian"),
        Parameter(name="platform", what="Only this platform"),
        Parameter(name="unit", what="Only this unit; - is the accounts of no unit"),
        Parameter(name="state", what="open or closed"),
        Parameter(name="sort", what="The column, - before it turns it"),
        Parameter(name="cursor", what="The page"),
    ),
)
async def accounts(request: web.Request) -> web.StreamResponse:
    """Show a page of the register, and what is not registered."""
    asked, actor = AccountFilter.of(request), actor_of(request)
    found = await services_of(request).accounts.list(
        text=asked.text,
        platform=asked.platform,
        unit=asked.asked_unit,
        state=asked.state,
        sort=asked.sort,
        limit=_PER_PAGE,
        cursor=text_of(request, "cursor", default=""),
        actor=actor,
    )
    return request.app[PAGES].render(
        request,
        "accounts.html",
        found=found,
        asked=asked,
        next_href=asked.href(found.next_cursor) if found.next_cursor else "",
        may_write=allowed(actor, Permission.OPERATE),
    )


@route(
    "GET",
    "/accounts/new",
    permission=Permission.OPERATE,
    summary="Register an account",
    answers={200: _HTML},
    parameters=(
        Parameter(name="platform", what="The platform, filled in"),
        Parameter(name="handle", what="The handle, filled in"),
    ),
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form, filled in as far as the address says."""
    given = {name: text_of(request, name, default="") for name in ("platform", "handle")}
    return await _register_form(request, given)


@route(
    "POST",
    "/accounts/new",
    permission=Permission.OPERATE,
    summary="Register an account",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 409: _HTML},
)
async def register(request: web.Request) -> web.StreamResponse:
    """Register the account, or say what is wrong."""
    fields = await read_form(request)
    try:
        made = await services_of(request).accounts.register(
            platform=fields.get("platform", ""),
            handle=fields.get("handle", ""),
            title=fields.get("title", ""),
            custodian=fields.get("custodian", ""),
            unit=fields.get("unit", ""),
            actor=actor_of(request),
        )
    except (InvalidInput, Conflict) as error:
        return await _register_form(request, fields, error)
    return _to(made.id, "registered")


@route(
    "GET",
    "/accounts/{id}",
    permission=Permission.READ_ACCOUNTS,
    summary="One account",
    answers={200: _HTML},
    parameters=(Parameter(name="done", what="What was just done"),),
)
async def account(request: web.Request) -> web.StreamResponse:
    """Show one account with all about it."""
    actor = actor_of(request)
    page = await services_of(request).accounts.show(request.match_info["id"], actor=actor)
    found = page.account
    return request.app[PAGES].render(
        request,
        "account.html",
        page=page,
        months=_months(page, linked=allowed_somewhere(actor, Permission.SEARCH)),
        records_href=records_href(found.platform, found.handle),
        done=_DONE.get(text_of(request, "done", default=""), ""),
        may_write=allowed(actor, Permission.OPERATE),
    )


@route(
    "GET",
    "/accounts/{id}/change",
    permission=Permission.OPERATE,
    summary="Change an account",
    answers={200: _HTML},
    confirm=True,
)
async def change_form(request: web.Request) -> web.StreamResponse:
    """Show the form with what stands."""
    page = await _page(request)
    view = page.account
    given = {"title": view.title, "custodian": view.custodian, "unit": view.unit}
    return await _change_form(request, page, given)


@route(
    "POST",
    "/accounts/{id}/change",
    permission=Permission.OPERATE,
    summary="Change an account",
    takes=(_FORM,),
    answers={200: _HTML, 303: _HTML, 400: _HTML},
    confirm=True,
)
async def change(request: web.Request) -> web.StreamResponse:
    """Change the account; another unit only after its consequences were shown."""
    page, fields = await _page(request), await read_form(request)
    given = {name: fields.get(name, "") for name in ("title", "custodian", "unit")}
    if given["unit"] != page.account.unit and fields.get("seen") != given["unit"]:
        return request.app[PAGES].render(request, "account_unit.html", page=page, given=given)
    try:
        await services_of(request).accounts.change(
            page.account.id, **given, actor=actor_of(request)
        )
    except (InvalidInput, Conflict) as error:
        return await _change_form(request, page, given, error)
    return _to(page.account.id, "changed")


@route(
    "GET",
    "/accounts/{id}/close",
    permission=Permission.OPERATE,
    summary="What closing or reopening an account would do",
    answers={200: _HTML},
    confirm=True,
)
async def close_form(request: web.Request) -> web.StreamResponse:
    """Show the consequences."""
    return _close_form(request, await _page(request))


@route(
    "POST",
    "/accounts/{id}/close",
    permission=Permission.OPERATE,
    summary="Close an account, or reopen one that is closed",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 409: _HTML},
    confirm=True,
)
async def close(request: web.Request) -> web.StreamResponse:
    """Close or reopen, as the page that was shown said."""
    page, fields = await _page(request), await read_form(request)
    reopening = fields.get("act") == "reopen"
    kept = services_of(request).accounts
    act = kept.reopen if reopening else kept.close
    try:
        await act(page.account.id, reason=fields.get("reason", ""), actor=actor_of(request))
    except (InvalidInput, Conflict) as error:
        return _close_form(request, page, error)
    return _to(page.account.id, "reopened" if reopening else "closed")


ROUTES = (
    accounts,
    new,
    register,
    account,
    change_form,
    change,
    close_form,
    close,
)


async def _page(request: web.Request) -> AccountPage:
    return await services_of(request).accounts.show(
        request.match_info["id"], actor=actor_of(request)
    )


async def _units(request: web.Request) -> tuple[str, ...]:
    found = await services_of(request).accounts.list(limit=1, actor=actor_of(request))
    return found.units


async def _register_form(
    request: web.Request, given: Mapping[str, str], error: CallerError | None = None
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "account_new.html",
        status=refused_status(error),
        given=given,
        units=await _units(request),
        errors=refused(error),
    )


async def _change_form(
    request: web.Request,
    page: AccountPage,
    given: Mapping[str, str],
    error: CallerError | None = None,
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "account_change.html",
        status=refused_status(error),
        page=page,
        given=given,
        units=await _units(request),
        errors=refused(error),
    )


def _close_form(
    request: web.Request, page: AccountPage, error: CallerError | None = None
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "account_close.html",
        status=refused_status(error),
        page=page,
        errors=refused(error),
    )


def _months(page: AccountPage, *, linked: bool) -> list[tuple[str, int, str]]:
    view = page.account
    found = []
    for label, records in bars(page.months):
        href = records_href(view.platform, view.handle, *bar_days(label)) if linked else ""
        found.append((label, records, href if records else ""))
    return found


def _to(account_id: str, done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/accounts/{account_id}?done={done}"})
