"""Feeds as files: RSS and Atom (`xml_feed`) and JSON Feed (`json_feed`).

The verbatim part of an item is its exact bytes, cut out of the feed: `<item>…</item>`,
`<entry>…</entry>` or the element of `items`; its character set is in the part's media type. Where
an ill-formed feed does not let items be cut so that they agree with what feedparser reads, each
item keeps the whole feed as its verbatim part, within a limit.

An item's identity is its `guid` or `id`, else its link, else the SHA-256 of its bytes. A date that
cannot be read, or names no zone while the import names none, leaves `posted_at` unknown and is told
in the provenance: feeds are careless with dates, and the item is what must be kept. The account is
the feed's own address unless the import names one. Dropping out of a feed is no deletion.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from archiver.capture.containers import Source, sources
from archiver.capture.importers.chunks import (
    Chunk,
    Cut,
    ImportOptions,
    RawItem,
    converted,
    gathered,
    refusal,
)
from archiver.capture.importers.feed_items import item_arrival
from archiver.capture.importers.json_feed import read_json_feed
from archiver.capture.importers.xml_feed import read_xml_feed
from archiver.capture.streams import Limits
from archiver.errors import TooLarge
from archiver.model.post import Arrival, Refusal

NAME = "feed"
_BOM = b"\xef\xbb\xbf"


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Give each feed as one item: its parts can be read only together."""
    for source in sources(paths, options.limits):
        yield from gathered(NAME, source.name, _whole(source, options.limits), options)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode a feed; the numbers in provenance and refusals count its items from 1."""
    return converted(chunk, lambda item: _items(item.content, chunk))


def _whole(source: Source, limits: Limits) -> Iterator[Cut]:
    with source.open() as stream:
        content = stream.read(limits.item + 1)
    if len(content) > limits.item:
        raise TooLarge(f"a feed holds at most {limits.item:,} bytes")
    yield RawItem(1, content)


def _items(content: bytes, chunk: Chunk) -> Iterator[Arrival | Refusal]:
    if content.removeprefix(_BOM).lstrip()[:1] == b"{":
        yield from _json_items(content, chunk)
        return
    name, items = read_xml_feed(content)
    for number, item in enumerate(items, 1):
        yield item_arrival(item, number, chunk, feed=name)


def _json_items(content: bytes, chunk: Chunk) -> Iterator[Arrival | Refusal]:
    name, items, failure = read_json_feed(content)
    for number, item in enumerate(items, 1):
        if isinstance(item, Exception):
            yield refusal(chunk.source, number, item)
        else:
            yield item_arrival(item, number, chunk, feed=name)
    if failure:
        yield refusal(chunk.source, len(items) + 1, failure)
