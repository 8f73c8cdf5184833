"""Building answers: JSON, and archived bytes that must never act as a page of ours."""

import base64
import hashlib
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from aiohttp import web

from archiver.model.post import Part
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
    digest = base64.b64encode(hashlib.sha256(part.content).digest()).decode()
    return web.Response(
        body=part.content,
        headers={
            "Content-Type": _media_type(part.media_type),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Repr-Digest": f"sha-256=:{digest}:",
        },
    )


def _media_type(claimed: str) -> str:
    # The sender claimed it; a value that is no header value must not become one.
    sound = claimed.isascii() and claimed.isprintable() and "/" in claimed
    return claimed if sound else "application/octet-stream"
