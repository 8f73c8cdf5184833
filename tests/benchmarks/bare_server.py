"""The reference of the HTTP benchmarks: aiohttp reads the body of a POST and forgets it."""

import asyncio
import sys

from aiohttp import web

from archiver.web.server import loop_factory


async def take(request: web.Request) -> web.Response:
    """Read and answer."""
    await request.read()
    return web.Response(text="ok")


async def _ready(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def serve(port: int) -> None:
    """Serve until killed, on the same event loop and the same port options as the product."""
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/api/v1/captures", take)
    app.router.add_get("/readyz", _ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(int(sys.argv[1])))
