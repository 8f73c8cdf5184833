"""Idempotency keys on POSTs that act: the same request again gets the first answer again.

After draft-ietf-httpapi-idempotency-key-header-07. Answers are kept in this process for 24 hours,
the newest thousand of them: enough for a client that repeats a request whose answer was lost.
Captures do not come here; theirs are kept in the log, for good.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from archiver.errors import Conflict
from archiver.web.keys import ACTOR, SERVICES

_KEPT_FOR = timedelta(hours=24)
_KEPT = 1_000


@dataclass(slots=True)
class _Answered:
    request_sha256: bytes
    at: datetime
    status: int = 0
    body: bytes = b""


class Answers:
    """The answers given under idempotency keys."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Answered] = OrderedDict()

    async def once(
        self, request: web.Request, body: bytes, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Act, unless this key was already answered; then answer the same again.

        Raises:
            Conflict: the first request is still running, or the key came with another request.
        """
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return await act()
        whole = hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).digest()
        now = request.app[SERVICES].clock()
        kept = self._find((request[ACTOR].via, key), now)
        if kept is not None:
            return _again(kept, whole)
        answered = self._kept[request[ACTOR].via, key] = _Answered(whole, now)
        try:
            response = await act()
        except BaseException:
            del self._kept[request[ACTOR].via, key]
            raise
        answered.status, answered.body = response.status, bytes(response.body or b"")  # type: ignore[arg-type]
        return response

    def _find(self, key: tuple[str, str], now: datetime) -> _Answered | None:
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if len(self._kept) < _KEPT and now - oldest.at < _KEPT_FOR:
                break
            self._kept.popitem(last=False)
        return self._kept.get(key)


def _again(kept: _Answered, request_sha256: bytes) -> web.Response:
    if kept.request_sha256 != request_sha256:
        raise Conflict("this Idempotency-Key was used for another request; take a new key")
    if not kept.status:
        raise Conflict("the first request with this Idempotency-Key still runs; ask again later")
    return web.Response(body=kept.body, status=kept.status, content_type="application/json")


ANSWERS: web.AppKey[Answers] = web.AppKey("answers", Answers)
