"""Disposal batches: due, form, list, review, exclude, include. Decisions are in `batch_decisions`.

The version of a batch is its ETag; a change names the one it was made upon with `If-Match`.
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.db.batch_review import Standout
from archiver.errors import InvalidInput
from archiver.web.answering import json_answer
from archiver.web.disposition_documents import (
    BatchDocument,
    BatchesFormed,
    BatchListDocument,
    BatchRecords,
    BatchReviewDocument,
    DueDocument,
    Exclusion,
    Inclusion,
    NewBatches,
)
from archiver.web.disposition_services import Disposition
from archiver.web.reading import (
    actor_of,
    flag_of,
    read_document,
    services_of,
    text_of,
    whole_of,
)
from archiver.web.routing import Body, Parameter, route
from archiver.web.steps import VERSION, Steps, etag_of, version_answer, version_seen

ID = "/api/v1/batches/{id}"
_MOST_LISTED = 1000
_LIMIT = Parameter(name="limit", what=f"At most {_MOST_LISTED}", type="integer")


@route(
    "GET",
    "/api/v1/disposition/due",
    permission=Permission.READ_FILE_PLAN,
    summary="What batches would be formed of now",
    answers={200: Body(model=DueDocument)},
)
async def due(request: web.Request) -> web.StreamResponse:
    """Answer what is due."""
    found = await disposition_of(request).forming.due(actor=actor_of(request))
    total = sum(each.records for each in found)
    return json_answer({"items": [each.to_dict() for each in found], "records": total})


@route(
    "POST",
    "/api/v1/batches",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Form batches of what is due; nothing is destroyed",
    takes=(Body(model=NewBatches),),
    answers={201: Body(model=BatchesFormed)},
)
async def form(request: web.Request) -> web.StreamResponse:
    """Form batches."""
    asked = await read_document(request, NewBatches)
    formed = await disposition_of(request).forming.form(
        class_code=asked.class_code, account=asked.account, actor=actor_of(request)
    )
    return json_answer({"items": [each.to_dict() for each in formed]}, status=201)


@route(
    "GET",
    "/api/v1/batches",
    permission=Permission.READ_FILE_PLAN,
    summary="List batches, newest first",
    answers={200: Body(model=BatchListDocument)},
    parameters=(
        Parameter(name="state", what="Only in this state"),
        Parameter(name="class", what="Only of this class"),
        Parameter(name="account", what="Only of this account"),
        Parameter(name="mine", what="Only what waits for a step of yours", type="boolean"),
        Parameter(name="cursor", what="next_cursor of the page before"),
        _LIMIT,
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of batches."""
    found = await disposition_of(request).batches.list(
        state=text_of(request, "state", default=""),
        class_code=text_of(request, "class", default=""),
        account=text_of(request, "account", default=""),
        mine=flag_of(request, "mine"),
        cursor=text_of(request, "cursor", default=""),
        limit=_limit(request),
        actor=actor_of(request),
    )
    return json_answer(found.to_dict())


@route(
    "GET",
    ID,
    permission=Permission.READ_FILE_PLAN,
    summary="Show a batch with statistics, exceptions, what is not in it, and consequences",
    answers={200: Body(model=BatchReviewDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer what a review needs."""
    review = await disposition_of(request).reviews.show(
        batch_id_of(request), actor=actor_of(request)
    )
    return json_answer(review.to_dict(), headers=etag_of(review.view))


@route(
    "GET",
    ID + "/records",
    permission=Permission.READ_CONTENT,
    summary="The records of a batch, in log order; those that stand out, or in one state",
    answers={200: Body(model=BatchRecords)},
    parameters=(
        Parameter(name="exceptions", what=f"Only what stands out: {', '.join(Standout)}"),
        Parameter(name="state", what="Only in this state: in, excluded, kept, …"),
        Parameter(name="after", what="Go on behind this log index", type="integer"),
        _LIMIT,
    ),
)
async def records(request: web.Request) -> web.StreamResponse:
    """Answer a page of records."""
    reviews, why = disposition_of(request).reviews, text_of(request, "exceptions", default="")
    after = whole_of(request, "after") if "after" in request.query else -1
    limit, actor = _limit(request), actor_of(request)
    if why:
        standing_out = await reviews.exceptions(
            batch_id_of(request),
            standout_of(why, "exceptions"),
            after=after,
            limit=limit,
            actor=actor,
        )
        return json_answer(standing_out.to_dict())
    state = text_of(request, "state", default="")
    page = await reviews.members(
        batch_id_of(request), state=state, after=after, limit=limit, actor=actor
    )
    return json_answer(page.to_dict())


@route(
    "GET",
    ID + "/sample",
    permission=Permission.READ_CONTENT,
    summary="A random sample of a batch's records; the same seed draws the same one",
    answers={200: Body(model=BatchRecords)},
    parameters=(
        Parameter(name="size", what="How many records", type="integer"),
        Parameter(name="seed", what="Draw the sample of this seed again"),
    ),
)
async def sample(request: web.Request) -> web.StreamResponse:
    """Answer a sample, with its seed."""
    page = await disposition_of(request).reviews.sample(
        batch_id_of(request),
        size=whole_of(request, "size", default=50, most=_MOST_LISTED),
        seed=text_of(request, "seed", default=""),
        actor=actor_of(request),
    )
    return json_answer(page.to_dict())


BATCH = Steps(
    path=ID,
    document=BatchDocument,
    if_match=VERSION,
    seen=version_seen,
    answer=version_answer,
)


@BATCH.step(
    "/exclude",
    Exclusion,
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Leave records out of a batch; approvals are void then",
)
async def exclude(request: web.Request) -> web.StreamResponse:
    """Leave records out."""
    return await BATCH.changed(request, Exclusion, disposition_of(request).batches.exclude)


@BATCH.step(
    "/include",
    Inclusion,
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Put excluded records back; approvals are void then",
)
async def include(request: web.Request) -> web.StreamResponse:
    """Put records back."""
    return await BATCH.changed(request, Inclusion, disposition_of(request).batches.include)


def disposition_of(request: web.Request) -> Disposition:
    """Return the use cases of batches."""
    return services_of(request).disposition


def batch_id_of(request: web.Request) -> str:
    """Return which batch a request is about."""
    return request.match_info["id"]


def _limit(request: web.Request) -> int:
    return max(1, whole_of(request, "limit", default=50, most=_MOST_LISTED))


def standout_of(text: str, name: str) -> Standout:
    """Return why records stand out, as the parameter `name` says it. Raises InvalidInput."""
    if text not in set(Standout):
        raise InvalidInput(
            f"expected {name} to be one of {', '.join(Standout)}, found {text[:40]!r}",
            pointer=name,
        )
    return Standout(text)


ROUTES = (
    due,
    form,
    list_all,
    show,
    records,
    sample,
    exclude,
    include,
)
