"""The archive Mastodon lets its users download: a zip or `.tar.gz` with `outbox.json`.

The outbox is an ActivityStreams `OrderedCollection`: `Create` activities hold the user's own posts,
`Announce` activities the addresses of posts they boosted. It has no edits and no deletions; a
post that was edited is there in its last form, with `updated`. Media lie beside it, under the path
that ends their `url`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from archiver.capture.archives import Archive, open_archive
from archiver.capture.fields import parse_time, search_text
from archiver.capture.html_text import html_to_text
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

NAME = "mastodon-outbox"
_MEDIA_FOLDER = "media_attachments/"


def recognises(names: Iterable[str]) -> bool:
    """Return whether an archive with these member names is one of Mastodon."""
    return any(PurePosixPath(name).name == "outbox.json" for name in names)


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut each outbox into activities; media travel with the post they belong to."""
    for path in paths:
        with open_archive(path, options.limits) as archive:
            outboxes = [name for name in archive.names() if recognises([name])]
            if not outboxes:
                raise InvalidInput(f"{path.name} holds no outbox.json: not an archive of Mastodon")
            for name in outboxes:
                actor = _actor(archive, str(PurePosixPath(name).with_name("actor.json")))
                cuts = _activities(archive, name, options)
                yield from gathered(NAME, f"{path.name}!{name}", cuts, options, actor)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode the activities of `chunk`, whose context is the account's author."""
    return converted(chunk, lambda item: [_arrival(item, chunk)])


def _activities(archive: Archive, name: str, options: ImportOptions) -> Iterator[Cut]:
    limits = options.limits
    files = _media_by_tail(archive.names())
    with archive.open(name) as stream:
        cutter = JsonCutter(stream, most=limits.item)
        for key in cutter.members():
            if key != b'"orderedItems"' or cutter.peek() != b"[":
                cutter.value()
                continue
            for number, content in enumerate(cutter.elements(), 1):
                names = _attached(content, files) if files else []
                yield from with_media(archive, number, content, names, limits.media)
        cutter.end()


def _media_by_tail(names: Iterable[str]) -> dict[str, str]:
    """Return members by what follows `media_attachments/`, which is how an `url` ends too."""
    tails = ((name.partition(_MEDIA_FOLDER)[2], name) for name in names)
    return {tail: name for tail, name in tails if tail}


def _attached(content: bytes, files: Mapping[str, str]) -> list[str]:
    try:
        attachments = parse_json(content)["object"]["attachment"]
        tails = [str(one["url"]).partition(_MEDIA_FOLDER)[2] for one in attachments]
    except (InvalidInput, KeyError, TypeError):
        return []  # no attachments, or decoding will say what is wrong
    return [files[tail] for tail in tails if tail in files]


def _actor(archive: Archive, name: str) -> Author:
    """Return the account's author from actor.json; empty where that file is missing."""
    if name not in archive.names():
        return Author()
    with archive.open(name) as stream:
        content = stream.read(1 << 20)
    try:
        actor = parse_json(content)
        return Author(
            id=str(actor["id"]),
            handle=str(actor.get("preferredUsername") or ""),
            name=search_text(str(actor.get("name") or "")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{name} does not describe an actor: {error!r}") from error


def _arrival(item: RawItem, chunk: Chunk) -> Arrival:
    try:
        activity = parse_json(item.content)
        kind, body = activity["type"], activity["object"]
        author = chunk.context if chunk.context.id else _author_of(activity)
        account = chunk.options.account or author.handle or author.id
        if kind == "Create":
            post = _note(body, account, author)
        elif kind == "Announce":
            post = _boost(activity, account, author)
        else:
            raise InvalidInput(f"expected a Create or Announce activity, found {kind!r}")
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"not an activity as Mastodon exports it: {error!r}") from error
    raw = raw_part("activity.json", "application/json", item.content)
    return Arrival(post=post, parts=(raw, *item.media), provenance=provenance(chunk, item.line))


def _author_of(activity: Mapping[str, Any]) -> Author:
    """Return the author an activity names: `https://server/users/handle`."""
    actor = str(activity["actor"])
    return Author(id=actor, handle=actor.rstrip("/").rpartition("/")[2])


def _note(note: Mapping[str, Any], account: str, author: Author) -> Post:
    updated = note.get("updated")
    warning = str(note.get("summary") or "")
    text = html_to_text(str(note.get("content") or ""))
    options = [
        str(one.get("name") or "") for key in ("oneOf", "anyOf") for one in note.get(key) or ()
    ]
    alt = [str(one.get("name") or "") for one in note.get("attachment") or ()]
    return Post(
        platform="mastodon",
        account=account,
        post_id=_text_field(note["id"]),
        kind="reply" if note.get("inReplyTo") else "post",
        change=Change.EDITED if updated else Change.CREATED,
        posted_at=parse_time(note["published"]),
        edited_at=parse_time(updated) if updated else None,
        text=search_text("\n".join(filter(None, [warning, text, *options, *alt]))),
        lang=next(iter(note.get("contentMap") or {}), ""),
        permalink=_text_field(note.get("url") or ""),
        in_reply_to=_text_field(note.get("inReplyTo") or ""),
        conversation_id=_text_field(note.get("conversation") or ""),
        author=author,
        tags=tuple(
            search_text(str(tag["name"]))
            for tag in note.get("tag") or ()
            if tag.get("type") == "Hashtag"
        ),
    )


def _boost(activity: Mapping[str, Any], account: str, author: Author) -> Post:
    boosted = _text_field(activity["object"])
    return Post(
        platform="mastodon",
        account=account,
        post_id=_text_field(activity["id"]),
        kind="repost",
        posted_at=parse_time(activity["published"]),
        text=boosted,
        permalink=boosted,
        author=author,
    )


def _text_field(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"expected a string, found {value!r:.80}")
    return value
