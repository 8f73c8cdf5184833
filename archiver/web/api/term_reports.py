"""Search term reports: start one, list, show, compare, fetch as a file."""

from dataclasses import asdict

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.jobs.term_jobs import TERM_REPORT
from archiver.jobs.work_views import JobView
from archiver.legal.term_files import Table, report_csv, report_xlsx
from archiver.legal.term_reports import Wanted
from archiver.web.answering import file_answer, json_answer, list_answer
from archiver.web.reading import actor_of, read_document, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.set_documents import (
    ComparisonDocument,
    NewTermReport,
    TermReportDocument,
    TermReportList,
)
from archiver.web.work_documents import JobDocument

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_PARAMETERS = (
    Parameter(name="form", what="csv or xlsx"),
    Parameter(name="table", what="Of csv: terms, accounts, months or expansions"),
)


@route(
    "POST",
    "/api/v1/term-reports",
    permission=Permission.SEARCH,
    summary="Count what each term of a list hits, as a job",
    takes=(Body(model=NewTermReport),),
    answers={202: Body(model=JobDocument)},
)
async def start(request: web.Request) -> web.StreamResponse:
    """Queue a report; `Location` is where to look how far it is, and which report it made."""
    asked = await read_document(request, NewTermReport)
    job = await start_report(request, asked.wanted())
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return json_answer(job.to_dict(), status=202, headers=headers)


@route(
    "GET",
    "/api/v1/term-reports",
    permission=Permission.SEARCH,
    summary="List search term reports, newest first",
    answers={200: Body(model=TermReportList)},
    parameters=(Parameter(name="set", what="Only those over this frozen set"),),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer all reports in reach."""
    set_id = text_of(request, "set", default="")
    reports = services_of(request).term_reports
    return list_answer(await reports.entries(set_id=set_id, actor=actor_of(request)))


@route(
    "GET",
    "/api/v1/term-reports/{id}",
    permission=Permission.SEARCH,
    summary="Show one search term report",
    answers={200: Body(model=TermReportDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one report."""
    reports = services_of(request).term_reports
    report = await reports.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(report.to_dict())


@route(
    "GET",
    "/api/v1/term-reports/{id}/comparison",
    permission=Permission.SEARCH,
    summary="How a report differs from an earlier one",
    answers={200: Body(model=ComparisonDocument)},
    parameters=(Parameter(name="earlier", what="The earlier report", required=True),),
)
async def comparison(request: web.Request) -> web.StreamResponse:
    """Answer the comparison with the ids of documents gained and lost."""
    reports, earlier = services_of(request).term_reports, text_of(request, "earlier")
    found = await reports.compare(request.match_info["id"], earlier, actor=actor_of(request))
    gained, lost = await reports.ids(found.gained), await reports.ids(found.lost)
    return json_answer({**found.to_dict(), "gained_ids": gained, "lost_ids": lost})


@route(
    "GET",
    "/api/v1/term-reports/{id}/file",
    permission=Permission.SEARCH,
    summary="A report as a file",
    answers={200: Body(media_type="*/*", what="CSV of one table, or XLSX of all")},
    parameters=FILE_PARAMETERS,
)
async def file(request: web.Request) -> web.StreamResponse:
    """Answer the report as CSV or XLSX."""
    return await report_file(request)


async def start_report(request: web.Request, wanted: Wanted) -> JobView:
    """Queue a report.

    Raises:
        InvalidInput: no terms, or no such syntax or zone; what else is wrong the report says.
        NotFound: no such set within reach.
    """
    services, actor = services_of(request), actor_of(request)
    terms = services.term_reports.read(wanted)
    if wanted.set_id:
        await services.frozen_sets.show(wanted.set_id, actor=actor)
    return await services.work.start(
        TERM_REPORT,
        subject=f"{len(terms):,} search term{'' if len(terms) == 1 else 's'}",
        object_type="set" if wanted.set_id else "",
        object_id=wanted.set_id,
        arguments=asdict(wanted),
        actor=actor,
    )


async def report_file(request: web.Request) -> web.StreamResponse:
    """Answer a report as a file of the form that the query names."""
    form = text_of(request, "form", default="csv")
    table = text_of(request, "table", default=Table.TERMS.value)
    if form not in {"csv", "xlsx"} or table not in set(Table):
        raise InvalidInput(
            f"expected the form csv or xlsx and a table of {', '.join(Table)}", pointer="form"
        )
    reports = services_of(request).term_reports
    report = await reports.export(request.match_info["id"], form=form, actor=actor_of(request))
    if form == "xlsx":
        name = f"search-terms-{report.id}.xlsx"
        return file_answer(report_xlsx(report), filename=name, media_type=_XLSX)
    content = b"".join(report_csv(report, Table(table)))
    name = f"search-terms-{report.id}-{table}.csv"
    return file_answer(content, filename=name, media_type="text/csv")


ROUTES = (start, list_all, show, comparison, file)
