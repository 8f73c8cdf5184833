"""Deciding on disposal batches: propose, approve, withdraw, cancel, hand over, execute.

Approving is for people: a browser session's, never a token's (`archiver.disposal.batch_approvals`).
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.jobs.disposition_jobs import DISPOSAL, TRANSFER_PACKAGE
from archiver.web.answering import json_answer
from archiver.web.api.batches import BATCH, ID, batch_id_of, disposition_of
from archiver.web.batch_jobs import start_job
from archiver.web.disposition_documents import (
    BatchDocument,
    Confirmation,
    NewApproval,
)
from archiver.web.documents import StatedReason
from archiver.web.reading import actor_of, is_dry_run, read_document
from archiver.web.routing import Body, Parameter, route
from archiver.web.steps import VERSION, etag_of, version_answer, version_of
from archiver.web.work_documents import JobDocument


@BATCH.step(
    "/propose",
    StatedReason,
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Say that a batch was reviewed, and ask others to approve it",
)
async def propose(request: web.Request) -> web.StreamResponse:
    """Propose a batch."""
    return await BATCH.changed(request, StatedReason, disposition_of(request).approvals.propose)


@BATCH.step(
    "/withdraw",
    StatedReason,
    permission=Permission.APPROVE_DISPOSAL,
    summary="Take your approval back, before the execution begins",
)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """Take an approval back."""
    return await BATCH.changed(request, StatedReason, disposition_of(request).approvals.withdraw)


@BATCH.step(
    "/cancel",
    StatedReason,
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Give a batch up; its records come up in the next one",
)
async def cancel(request: web.Request) -> web.StreamResponse:
    """Cancel a batch."""
    return await BATCH.changed(request, StatedReason, disposition_of(request).batches.cancel)


@BATCH.step(
    "/confirm",
    Confirmation,
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Take the receiver's word for the package, by its SHA-256; not who made it, no token",
)
async def confirm(request: web.Request) -> web.StreamResponse:
    """Note that the receiver has the package."""
    return await BATCH.changed(request, Confirmation, disposition_of(request).transfers.confirm)


@route(
    "POST",
    ID + "/approve",
    permission=Permission.APPROVE_DISPOSAL,
    summary="Approve the disposal of exactly so many records; a person must, not a token",
    takes=(Body(model=NewApproval),),
    answers={200: Body(model=BatchDocument)},
    parameters=(
        Parameter(name="dry_run", what="Only say what would happen", type="boolean"),
        VERSION,
    ),
)
async def approve(request: web.Request) -> web.StreamResponse:
    """Approve a batch, or with `dry_run=true` say what that would do."""
    asked = await read_document(request, NewApproval)
    approvals, actor = disposition_of(request).approvals, actor_of(request)
    if is_dry_run(request):
        preview = await approvals.preview(batch_id_of(request), actor=actor)
        return json_answer(preview.to_dict(), headers=etag_of(preview.view))
    view = await approvals.approve(
        batch_id_of(request),
        records=asked.records,
        reason=asked.reason,
        version=version_of(request),
        actor=actor,
    )
    return version_answer(view)


@route(
    "POST",
    ID + "/package",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Make the package that a batch is handed over as: a job, whose file it is",
    answers={202: Body(model=JobDocument)},
)
async def package(request: web.Request) -> web.StreamResponse:
    """Queue the making of a package."""
    return await _queued(request, TRANSFER_PACKAGE)


@route(
    "POST",
    ID + "/execute",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Execute an approved batch, or go on with one: a job that ends with the certificate",
    answers={202: Body(model=JobDocument)},
    parameters=(VERSION,),
)
async def execute(request: web.Request) -> web.StreamResponse:
    """Queue the execution of a batch."""
    await disposition_of(request).executions.require_ready(
        batch_id_of(request), version=version_of(request), actor=actor_of(request)
    )
    return await _queued(request, DISPOSAL)


async def _queued(request: web.Request, kind: str) -> web.Response:
    job = await start_job(request, kind)
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return json_answer(job.to_dict(), status=202, headers=headers)


ROUTES = (propose, approve, withdraw, cancel, package, confirm, execute)
