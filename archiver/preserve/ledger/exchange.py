"""One HTTP exchange with a party outside the archive that the settings name.

Timestamp authorities, witnesses, the identity provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from archiver.errors import PeerUnavailable

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
        # aiohttp costs every start 0.2 s: only archives with authorities or witnesses pay.
        import aiohttp  # noqa: PLC0415

        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=self._timeout_s),
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


def _authorized(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}
