"""Captures: one post as JSON, or up to 1,000 as NDJSON. Answered only when durable.

This is the hot path: nothing here waits but the use case, and nothing is copied twice.
"""

import dataclasses

from aiohttp import web

from archiver.access.rules import Permission
from archiver.capture.decoding import decode_capture, decode_line
from archiver.errors import Conflict, InvalidInput, TooLarge
from archiver.model.post import Arrival, Provenance, Refusal
from archiver.web.answering import json_answer
from archiver.web.connection import read_body
from archiver.web.documents import Captured, CapturedBatch
from archiver.web.metrics import METRICS
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.services import Json, Outcome

MAX_LINES = 1_000
_MAX_KEY = 255
_NDJSON = "application/x-ndjson"
_STATUS = {"captured": 201, "unchanged": 200}


@route(
    "POST",
    "/api/v1/captures",
    permission=Permission.CAPTURE,
    summary="Capture one post, or up to 1,000 as NDJSON; answered when durable",
    takes=(
        Body(what="One capture: see archiver/capture/decoding.py for its fields"),
        Body(media_type=_NDJSON, what="One capture a line, at most 1,000"),
    ),
    answers={
        201: Body(model=Captured, what="Captured"),
        200: Body(model=CapturedBatch, what="Unchanged (a `Captured` document), or the batch"),
    },
    parameters=(
        Parameter(
            name="Idempotency-Key",
            place="header",
            what="Sent again with the same key, the first answer is given again (one post only)",
        ),
    ),
    log=False,
)
async def capture(request: web.Request) -> web.StreamResponse:
    """Keep what was sent and say what became of it."""
    kind = request.content_type
    if kind not in {"application/json", _NDJSON}:
        raise web.HTTPUnsupportedMediaType(
            text=f"expected application/json or {_NDJSON}, found {kind}"
        )
    body = await read_body(request, limit=services_of(request).settings.max_body_bytes)
    return await (_one(request, body) if kind != _NDJSON else _many(request, body))


ROUTES = (capture,)


async def _one(request: web.Request, body: bytes) -> web.Response:
    arrival = decode_capture(body, provenance=_provenance(request))
    key = request.headers.get("Idempotency-Key")
    if key is not None:
        arrival = dataclasses.replace(arrival, idempotency_key=_sound_key(key))
    (outcome,) = await services_of(request).ingest.submit((arrival,), actor=actor_of(request))
    request.app[METRICS].captured(outcome.status)
    if outcome.status == "refused":
        raise Conflict(outcome.reason)
    receipt = outcome.receipt
    return json_answer(
        {
            "status": outcome.status,
            "id": outcome.record_id,
            "log_index": outcome.log_index,
            "receipt": None if receipt is None else receipt.to_dict(),
        },
        status=_STATUS[outcome.status],
        headers={"Location": f"/api/v1/records/{outcome.record_id}"},
    )


async def _many(request: web.Request, body: bytes) -> web.Response:
    provenance = _provenance(request)
    lines = _lines(body)
    read = [decode_line(line, number=n, provenance=provenance) for n, line in lines]
    arrivals = [item for item in read if isinstance(item, Arrival)]
    ingest = services_of(request).ingest
    following = iter(await ingest.submit(arrivals, actor=actor_of(request)) if arrivals else ())
    batch = _Batch()
    for (number, _), item in zip(lines, read, strict=True):
        if isinstance(item, Refusal):
            batch.refuse(number, item.reason)
        else:
            batch.add(number, next(following))
    for status, count in batch.counts.items():
        request.app[METRICS].captured(status, count)
    return json_answer(batch.to_dict())


class _Batch:
    """The answer to a batch. Receipts of one commit share one signed note, told once in `notes`."""

    def __init__(self) -> None:
        self.counts = {"captured": 0, "unchanged": 0, "refused": 0}
        self._items: list[Json] = []
        self._notes: dict[object, int] = {}

    def add(self, line: int, outcome: Outcome) -> None:
        """Tell what became of a line."""
        if outcome.status == "refused":
            self.refuse(line, outcome.reason)
            return
        self.counts[outcome.status] += 1
        item: Json = {
            "line": line,
            "status": outcome.status,
            "id": outcome.record_id,
            "log_index": outcome.log_index,
        }
        if outcome.receipt is not None:
            receipt = outcome.receipt.to_dict()
            receipt["note"] = self._notes.setdefault(receipt["note"], len(self._notes))
            item["receipt"] = receipt
        self._items.append(item)

    def refuse(self, line: int, reason: str) -> None:
        """Tell why a line was refused."""
        self.counts["refused"] += 1
        self._items.append({"line": line, "status": "refused", "reason": reason})

    def to_dict(self) -> Json:
        """Return the answer."""
        return {**self.counts, "notes": list(self._notes), "items": self._items}


def _lines(body: bytes) -> list[tuple[int, bytes]]:
    """Return the numbered lines that are not blank, counting all from 1."""
    if body.rstrip().count(b"\n") >= MAX_LINES:
        raise TooLarge(f"expected at most {MAX_LINES} lines; send the rest in further requests")
    lines = [(n, line) for n, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise InvalidInput("expected one capture a line, found none", pointer="/")
    return lines


def _provenance(request: web.Request) -> Provenance:
    return Provenance(
        method="push",
        source=actor_of(request).name,
        connector="push-api",
        version=services_of(request).version,
    )


def _sound_key(key: str) -> str:
    if not (0 < len(key) <= _MAX_KEY and key.isascii() and key.isprintable()):
        raise InvalidInput(
            f"expected an Idempotency-Key of 1 to {_MAX_KEY} printable ASCII characters, found "
            f"{len(key)}",
            pointer="Idempotency-Key",
        )
    return key
