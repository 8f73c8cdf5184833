"""A form that is sent twice acts once: a double click, or a page sent again because it was slow.

Every form carries a value of its own, new with each rendering of the page (`once`). What the first
sending of it leads to is kept for a while, and the same form sent again is led there too, waiting
for the first where that still runs. Only answers that lead on are kept: a form that came back with
something to correct is sent again on purpose. Like `idempotency`, this is of one process.
"""

import asyncio
import hashlib
from collections import OrderedDict

from aiohttp import web
from aiohttp.typedefs import Handler

from archiver.web.keys import SIGNED_IN
from archiver.web.reading import read_form
from archiver.web.session import URLENCODED

FIELD = "once"

_KEPT = 1_000


class SentForms:
    """Where the forms sent lately led to."""

    def __init__(self) -> None:
        self._led: OrderedDict[bytes, asyncio.Future[str]] = OrderedDict()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a page's request with `handler`, unless it is a form that acted before."""
        key = await _key(request)
        return await (handler(request) if key is None else self.once(key, request, handler))

    async def once(self, key: bytes, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the form that `key` stands for, or lead where its first sending led."""
        # Again after each that led nowhere: of those who waited for it one is the next first. In a
        # shield, because who gives up waiting must not take the answer from the one that acts.
        while (before := self._led.get(key)) is not None:
            if place := await asyncio.shield(before):
                return web.Response(status=303, headers={"Location": place})
        return await self._first(key, request, handler)

    async def _first(
        self, key: bytes, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        led = self._led[key] = asyncio.get_running_loop().create_future()
        place = ""
        try:
            response = await handler(request)
            if response.status == web.HTTPSeeOther.status_code and not response.cookies:
                place = response.headers["Location"]
        finally:
            led.set_result(place)
            if not place and self._led.get(key) is led:
                del self._led[key]
        while len(self._led) > _KEPT:
            self._led.popitem(last=False)
        return response


async def _key(request: web.Request) -> bytes | None:
    """Return what is the same for the same form, None for what is none of ours."""
    signed_in = request.get(SIGNED_IN)
    if request.method != "POST" or signed_in is None or request.content_type != URLENCODED:
        return None
    if not (await read_form(request)).get(FIELD):
        return None
    whole = hashlib.sha256(f"{signed_in.session_id}\n{request.path_qs}\n".encode())
    whole.update(await request.read())
    return whole.digest()


SENT_FORMS: web.AppKey[SentForms] = web.AppKey("sent_forms", SentForms)
