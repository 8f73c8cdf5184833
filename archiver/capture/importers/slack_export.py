"""The export Slack gives workspace owners: a zip of channels, users and a file per channel and day.

A message is identified by channel and `ts` together, and `ts` is a string, never a number.
Messages of an export stand in their last form: one with `edited` becomes an edited record. Exports
that keep history hold `message_changed` and `message_deleted` events as well; a `tombstone`
stands where a deleted message had replies. Files are links, which Slack serves to members only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
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
from archiver.capture.json_text import parse_json
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, Author, Change, Post, Refusal

NAME = "slack-export"
_LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")
_DAY = re.compile(r"(?:^|/)([^/]+)/(\d{4}-\d\d-\d\d)\.json$")
_LONGEST_LIST = 64 << 20
_SPOKEN = frozenset(
    {"", "bot_message", "file_share", "me_message", "thread_broadcast", "file_comment"}
)
_USER_ID = re.compile(rb"\b[A-Z][A-Z0-9]{2,}\b")
_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a message needs to be read: its channel, and who the user ids are."""

    channel_id: str
    channel_name: str
    users: Mapping[str, Author]


def recognises(names: Iterable[str]) -> bool:
    """Return whether an archive with these member names is a Slack export."""
    found = {PurePosixPath(name).name for name in names}
    return "users.json" in found and not found.isdisjoint(_LISTS)


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut each day of each channel into messages."""
    for path in paths:
        with open_archive(path, options.limits) as archive:
            names = archive.names()
            if not recognises(names):
                raise InvalidInput(f"{path.name} holds no users.json: not a Slack export")
            users = _users(archive, names)
            channels = _channels(archive, names)
            for name in names:
                if day := _DAY.search(name):
                    folder = day[1]
                    place = Workspace(channels.get(folder, folder), folder, {})
                    cuts = _messages(archive, name, options)
                    for chunk in gathered(NAME, f"{path.name}!{name}", cuts, options, place):
                        yield _with_users(chunk, users)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode the messages of `chunk`, whose context is its `Workspace`."""
    return converted(chunk, lambda item: [_arrival(item, chunk)])


def _messages(archive: Archive, name: str, options: ImportOptions) -> Iterator[Cut]:
    with archive.open(name) as stream:
        cutter = JsonCutter(stream, most=options.limits.item)
        for number, content in enumerate(cutter.elements(), 1):
            yield RawItem(number, content)
        cutter.end()


def _with_users(chunk: Chunk, users: Mapping[str, Author]) -> Chunk:
    """Give a chunk the users it speaks of: all of a large workspace would weigh more than it."""
    named = {
        found.decode()
        for item in chunk.items
        if isinstance(item, RawItem)
        for found in _USER_ID.findall(item.content)
    }
    known = {user_id: users[user_id] for user_id in sorted(named & users.keys())}
    return replace(chunk, context=replace(chunk.context, users=known))


def _listed(archive: Archive, name: str) -> list[Mapping[str, Any]]:
    with archive.open(name) as stream:
        content = stream.read(_LONGEST_LIST + 1)
    entries = parse_json(content)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidInput(f"{archive.path.name}!{name}: expected an array of objects")
    return entries


def _users(archive: Archive, names: Iterable[str]) -> dict[str, Author]:
    found = {}
    for name in names:
        if PurePosixPath(name).name == "users.json":
            for user in _listed(archive, name):
                profile = user.get("profile") or {}
                real_name = user.get("real_name") or profile.get("real_name") or ""
                author = Author(
                    id=str(user.get("id") or ""),
                    handle=str(user.get("name") or ""),
                    name=search_text(str(real_name)),
                )
                found[author.id] = author
    return found


def _channels(archive: Archive, names: Iterable[str]) -> dict[str, str]:
    """Return channel ids by folder name; folders of direct messages are named by their id."""
    found = {}
    for name in names:
        if PurePosixPath(name).name in _LISTS:
            for channel in _listed(archive, name):
                channel_id = str(channel.get("id") or "")
                found[str(channel.get("name") or channel_id)] = channel_id
    return found


def _arrival(item: RawItem, chunk: Chunk) -> Arrival:
    try:
        post = _post(parse_json(item.content), chunk.context, chunk.options.account)
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"not a message as Slack exports it: {error!r}") from error
    raw = raw_part("message.json", "application/json", item.content)
    return Arrival(post=post, parts=(raw,), provenance=provenance(chunk, item.line))


def _post(event: Mapping[str, Any], place: Workspace, account: str) -> Post:
    message, change, changed = _what_happened(event)
    ts = _ts(message["ts"])
    thread = _ts(message["thread_ts"]) if message.get("thread_ts") else ""
    author = _author(message, place.users)
    owner = account or author.handle or author.id
    if not owner:
        raise InvalidInput("the message names no user: give --account", pointer="account")
    subtype = str(message.get("subtype") or "")
    return Post(
        platform="slack",
        account=owner,
        post_id=f"{place.channel_id}:{ts}",
        kind="message" if subtype in _SPOKEN or change is Change.DELETED else subtype,
        change=change,
        posted_at=parse_time(ts),
        edited_at=parse_time(_ts(changed)) if changed else None,
        text="" if subtype == "tombstone" else _text(message, place.users),
        permalink=str(message.get("permalink") or ""),
        in_reply_to=f"{place.channel_id}:{thread}" if thread and thread != ts else "",
        conversation_id=f"{place.channel_id}:{thread}" if thread else place.channel_id,
        author=author,
        tags=(f"#{place.channel_name}",),
    )


def _what_happened(event: Mapping[str, Any]) -> tuple[Mapping[str, Any], Change, object]:
    """Return the message an event is about, what happened to it, and when (a `ts`)."""
    subtype = event.get("subtype")
    if subtype == "message_changed":
        message = event["message"]
        return message, Change.EDITED, (message.get("edited") or event)["ts"]
    if subtype == "message_deleted":
        # The text of a deleted message stands here or nowhere.
        message = {**(event.get("previous_message") or {}), "ts": event["deleted_ts"]}
        return message, Change.DELETED, event.get("event_ts") or event["ts"]
    if subtype == "tombstone":
        return event, Change.DELETED, None
    edited = event.get("edited")
    return event, Change.EDITED if edited else Change.CREATED, edited["ts"] if edited else None


def _ts(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"ts must be a string, since it is an identity; found {value!r}")
    return value


def _author(message: Mapping[str, Any], users: Mapping[str, Author]) -> Author:
    comment = message.get("comment") or {}
    user_id = str(message.get("user") or comment.get("user") or message.get("bot_id") or "")
    profile = message.get("user_profile") or message.get("bot_profile") or {}
    return users.get(user_id) or Author(
        id=user_id,
        handle=str(profile.get("name") or ""),
        name=search_text(str(message.get("username") or profile.get("real_name") or "")),
    )


def _text(message: Mapping[str, Any], users: Mapping[str, Author]) -> str:
    """Return the message's words: its text, its attachments' and the names of its files."""
    words = [str(message.get("text") or "")]
    for one in message.get("attachments") or ():
        written = [one.get(key) for key in ("pretext", "author_name", "title", "text")]
        words += [str(word) for word in written if word] or [str(one.get("fallback") or "")]
    files = message.get("files") or ([message["file"]] if message.get("file") else [])
    for file in files:
        words += [str(file.get(key) or "") for key in ("title", "name", "permalink")]
    kept = dict.fromkeys(filter(None, words))
    return search_text("\n".join(_without_markup(word, users) for word in kept))


def _without_markup(text: str, users: Mapping[str, Author]) -> str:
    """Write `<@U…>`, `<#C…|name>`, `<!here>` and `<https://…|label>` as people see them."""

    def shown(match: re.Match[str]) -> str:
        target, label = match[1], match[2]
        if target.startswith("@"):
            user = users.get(target[1:])
            return f"@{label or (user.handle if user else target[1:])}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label or f"@{target[1:]}"
        return f"{label} ({target})" if label and label not in target else target

    return _LINK.sub(shown, text)
