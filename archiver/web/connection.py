"""How every connection is read, and the body of a request: within a size and a time.

Here is nothing of the archive, so that a witness, which serves without one, starts without it.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from archiver.errors import TooLarge

_BODY_WITHIN = timedelta(seconds=30)
CONNECTION: Mapping[str, Any] = {
    "access_log": None,  # ours holds no query string
    "auto_decompress": False,  # compressed bodies are refused unopened
    # A connection without a whole request head by then is closed: slow senders (slowloris) and idle
    # ones alike. Bodies have their own limit in `read_body`.
    "keepalive_timeout": 30.0,
    "max_line_size": 131_072,  # the 10,000 characters that a parameter may have, in any script
}
"""How every connection is read."""


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        TooLarge: it is, or says it is, over `limit` bytes.
        HTTPRequestTimeout: it took longer than 30 seconds to arrive (a slow sender holds memory).
        HTTPUnsupportedMediaType: it is compressed; unpacking is where small bodies become big.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise web.HTTPUnsupportedMediaType(text="send the body without Content-Encoding")
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        if request.content.is_eof():  # already here: a timer would cost more than the read
            body = await request.read()
        else:
            async with asyncio.timeout(_BODY_WITHIN.total_seconds()):
                body = await request.read()
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="the body did not arrive within 30 seconds") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large(limit) from error
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"expected a body of at most {limit} bytes; send it in smaller pieces")
