"""RSS and Atom: feedparser reads them; here each item's exact bytes are found as well."""

import io
import re
from typing import Any

from archiver.capture.html_text import html_to_text
from archiver.capture.importers.feed_items import FeedItem
from archiver.errors import InvalidInput

_MOST_REPEATED = 64 << 20
_OPENING = re.compile(rb"<!\[CDATA\[|<!--|<(/?)(?:[\w.-]+:)?(?:item|entry)(?=[\s/>])", re.ASCII)
_ENDS = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}


def read_xml_feed(content: bytes) -> tuple[str, list[FeedItem]]:
    """Return what the feed is known as, and its items.

    Raises:
        InvalidInput: not RSS or Atom, or so ill-formed that its items cannot be told apart in a
            feed too large to be kept once per item.
    """
    import feedparser  # noqa: PLC0415 - every command would wait for it, and few read a feed

    # A stream, never the bytes: feedparser would take those for a file name and open it.
    with io.BytesIO(content) as stream:
        feed = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    if not feed.entries and (feed.get("bozo") or not feed.get("version")):
        reason = feed.get("bozo_exception") or "it has no <rss>, <rdf:RDF> or <feed> element"
        raise InvalidInput(f"expected an RSS, Atom or JSON feed: {reason}")
    raws = cut_items(content)
    if len(raws) != len(feed.entries):
        if len(content) * len(feed.entries) > _MOST_REPEATED:
            raise InvalidInput(
                f"ill-formed: {len(feed.entries)} items can be read, {len(raws)} can be cut out"
            )
        raws = [content] * len(feed.entries)
    name = feed.feed.get("link") or feed.feed.get("title") or ""
    charset = feed.get("encoding") or "utf-8"
    lang = feed.feed.get("language") or ""
    return name, [
        _item(entry, raw, charset, lang) for entry, raw in zip(feed.entries, raws, strict=True)
    ]


def cut_items(content: bytes) -> list[bytes]:
    """Return the bytes of each `<item>` or `<entry>`, tags included, in linear time.

    What stands in CDATA or comments is not markup. Works for every encoding that leaves ASCII
    alone; in UTF-16 it finds nothing.
    """
    items = []
    depth = start = at = 0
    while mark := _OPENING.search(content, at):
        end_mark = _ENDS.get(mark[0], b">")
        end = content.find(end_mark, mark.end())
        if end < 0:
            break
        at = end + len(end_mark)
        if mark[0] in _ENDS:
            continue
        if not mark[1]:
            start = mark.start() if depth == 0 else start
            depth += 1
        if mark[1] or content[end - 1 : end] == b"/":
            depth = max(0, depth - 1)
            if depth == 0:
                items.append(content[start:at])
    return items


def _item(entry: Any, raw: bytes, charset: str, feed_lang: str) -> FeedItem:
    title = entry.get("title_detail") or {}
    return FeedItem(
        raw=raw,
        name="item.xml",
        media_type=f"application/xml; charset={charset}",
        id=entry.get("id") or "",
        link=entry.get("link") or "",
        title=_plain(title),
        text=_plain(_body(entry)),
        author=entry.get("author") or "",
        published=entry.get("published") or "",
        updated=entry["updated"] if "updated" in entry else "",  # noqa: SIM401 - get() falls back to `published` with a warning
        lang=_body(entry).get("language") or feed_lang,
        tags=tuple(tag.get("term") or "" for tag in entry.get("tags") or ()),
    )


def _body(entry: Any) -> Any:
    """Return the fullest of an entry's contents and summary."""
    bodies = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    return max(bodies, key=lambda body: len(body.get("value") or ""))


def _plain(detail: Any) -> str:
    value = detail.get("value") or ""
    return value.strip() if detail.get("type") == "text/plain" else html_to_text(value)
