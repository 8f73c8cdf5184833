# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Records and evidence as the face sees them: one post of a hostile author, with every field."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from archiver.access.comparison import Comparison, FieldChange, Grain, Op
from archiver.access.custody import Custody, Step
from archiver.access.post_text import PostText
from archiver.access.record_page import MediaPart, RecordPage, Tab
from archiver.access.record_views import (
    AccessedRecord,
    HoldOnRecord,
    RecordSummary,
    RecordView,
    summary_of,
)
from archiver.access.rules import Permission, require
from archiver.access.thread import Thread, ThreadPost
from archiver.assurance.evidence.exporting import Bundle, Exported
from archiver.clock import to_millis
from archiver.db.record_standing import InBatch, Restriction
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.errors import NotFound
from archiver.model.actor import Actor
from archiver.model.post import Part, PartRole
from archiver.preserve.segments.manifest import (
    AuthorEntry,
    Manifest,
    PartEntry,
    PostEntry,
    Retention,
    Source,
)
from archiver.web.services import Json

RECORD = "01KAM0RECRD000000000000001"
OTHER = "01KAM0RECRD000000000000002"
HOSTILE = "<script>alert(1)</script> pay \u202egnihton\u202c now & <b>win</b>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
_AT = to_millis(datetime(2026, 10, 14, 16, 2, 7, tzinfo=UTC))


@dataclass(frozen=True)
class Told:
    document: Json

    def to_dict(self) -> Json:
        return dict(self.document)


@dataclass
class FakeRecords:
    text: str = HOSTILE
    part_type: str = "text/html"
    part_content: bytes = b"<script>alert(1)</script>"

    async def show(self, record_id: str, *, actor: Actor) -> RecordView:
        return (await self.page(record_id, actor=actor)).view

    async def posts(self, log_indexes: Sequence[int], *, actor: Actor) -> Mapping[int, PostText]:
        require(actor, Permission.READ_CONTENT)
        return {
            each: PostText(author=self.text, text=self.text, lang="en", media=1)
            for each in log_indexes
        }

    async def page(
        self, record_id: str, *, tab: Tab = Tab.POST, against: str = "", actor: Actor
    ) -> RecordPage:
        require(actor, Permission.READ_CONTENT)
        if record_id != RECORD:
            raise NotFound(f"no record {record_id!r}")
        row = _row(RECORD)
        summary = replace(summary_of(row), sha256="ab" * 32)
        older = replace(summary, id=OTHER, change="created")
        return RecordPage(
            tab=tab,
            view=RecordView(record=_accessed(row), manifest=_manifest(self.text), versions=2),
            versions=(older, summary),
            place=2,
            origin="archive.example/acme",
            log_size=12,
            why=Told(
                {
                    "state": "held",
                    "until": None,
                    "reasons": [{"text": self.text, "citation": "17 CFR"}],
                }
            ),
            restrictions=(Restriction(OTHER, self.text, self.text, self.text, 0),),
            batch=InBatch(OTHER, "formed", "destroy", "excluded", self.text),
            media=(
                *(_media(self.text, "image/png"), _media("plain.svg", "image/svg+xml")),
                _media("film.mp4", "video/mp4"),
            ),
            thread=_thread(summary, self.text) if tab is Tab.THREAD else None,
            comparison=_comparison(self.text) if tab is Tab.VERSIONS else None,
            custody=_custody(self.text) if tab is Tab.CUSTODY else None,
            raw=self._raw() if tab is Tab.RAW else None,
        )

    async def raw(self, record_id: str, *, actor: Actor) -> Part:
        return await self.part(record_id, "payload.html", actor=actor)

    async def part(self, record_id: str, name: str, *, actor: Actor) -> Part:
        require(actor, Permission.READ_CONTENT)
        return Part(
            name=name, role=PartRole.RAW, media_type=self.part_type, content=self.part_content
        )

    async def content(self, record_id: str, name: str, *, actor: Actor) -> Part:
        return await self.part(record_id, name, actor=actor)

    async def content_by_ticket(self, record_id: str, name: str, ticket: str) -> Part:
        if ticket != "a-ticket":
            raise NotFound("this address is no longer good")
        return Part(
            name=name, role=PartRole.RAW, media_type=self.part_type, content=self.part_content
        )

    def give_tickets(self, page: RecordPage, *, actor: Actor) -> dict[str, str]:
        return {part.name: "a-ticket" for part in page.media}

    async def versions(self, record_id: str, *, actor: Actor) -> tuple[RecordSummary, ...]:
        require(actor, Permission.READ_CONTENT)
        row = _row(record_id)
        return summary_of(row), replace(summary_of(row), id=OTHER)

    async def thread(self, record_id: str, *, actor: Actor) -> Thread:
        require(actor, Permission.READ_CONTENT)
        return _thread(summary_of(_row(RECORD)), self.text)

    async def custody(self, record_id: str, *, actor: Actor) -> Custody:
        require(actor, Permission.READ_CONTENT)
        return _custody(self.text)

    async def proof(self, record_id: str, *, actor: Actor) -> str:
        require(actor, Permission.READ_LOG)
        return "c2sp.org/tlog-proof@v1\nindex 0\n"

    async def verify(self, record_id: str, *, actor: Actor) -> Json:
        require(actor, Permission.VERIFY)
        checks = [
            {"what": "stored bytes", "ok": True, "detail": "as promised"},
            {"what": f"part {self.text}", "ok": False, "detail": self.text},
        ]
        return {"id": RECORD, "ok": False, "checks": checks}

    def _raw(self) -> Part:
        return Part(
            name="payload.json",
            role=PartRole.RAW,
            media_type="application/json",
            content=json.dumps({"text": self.text}, ensure_ascii=False).encode(),
        )


class FakeEvidence:
    async def one(self, record_id: str, *, actor: Actor) -> Bundle:
        require(actor, Permission.EXPORT)
        content = b"PK\x05\x06" + bytes(18)
        made = Exported(
            path=Path(f"evidence-{record_id}.zip"),
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            records=1,
            log_size=12,
            timestamps=0,
            conclusion="verified",
        )
        return Bundle(made=made, content=content)


def _media(name: str, media_type: str) -> MediaPart:
    return MediaPart(
        name=name, role="media", media_type=media_type, size=1234, sha256="cd" * 32, alt=name
    )


def _row(record_id: str) -> RecordRow:
    return RecordRow(
        log_index=7,
        id=record_id,
        entry_type="rec",
        segment_id="01KAM0SEGMENT0000000000001",
        frame=0,
        frame_offset=0,
        frame_length=100,
        raw_sha256=bytes(32),
        duplicate_of=None,
        platform="mastodon",
        account="@acme",
        post_id="p-1",
        kind="post",
        change="edited",
        posted_at=_AT,
        edited_at=_AT,
        captured_at=_AT + 2123,
        conversation_id="",
        in_reply_to="",
        media=1,
        searchable=True,
        class_code="COM",
        rule="1/default",
        schedule_version=1,
        retain_until=None,
        author_id="",
        author_handle="",
        lang="",
        tags="",
    )


def _accessed(row: RecordRow) -> AccessedRecord:
    return AccessedRecord(
        restricted=True,
        row=row,
        segment=SegmentRow(
            id=row.segment_id,
            class_code="COM",
            period="2029-10",
            first_index=7,
            records=1,
            object_key="seg/x",
            version_id="1",
            size=1,
            seal=bytes(32),
            keys_object_key="seg/x.keys",
            keys_version_id="1",
            keys_sha256=bytes(32),
            lock_mode="none",
            lock_until=0,
            legal_hold=False,
            created_at=_AT,
        ),
        entry=b"",
        holds=tuple(
            HoldOnRecord(
                id=f"H{number}" if visible else "",
                name=HOSTILE if visible else "",
                matter=f"M{number}" if visible else "",
                placed_at=datetime(2026, 10, 15, tzinfo=UTC),
                released_at=None,
                visible=visible,
            )
            for number, visible in enumerate((True, True, False))
        ),
    )


def _manifest(text: str) -> Manifest:
    return Manifest(
        v=1,
        type="rec",
        id=RECORD,
        archive="01KAM0ARCHVE00000000000001",
        salt="c2FsdA==",
        captured_at="2026-10-14T16:02:09.123Z",
        source=Source(method="push", source=text, connector=text, details={text: text}),
        parts=[
            PartEntry(
                name="payload.json", role="raw", media_type="application/json", len=9, sha256="ab"
            ),
            PartEntry(name=text, role="media", media_type=text, len=9, sha256="cd"),
        ],
        retention=Retention(class_code="COM", rule="1/default", schedule_version=1),
        post=PostEntry(
            platform=text,
            account=text,
            post_id=text,
            kind=text,
            change="edited",
            posted_at="2026-10-14T16:02:07.000Z",
            text=text,
            lang=text,
            permalink="javascript:alert(1)",
            in_reply_to=text,
            conversation_id=text,
            author=AuthorEntry(id=text, handle=text, name=text),
            tags=[text],
        ),
    )


def _thread(summary: RecordSummary, text: str) -> Thread:
    post = ThreadPost(
        summary=summary,
        is_this=True,
        author=text,
        text=text,
        lang=text,
        parent="",
        missing_parent=text,
        versions=2,
    )
    broken = replace(post, is_this=False, parent=RECORD, missing_parent="", integrity=text)
    return Thread(posts=(post, broken), total=300, complete=False, before=100, after=98)


def _comparison(text: str) -> Comparison:
    return Comparison(
        before=OTHER,
        after=RECORD,
        pieces=((Op.SAME, text), (Op.REMOVED, text), (Op.ADDED, text)),
        grain=Grain.WORDS,
        fields=(FieldChange(field=text, before=text, after=""),),
    )


def _custody(text: str) -> Custody:
    return Custody(
        steps=(
            Step(at=datetime(2026, 10, 14, tzinfo=UTC), what="Captured", detail=text),
            Step(at=None, what=f"Held by {text}", event=OTHER),
        ),
        events_shown=True,
        more_events=True,
    )
