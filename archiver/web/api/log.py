"""The transparency log: checkpoint, consistency proofs, and its C2SP tile layout.

`/log/…` is the layout of https://c2sp.org/tlog-tiles, so tools we did not write can read the log
with `…/log` as its URL. Entries hold salted commitments and no personal data, and a log that
everybody can read is the stronger evidence, so `MUNIMENT_PUBLIC_LOG` is on by default. Their number
and times do tell how much an organisation says and when; with the setting off, reading needs the
permission that every role but capture agent has.
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.documents import ConsistencyProof
from archiver.web.reading import reader_of, services_of, whole_of
from archiver.web.routing import Body, Parameter, route

_NOTE = Body(media_type="text/plain", what="A signed note (C2SP)")
# tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>], N in groups of three digits, all but the last
# with an x. Nothing else under log/ can be named, and nothing outside it.
_TILE = r"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"


@route(
    "GET",
    "/api/v1/log/checkpoint",
    permission=Permission.READ_LOG,
    summary="The newest checkpoint: a signed note",
    answers={200: _NOTE},
)
async def checkpoint(request: web.Request) -> web.StreamResponse:
    """Answer the checkpoint."""
    note = await services_of(request).log.checkpoint(actor=reader_of(request))
    return web.Response(body=note, content_type="text/plain", charset="utf-8")


@route(
    "GET",
    "/log/checkpoint",
    permission=Permission.READ_LOG,
    summary="The newest checkpoint, where C2SP tools look for it",
    open_by_setting=True,
    answers={200: _NOTE},
)
async def tiles_checkpoint(request: web.Request) -> web.StreamResponse:
    """Answer the checkpoint."""
    return await checkpoint.handler(request)


@route(
    "GET",
    "/log/{tile:" + _TILE + "}",
    permission=Permission.READ_LOG,
    summary="A tile or entry bundle (C2SP tlog-tiles)",
    open_by_setting=True,
    answers={200: Body(media_type="application/octet-stream", what="The tile's bytes")},
)
async def tile(request: web.Request) -> web.StreamResponse:
    """Answer a tile; it never changes, so the reader may keep it."""
    body = await services_of(request).log.tile(request.match_info["tile"], actor=reader_of(request))
    return web.Response(
        body=body,
        content_type="application/octet-stream",
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )


@route(
    "GET",
    "/api/v1/log/consistency",
    permission=Permission.READ_LOG,
    summary="Prove that the log of one size continues the log of another",
    answers={200: Body(model=ConsistencyProof)},
    parameters=(
        Parameter(name="old", type="integer", what="The smaller size", required=True),
        Parameter(name="new", type="integer", what="The larger size", required=True),
    ),
)
async def consistency(request: web.Request) -> web.StreamResponse:
    """Answer the consistency proof."""
    old, new = whole_of(request, "old"), whole_of(request, "new")
    log = services_of(request).log
    return json_answer(await log.consistency(old, new, actor=reader_of(request)))


ROUTES = (checkpoint, tiles_checkpoint, tile, consistency)
