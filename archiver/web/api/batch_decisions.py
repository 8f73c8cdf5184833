"""Deciding on disposal batches: propose, approve, withdraw, cancel, hand over, execute.

Approving is for people: a browser session's, never a token's (`archiver.disposal.batch_approvals`).
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.jobs.disposition_jobs import DISPOSAL, TRANSFER_PACKAGE
from archiver.web.answering import json_answer
from archiver.web.api.batches import (
    ID,
    IF_MATCH,
    batch_answer,
    batch_id_of,
    disposition_of,
    etag_of,
    version_of,
)
from archiver.web.disposition_documents import (
    BatchDocument,
    Confirmation,
    NewApproval,
)
from archiver.web.documents import StatedReason
from archiver.web.reading import actor_of, is_dry_run, read_document, services_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.work_documents import JobDocument


@route(
    "POST",
    ID + "/propose",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Say that a batch was reviewed, and ask others to approve it",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=BatchDocument)},
    parameters=(IF_MATCH,),
)
async def propose(request: web.Request) -> web.StreamResponse:
    """Propose a batch."""
    asked = await read_document(request, StatedReason)
    view = await disposition_of(request).approvals.propose(
        batch_id_of(request),
        reason=asked.reason,
        version=version_of(request),
        actor=actor_of(request),
    )
    return batch_answer(view)


@route(
    "POST",
    ID + "/approve",
    permission=Permission.APPROVE_DISPOSAL,
    summary="Approve the disposal of exactly so many records; a person must, not a token",
    takes=(Body(model=NewApproval),),
    answers={200: Body(model=BatchDocument)},
    parameters=(
        Parameter(name="dry_run", what="Only say what would happen", type="boolean"),
        IF_MATCH,
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
    return batch_answer(view)


@route(
    "POST",
    ID + "/withdraw",
    permission=Permission.APPROVE_DISPOSAL,
    summary="Take your approval back, before the execution begins",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=BatchDocument)},
    parameters=(IF_MATCH,),
)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """Take an approval back."""
    asked = await read_document(request, StatedReason)
    view = await disposition_of(request).approvals.withdraw(
        batch_id_of(request),
        reason=asked.reason,
        version=version_of(request),
        actor=actor_of(request),
    )
    return batch_answer(view)


@route(
    "POST",
    ID + "/cancel",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Give a batch up; its records come up in the next one",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=BatchDocument)},
    parameters=(IF_MATCH,),
)
async def cancel(request: web.Request) -> web.StreamResponse:
    """Cancel a batch."""
    asked = await read_document(request, StatedReason)
    view = await disposition_of(request).batches.cancel(
        batch_id_of(request),
        reason=asked.reason,
        version=version_of(request),
        actor=actor_of(request),
    )
    return batch_answer(view)


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
    ID + "/confirm",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Take the receiver's word that they hold the package, by its SHA-256",
    takes=(Body(model=Confirmation),),
    answers={200: Body(model=BatchDocument)},
    parameters=(IF_MATCH,),
)
async def confirm(request: web.Request) -> web.StreamResponse:
    """Note that the receiver has the package."""
    asked = await read_document(request, Confirmation)
    view = await disposition_of(request).transfers.confirm(
        batch_id_of(request),
        sha256=asked.sha256,
        receiver=asked.receiver,
        version=version_of(request),
        actor=actor_of(request),
    )
    return batch_answer(view)


@route(
    "POST",
    ID + "/execute",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Execute an approved batch, or go on with one: a job that ends with the certificate",
    answers={202: Body(model=JobDocument)},
    parameters=(IF_MATCH,),
)
async def execute(request: web.Request) -> web.StreamResponse:
    """Queue the execution of a batch."""
    await disposition_of(request).executions.require_ready(
        batch_id_of(request), version=version_of(request), actor=actor_of(request)
    )
    return await _queued(request, DISPOSAL)


async def _queued(request: web.Request, kind: str) -> web.Response:
    job = await services_of(request).work.start(
        kind,
        subject=f"Batch {batch_id_of(request)}",
        object_type="batch",
        object_id=batch_id_of(request),
        arguments={"batch_id": batch_id_of(request)},
        actor=actor_of(request),
    )
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return json_answer(job.to_dict(), status=202, headers=headers)


ROUTES = (propose, approve, withdraw, cancel, package, confirm, execute)
