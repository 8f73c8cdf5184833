"""An S3 store that lies about locks, in one chosen way: a proxy in front of a sound one.

    with LyingS3Proxy(s3.port, Lie.STORES_WITHOUT_LOCK) as liar:
        store = S3Store(s3.store_url("bucket", port=liar.port), …)

It runs in a thread of its own and takes one request per connection. Every request is signed anew as
the administrator, because a lie changes what the client signed.
"""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.seaweedfs import ADMINISTRATOR

_HEAD_LIMIT = 64 * 1024
_START_TIMEOUT_S = 60
_LOCK = "x-amz-object-lock-"
_NOT_PASSED_ON = ("authorization", "connection", "content-length", "expect", "host")


class Lie(StrEnum):
    """What the store pretends."""

    STORES_WITHOUT_LOCK = "puts succeed, but the lock is dropped"
    SHOWS_LOCKS_IT_DROPPED = "the lock is dropped, and HEAD shows it all the same"
    HIDES_LOCKS = "HEAD shows no lock"
    SAYS_DELETED = "a locked version is said to be deleted, and stays"
    DELETES = "a locked version is deleted"
    DELETES_AND_SAYS_REFUSED = "a locked version is deleted, and the answer is 403"
    SAYS_SHORTENED = "a change of the retention is said to be done, and is not"
    CREATES_TWICE = "If-None-Match is ignored"
    TAKES_ANY_CHECKSUM = "the checksum is not compared"
    DROPS_HOLDS = "the legal hold of a put is dropped"
    KEEPS_NO_HOLD_LIFTED = "a hold is said to be lifted, and stays"


_DROPPED = {
    Lie.STORES_WITHOUT_LOCK: (_LOCK,),
    Lie.SHOWS_LOCKS_IT_DROPPED: (_LOCK,),
    Lie.CREATES_TWICE: ("if-none-match",),
    Lie.TAKES_ANY_CHECKSUM: ("x-amz-checksum-", "x-amz-sdk-checksum-"),
    Lie.DROPS_HOLDS: ("x-amz-object-lock-legal-hold",),
}
"""How the names of headers begin that do not reach the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def version(self) -> tuple[str, str]:
        parts = urlsplit(self.target)
        return parts.path, "".join(parse_qs(parts.query).get("versionId", []))

    def asks(self, subresource: str) -> bool:
        return subresource in parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def without(self, beginnings: tuple[str, ...]) -> "_Request":
        kept = {name: value for name, value in self.headers.items() if beginnings}
        kept = {name: value for name, value in kept.items() if not name.startswith(beginnings)}
        return replace(self, headers=kept or self.headers)


class LyingS3Proxy:
    """The proxy; a context manager. `lie` None makes it honest."""

    def __init__(self, server_port: int, lie: Lie | None) -> None:
        self._server_port = server_port
        self._lie = lie
        self._gone: set[tuple[str, str]] = set()
        self._locks: dict[str, dict[str, str]] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="lying-s3-proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise TimeoutError("the lying proxy did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._handle, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(task)
        self._loop.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                writer.write(await self._answered(await _read(reader, writer)))
                await writer.drain()
            finally:
                writer.close()

    async def _answered(self, request: _Request) -> bytes:
        made_up = self._made_up(request)
        if made_up:
            return made_up
        if self._lie is Lie.SHOWS_LOCKS_IT_DROPPED and request.method == "PUT":
            self._remember(request)
        dropped = _DROPPED.get(self._lie, ()) if self._lie and request.method == "PUT" else ()
        answer = await self._forwarded(request.without(dropped))
        if request.method in ("HEAD", "GET"):
            answer = self._shown(request, answer)
        return answer

    def _made_up(self, request: _Request) -> bytes:
        """An answer of the liar's own, or nothing."""
        lie, version = self._lie, request.version
        if version in self._gone:
            return _answer(404, "NoSuchVersion", bodiless=request.method == "HEAD")
        if request.method == "DELETE" and version[1]:
            if lie in (Lie.DELETES, Lie.DELETES_AND_SAYS_REFUSED):
                self._gone.add(version)
            if lie in (Lie.DELETES, Lie.SAYS_DELETED):
                return _answer(204)
            if lie is Lie.DELETES_AND_SAYS_REFUSED:
                return _answer(403, "AccessDenied")
        if request.method == "PUT" and (
            (lie is Lie.SAYS_SHORTENED and request.asks("retention"))
            or (lie is Lie.KEEPS_NO_HOLD_LIFTED and request.asks("legal-hold"))
        ):
            return _answer(200)
        return b""

    def _remember(self, request: _Request) -> None:
        found = {n: v for n, v in request.headers.items() if n.startswith(_LOCK)}
        if found:
            self._locks[request.version[0]] = found

    def _shown(self, request: _Request, answer: bytes) -> bytes:
        head, separator, body = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if self._lie is Lie.HIDES_LOCKS:
            lines = [each for each in lines if not each.lower().startswith(_LOCK.encode())]
        if self._lie is Lie.SHOWS_LOCKS_IT_DROPPED and b" 200 " in lines[0]:
            shown = self._locks.get(request.version[0], {})
            lines += [f"{name}: {value}".encode() for name, value in shown.items()]
        return b"\r\n".join(lines) + separator + body

    async def _forwarded(self, request: _Request) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            writer.write(_signed(request, f"127.0.0.1:{self._server_port}"))
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        return answer


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = [line.split(":", 1) for line in lines]
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if headers.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return _Request(method=method, target=target, headers=headers, body=body)


def _signed(request: _Request, host: str) -> bytes:
    headers = {n: v for n, v in request.headers.items() if n not in _NOT_PASSED_ON}
    signed = AWSRequest(
        method=request.method,
        url=f"http://{host}{request.target}",
        headers=headers,
        data=request.body,
    )
    S3SigV4Auth(Credentials(*ADMINISTRATOR), "s3", "us-east-1").add_auth(signed)
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Content-Length: {len(request.body)}"]
    lines += [f"{name}: {value}" for name, value in signed.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body


def _answer(status: int, code: str = "", *, bodiless: bool = False) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode() if code else b""
    body = b"" if bodiless else body
    head = (
        f"HTTP/1.1 {status} Lied\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
