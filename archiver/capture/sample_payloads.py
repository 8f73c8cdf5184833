"""Payloads shaped as six platforms shape them, for the posts of the demonstration.

Ids are made as the platforms make them, from the time of the post, so that they sort by time.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

_X_EPOCH_MS = 1288834974657
_BASE32_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One version of a post before it takes the shape of its platform."""

    at: datetime
    edited_at: datetime | None = None
    text: str
    lang: str
    author_id: str
    handle: str
    name: str
    place: str
    reply_to: str = ""


def new_id(platform: str, at: datetime, random: Random) -> str:
    """Return an id as `platform` would give it at `at`."""
    millis = int(at.timestamp() * 1000)
    return {
        "x": lambda: str((millis - _X_EPOCH_MS) << 22 | random.getrandbits(22)),
        "mastodon": lambda: str(millis << 16 | random.getrandbits(16)),
        "linkedin": lambda: f"urn:li:share:{millis << 22 | random.getrandbits(22)}",
        "bluesky": lambda: _tid(millis * 1000 + random.randrange(1000), random.getrandbits(10)),
        "facebook": lambda: f"104233581924671_{random.randrange(10**14, 10**15)}",
        "slack": lambda: f"{millis // 1000}.{random.randrange(10**6):06d}",
    }[platform]()


def payload(platform: str, post_id: str, said: Said) -> Mapping[str, Any]:
    """Return what the platform's API would answer for this version of the post."""
    return _SHAPES[platform](post_id, said)


def permalink(platform: str, post_id: str, said: Said) -> str:
    """Return the address at which people would read the post."""
    digits = post_id.replace(".", "")
    return {
        "x": f"https://x.com/{said.handle}/status/{post_id}",
        "mastodon": f"https://social.harbourfinch.example/@{said.handle}/{post_id}",
        "linkedin": f"https://www.linkedin.com/feed/update/{post_id}/",
        "bluesky": f"https://bsky.app/profile/{said.handle}/post/{post_id}",
        "facebook": f"https://www.facebook.com/harbourfinch/posts/{post_id.rpartition('_')[2]}",
        "slack": f"https://harbourfinch.slack.com/archives/{said.place}/p{digits}",
    }[platform]


def png(width: int, height: int, rows: bytes) -> bytes:
    """Return a PNG (ISO/IEC 15948) of 8-bit RGB `rows`, `width * height * 3` bytes."""
    step = width * 3
    lines = b"".join(b"\0" + rows[at : at + step] for at in range(0, height * step, step))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    )


def chart(random: Random) -> bytes:
    """Return a small bar chart as PNG."""
    width, height, bar = 160, 90, 16
    tops = [random.randrange(10, height) for _ in range(width // bar)]
    pixels = bytearray()
    for y in range(height):
        for top in tops:
            filled = height - y <= top
            pixels += (b"\x1f\x4e\x79" if filled else b"\xf7\xf5\xef") * bar
    return png(width, height, bytes(pixels))


def photograph(random: Random) -> bytes:
    """Return a PNG of about 350 KiB: noise, as incompressible as a photograph."""
    width, height = 400, 300
    return png(width, height, random.randbytes(width * height * 3))


def _tid(micros: int, clock: int) -> str:
    """Return a Timestamp Identifier of AT Protocol: 53 bits of time, 10 of clock, base 32."""
    value = micros << 10 | clock
    return "".join(_BASE32_SORTABLE[value >> shift & 31] for shift in range(60, -1, -5))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _x(post_id: str, said: Said) -> Mapping[str, Any]:
    referenced = [{"type": "replied_to", "id": said.reply_to}] if said.reply_to else []
    return {
        "data": {
            "id": post_id,
            "text": said.text.replace("&", "&amp;"),
            "created_at": _iso(said.at),
            "author_id": said.author_id,
            "lang": said.lang,
            "edit_history_tweet_ids": [post_id],
            "conversation_id": said.reply_to or post_id,
            "referenced_tweets": referenced,
            "possibly_sensitive": False,
        },
        "includes": {"users": [{"id": said.author_id, "username": said.handle, "name": said.name}]},
    }


def _mastodon(post_id: str, said: Said) -> Mapping[str, Any]:
    markup = said.text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br />")
    return {
        "id": post_id,
        "created_at": _iso(said.at),
        "edited_at": _iso(said.edited_at) if said.edited_at else None,
        "in_reply_to_id": said.reply_to or None,
        "visibility": "public",
        "language": said.lang,
        "content": f"<p>{markup}</p>",
        "account": {"id": said.author_id, "acct": said.handle, "display_name": said.name},
    }


def _linkedin(post_id: str, said: Said) -> Mapping[str, Any]:
    changed = said.edited_at or said.at
    return {
        "id": post_id,
        "author": f"urn:li:organization:{said.author_id}",
        "commentary": said.text,
        "visibility": "PUBLIC",
        "lifecycleState": "PUBLISHED",
        "createdAt": int(said.at.timestamp() * 1000),
        "lastModifiedAt": int(changed.timestamp() * 1000),
        "distribution": {"feedDistribution": "MAIN_FEED"},
    }


def _bluesky(post_id: str, said: Said) -> Mapping[str, Any]:
    record: dict[str, Any] = {
        "$type": "app.bsky.feed.post",
        "text": said.text,
        "langs": [said.lang],
        "createdAt": _iso(said.at),
    }
    uri = f"at://{said.author_id}/app.bsky.feed.post/{post_id}"
    if said.reply_to:
        parent = {"uri": f"at://{said.author_id}/app.bsky.feed.post/{said.reply_to}"}
        record |= {"reply": {"root": parent, "parent": parent}}
    return {"uri": uri, "author": {"did": said.author_id, "handle": said.handle}, "record": record}


def _facebook(post_id: str, said: Said) -> Mapping[str, Any]:
    changed = said.edited_at or said.at
    return {
        "id": post_id,
        "message": said.text,
        "created_time": said.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "updated_time": changed.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "from": {"id": said.author_id, "name": said.name},
        "status_type": "mobile_status_update",
    }


def _slack(post_id: str, said: Said) -> Mapping[str, Any]:
    message: dict[str, Any] = {
        "type": "message",
        "channel": said.place,
        "user": said.author_id,
        "text": said.text.replace("&", "&amp;"),
        "ts": post_id,
    }
    if said.reply_to:
        message["thread_ts"] = said.reply_to
    if said.edited_at:
        message["edited"] = {"user": said.author_id, "ts": f"{said.edited_at.timestamp():.6f}"}
    return message


_SHAPES: Mapping[str, Callable[[str, Said], Mapping[str, Any]]] = {
    "x": _x,
    "mastodon": _mastodon,
    "linkedin": _linkedin,
    "bluesky": _bluesky,
    "facebook": _facebook,
    "slack": _slack,
}
