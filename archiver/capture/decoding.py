r"""The push API's wire shape: one JSON object per capture, decoded to an `Arrival`.

Fields: `platform` and `post_id` (required strings), `account`, `kind`, `change`
(`created`, `edited`, `deleted`), `posted_at`, `edited_at` (RFC 3339 with a zone), `text`, `lang`,
`permalink`, `in_reply_to`, `conversation_id`, `author` (`id`, `handle`, `name`), `tags`,
`payload` (any JSON), `media` (`name`, `media_type`, `content_base64`; needs `payload`) and
`idempotency_key`. `null` means the same as leaving a field out. With `payload`, the verbatim part
is the payload's exact bytes; without it, the whole body. `account` defaults to the author's handle,
then the author's id. `text` is plain text already: nothing in it is decoded or removed.
A deletion may carry nothing but ids.

What happens to odd input:

| input | in the envelope | inside `payload` |
|---|---|---|
| unknown field | refused | kept |
| the same key twice | refused | kept exactly |
| number as an id, however large or small | refused | kept exactly |
| lone surrogate `"\ud800"` | U+FFFD in text, tags, author name; else refused | kept exactly |
| NUL as `"\u0000"` | U+FFFD in text, tags, author name; else refused | kept exactly |
| raw control character in a string | refused (RFC 8259 section 7) | refused |
| invalid UTF-8, UTF-16, byte order mark | refused (RFC 8259 section 8.1) | refused |
| `NaN`, `Infinity`, comments, trailing commas | refused (RFC 8259 section 6) | refused |
| number no computer type holds (`1e999`, 5,000 digits) | refused | kept exactly |
| nesting beyond the interpreter's limit | refused | refused |
| time without a zone, epoch number | refused | kept |
| media name with a path, or given twice | refused | kept |
| more than `MAX_CAPTURE_BYTES` | `TooLarge` | `TooLarge` |

In the raw part nothing is ever replaced: U+FFFD stands only in the normalised fields, because
PostgreSQL refuses NUL in text and UTF-8 has no form for a lone surrogate.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from archiver.capture.fields import refuse_unreadable
from archiver.capture.json_text import integer, members, not_utf8, too_deep, without_lone_surrogates
from archiver.errors import InvalidInput, TooLarge
from archiver.model.post import (
    Arrival,
    Author,
    Change,
    Part,
    PartRole,
    Post,
    Provenance,
    Refusal,
)

MAX_CAPTURE_BYTES = 32 << 20
"""Bytes of one capture, media in base64 included."""
MAX_TEXT_CHARS = 1_000_000
MAX_MEDIA = 64
MAX_TAGS = 256

Id = Annotated[str, Meta(max_length=1024)]
Required = Annotated[str, Meta(min_length=1, max_length=1024)]
Platform = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Word = Annotated[str, Meta(max_length=128)]
Moment = Annotated[datetime, Meta(tz=True)]


class WireAuthor(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """`author` of a capture."""

    id: Id | None = None
    handle: Id | None = None
    name: Id | None = None


class WireMedia(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """One item of `media`: a file that belongs to the post. Standard base64 with padding."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    media_type: Annotated[str, Meta(pattern=r"^[\w.+-]+/[\w.+-]+( *;.*)?$", max_length=255)]
    content_base64: bytes


class WireCapture(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """One capture as sent."""

    platform: Platform
    post_id: Required
    account: Id | None = None
    kind: Word | None = None
    change: Change = Change.CREATED
    posted_at: Moment | None = None
    edited_at: Moment | None = None
    text: Annotated[str, Meta(max_length=MAX_TEXT_CHARS)] | None = None
    lang: Word | None = None
    permalink: Annotated[str, Meta(max_length=4096)] | None = None
    in_reply_to: Id | None = None
    conversation_id: Id | None = None
    author: WireAuthor | None = None
    tags: Annotated[list[Id], Meta(max_length=MAX_TAGS)] | None = None
    payload: msgspec.Raw = msgspec.Raw()
    media: Annotated[list[WireMedia], Meta(max_length=MAX_MEDIA)] | None = None
    idempotency_key: Id | None = None


_decode = msgspec.json.Decoder(WireCapture).decode
_NOBODY = WireAuthor()

# A key is a quote, letters or escapes, a quote and a colon. Every quote inside a JSON string is
# escaped, so no key can hide from this; what looks like one inside a text ends in a backslash.
_find_keys = re.compile(rb'"([a-z_\\][a-z0-9_A-F\\]*)"[ \t\r\n]*:').findall
_after_payload_key = re.compile(rb'"payload"[ \t\r\n]*:[ \t\r\n]*').search


def decode_capture(
    body: bytes | memoryview,
    *,
    provenance: Provenance,
    account: str = "",
    max_bytes: int = MAX_CAPTURE_BYTES,
) -> Arrival:
    """Return the arrival that one received body holds; its first part is verbatim.

    `account` is the one to assume where the body names none.

    Raises:
        TooLarge: `body` is longer than `max_bytes`.
        InvalidInput: see the table of this module; `pointer` is a JSON Pointer (RFC 6901).
    """
    content = bytes(body)
    if len(content) > max_bytes:
        raise TooLarge(f"a capture holds at most {max_bytes:,} bytes; found {len(content):,}")
    odd = b"\\" in content and b"\\u0000" in content
    try:
        content.decode()
        capture = _decode(content)
        legible = content
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except msgspec.DecodeError as error:
        legible = without_lone_surrogates(content)
        if legible == content:
            raise _invalid(error) from error
        capture = _decode_legible(legible)
        odd = True
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    except RecursionError as error:
        raise too_deep() from error
    raw, start, end = _payload(capture, legible)
    _refuse_duplicate_keys(legible, start, end)
    part = Part(
        name="payload.json" if raw else "capture.json",
        role=PartRole.RAW,
        media_type="application/json",
        content=content[start:end] if raw else content,
    )
    arrival = _arrival(capture, part, provenance, account)
    return _shown(arrival) if odd else arrival


def decode_line(line: bytes, *, number: int, provenance: Provenance) -> Arrival | Refusal:
    """Return the arrival that one line of NDJSON holds, or why there is none.

    `line` comes without its line ending; `number` counts from 1.
    """
    try:
        return decode_capture(line, provenance=provenance)
    except (InvalidInput, TooLarge) as error:
        pointer = getattr(error, "pointer", None)
        return Refusal(line=number, reason=f"{pointer}: {error}" if pointer else str(error))


def _arrival(
    capture: WireCapture, raw: Part, provenance: Provenance, default_account: str
) -> Arrival:
    author = capture.author or _NOBODY
    account = capture.account or default_account or author.handle or author.id
    if not account:
        raise InvalidInput(
            "account is missing: expected account, author.handle or author.id; say for which "
            "business account the post was captured",
            pointer="/account",
        )
    return Arrival(
        post=Post(
            platform=capture.platform,
            account=account,
            post_id=capture.post_id,
            kind=capture.kind or "post",
            change=capture.change,
            posted_at=_utc(capture.posted_at, "/posted_at"),
            edited_at=_utc(capture.edited_at, "/edited_at"),
            text=capture.text or "",
            lang=capture.lang or "",
            permalink=capture.permalink or "",
            in_reply_to=capture.in_reply_to or "",
            conversation_id=capture.conversation_id or "",
            author=Author(id=author.id or "", handle=author.handle or "", name=author.name or ""),
            tags=tuple(capture.tags) if capture.tags else (),
        ),
        parts=(raw, *_media_parts(capture)) if capture.media else (raw,),
        provenance=provenance,
        idempotency_key=capture.idempotency_key or "",
    )


def _utc(moment: datetime | None, pointer: str) -> datetime | None:
    if moment is None or moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(f"{moment} lies outside the years 1 to 9999", pointer=pointer) from error


def _media_parts(capture: WireCapture) -> Iterator[Part]:
    if not capture.payload:
        raise InvalidInput(
            "media needs payload: without it the verbatim part would repeat the media in base64",
            pointer="/media",
        )
    seen = set()
    for index, item in enumerate(capture.media or ()):
        if item.name in seen:
            raise InvalidInput(f"name {item.name!r} twice", pointer=f"/media/{index}/name")
        if item.name in {".", ".."} or any(c in "/\\" or c < " " for c in item.name):
            raise InvalidInput(
                f"expected a plain file name, found {item.name!r}", pointer=f"/media/{index}/name"
            )
        seen.add(item.name)
        yield Part(
            name=item.name,
            role=PartRole.MEDIA,
            media_type=item.media_type,
            content=item.content_base64,
        )


def _payload(capture: WireCapture, content: bytes) -> tuple[bool, int, int]:
    """Return whether there is a payload, and where in `content` its bytes start and end."""
    raw = bytes(capture.payload)
    if not raw:
        return False, 0, 0
    key = _after_payload_key(content)
    if key and content.startswith(raw, key.end()):
        start, end = key.end(), key.end() + len(raw)
    else:  # the word stands somewhere else first, or the key is written with escapes
        start, end = next(span for name, *span in members(content) if name == "payload")
    return raw != b"null", start, end


def _refuse_duplicate_keys(content: bytes, start: int, end: int) -> None:
    """Refuse an envelope that says one thing twice; readers differ in which one they believe.

    `start` and `end` enclose the payload, whose own keys are its sender's business.
    """
    keys = _find_keys(content, 0, start) + _find_keys(content, end) if end else _find_keys(content)
    escaped = b"\\" in content and b"\\" in b"".join(keys)
    if len(keys) == len(set(keys)) and not escaped:
        return
    # Rare: `name` in author and media, or a key written with escapes. Latin-1 refuses no byte.
    envelope = content[:start] + b"0" + content[end:] if end else content
    json.loads(envelope.decode("latin-1"), object_pairs_hook=_refuse_duplicates, parse_int=integer)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise InvalidInput(
                f"the key {key!r} stands twice in one object: send it once", pointer=f"/{key}"
            )


def _decode_legible(legible: bytes) -> WireCapture:
    try:
        return _decode(legible)
    except msgspec.DecodeError as error:
        raise _invalid(error) from error
    except RecursionError as error:
        raise too_deep() from error


def _shown(arrival: Arrival) -> Arrival:
    """Show NUL as U+FFFD where a post is read; refuse both where it is identified.

    A lone surrogate became U+FFFD before decoding.
    """
    post = arrival.post
    refuse_unreadable(post)
    shown = replace(
        post,
        text=post.text.replace("\0", "\ufffd"),
        author=replace(post.author, name=post.author.name.replace("\0", "\ufffd")),
        tags=tuple(tag.replace("\0", "\ufffd") for tag in post.tags),
    )
    return replace(arrival, post=shown)


def _invalid(error: msgspec.MsgspecError) -> InvalidInput:
    """Say in the caller's words what msgspec found: `… - at `$.author.id`` becomes `/author/id`."""
    message, _, path = str(error).partition(" - at `$")
    pointer = re.sub(r"[.\[]", "/", path.rstrip("`")).replace("]", "")
    message = message.replace("`", "")
    if pointer.endswith("id") and message.endswith(("got int", "got float")):
        message += ": send ids as JSON strings, since JSON tools round numbers of 64 bits"
    if isinstance(error, msgspec.ValidationError):
        return InvalidInput(message, pointer=pointer or None)
    return InvalidInput(f"expected one JSON object (RFC 8259): {message}")
