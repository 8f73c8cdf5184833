"""JSON Feed 1 and 1.1 (jsonfeed.org): items with their exact bytes, even from a feed cut short."""

import io
from collections.abc import Mapping
from typing import Any

from archiver.capture.html_text import html_to_text
from archiver.capture.importers.feed_items import FeedItem
from archiver.capture.importers.json_cutter import JsonCutter
from archiver.capture.json_text import parse_json
from archiver.errors import InvalidInput, TooLarge


def read_json_feed(content: bytes) -> tuple[str, list[FeedItem | InvalidInput], Exception | None]:
    """Return what the feed is known as, its items, and the error that cut it short if any.

    An item that is not one stands in the list as its error.
    """
    head: dict[str, bytes] = {}
    cut: list[bytes] = []
    failure = None
    cutter = JsonCutter(io.BytesIO(content), most=len(content))
    try:
        for key in cutter.members():
            if key == b'"items"' and cutter.peek() == b"[":
                for element in cutter.elements():
                    cut.append(element)  # noqa: PERF402 - what came before an error is kept
            else:
                head[key.decode("utf-8", "replace").strip('"')] = cutter.value()
        cutter.end()
    except (InvalidInput, TooLarge) as error:
        failure = error
    # A feed that was cut short may have lost its version with its end.
    if failure is None and "jsonfeed.org/version" not in _said(head, "version"):
        return "", [], InvalidInput("expected a JSON Feed: its version names jsonfeed.org")
    name = _said(head, "home_page_url") or _said(head, "feed_url") or _said(head, "title")
    lang = _said(head, "language")
    author = _author(_value(head, "authors"), _value(head, "author"))
    return name, [_item(raw, author, lang) for raw in cut], failure


def _item(raw: bytes, feed_author: str, feed_lang: str) -> FeedItem | InvalidInput:
    try:
        item = parse_json(raw)
        markup, plain = item.get("content_html"), item.get("content_text") or item.get("summary")
        return FeedItem(
            raw=raw,
            name="item.json",
            media_type="application/feed+json",
            id=_string(item.get("id")),
            link=_string(item.get("url") or item.get("external_url")),
            title=_string(item.get("title")),
            text=html_to_text(_string(markup)) if markup else _string(plain),
            author=_author(item.get("authors"), item.get("author")) or feed_author,
            published=_string(item.get("date_published")),
            updated=_string(item.get("date_modified")),
            lang=_string(item.get("language")) or feed_lang,
            tags=tuple(_string(tag) for tag in item.get("tags") or ()),
        )
    except InvalidInput as error:
        return error
    except (AttributeError, TypeError) as error:
        return InvalidInput(f"not an item of a JSON Feed: {error!r}")


def _string(value: object) -> str:
    """Return text; an id may be a number in feeds of version 1 (readers must accept both)."""
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise InvalidInput(f"expected a string, found {value!r:.80}")


def _author(authors: object, author: object) -> str:
    """Return the names of `authors` (1.1) or of `author` (1.0)."""
    listed = authors if isinstance(authors, list) and authors else [author]
    names = [one.get("name") for one in listed if isinstance(one, Mapping)]
    return ", ".join(str(name) for name in names if name)


def _value(head: Mapping[str, bytes], key: str) -> Any:
    return parse_json(head[key]) if key in head else None


def _said(head: Mapping[str, bytes], key: str) -> str:
    value = _value(head, key)
    return value if isinstance(value, str) else ""
