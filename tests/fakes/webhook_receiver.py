"""A receiver of webhooks on this machine, over real HTTP; it checks signatures as one would."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class WebhookReceiver:
    """What came in. `answers` gives the next statuses; without any, 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The documents that came in."""
        return [json.loads(body) for _, body in self.requests]

    @property
    def ids(self) -> list[str]:
        """The id of each request."""
        return [headers["webhook-id"] for headers, _ in self.requests]

    def is_signed(self, secret: str) -> bool:
        """Whether every request carries the signature that this secret makes."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        return bool(self.requests) and all(
            hmac.compare_digest(headers["webhook-signature"], self._sign(key, headers, body))
            for headers, body in self.requests
        )

    async def take(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, await request.read()))
        self.on_request()
        status = self.answers.pop(0) if self.answers else 204
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/"})

    def _sign(self, key: bytes, headers: dict[str, str], body: bytes) -> str:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[WebhookReceiver]:
    """A receiver that listens while the context is open."""
    receiver = WebhookReceiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
