"""Records: what is known, their bytes, versions, thread, custody, proof, and why they are kept."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import file_answer, json_answer, list_answer, part_answer
from archiver.web.documents import RecordDocument, Versions, Why
from archiver.web.reading import actor_of, services_of
from archiver.web.record_documents import CustodyDocument, ThreadDocument, VerifiedDocument
from archiver.web.routing import Body, route

_BYTES = Body(media_type="*/*", what="The verbatim bytes, as what they came, with Repr-Digest")


@route(
    "GET",
    "/api/v1/records/{id}",
    permission=Permission.READ_CONTENT,
    summary="Show everything known about a record but its bytes",
    answers={200: Body(model=RecordDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer the record."""
    records = services_of(request).records
    view = await records.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(view.to_dict())


@route(
    "GET",
    "/api/v1/records/{id}/raw",
    permission=Permission.READ_CONTENT,
    summary="Download the payload exactly as it was received",
    answers={200: _BYTES},
)
async def raw(request: web.Request) -> web.StreamResponse:
    """Answer the verbatim payload."""
    record_id = request.match_info["id"]
    part = await services_of(request).records.raw(record_id, actor=actor_of(request))
    return part_answer(part, filename=f"{record_id}-{part.name}")


@route(
    "GET",
    "/api/v1/records/{id}/parts/{name}",
    permission=Permission.READ_CONTENT,
    summary="Download one part of a record",
    answers={200: _BYTES},
)
async def part(request: web.Request) -> web.StreamResponse:
    """Answer one part."""
    record_id, name = request.match_info["id"], request.match_info["name"]
    found = await services_of(request).records.part(record_id, name, actor=actor_of(request))
    return part_answer(found, filename=f"{record_id}-{found.name}")


@route(
    "GET",
    "/api/v1/records/{id}/versions",
    permission=Permission.READ_CONTENT,
    summary="List every version of the same post, oldest first",
    answers={200: Body(model=Versions)},
)
async def versions(request: web.Request) -> web.StreamResponse:
    """Answer the versions."""
    records = services_of(request).records
    return list_answer(await records.versions(request.match_info["id"], actor=actor_of(request)))


@route(
    "GET",
    "/api/v1/records/{id}/proof",
    permission=Permission.READ_LOG,
    summary="Prove that the record is in the log (C2SP tlog-proof)",
    answers={200: Body(media_type="text/plain", what="A C2SP tlog-proof")},
)
async def proof(request: web.Request) -> web.StreamResponse:
    """Answer the proof of inclusion."""
    records = services_of(request).records
    text = await records.proof(request.match_info["id"], actor=actor_of(request))
    return web.Response(text=text, content_type="text/plain")


@route(
    "GET",
    "/api/v1/records/{id}/why",
    permission=Permission.READ_FILE_PLAN,
    summary="Say why a record is kept, and until when",
    answers={200: Body(model=Why)},
)
async def why(request: web.Request) -> web.StreamResponse:
    """Answer the reasons."""
    filing = services_of(request).filing
    explanation = await filing.why(request.match_info["id"], actor=actor_of(request))
    return json_answer(explanation.to_dict())


@route(
    "GET",
    "/api/v1/records/{id}/thread",
    permission=Permission.READ_CONTENT,
    summary="List the posts of the same conversation, oldest first",
    answers={200: Body(model=ThreadDocument)},
)
async def thread(request: web.Request) -> web.StreamResponse:
    """Answer the posts around a record."""
    records = services_of(request).records
    found = await records.thread(request.match_info["id"], actor=actor_of(request))
    return json_answer(found.to_dict())


@route(
    "GET",
    "/api/v1/records/{id}/custody",
    permission=Permission.READ_CONTENT,
    summary="Tell the life of a record: captured, sealed, covered, held, looked at",
    answers={200: Body(model=CustodyDocument)},
)
async def custody(request: web.Request) -> web.StreamResponse:
    """Answer the life of a record."""
    records = services_of(request).records
    found = await records.custody(request.match_info["id"], actor=actor_of(request))
    return json_answer(found.to_dict())


@route(
    "POST",
    "/api/v1/records/{id}/verify",
    permission=Permission.VERIFY,
    summary="Check one record against the log",
    answers={200: Body(model=VerifiedDocument)},
)
async def verify(request: web.Request) -> web.StreamResponse:
    """Answer each check; a failed one is an answer too."""
    records = services_of(request).records
    return json_answer(await records.verify(request.match_info["id"], actor=actor_of(request)))


@route(
    "GET",
    "/api/v1/records/{id}/evidence",
    permission=Permission.EXPORT,
    summary="Download an evidence bundle of one record, which proves it offline",
    answers={200: Body(media_type="application/zip", what="An evidence bundle")},
)
async def evidence(request: web.Request) -> web.StreamResponse:
    """Answer the bundle."""
    services = services_of(request)
    bundle = await services.evidence.one(request.match_info["id"], actor=actor_of(request))
    return file_answer(bundle.content, filename=bundle.name, media_type="application/zip")


ROUTES = (show, raw, part, versions, proof, why, thread, custody, verify, evidence)
