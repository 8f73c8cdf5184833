"""A small client of our own HTTP API, as an integration would write one."""

import asyncio
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from archiver.errors import Stopping

_PATIENCE_S = 60.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """Calls the API on this machine with a bearer token; every answer but success is an error."""

    host: str
    port: int
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        """The service's address."""
        return f"http://{self.host}:{self.port}"

    async def wait_until_served(self) -> None:
        """Return once the service accepts connections; the caller sets how long to wait."""
        while True:
            try:
                _, writer = await asyncio.open_connection(self.host, self.port)
            except OSError:
                await asyncio.sleep(_PAUSE_S)
                continue
            writer.close()
            await writer.wait_closed()
            return

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the JSON at a path.

        Raises:
            Stopping: the service refused, or did not answer.
        """
        return json.loads(await self.read(f"{path}?{urlencode(query)}" if query else path))

    async def read(self, path: str) -> bytes:
        """Return the bytes at a path. Raises as `get`."""
        return await asyncio.to_thread(self._call, "GET", path)

    async def post(self, path: str, document: object) -> Any:
        """Send a JSON document and return the answer. Raises as `get`."""
        body = json.dumps(document).encode()
        return json.loads(
            await asyncio.to_thread(self._call, "POST", path, body, "application/json")
        )

    async def capture(self, captures: Sequence[bytes]) -> Any:
        """Send captures as one NDJSON batch; all are durable when it returns. Raises as `get`."""
        body = b"\n".join(captures)
        answer = await asyncio.to_thread(
            self._call, "POST", "/api/v1/captures", body, "application/x-ndjson"
        )
        return json.loads(answer)

    def _call(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        if kind:
            headers["Content-Type"] = kind
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Stopping(f"{method} {self.url}{path} got no answer: {error}") from error
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise Stopping(
                f"{method} {self.url}{path} was answered {response.status}: "
                f"{answer.decode('utf-8', 'replace')[:500]}"
            )
        return answer
