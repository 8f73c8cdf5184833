"""The archive X lets its users download: a zip (or its unpacked folder) of JavaScript files.

Read are `tweets.js` (older: `tweet.js`) and its further parts, `deleted-tweets.js` and
`note-tweet.js` (the full text of long posts), with the account from `account.js` and the files of
`tweets_media/`. Each file assigns a JSON array to `window.YTD.<name>.part<N>`; ids and counts in it
are strings. Direct messages, likes and the rest are not posts of the account and are left alone.

An edited post has a new id per version; all versions become records of the first id. When the
first version was posted follows from that id, which holds its time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from archiver.capture.archives import Archive, open_archive
from archiver.capture.fields import parse_time, search_text
from archiver.capture.importers.chunks import (
    Chunk,
    Cut,
    ImportOptions,
    RawItem,
    converted,
    gathered,
    provenance,
    raw_part,
)
from archiver.capture.importers.json_cutter import JsonCutter
from archiver.capture.importers.media_files import with_media
from archiver.capture.json_text import parse_json
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, Author, Change, Post, Refusal

NAME = "x-archive"
_POSTS = re.compile(r"(?:^|/)(tweets?|deleted-tweets|note-tweets?)(-part\d+)?\.js$")
_ACCOUNT = re.compile(r"(?:^|/)account\.js$")
_MEDIA = re.compile(r"(?:^|/)(?:deleted_)?tweets?_media/(\d+)-[^/]+$")
_ASSIGNMENT = re.compile(rb"\s*window\.YTD\.[\w.]+\s*=\s*", re.ASCII)
_LONGEST_ASSIGNMENT = 256
_FIRST_ID_WITH_TIME = 30_000_000_000
_ID_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, tzinfo=UTC)  # 1288834974657 ms


def recognises(names: Iterable[str]) -> bool:
    """Return whether an archive with these member names is one of X."""
    return any(_POSTS.search(name) for name in names)


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut the post files of each archive; media travel with the post they belong to."""
    for path in paths:
        with open_archive(path, options.limits) as archive:
            names = archive.names()
            if not recognises(names):
                raise InvalidInput(f"{path.name} holds no data/tweets.js: not an archive of X")
            account = _account(archive, names)
            media = _media_by_post(names)
            for name in names:
                if _POSTS.search(name):
                    source = f"{path.name}!{name}"
                    cuts = _posts_of(archive, name, media, options)
                    yield from gathered(NAME, source, cuts, options, account)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode the posts of `chunk`, whose context is the account: id, handle and name."""
    return converted(chunk, lambda item: [_arrival(item, chunk)])


def _posts_of(
    archive: Archive, name: str, media: Mapping[str, list[str]], options: ImportOptions
) -> Iterator[Cut]:
    limits = options.limits
    with archive.open(name) as stream:
        start = stream.read(_LONGEST_ASSIGNMENT)
        assignment = _ASSIGNMENT.match(start)
        if not assignment:
            raise InvalidInput(f"expected window.YTD.… = at the start, found {start[:40]!r}")
        cutter = JsonCutter(stream, most=limits.item, start=start[assignment.end() :])
        for number, content in enumerate(cutter.elements(), 1):
            files = media.get(_id_of(content), ()) if media else ()
            yield from with_media(archive, number, content, files, limits.media)


def _media_by_post(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if match := _MEDIA.search(name):
            found[match[1]].append(name)
    return found


def _id_of(content: bytes) -> str:
    try:
        tweet = parse_json(content)["tweet"]
        return str(tweet.get("id_str") or tweet["id"])
    except (InvalidInput, KeyError, TypeError, AttributeError):
        return ""  # decoding will say what is wrong with it


def _account(archive: Archive, names: Iterable[str]) -> Author:
    """Return who the archive belongs to; empty where account.js is missing or says nothing."""
    name = next((name for name in names if _ACCOUNT.search(name)), None)
    if name is None:
        return Author()
    with archive.open(name) as stream:
        content = stream.read(1 << 20)
    try:
        account = parse_json(_ASSIGNMENT.sub(b"", content, count=1))[0]["account"]
        return Author(
            id=str(account["accountId"]),
            handle=str(account["username"]),
            name=search_text(str(account.get("accountDisplayName", ""))),
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InvalidInput(f"{name} does not describe an account: {error!r}") from error


def _arrival(item: RawItem, chunk: Chunk) -> Arrival:
    author: Author = chunk.context
    account = chunk.options.account or author.handle or author.id
    if not account:
        raise InvalidInput("the archive has no account.js: give --account", pointer="account")
    try:
        wrapper = parse_json(item.content)
        if "noteTweet" in wrapper:
            post = _note(wrapper["noteTweet"], account, author, chunk.options.zone)
        else:
            gone = "deleted-tweets" in chunk.source
            post = _tweet(wrapper["tweet"], account, author, chunk.options.zone, gone=gone)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidInput(f"not a post as X exports it: {error!r}") from error
    raw = raw_part("tweet.json", "application/json", item.content)
    return Arrival(post=post, parts=(raw, *item.media), provenance=provenance(chunk, item.line))


def _tweet(
    tweet: Mapping[str, Any], account: str, author: Author, zone: tzinfo | None, *, gone: bool
) -> Post:
    own_id = str(tweet.get("id_str") or tweet["id"])
    chain = _edit_chain(tweet.get("edit_info") or {})
    post_id = chain[0] if own_id in chain else own_id
    made = parse_time(tweet["created_at"], zone=zone)
    change, posted, changed = Change.CREATED, made, None
    if post_id != own_id:
        change, posted, changed = Change.EDITED, _time_of_id(post_id) or made, made
    if gone:
        deleted = tweet.get("deleted_at")
        change, changed = Change.DELETED, parse_time(deleted, zone=zone) if deleted else None
    return Post(
        platform="x",
        account=account,
        post_id=post_id,
        kind=_kind(tweet),
        change=change,
        posted_at=posted,
        edited_at=changed,
        text=_text(tweet),
        lang=str(tweet.get("lang") or ""),
        permalink=f"https://x.com/{author.handle}/status/{own_id}" if author.handle else "",
        in_reply_to=str(tweet.get("in_reply_to_status_id_str") or ""),
        author=author,
    )


def _note(note: Mapping[str, Any], account: str, author: Author, zone: tzinfo | None) -> Post:
    """A long post's full text. X links it to its tweet by nothing but time and opening words."""
    made = parse_time(note["createdAt"], zone=zone)
    updated = parse_time(note.get("updatedAt") or note["createdAt"], zone=zone)
    return Post(
        platform="x",
        account=account,
        post_id=str(note["noteTweetId"]),
        kind="note",
        change=Change.EDITED if updated > made else Change.CREATED,
        posted_at=made,
        edited_at=updated if updated > made else None,
        text=search_text(str(note["core"]["text"])),
        author=author,
    )


def _edit_chain(edit_info: Mapping[str, Any]) -> list[str]:
    """Return the ids of all versions, the first version first; empty where X names none."""
    edit = edit_info.get("edit") or {}
    control = edit_info.get("initial") or edit.get("editControlInitial") or {}
    chain = [str(one) for one in control.get("editTweetIds") or ()]
    first = edit.get("initialTweetId")
    return sorted({*chain, *([str(first)] if first else [])}, key=lambda one: (len(one), one))


def _time_of_id(post_id: str) -> datetime | None:
    """Return when an id was made: since November 2010 its upper bits count milliseconds."""
    if not post_id.isdecimal() or int(post_id) < _FIRST_ID_WITH_TIME:
        return None
    return _ID_EPOCH + timedelta(milliseconds=int(post_id) >> 22)


def _kind(tweet: Mapping[str, Any]) -> str:
    if tweet.get("in_reply_to_status_id_str"):
        return "reply"
    return "repost" if str(tweet.get("full_text", "")).startswith("RT @") else "post"


def _text(tweet: Mapping[str, Any]) -> str:
    """Return the text, each shortened address followed by the one it stands for."""
    text = search_text(str(tweet.get("full_text") or tweet.get("text") or ""))
    entities = tweet.get("entities") or {}
    full = [str(url.get("expanded_url") or "") for url in entities.get("urls") or ()]
    return "\n".join([text, *(address for address in full if address and address not in text)])
