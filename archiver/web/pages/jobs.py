"""Jobs: the list of all long work, one job, and what can be done with it."""

from urllib.parse import urlencode

from aiohttp import web

from archiver.clock import rfc3339
from archiver.db.jobs import JobState
from archiver.jobs.work_views import JobPage, JobView
from archiver.web.api.jobs import LISTED_BY, file_answer
from archiver.web.csv_rows import csv_answer
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Access, Body, route

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_SHOWN = 50
_TAKEN = 1000
_HUNDRED = 100
_COLUMNS = (
    "id", "kind", "subject", "state", "phase", "done", "total", "requested_by", "created_at",
    "started_at", "ended_at", "error",
)  # fmt: skip


@route(
    "GET",
    "/jobs",
    permission=Access.SIGNED_IN,
    summary="Jobs",
    answers={200: _HTML},
    parameters=LISTED_BY,
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Show a page of jobs; it follows those under way."""
    asked = _asked(request)
    page = await _listed(request, asked, limit=_SHOWN)
    return request.app[PAGES].render(
        request,
        "jobs.html",
        block="list",
        page=page,
        asked=asked,
        sentence=_status(page),
        href=lambda **changes: _href(asked | changes),
        live=any(job.is_under_way for job in page.items),
    )


@route(
    "GET",
    "/jobs.csv",
    permission=Access.SIGNED_IN,
    summary="The newest thousand jobs as a table",
    answers={200: Body(media_type="text/csv")},
    parameters=LISTED_BY,
)
async def table(request: web.Request) -> web.StreamResponse:
    """Answer the list as CSV."""
    page = await _listed(request, _asked(request), limit=_TAKEN)
    return csv_answer("jobs.csv", _COLUMNS, [_row(job) for job in page.items])


@route("GET", "/jobs/{id}", permission=Access.SIGNED_IN, summary="One job", answers={200: _HTML})
async def show(request: web.Request) -> web.StreamResponse:
    """Show a job; while it runs, the page follows it."""
    work = services_of(request).work
    job = await work.show(request.match_info["id"], actor=actor_of(request))
    return request.app[PAGES].render(
        request, "job.html", block="job", job=job, sentence=sentence(job)
    )


@route(
    "POST",
    "/jobs/{id}/cancel",
    permission=Access.SIGNED_IN,
    summary="Cancel a job",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def cancel(request: web.Request) -> web.StreamResponse:
    """Cancel a job and show it."""
    job = await services_of(request).work.cancel(request.match_info["id"], actor=actor_of(request))
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


@route(
    "POST",
    "/jobs/{id}/again",
    permission=Access.SIGNED_IN,
    summary="Start a job again",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def again(request: web.Request) -> web.StreamResponse:
    """Start a job like this one and show it."""
    job = await services_of(request).work.again(request.match_info["id"], actor=actor_of(request))
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


@route(
    "GET",
    "/jobs/{id}/result",
    permission=Access.SIGNED_IN,
    summary="The file a job left",
    answers={200: Body(media_type="application/octet-stream")},
)
async def result(request: web.Request) -> web.StreamResponse:
    """Answer the file."""
    work = services_of(request).work
    return file_answer(await work.file(request.match_info["id"], actor=actor_of(request)))


ROUTES = (list_all, table, show, cancel, again, result)


def sentence(job: JobView) -> str:
    """Return how a job stands, in one sentence."""
    if job.is_under_way and job.cancelled_by:
        return "Being cancelled; what runs stops within a few seconds."
    match job.state:
        case JobState.QUEUED:
            return "Waiting for its turn."
        case JobState.RUNNING:
            share = f", {_HUNDRED * job.done // job.total} %" if job.total else ""
            return f"Running: {job.phase or 'starting'}{share}."
        case JobState.DONE:
            return f"Done {_minute(job)} UTC."
        case JobState.FAILED:
            return f"Failed {_minute(job)} UTC."
        case JobState.CANCELLED:
            return f"Cancelled {_minute(job)} UTC."


def _minute(job: JobView) -> str:
    return "" if job.ended_at is None else rfc3339(job.ended_at)[:16].replace("T", " ")


def _asked(request: web.Request) -> dict[str, str]:
    names = ("kind", "state", "mine", "cursor")
    return {name: text_of(request, name, default="") for name in names}


async def _listed(request: web.Request, asked: dict[str, str], *, limit: int) -> JobPage:
    return await services_of(request).work.list(
        kind=asked["kind"],
        state=asked["state"],
        mine=asked["mine"] == "true",
        cursor=asked["cursor"],
        limit=limit,
        actor=actor_of(request),
    )


def _href(asked: dict[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/jobs?{query}" if query else "/jobs"


def _status(page: JobPage) -> str:
    running, queued = (page.states.get(state, 0) for state in (JobState.RUNNING, JobState.QUEUED))
    ended = sum(page.states.values()) - running - queued
    whose = "Everybody's jobs" if page.sees_all else "Your jobs"
    return f"{whose}: {running:,} running, {queued:,} waiting, {ended:,} ended."


def _row(job: JobView) -> list[object]:
    told = job.to_dict()
    flat = {**told, "phase": job.phase, "done": job.done, "total": job.total}
    return [flat[name] for name in _COLUMNS]
