"""One HTTP exchange with a party outside the archive.

The settings name timestamp authorities, witnesses and the identity provider. People name where
webhooks go: those are posted to by `GuardedExchange`, which reaches public addresses only.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from archiver.errors import PeerUnavailable
from archiver.preserve.outbound import Outbound

TIMEOUT_S = 10.0
ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the other party answered; `content_type` is lower case and without parameters."""

    status: int
    content_type: str
    body: bytes


class Source(Protocol):
    """Fetches what a party that the settings name publishes."""

    async def get(self, url: str) -> Answer:
        """Return the answer, whatever its status. Raises PeerUnavailable."""


class Exchange(Protocol):
    """Sends requests to parties that the settings name."""

    async def post(self, url: str, body: bytes, *, content_type: str) -> Answer:
        """Send `body` and return the answer, whatever its status.

        Raises:
            PeerUnavailable: no answer in time, or one too large to be meant.
        """


class HttpExchange:
    """Exchanges over HTTP(S). Follows no redirect, keeps no cookie, uses no proxy settings."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    async def post(
        self, url: str, body: bytes, *, content_type: str, authorization: str = ""
    ) -> Answer:
        """See `Exchange.post`; `authorization` is that header's value, where one is needed."""
        headers = {"Content-Type": content_type} | _authorized(authorization)
        return await self._request("POST", url, body, headers)

    async def get(self, url: str, *, authorization: str = "") -> Answer:
        """See `Source.get`; `authorization` as with `post`."""
        return await self._request("GET", url, None, _authorized(authorization))

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        return await _exchanged(method, url, body, headers, timeout_s=self._timeout_s)


class GuardedExchange:
    """Posts to URLs that people gave: to addresses that `outbound` lets through and no others.

    The guard is asked about the very address a connection is made to, after the name was resolved:
    a name that means another address the second time gains nothing.
    """

    def __init__(self, outbound: Outbound, *, timeout_s: float = TIMEOUT_S) -> None:
        self._outbound = outbound
        self._timeout_s = timeout_s

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """See `Exchange.post`. Raises PeerUnavailable, also where the guard refuses."""
        return await _exchanged(
            "POST", url, body, headers, timeout_s=self._timeout_s, outbound=self._outbound
        )


async def _exchanged(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    outbound: Outbound | None = None,
) -> Answer:
    # aiohttp costs every start 0.2 s: only archives with peers outside pay.
    import aiohttp  # noqa: PLC0415

    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=None if outbound is None else _guarded(outbound, url)
                ),
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response,
        ):
            found = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                found += chunk
                if len(found) > ANSWER_BYTES:
                    raise PeerUnavailable(
                        f"{url} answered with more than {ANSWER_BYTES:,} bytes; check the URL"
                    )
            return Answer(
                status=response.status, content_type=response.content_type, body=bytes(found)
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise PeerUnavailable(
            f"{url} did not answer: {str(error) or type(error).__name__}; check the URL and "
            "the network. It is tried again"
        ) from error


def _guarded(outbound: Outbound, url: str) -> Callable[[tuple[Any, ...]], socket.socket]:
    def opened(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        outbound.require(str(address[0]), url)
        return socket.socket(family, kind, protocol)

    return opened


def _authorized(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}
