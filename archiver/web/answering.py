"""Building answers: JSON, and archived bytes that must never act as a page of ours."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import msgspec
from aiohttp import web

from archiver.model.post import Part
from archiver.web.media_types import OCTETS, verified_type
from archiver.web.services import Document

_encoder = msgspec.json.Encoder()


def json_answer(
    document: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Return `document` as `application/json`."""
    return web.Response(
        body=_encoder.encode(document),
        status=status,
        content_type="application/json",
        headers=headers,
    )


def list_answer(items: Sequence[Document]) -> web.Response:
    """Return a whole list: `items`, its exact `total`, and no further page."""
    return json_answer(
        {
            "items": [item.to_dict() for item in items],
            "total": len(items),
            "total_is_exact": True,
            "next_cursor": "",
        }
    )


def part_answer(part: Part, *, filename: str) -> web.Response:
    """Return a part's verbatim bytes as a download.

    Archived bytes are hostile: they are always an attachment, never sniffed, and sandboxed without
    any right should a browser open them nevertheless. `Repr-Digest` (RFC 9530) lets the reader
    check them against the record.
    """
    return file_answer(part.content, filename=filename, media_type=part.media_type)


def file_answer(
    content: bytes, *, filename: str, media_type: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return bytes as a download under a name, with their digest."""
    return web.Response(
        body=content,
        headers={
            **_sandboxed(content),
            "Content-Type": _media_type(media_type),
            "Content-Disposition": f"attachment; {_named(filename)}",
            "Cross-Origin-Resource-Policy": "same-origin",
            **(headers or {}),
        },
    )


def content_answer(
    request: web.Request,
    part: Part,
    *,
    filename: str,
    reach: Literal["same-origin", "cross-origin"],
) -> web.Response:
    """Return a part to be shown within a page, whole or the range that is asked for.

    Only media that are what they claim to be (`media_types`) are shown; all else is a download of
    bytes without a type. `reach` says whose pages may show it.
    """
    shown = verified_type(part.content, part.media_type)
    headers: dict[str, str] = {"Cross-Origin-Resource-Policy": reach}
    if not shown:
        return file_answer(part.content, filename=filename, media_type=OCTETS, headers=headers)
    headers |= {
        **_sandboxed(part.content),
        "Content-Type": shown,
        "Content-Disposition": f"inline; {_named(filename)}",
        "Accept-Ranges": "bytes",
    }
    size = len(part.content)
    asked = _range(request, size)
    if asked is None:
        return web.Response(body=part.content, headers=headers)
    start, end = asked
    if start >= end:
        headers["Content-Range"] = f"bytes */{size}"
        return web.Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return web.Response(
        body=part.content[start:end], status=HTTPStatus.PARTIAL_CONTENT, headers=headers
    )


def _range(request: web.Request, size: int) -> tuple[int, int] | None:
    """Return the one range asked for, empty where there are no such bytes; None: the whole.

    A range that is malformed, or several, may be answered with the whole (RFC 9110, 14.2).
    """
    if "If-Range" in request.headers:  # we give no validator it could name
        return None
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None:
        return None
    start = max(0, size + asked.start) if asked.start < 0 else asked.start
    end = size if asked.stop is None else min(asked.stop, size)
    return start, end


def _sandboxed(content: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Repr-Digest": f"sha-256=:{digest}:",
    }


def _named(filename: str) -> str:
    # RFC 8187; what is not plain is percent-encoded, line breaks and quotes among it.
    return f"filename*=UTF-8''{quote(filename, safe='', errors='replace')}"


def _media_type(claimed: str) -> str:
    # The sender claimed it; a value that is no header value must not become one.
    sound = claimed.isascii() and claimed.isprintable() and "/" in claimed
    return claimed if sound else OCTETS
