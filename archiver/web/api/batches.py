"""Disposal batches: due, form, list, review, exclude, include. Decisions are in `batch_decisions`.

The version of a batch is its ETag; a change names the one it was made upon with `If-Match`.
"""

import re

from aiohttp import web

from archiver.access.rules import Permission
from archiver.db.batch_review import Standout
from archiver.disposal.batch_views import BatchView
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
    read_document,
    services_of,
    text_of,
    whole_of,
)
from archiver.web.routing import Body, Parameter, route

_ETAG = re.compile(r'"([1-9][0-9]{0,15})"')
ID = "/api/v1/batches/{id}"
_MOST_LISTED = 1000
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    what="The version you looked at, as in the ETag; 409 where the batch was changed since",
    required=True,
)
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
        Parameter(name="cursor", what="next_cursor of the page before"),
        _LIMIT,
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of batches."""
    found = await disposition_of(request).batches.list(
        state=text_of(request, "state", default=""),
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
        page = await reviews.exceptions(
            batch_id_of(request), _standout(why), after=after, limit=limit, actor=actor
        )
    else:
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


@route(
    "POST",
    ID + "/exclude",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Leave records out of a batch; approvals are void then",
    takes=(Body(model=Exclusion),),
    answers={200: Body(model=BatchDocument)},
    parameters=(IF_MATCH,),
)
async def exclude(request: web.Request) -> web.StreamResponse:
    """Leave records out."""
    asked = await read_document(request, Exclusion)
    view = await disposition_of(request).batches.exclude(
        batch_id_of(request),
        asked.records,
        reason=asked.reason,
        keep_until=asked.keep_until,
        version=version_of(request),
        actor=actor_of(request),
    )
    return batch_answer(view)


@route(
    "POST",
    ID + "/include",
    permission=Permission.PROPOSE_DISPOSAL,
    summary="Put excluded records back; approvals are void then",
    takes=(Body(model=Inclusion),),
    answers={200: Body(model=BatchDocument)},
    parameters=(IF_MATCH,),
)
async def include(request: web.Request) -> web.StreamResponse:
    """Put records back."""
    asked = await read_document(request, Inclusion)
    view = await disposition_of(request).batches.include(
        batch_id_of(request),
        asked.records,
        reason=asked.reason,
        version=version_of(request),
        actor=actor_of(request),
    )
    return batch_answer(view)


def disposition_of(request: web.Request) -> Disposition:
    """Return the use cases of batches."""
    return services_of(request).disposition


def batch_id_of(request: web.Request) -> str:
    """Return which batch a request is about."""
    return request.match_info["id"]


def _limit(request: web.Request) -> int:
    return max(1, whole_of(request, "limit", default=50, most=_MOST_LISTED))


def _standout(text: str) -> Standout:
    try:
        return Standout(text)
    except ValueError as error:
        raise InvalidInput(
            f"expected exceptions to be one of {', '.join(Standout)}, found {text[:40]!r}",
            pointer="exceptions",
        ) from error


def version_of(request: web.Request) -> int:
    """Return the version that `If-Match` names, 0 where it names none: then nothing is changed."""
    found = _ETAG.fullmatch(request.headers.get("If-Match", ""))
    return 0 if found is None else int(found[1])


def etag_of(view: BatchView) -> dict[str, str]:
    """Return the header that names a batch's version."""
    return {"ETag": f'"{view.version}"'}


def batch_answer(view: BatchView) -> web.Response:
    """Return a batch with its ETag."""
    return json_answer(view.to_dict(), headers=etag_of(view))


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
