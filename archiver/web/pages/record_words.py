"""A record's page in words and addresses: what its templates show, made of what the use case read.

Pure. Everything a post says is an attacker's to choose: here it becomes text, an address that may
be followed or one that may not, and media that may be shown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from archiver.access.record_page import MediaPart, RecordPage, Tab
from archiver.model.batch import MemberState
from archiver.model.post import Part
from archiver.web.media_types import may_be_shown
from archiver.web.pages.text import is_hidden
from search.marks import Mark

MOST_TEXT = 100_000
"""Characters of a text or payload that a page shows; all of it is in the download."""

MOST_CONTROLS = 2_000
"""Controls of a text that a page makes visible."""

_LANG = re.compile(r"(?!q[a-t][a-z])(?!und|zxx|mul|mis)[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LIST = re.compile(r"/search|/disposition/[0-9A-Z]{26}/(exceptions|sample|records)")
"""Lists that lead to records, and back to which their pages lead."""
_JSON = ("application/json", "application/activity+json", "application/ld+json")
_LABELS = {
    Tab.POST: "Post",
    Tab.THREAD: "Thread",
    Tab.VERSIONS: "Versions",
    Tab.MEDIA: "Media",
    Tab.METADATA: "Metadata",
    Tab.CUSTODY: "Custody",
    Tab.RAW: "Raw",
}
_OF_EVENTS = (Tab.METADATA, Tab.CUSTODY, Tab.RAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a record's page and of what belongs to it, with the search one came from."""

    record_id: str
    query: str
    back: str

    def tab(self, tab: Tab, **more: str) -> str:
        """Return the address of one side of the record."""
        named = {"tab": "" if tab is Tab.POST else str(tab), **more}
        return self.of(self.record_id, **named)

    def of(self, record_id: str, **parameters: str) -> str:
        """Return the address of a record, keeping what one searched for and where."""
        kept = {**parameters, "q": self.query, "from": self.back}
        asked = urlencode({name: value for name, value in kept.items() if value})
        return f"/records/{quote(record_id, safe='')}" + (f"?{asked}" if asked else "")

    def part(self, name: str) -> str:
        """Return the address of a part's download."""
        return f"/api/v1/records/{quote(self.record_id, safe='')}/parts/{_step(name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMedia:
    """One file of a record. `kind` is image, video or audio where a page may show it, else file.

    The browser is given `src` only if the claimed type is of a kind that is shown; whether the
    bytes bear it out is looked at when they are served.
    """

    part: MediaPart
    kind: str
    src: str
    download: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawText:
    """A payload to be read: `note` says what was done to it, or why it is not shown."""

    text: str
    note: str


def local_list(address: str) -> str:
    """Return the address of a list of ours, "" for any other: nobody is led elsewhere by it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    ours = not parts.scheme and not parts.netloc and _LIST.fullmatch(parts.path)
    return address if ours and address.startswith(parts.path) else ""


def tabs(page: RecordPage, address: Address) -> list[tuple[str, str, str, int | str]]:
    """Return the sides of a record as the macro for tabs takes them."""
    counts: Mapping[Tab, int] = {Tab.VERSIONS: len(page.versions), Tab.MEDIA: len(page.media)}
    sides = tuple(Tab) if is_post(page) else _OF_EVENTS
    return [(tab, _LABELS[tab], address.tab(tab), counts.get(tab, "")) for tab in sides]


def is_post(page: RecordPage) -> bool:
    """Return whether the record is of a post, and not an event of the trail."""
    return page.view.manifest.post is not None


def title(page: RecordPage) -> str:
    """Return what a record is called: who wrote it."""
    post = page.view.manifest.post
    if post is None:
        return f"Event {page.view.record.row.id}"
    return post.author.name or post.author.handle or post.account


def tags(page: RecordPage) -> list[tuple[str, str, str]]:
    """Return the states of a record as tags: kind, word, icon."""
    record = page.view.record
    held = len(record.holds_in_force)
    found = [("hold", f"On hold · {held}", "lock")] if held else []
    if record.restricted:
        found.append(("warn", "Restricted", "lock"))
    if page.batch is not None:
        left_out = page.batch.member == MemberState.EXCLUDED
        found.append(
            ("neutral", "Left out of an open batch" if left_out else "In an open batch", "")
        )
    if record.row.change == "deleted":
        found.append(("warn", "Deleted at source", ""))
    if record.row.change == "edited":
        found.append(("neutral", f"Edited (v{page.place})", ""))
    if page.place < len(page.versions):
        found.append(("neutral", "A newer version exists", ""))
    found.append(("ok", "Sealed in the log", "check") if page.covered else _UNCOVERED)
    return found


_UNCOVERED = ("neutral", "Not yet under a checkpoint", "")


def media(page: RecordPage, address: Address, sources: Mapping[str, str]) -> list[ShownMedia]:
    """Return the files of a record; `sources` are the addresses they are shown from, by name."""
    return [
        ShownMedia(
            part=part,
            kind=_kind(part.media_type),
            src=sources.get(part.name, "") if _kind(part.media_type) != "file" else "",
            download=address.part(part.name),
        )
        for part in page.media
    ]


def sources(page: RecordPage, origin: str, tickets: Mapping[str, str]) -> dict[str, str]:
    """Return from where each file is shown: the content host, with its ticket, where one is set."""
    record_id = quote(page.view.record.row.id, safe="")
    return {
        part.name: f"{origin}/content/{record_id}/{_step(part.name)}"
        + (f"/{tickets[part.name]}" if origin else "")
        for part in page.media
    }


def language(tag: str) -> str:
    """Return a language tag a browser understands, "" where the platform gave none such."""
    return tag if _LANG.fullmatch(tag) else ""


def legend(marks: Sequence[Mark]) -> list[tuple[str, int]]:
    """Return how often each term of a query is found, in the order they first are."""
    counts: dict[str, int] = {}
    for mark in marks:
        counts[mark.term] = counts.get(mark.term, 0) + 1
    return list(counts.items())


def citation(page: RecordPage) -> str:
    """Return how a record is cited: what it is, when, its hash and its place in the log."""
    row, manifest = page.view.record.row, page.view.manifest
    post = manifest.post
    what = f"Record {row.id}"
    if post is not None:
        what += f", post {post.post_id} of {post.account} on {post.platform}"
        what += f", posted {_utc(post.posted_at)}" if post.posted_at else ""
    covered = f", under its checkpoint of {page.log_size} entries" if page.covered else ""
    return (
        f"{what}, captured {_utc(manifest.captured_at)}. SHA-256 of the payload "
        f"{row.raw_sha256.hex()}. Entry {row.log_index} of the log {page.origin}{covered}."
    )


def readable(part: Part) -> RawText:
    """Return a payload as text: JSON set out line by line, other text as it is."""
    plain = part.media_type.partition(";")[0].strip().lower()
    text, note = _text(part.content)
    if not text and part.content:
        return RawText(text="", note="These bytes are no text. Download them to look at them.")
    if plain in _JSON or plain.endswith("+json"):
        text, note = _set_out(part.content, text)
    shown, cut = bounded(text)
    if cut:
        note = f"{note} The first {len(shown):,} characters are shown; the download has all."
    return RawText(text=shown, note=note.strip())


def bounded(text: str) -> tuple[str, bool]:
    """Return as much of a text as a page shows, and whether that is less than all.

    Each control becomes an element of its own, so a text of nothing else is cut the sooner.
    """
    shown, controls = text[:MOST_TEXT], 0
    for position, char in enumerate(shown):
        controls += is_hidden(char)
        if controls > MOST_CONTROLS:
            return text[:position], True
    return shown, len(text) > MOST_TEXT


def steps(page: RecordPage) -> list[tuple[datetime | None, str, str, str]]:
    """Return the life of a record as the macro for timelines takes it."""
    if page.custody is None:
        return []
    return [
        (step.at, step.what, step.detail, f"/records/{step.event}" if step.event else "")
        for step in page.custody.steps
    ]


def facts(page: RecordPage) -> dict[str, Any]:
    """Return the record's document, as the API gives it."""
    return page.view.to_dict()


def _set_out(content: bytes, text: str) -> tuple[str, str]:
    try:
        formatted = msgspec.json.format(content, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text, "It says it is JSON and is not; it is shown as it is."
    return formatted, "Set out line by line; the download is verbatim."


def _text(content: bytes) -> tuple[str, str]:
    shown = content[: 4 * MOST_TEXT]
    try:
        return content.decode(), ""
    except UnicodeDecodeError as error:
        if error.start >= len(shown):
            return shown.decode(errors="ignore"), ""
    return "", ""


def _kind(claimed: str) -> str:
    return claimed.partition("/")[0].strip().lower() if may_be_shown(claimed) else "file"


def _step(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass")


def _utc(moment: str) -> str:
    return f"{moment[:19].replace('T', ' ')} UTC"
