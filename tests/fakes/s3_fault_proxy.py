"""A small HTTP proxy in front of an S3 server that loses, delays and spoils requests and answers.

It runs in a thread of its own and does what it is told for the next requests of a method:

    with S3FaultProxy(s3.port) as proxy:
        store = S3Store(s3.store_url("bucket", port=proxy.port), …)
        proxy.next("PUT", Fault(forward=True, answer=Answer.HANG))   # stored, but no answer
        store.put(…)

One request per connection; the path, host and signed headers are passed on untouched, so that
signatures stay valid.
"""

import asyncio
import threading
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

_HEAD_LIMIT = 64 * 1024
_START_TIMEOUT_S = 10


class Answer(StrEnum):
    """What the client gets to see."""

    PASSED_ON = "the server's own answer"
    CUT = "the connection is closed without an answer"
    HANG = "no answer until the client gives up"
    ERROR_500 = "500 InternalError"
    SLOW_DOWN = "503 SlowDown"
    ERROR_IN_200 = "200 with an error as its body"
    CONFLICT = "409 ConditionalRequestConflict"
    TRUNCATED = "the first half of the server's answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one request goes wrong: whether the server gets it, and what the client gets.

    `without` names headers removed from the server's answer; `with_header` adds one.
    """

    forward: bool
    answer: Answer = Answer.PASSED_ON
    without: tuple[str, ...] = ()
    with_header: tuple[str, str] | None = None


_SOUND = Fault(forward=True)

_MADE_UP = {
    Answer.ERROR_500: (500, "InternalError"),
    Answer.SLOW_DOWN: (503, "SlowDown"),
    Answer.ERROR_IN_200: (200, "InternalError"),
    Answer.CONFLICT: (409, "ConditionalRequestConflict"),
}


class S3FaultProxy:
    """The proxy; a context manager. `requests` lists what came in, as `(method, path)`.

    `met` counts the requests that met a fault set by `on`.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="s3-fault-proxy", daemon=True)
        self.port = 0
        self.requests: list[tuple[str, str]] = []
        self.met = 0
        self._aimed: list[list[Any]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S):
            raise TimeoutError("the fault proxy did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def next(self, method: str, *faults: Fault) -> None:
        """Let the next requests with `method` go wrong in this order; later ones are sound."""
        self._faults[method].extend(faults)

    def on(self, method: str, part: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next `times` requests with `method` whose path has `part` go wrong alike."""
        self._aimed.append([method, part, fault, times])

    def clear(self) -> None:
        """Forget faults that were not used, and the requests seen."""
        self._faults.clear()
        self._aimed.clear()
        self.requests.clear()

    def _fault_for(self, method: str, path: str) -> Fault:
        for aimed in self._aimed:
            if aimed[0] == method and aimed[1] in path + "$" and aimed[3] > 0:
                aimed[3] -= 1
                fault: Fault = aimed[2]
                self.met += 1
                return fault
        faults = self._faults[method]
        return faults.popleft() if faults else _SOUND

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
                await self._exchange(reader, writer)
            finally:
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self.requests.append((method, path))
        fault = self._fault_for(method, path.partition("?")[0])
        body = await _body(head, reader, writer)
        answer = await self._forwarded(head, body) if fault.forward else b""
        if fault.answer is Answer.HANG:
            await reader.read()  # until the client closes
        elif fault.answer in _MADE_UP:
            writer.write(_error(*_MADE_UP[fault.answer], bodiless=method == "HEAD"))
        elif fault.answer is not Answer.CUT:
            answer = _spoiled(answer, fault)
            writer.write(answer[: len(answer) // 2] if fault.answer is Answer.TRUNCATED else answer)
        with suppress(ConnectionError):
            await writer.drain()

    async def _forwarded(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            writer.write(
                _edited(head, without=("expect", "connection"), add=("Connection", "close"))
            )
            writer.write(body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        return answer


async def _body(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    headers = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    length = int(headers.get(b"content-length", b"0"))
    if headers.get(b"expect", b"").strip() == b"100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    return await reader.readexactly(length)


def _spoiled(answer: bytes, fault: Fault) -> bytes:
    head, separator, body = answer.partition(b"\r\n\r\n")
    return _edited(head + separator, without=fault.without, add=fault.with_header) + body


def _edited(head: bytes, *, without: tuple[str, ...], add: tuple[str, str] | None) -> bytes:
    kept = [
        line
        for line in head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        if line.split(b":", 1)[0].decode().lower() not in without
    ]
    if add is not None:
        kept.append(f"{add[0]}: {add[1]}".encode())
    return b"\r\n".join(kept) + b"\r\n\r\n"


def _error(status: int, code: str, *, bodiless: bool) -> bytes:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>injected</Message><RequestId>0</RequestId></Error>"
    ).encode()
    head = (
        f"HTTP/1.1 {status} Injected\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {0 if bodiless else len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    return head if bodiless else head + body
