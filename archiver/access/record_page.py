"""Everything one page about a record shows, read at once.

However long threads and lists of versions are, a page costs the same number of statements, and one
read of the store but for the tabs whose matter is content.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from archiver.access.alt_texts import alt_texts
from archiver.access.comparison import Comparison, compare
from archiver.access.custody import Attested, Custody, custody
from archiver.access.post_text import post_text
from archiver.access.record_access import EVENT, RecordAccess
from archiver.access.record_opening import RecordOpening, accessed
from archiver.access.record_views import (
    AccessedRecord,
    Json,
    RecordSummary,
    RecordView,
    summary_of,
)
from archiver.access.rules import Permission, allowed
from archiver.access.thread import Place, Thread, ThreadPost, arrange, thread_post, window
from archiver.db import events as event_rows
from archiver.db import ledger as ledger_rows
from archiver.db import record_standing as standing_rows
from archiver.db import records as record_rows
from archiver.db import threads as thread_rows
from archiver.db.archive import ArchiveRow
from archiver.db.events import Arm, FoundPage
from archiver.db.record_standing import InBatch, Restriction
from archiver.db.records import RecordRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import IntegrityError, NotFound
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.reader import OpenedRecord

MOST_EVENTS = 200


class Tab(StrEnum):
    """The sides of a record that its page shows one at a time."""

    POST = "post"
    THREAD = "thread"
    VERSIONS = "versions"
    MEDIA = "media"
    METADATA = "metadata"
    CUSTODY = "custody"
    RAW = "raw"


class Document(Protocol):
    """A view that knows its own JSON."""

    def to_dict(self) -> Json:
        """Return the JSON document."""


Explain = Callable[[Transaction, RecordRow, Actor], Awaitable[Document]]
"""Says why a record is kept: `archiver.disposal.filing`, which this layer does not know."""
Attest = Callable[[int], Awaitable[Attested]]
"""Says who attests of a log index: `archiver.assurance.attestations`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPart:
    """One part in a list. `alt` is the text that the payload gives for it, empty: it gives none."""

    name: str
    role: str
    media_type: str
    size: int
    sha256: str
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """What a page about a record shows. What its tab does not need is None or empty.

    `log_size` is how many entries the newest checkpoint of the log `origin` covers; `place` which
    of the `versions` this is, from 1. `media` are all parts but the payload. `why` is None for whom
    the file plan is not, as is `batch`, the open one that the record is in; `restrictions` are for
    who reads privacy requests.
    """

    tab: Tab
    view: RecordView
    versions: tuple[RecordSummary, ...]
    place: int
    origin: str
    log_size: int
    why: Document | None
    restrictions: tuple[Restriction, ...] = ()
    batch: InBatch | None = None
    media: tuple[MediaPart, ...] = ()
    thread: Thread | None = None
    comparison: Comparison | None = None
    custody: Custody | None = None
    raw: Part | None = None
    seen_besides: dict[str, str | int] = field(default_factory=dict)

    @property
    def covered(self) -> bool:
        """Whether a signed checkpoint covers the record."""
        return self.view.record.row.log_index < self.log_size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What the database knows for a page."""

    found: AccessedRecord
    versions: list[RecordRow]
    log_size: int
    why: Document | None
    restrictions: tuple[Restriction, ...]
    batch: InBatch | None
    events: FoundPage | None = None


class RecordPages:
    """Reads pages about records. Who may was asked before; only lists are kept to the reach."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        database: Database,
        access: RecordAccess,
        opening: RecordOpening,
        explain: Explain,
        attest: Attest,
    ) -> None:
        self._origin = archive.origin
        self._database = database
        self._access = access
        self._opening = opening
        self._explain = explain
        self._attest = attest

    async def read(self, row: RecordRow, *, tab: Tab, against: str, actor: Actor) -> RecordPage:
        """Return the page; raises NotFound where `against` is no version within reach."""
        async with self._database.reading() as tx:
            rows = await self._rows(tx, row, tab, actor)
            thread = await self._thread(tx, row, actor) if tab is Tab.THREAD else None
            other = _other_version(rows.versions, row, against) if tab is Tab.VERSIONS else None
            others = await self._opening.open_many(tx, [other] if other else [])
        opened = await self._opening.open(rows.found)
        view = RecordView(record=rows.found, manifest=opened.manifest, versions=len(rows.versions))
        return RecordPage(
            tab=tab,
            view=view,
            versions=tuple(summary_of(each) for each in rows.versions),
            place=_place(rows.versions, row),
            origin=self._origin,
            log_size=rows.log_size,
            why=rows.why,
            restrictions=rows.restrictions,
            batch=rows.batch,
            media=await self._media(opened, tab),
            thread=thread,
            comparison=_compared(opened, others, rows.versions, other),
            custody=await self._custody(view, rows) if tab is Tab.CUSTODY else None,
            raw=await self._opening.part(opened, 0) if tab is Tab.RAW else None,
            seen_besides=_seen_besides(thread, other),
        )

    async def _rows(self, tx: Transaction, row: RecordRow, tab: Tab, actor: Actor) -> _Rows:
        versions = [row]
        if row.entry_type != EVENT:
            known = await record_rows.versions(tx, row.platform, row.account, row.post_id)
            versions = await self._access.within(tx, known, actor=actor)
        needs = Permission.READ_FILE_PLAN
        explained = row.entry_type != EVENT and await self._access.may(tx, row, needs, actor=actor)
        events = None
        if tab is Tab.CUSTODY and await self._may_see_events(tx, row, actor):
            about = Arm(object_types=("record",), object_id=row.id)
            events = await event_rows.page(tx, [about], limit=MOST_EVENTS)
        found = await accessed(tx, row, actor=actor)
        told = found.restricted and allowed(actor, Permission.READ_PRIVACY)
        return _Rows(
            found=found,
            versions=versions,
            log_size=(await ledger_rows.state(tx)).size,
            why=await self._explain(tx, row, actor) if explained else None,
            restrictions=tuple(await standing_rows.restrictions(tx, row.log_index) if told else ()),
            batch=await standing_rows.open_batch(tx, row.log_index)
            if allowed(actor, needs)
            else None,
            events=events,
        )

    async def _may_see_events(self, tx: Transaction, row: RecordRow, actor: Actor) -> bool:
        if allowed(actor, Permission.READ_AUDIT):
            return True
        return await self._access.may(tx, row, Permission.READ_AUDIT, actor=actor)

    async def _thread(self, tx: Transaction, row: RecordRow, actor: Actor) -> Thread | None:
        if row.entry_type == EVENT:
            return None
        versions, complete = await thread_rows.linked(tx, row)
        places = arrange(row, await self._access.within(tx, versions, actor=actor))
        start, end = window(places, row)
        shown = places[start:end]
        contents = await self._opening.open_many(tx, [place.row for place in shown])
        posts = [_read(place, row, found) for place, found in zip(shown, contents, strict=True)]
        return Thread(
            posts=tuple(posts),
            total=len(places),
            complete=complete,
            before=start,
            after=len(places) - end,
        )

    async def _media(self, opened: OpenedRecord, tab: Tab) -> tuple[MediaPart, ...]:
        entries = opened.manifest.parts[1:]
        texts: dict[str, str] = {}
        if entries and tab in {Tab.POST, Tab.MEDIA}:
            payload = await self._opening.part(opened, 0)
            texts = alt_texts(payload.content, [entry.name for entry in entries])
        return tuple(
            MediaPart(
                name=entry.name,
                role=entry.role,
                media_type=entry.media_type,
                size=entry.len,
                sha256=entry.sha256,
                alt=texts.get(entry.name, ""),
            )
            for entry in entries
        )

    async def _custody(self, view: RecordView, rows: _Rows) -> Custody:
        row, found = view.record.row, rows.events
        attested = await self._attest(row.log_index) if row.log_index < rows.log_size else None
        return custody(
            view,
            log_size=rows.log_size,
            origin=self._origin,
            attested=attested or Attested(),
            events=None if found is None else [each.row for each in found.events],
            more_events=found is not None and found.next_place is not None,
        )


def _other_version(versions: Sequence[RecordRow], row: RecordRow, against: str) -> RecordRow | None:
    """Return the version to compare with: the one named, else the one before, else the next."""
    if against:
        found = next((each for each in versions if each.id == against), None)
        if found is None:
            raise NotFound(f"record {row.id} has no version {against}")
        return found
    others = [each for each in versions if each.id != row.id]
    before = _place(versions, row) - 1
    return others[max(0, before - 1)] if others else None


def _place(versions: Sequence[RecordRow], row: RecordRow) -> int:
    """Return which version a record is, from 1; a duplicate is the version it repeats."""
    ids = [each.id for each in versions]
    this = row.duplicate_of or row.id
    return ids.index(this) + 1 if this in ids else len(ids)


def _compared(
    opened: OpenedRecord,
    others: Sequence[OpenedRecord | IntegrityError | NotFound],
    versions: Sequence[RecordRow],
    other: RecordRow | None,
) -> Comparison | None:
    """Return the comparison of the two, the earlier one first."""
    if other is None or opened.manifest.post is None:
        return None
    (found,) = others
    if not isinstance(found, OpenedRecord):
        raise found
    order = [each.id for each in versions]
    pair = sorted((opened.manifest, found.manifest), key=lambda each: _order(order, each.id))
    return compare(*pair)


def _order(ids: Sequence[str], record_id: str) -> int:
    return ids.index(record_id) if record_id in ids else len(ids)


def _read(
    place: Place, row: RecordRow, found: OpenedRecord | IntegrityError | NotFound
) -> ThreadPost:
    said = post_text(found)
    return thread_post(place, row, author=said.author, text=said.text, integrity=said.integrity)


def _seen_besides(thread: Thread | None, other: RecordRow | None) -> dict[str, str | int]:
    """Return what of other records a page told, for its event."""
    if thread is not None:
        return {"posts": len(thread.posts)}
    return {"compared_with": other.id} if other else {}
