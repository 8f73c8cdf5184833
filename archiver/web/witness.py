"""The witness as a server: `add-checkpoint`, and the newest checkpoint of each log (C2SP).

An application of its own, that an auditor runs on another machine: it knows no archive, no
database and no settings. Requests are authenticated by the log's signature on the checkpoint and
by nothing else, so whatever stands in front of it (TLS, rate limits) is the operator's choice.
"""

import asyncio
import signal
from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from archiver.errors import StorageUnavailable, TooLarge
from archiver.preserve.ledger.witness import ADD_CHECKPOINT, MAX_REQUEST_BYTES, NOTE_TYPE, Judgement
from archiver.preserve.ledger.witness_state import WitnessState
from archiver.web.connection import CONNECTION, read_body

_DRAIN_S = 10.0

_log = structlog.get_logger("muniment.witness")
_WITNESS: web.AppKey[WitnessState] = web.AppKey("witness", WitnessState)


def create_witness_app(witness: WitnessState) -> web.Application:
    """Return the application; submission and monitoring prefix are both its root."""
    app = web.Application(middlewares=[_refuse_in_words], client_max_size=MAX_REQUEST_BYTES)
    app[_WITNESS] = witness
    app.router.add_post(ADD_CHECKPOINT, _add_checkpoint)
    app.router.add_get("/{origin_hash:[0-9a-f]{64}}/checkpoint", _checkpoint)
    return app


async def serve_witness(
    witness: WitnessState, host: str, port: int, *, started: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT; `started` is told the URL, with the port where that was 0.

    Raises:
        OSError: the address cannot be listened on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(create_witness_app(witness), shutdown_timeout=_DRAIN_S, **CONNECTION)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        started(f"http://{host}:{bound[1]}")
        await stop.wait()
    finally:
        await runner.cleanup()


async def _add_checkpoint(request: web.Request) -> web.StreamResponse:
    body = await read_body(request, limit=MAX_REQUEST_BYTES)
    judgement = await asyncio.to_thread(request.app[_WITNESS].answer, body)
    _note(judgement)
    return web.Response(
        body=judgement.body,
        status=judgement.status,
        headers={"Content-Type": judgement.content_type},
    )


async def _checkpoint(request: web.Request) -> web.StreamResponse:
    note = request.app[_WITNESS].checkpoint(request.match_info["origin_hash"])
    if note is None:
        raise web.HTTPNotFound(text="this witness has cosigned no checkpoint of that log\n")
    return web.Response(body=note, content_type=NOTE_TYPE, charset="utf-8")


def _note(judgement: Judgement) -> None:
    if judgement.log is not None:
        head = judgement.log.head
        _log.info("cosigned", origin=head.origin, size=head.size, root=head.root.hex())
    else:
        why = judgement.body.decode(errors="replace").strip()
        _log.warning("refused", status=int(judgement.status), why=why)


@web.middleware
async def _refuse_in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except TooLarge as error:
        return web.Response(text=f"{error}\n", status=413)
    except StorageUnavailable as error:
        _log.error("not kept", error=str(error))
        return web.Response(text="the witness could not keep it; try again later\n", status=503)
