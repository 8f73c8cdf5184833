"""A form that is sent twice acts once: a double click, or a page sent again because it was slow.

Every form carries a value of its own, new with each rendering of the page (`once`). What the first
sending of it was answered with is kept for a while, and the same form sent again gets that too,
waiting for the first where that still runs. A form that came back with something to correct is sent
again on purpose: its answer is not kept. Nor is one with cookies, which are for one sending. Like
`idempotency`, this is of one process.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from archiver.web.keys import SIGNED_IN
from archiver.web.reading import read_form
from archiver.web.session import URLENCODED

FIELD = "once"

_KEPT = 1_000
_SHOWN_FOR_S = 600.0
"""How long a page is kept: it may show a secret that nobody is to be shown again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a form was answered with, to be given as often as it is sent."""

    status: int
    headers: CIMultiDict[str]
    body: bytes | None

    def again(self) -> web.Response:
        return web.Response(status=self.status, headers=self.headers, body=self.body)


class SentForms:
    """What the forms sent lately were answered with."""

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, asyncio.Future[_Answer | None]] = OrderedDict()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a page's request with `handler`, unless it is a form that acted before."""
        key = await _key(request)
        return await (handler(request) if key is None else self.once(key, request, handler))

    async def once(self, key: bytes, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the form that `key` stands for, or as its first sending was answered."""
        # Again after each that did nothing: of those who waited for it one is the next first. In a
        # shield, because who gives up waiting must not take the answer from the one that acts.
        while (before := self._answers.get(key)) is not None:
            if answer := await asyncio.shield(before):
                return answer.again()
        return await self._first(key, request, handler)

    async def _first(
        self, key: bytes, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        pending = self._answers[key] = loop.create_future()
        answer = None
        try:
            response = await handler(request)
            answer = _kept(response)
        finally:
            pending.set_result(answer)
            if answer is None:
                self._forget(key, pending)
        if answer is not None and answer.body:
            loop.call_later(_SHOWN_FOR_S, self._forget, key, pending)
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return response

    def _forget(self, key: bytes, pending: "asyncio.Future[_Answer | None]") -> None:
        if self._answers.get(key) is pending:
            del self._answers[key]


def _kept(response: web.StreamResponse) -> _Answer | None:
    """Return what the same form is answered again, None where it may act once more."""
    refused = response.status >= web.HTTPBadRequest.status_code
    if refused or response.cookies or not isinstance(response, web.Response):
        return None
    body = response.body if isinstance(response.body, bytes) else None
    return _Answer(status=response.status, headers=CIMultiDict(response.headers), body=body)


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
