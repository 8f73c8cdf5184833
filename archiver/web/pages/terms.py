"""Search term reports: the list, a new one, one report with its pictures, two compared."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.term_comparison import Change
from archiver.legal.term_files import FAMILY, facts
from archiver.legal.term_report import TermReport
from archiver.legal.term_reports import Wanted
from archiver.legal.understanding import Syntax
from archiver.web.api.term_reports import FILE_PARAMETERS, report_file, start_report
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.set_documents import MOST_TERMS_TEXT

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_ACCOUNTS = 20
_RECORDS = 50
_LONGEST_LINK = 2_000  # characters of a query; a set's may have a million
_SYNTAXES = (
    (Syntax.MUNIMENT.value, "This archive's query language"),
    (Syntax.DTSEARCH.value, "dtSearch (Relativity)"),
    (Syntax.KQL.value, "Purview KQL"),
    (Syntax.VAULT.value, "Google Vault"),
)


@route(
    "GET",
    "/terms",
    permission=Permission.SEARCH,
    summary="Search term reports",
    answers={200: _HTML},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Show every report in reach."""
    entries = await services_of(request).term_reports.entries(actor=actor_of(request))
    return request.app[PAGES].render(request, "terms.html", entries=entries)


@route(
    "GET",
    "/terms/new",
    permission=Permission.SEARCH,
    summary="A new search term report",
    answers={200: _HTML},
    parameters=(
        Parameter(name="set", what="The frozen set to count in"),
        Parameter(name="q", what="A query to count in the hits of"),
    ),
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    given = Wanted(
        terms="",
        set_id=text_of(request, "set", default=""),
        query=text_of(request, "q", default=""),
    )
    return await _form(request, given)


@route(
    "POST",
    "/terms/check",
    permission=Permission.SEARCH,
    summary="How the terms of a list would be understood",
    takes=(_FORM,),
    answers={200: _HTML, 400: _HTML},
    looks=True,
)
async def check(request: web.Request) -> web.StreamResponse:
    """Show the form again, with each term as it would be understood."""
    return await _form(request, _wanted(await read_form(request)), check=True)


@route(
    "POST",
    "/terms",
    permission=Permission.SEARCH,
    summary="Make a search term report, as a job",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML},
)
async def start(request: web.Request) -> web.StreamResponse:
    """Queue the report and show its job."""
    wanted = _wanted(await read_form(request))
    try:
        _require_short(wanted)
        job = await start_report(request, wanted)
    except InvalidInput as error:
        return await _form(request, wanted, error=error)
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


@route(
    "GET",
    "/terms/{id}",
    permission=Permission.SEARCH,
    summary="One search term report",
    answers={200: _HTML},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Show a report with its pictures."""
    services, actor = services_of(request), actor_of(request)
    report = await services.term_reports.show(request.match_info["id"], actor=actor)
    others = await services.term_reports.entries(actor=actor)
    accounts = list(islice(report.by_account(report.total), _ACCOUNTS))
    return request.app[PAGES].render(
        request,
        "term_report.html",
        report=report,
        facts=facts(report),
        without_words_href=_without_words_href(report),
        family=FAMILY,
        earlier=[each for each in others if each.id < report.id],
        accounts=[(name.account, documents) for name, documents in accounts],
        months=[(month or "undated", n) for month, n in report.by_month(report.total)],
    )


@route(
    "GET",
    "/terms/{id}/compare",
    permission=Permission.SEARCH,
    summary="A report against an earlier one",
    answers={200: _HTML},
    parameters=(Parameter(name="earlier", what="The earlier report", required=True),),
)
async def compare(request: web.Request) -> web.StreamResponse:
    """Show what changed from one report to another."""
    reports, earlier = services_of(request).term_reports, text_of(request, "earlier")
    found = await reports.compare(request.match_info["id"], earlier, actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "term_comparison.html",
        found=found,
        changes=[(change.value, found.count(change)) for change in Change],
        gained=await reports.ids(found.gained[:_RECORDS]),
        lost=await reports.ids(found.lost[:_RECORDS]),
    )


@route(
    "GET",
    "/terms/{id}/file",
    permission=Permission.SEARCH,
    summary="A report as a file",
    answers={200: Body(media_type="*/*", what="CSV of one table, or XLSX of all")},
    parameters=FILE_PARAMETERS,
)
async def file(request: web.Request) -> web.StreamResponse:
    """Answer the report as CSV or XLSX."""
    return await report_file(request)


def _without_words_href(report: TermReport) -> str:
    """Return where what holds no words in the set's scope is listed; empty where none can be."""
    query = report.query_without_words
    if not report.without_words or len(query) > _LONGEST_LINK:
        return ""
    return f"/search?{urlencode({'q': query})}"


def _wanted(fields: Mapping[str, str]) -> Wanted:
    texts = ("terms", "set_id", "query", "name", "matter", "zone")
    given = {name: fields.get(name, "") for name in texts}
    return replace(
        Wanted(**given),  # type: ignore[arg-type] # texts
        syntax=fields.get("syntax") or Syntax.MUNIMENT.value,
        stem=bool(fields.get("stem")),
    )


def _require_short(wanted: Wanted) -> None:
    if len(wanted.terms) > MOST_TERMS_TEXT:
        raise InvalidInput(
            f"expected at most {MOST_TERMS_TEXT:,} characters of terms, found "
            f"{len(wanted.terms):,}; the command line takes longer lists",
            pointer="terms",
        )


async def _form(
    request: web.Request,
    wanted: Wanted,
    *,
    check: bool = False,
    error: InvalidInput | None = None,
) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    terms = None
    if check:
        try:
            _require_short(wanted)
            terms = services.term_reports.read(wanted)
        except InvalidInput as refused:
            error = refused
    sets = await services.frozen_sets.list(actor=actor)
    return request.app[PAGES].render(
        request,
        "terms_new.html",
        wanted=wanted,
        terms=terms,
        error=error,
        syntaxes=_SYNTAXES,
        sets=[("", "What the query finds, frozen now"), *((e.id, e.title) for e in sets)],
        status=web.HTTPBadRequest.status_code if error else web.HTTPOk.status_code,
    )


ROUTES = (list_all, new, check, start, show, compare, file)
