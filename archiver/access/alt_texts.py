"""The alternative text of a post's media, read from its verbatim payload.

A record keeps media files beside the payload that names them, and what a platform calls the text
differs: `description` on Mastodon, `name` in ActivityPub, `ext_alt_text` on X, `alt` on Bluesky. It
always stands in one JSON object with the file's address, so the object that mentions the file's
name and holds such a text is taken. Found nothing means that none was captured.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import msgspec

Json: TypeAlias = Any

_TEXTS = ("ext_alt_text", "alt_text", "altText", "alt", "description", "name")
_FILES = frozenset({"document", "image", "video", "audio"})  # ActivityPub: only these `name` files
_DEEPEST = 6
"""How far below the object with the text a file may be mentioned: Bluesky's `image.ref.$link`."""


def alt_texts(payload: bytes, names: Sequence[str]) -> dict[str, str]:
    """Return the alternative text of each file that has one; of no file where it is not JSON."""
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    found: dict[str, str] = {}
    wanted = set(names)
    for text, mentioned in _described(document):
        for name in wanted & mentioned:
            found.setdefault(name, text)
    return found


def _described(document: Json) -> Iterator[tuple[str, set[str]]]:
    """Yield each text that may be one, with the file names mentioned in the same object."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            text = _text(value)
            if text:
                yield text, set(_mentioned(value))
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _text(value: dict[str, Json]) -> str:
    for key in _TEXTS:
        text = value.get(key)
        if isinstance(text, str) and text.strip() and (key != "name" or _is_file(value)):
            return text.strip()
    return ""


def _is_file(value: dict[str, Json]) -> bool:
    return "mediaType" in value or str(value.get("type", "")).lower() in _FILES


def _mentioned(value: Json, depth: int = 0) -> Iterator[str]:
    """Yield the last step of every address in a value, and every plain word."""
    if isinstance(value, str):
        yield value
        yield _last_step(value)
    elif depth < _DEEPEST and isinstance(value, dict):
        for inner in value.values():
            # A list of objects of their own tells of their files, not of this object's.
            if not isinstance(inner, list):
                yield from _mentioned(inner, depth + 1)


def _last_step(address: str) -> str:
    try:
        return unquote(urlsplit(address).path).rpartition("/")[2]
    except ValueError:
        return ""
