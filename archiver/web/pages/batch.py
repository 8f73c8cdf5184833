"""One batch: where it stands, what is in it, what its end would destroy, who decided."""

from aiohttp import web

from archiver.access.rules import Permission, allowed
from archiver.disposal.batch_views import PHASES, BatchReview, BatchView
from archiver.jobs.disposition_jobs import DISPOSAL, TRANSFER_PACKAGE
from archiver.model.actor import Actor
from archiver.model.batch import UNDECIDED, BatchState
from archiver.web.batch_jobs import newest_job, start_job
from archiver.web.pages.disposition import FORM, HTML
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Parameter, route

BATCH = "/disposition/{id:[0-9A-HJKMNP-TV-Z]{26}}"
"""The address of a batch: an id, so that the pages beside it can have words."""


@route(
    "GET",
    BATCH,
    permission=Permission.READ_FILE_PLAN,
    summary="One disposal batch",
    answers={200: HTML},
    parameters=(Parameter(name="done", what="What was just done"),),
)
async def batch(request: web.Request) -> web.StreamResponse:
    """Show a batch with all that its review needs but its records."""
    disposition, actor = services_of(request).disposition, actor_of(request)
    review = await disposition.reviews.show(request.match_info["id"], actor=actor)
    return request.app[PAGES].render(
        request,
        "batch.html",
        review=review,
        view=review.view,
        steps=steps_for(review, actor),
        package_job=await newest_job(request, TRANSFER_PACKAGE) if _is_transfer(review) else None,
        done=text_of(request, "done", default=""),
        stop=await disposition.stop.state(actor=actor),
    )


@route(
    "GET",
    BATCH + "/execution",
    permission=Permission.READ_FILE_PLAN,
    summary="Execution of a batch",
    answers={200: HTML},
)
async def execution(request: web.Request) -> web.StreamResponse:
    """Show how far the execution is or how it ended; while it runs, the page follows it."""
    disposition, actor = services_of(request).disposition, actor_of(request)
    found = await disposition.executions.show(request.match_info["id"], actor=actor)
    return request.app[PAGES].render(
        request,
        "batch_execution.html",
        block="progress",
        view=found.view,
        certificate=found.certificate,
        gone=found.gone,
        job=await newest_job(request, DISPOSAL),
        phases=PHASES,
        stop=await disposition.stop.state(actor=actor),
    )


@route(
    "POST",
    BATCH + "/package",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Make the package that a batch is handed over as",
    takes=(FORM,),
    answers={303: HTML},
)
async def package(request: web.Request) -> web.StreamResponse:
    """Queue the making of the package and show its job, whose file it will be."""
    await read_form(request)
    job = await start_job(request, TRANSFER_PACKAGE)
    return web.Response(status=303, headers={"Location": f"/jobs/{job.id}"})


def steps_for(review: BatchReview, actor: Actor) -> list[tuple[str, str, bool]]:
    """Return the steps that this person may take on a batch now, as the header shows them.

    Each is words, address and whether it is what the batch waits for.
    """
    view = review.view
    found: list[tuple[str, str, bool]] = []
    here = f"/disposition/{view.id}"
    if allowed(actor, Permission.PROPOSE_DISPOSAL):
        found += _steps_of_manager(view, here)
    if allowed(actor, Permission.APPROVE_DISPOSAL):
        if any(each.approver_id == actor.person_id for each in view.approvals) and (
            view.state in UNDECIDED
        ):
            found.append(("Withdraw approval…", f"{here}/withdraw", False))
        if view.state is BatchState.REVIEWED and not review.objection:
            found.append((f"Approve {view.records:,} items…", f"{here}/approve", True))
    return found


def _steps_of_manager(view: BatchView, here: str) -> list[tuple[str, str, bool]]:
    found: list[tuple[str, str, bool]] = []
    if view.state in UNDECIDED:
        found += [
            ("Cancel batch…", f"{here}/cancel", False),
            ("Exclude…", f"{here}/exclude", False),
        ]
    if view.state is BatchState.FORMED:
        found.append((f"Propose {view.records:,} items for disposal…", f"{here}/propose", True))
    if view.state is BatchState.APPROVED:
        found.append((f"Execute {view.records:,} items…", f"{here}/execute", True))
    if view.state is BatchState.EXECUTING:
        found.append(("Execution…", f"{here}/execution", True))
    return found


def _is_transfer(review: BatchReview) -> bool:
    return review.view.row.action == "transfer"


ROUTES = (batch, execution, package)
