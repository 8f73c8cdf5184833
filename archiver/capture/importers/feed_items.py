"""One item of a feed, whatever the feed's syntax, and the arrival it becomes."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from archiver.capture.fields import parse_time, search_text
from archiver.capture.importers.chunks import Chunk, provenance, raw_part
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, Author, Change, Post


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """What a feed says of one item. Times are as written; texts are plain already."""

    raw: bytes = field(repr=False)
    name: str
    media_type: str
    id: str = ""
    link: str = ""
    title: str = ""
    text: str = ""
    author: str = ""
    published: str = ""
    updated: str = ""
    lang: str = ""
    tags: tuple[str, ...] = ()


def item_arrival(item: FeedItem, number: int, chunk: Chunk, *, feed: str) -> Arrival:
    """Return the arrival of the item that stands at `number` in the feed known as `feed`.

    A date that cannot be read leaves its field empty and is told in the provenance.

    Raises:
        InvalidInput: neither the import nor the feed names an account.
    """
    account = chunk.options.account or feed
    if not account:
        raise InvalidInput("the feed has neither link nor title: give --account", pointer="account")
    unread: list[tuple[str, str]] = []
    published = _moment(item.published, chunk.options.zone, "published", unread)
    updated = _moment(item.updated, chunk.options.zone, "updated", unread)
    edited = bool(published and updated and updated > published)
    words = item.text if item.text.startswith(item.title) else f"{item.title}\n{item.text}"
    post = Post(
        platform=chunk.options.platform or "feed",
        account=account,
        post_id=item.id or item.link or f"sha256:{hashlib.sha256(item.raw).hexdigest()}",
        kind="article",
        change=Change.EDITED if edited else Change.CREATED,
        posted_at=published or updated,
        edited_at=updated if edited else None,
        text=search_text(words.strip()),
        lang=item.lang,
        permalink=item.link,
        author=Author(name=search_text(item.author)),
        tags=tuple(search_text(tag) for tag in item.tags),
    )
    return Arrival(
        post=post,
        parts=(raw_part(item.name, item.media_type, item.raw),),
        provenance=provenance(chunk, number, *unread),
    )


def _moment(
    written: str, zone: tzinfo | None, name: str, unread: list[tuple[str, str]]
) -> datetime | None:
    if not written:
        return None
    try:
        return parse_time(written, zone=zone)
    except InvalidInput as error:
        unread.append((f"{name}_unread", str(error)))
        return None
