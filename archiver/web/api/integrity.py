"""Integrity: what may be said of the archive, and the proof to take away."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.assurance.proof_bundle import ProofBundle
from archiver.jobs.lock_keeping import LOCKS
from archiver.jobs.reindexing import REINDEX
from archiver.jobs.work_views import JobView
from archiver.web.answering import json_answer
from archiver.web.reading import actor_of, services_of, whole_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.work_documents import IntegrityDocument, JobDocument, LocksDocument

SINCE = (
    Parameter(
        name="since",
        type="integer",
        what="Size of a checkpoint you kept: the proof shows that the log continues it",
    ),
)


@route(
    "GET",
    "/api/v1/integrity",
    permission=Permission.READ_LOG,
    summary="Verified, verifying, problem or not yet verified; why; and the facts behind it",
    answers={200: Body(model=IntegrityDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer the status."""
    status = await services_of(request).integrity.status(actor_of(request))
    return json_answer(status.to_dict())


@route(
    "GET",
    "/api/v1/integrity/proof",
    permission=Permission.READ_LOG,
    summary="A zip to check offline: checkpoint, consistency proof, timestamps, trust policy",
    answers={200: Body(media_type="application/zip", what="The bundle")},
    parameters=SINCE,
)
async def proof(request: web.Request) -> web.StreamResponse:
    """Answer the proof bundle."""
    proofs = services_of(request).proofs
    since = whole_of(request, "since", default=0)
    return proof_answer(await proofs.make(since=since, actor=actor_of(request)))


def proof_answer(bundle: ProofBundle) -> web.Response:
    """Return a proof bundle as a download."""
    return web.Response(
        body=bundle.content,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{bundle.name}"'},
    )


@route(
    "POST",
    "/api/v1/integrity/reindex",
    permission=Permission.OPERATE,
    summary="Build a new search index beside the one that answers",
    answers={202: Body(model=JobDocument)},
)
async def reindex(request: web.Request) -> web.StreamResponse:
    """Queue it; `Location` is where to look how far it is."""
    job = await start_reindex(request)
    return json_answer(job.to_dict(), status=202, headers={"Location": f"/api/v1/jobs/{job.id}"})


async def start_reindex(request: web.Request) -> JobView:
    """Start building a new index, as the page and the API do. Raises Denied, Conflict."""
    return await services_of(request).work.start(
        REINDEX,
        subject="The search index, built anew from the log",
        object_type="index",
        actor=actor_of(request),
    )


@route(
    "GET",
    "/api/v1/integrity/locks",
    permission=Permission.READ_LOG,
    summary="The newest comparison of locks, holds and versions: how far it came, what it found",
    answers={200: Body(model=LocksDocument)},
)
async def locks(request: web.Request) -> web.StreamResponse:
    """Answer the newest run of the lock keeper, null where there was none yet."""
    status = await services_of(request).integrity.status(actor_of(request))
    newest = status.facts.locks
    return json_answer({"newest": newest.to_dict() if newest else None})


@route(
    "POST",
    "/api/v1/integrity/locks",
    permission=Permission.VERIFY,
    summary="Compare locks, holds and versions now; extend and put right what may be",
    answers={202: Body(model=JobDocument)},
)
async def keep_locks(request: web.Request) -> web.StreamResponse:
    """Queue it; `Location` is where to look how far it is."""
    job = await start_locks(request)
    return json_answer(job.to_dict(), status=202, headers={"Location": f"/api/v1/jobs/{job.id}"})


async def start_locks(request: web.Request) -> JobView:
    """Start the lock keeper, as the page and the API do. Raises Denied, Conflict."""
    return await services_of(request).work.start(
        LOCKS,
        subject="Locks, holds and versions of all objects",
        object_type="archive",
        actor=actor_of(request),
    )


ROUTES = (show, proof, reindex, locks, keep_locks)
