"""The transparency log: checkpoint, consistency proofs, and its C2SP tile layout.

`/log/…` is the layout of https://c2sp.org/tlog-tiles, so tools we did not write can read the log
with `…/log` as its URL. Entries hold salted commitments and no personal data, and a log that
everybody can read is the stronger evidence, so `MUNIMENT_PUBLIC_LOG` is on by default. Their number
and times do tell how much an organisation says and when; with the setting off, reading needs the
permission that every role but capture agent has.
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.preserve.object_keys import log_prefix
from archiver.web.answering import json_answer
from archiver.web.documents import ConsistencyProof
from archiver.web.reading import actor_of, services_of, whole_of
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
    note = await services_of(request).log.checkpoint(actor=actor_of(request))
    return web.Response(body=note, content_type="text/plain", charset="utf-8")


@route(
    "GET",
    "/log/{object:checkpoint|" + _TILE + "}",
    permission=Permission.READ_LOG,
    summary="The log as C2SP tools read it: checkpoint, tiles, entry bundles (tlog-tiles)",
    answers={
        200: Body(
            media_type="*/*", what="A tile's bytes; of the checkpoint, the signed note as text"
        )
    },
    open_by_setting=True,
)
async def layout(request: web.Request) -> web.StreamResponse:
    """Answer one object of the layout; tiles never change, so the reader may keep them."""
    services, name = services_of(request), request.match_info["object"]
    body = await services.store.get(log_prefix(services.archive.id) + name)
    if name == "checkpoint":
        return web.Response(body=body, content_type="text/plain", charset="utf-8")
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
    return json_answer(await log.consistency(old, new, actor=actor_of(request)))


ROUTES = (checkpoint, layout, consistency)
