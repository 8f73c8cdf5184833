"""What is shown of a record: its views, as the documents that the faces hand out."""

from dataclasses import dataclass
from datetime import datetime

from archiver.clock import from_millis, rfc3339
from archiver.db.holds import HoldRow
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.preserve.segments.manifest import Manifest, PostEntry

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOnRecord:
    """A hold that has a record as a member, active or released.

    Where it is not `visible` to who asks, its id and words are empty: that there is one is all.
    """

    id: str
    name: str
    matter: str
    placed_at: datetime
    released_at: datetime | None
    visible: bool

    @property
    def in_force(self) -> bool:
        """Whether it forbids disposal now."""
        return self.released_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessedRecord:
    """A record an actor may open: its rows, the log's entry, and the holds ever placed on it.

    `restricted` is whether its processing is (GDPR art. 18): most people do not see it.
    """

    row: RecordRow
    segment: SegmentRow
    entry: bytes
    holds: tuple[HoldOnRecord, ...]
    restricted: bool = False

    @property
    def holds_in_force(self) -> tuple[HoldOnRecord, ...]:
        """The holds that forbid disposal now."""
        return tuple(hold for hold in self.holds if hold.in_force)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSummary:
    """One version of a post in a list: no content."""

    id: str
    log_index: int
    platform: str
    account: str
    change: str
    posted_at: datetime | None
    edited_at: datetime | None
    captured_at: datetime
    sha256: str

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "id": self.id,
            "log_index": self.log_index,
            "platform": self.platform,
            "account": self.account,
            "change": self.change,
            "posted_at": _shown(self.posted_at),
            "edited_at": _shown(self.edited_at),
            "captured_at": rfc3339(self.captured_at),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """Everything known about a record but the bytes of its parts. Of an event there is no post."""

    record: AccessedRecord
    manifest: Manifest
    versions: int

    def to_dict(self) -> Json:
        """Return the JSON document. Moments are as in the manifest: RFC 3339 in UTC, or null."""
        row, manifest = self.record.row, self.manifest
        source = manifest.source
        return {
            "id": row.id,
            "log_index": row.log_index,
            "type": row.entry_type,
            **_post_fields(manifest.post),
            "captured_at": manifest.captured_at,
            "provenance": {
                "method": source.method,
                "source": source.source,
                "connector": source.connector,
                "version": source.version,
                "details": dict(source.details),
            },
            "parts": [
                {
                    "name": part.name,
                    "role": part.role,
                    "media_type": part.media_type,
                    "size": part.len,
                    "sha256": part.sha256,
                }
                for part in manifest.parts
            ],
            "class_code": row.class_code,
            "rule": row.rule,
            "schedule_version": row.schedule_version,
            "retain_until": _shown(_moment(row.retain_until)),
            "restricted": self.record.restricted,
            "holds": [
                {"id": hold.id, "name": hold.name, "matter": hold.matter}
                for hold in self.record.holds_in_force
                if hold.visible
            ],
            "held_by": len(self.record.holds_in_force),
            "segment": self.record.segment.object_key,
            "duplicate_of": row.duplicate_of,
            "versions": self.versions,
        }


def hold_on_record(row: HoldRow, *, visible: bool) -> HoldOnRecord:
    """Return a hold as it is shown on a record."""
    return HoldOnRecord(
        id=row.id if visible else "",
        name=row.name if visible else "",
        matter=row.matter if visible else "",
        placed_at=from_millis(row.placed_at),
        released_at=_moment(row.released_at),
        visible=visible,
    )


def summary_of(row: RecordRow) -> RecordSummary:
    """Return a version of a post as a list shows it."""
    return RecordSummary(
        id=row.id,
        log_index=row.log_index,
        platform=row.platform,
        account=row.account,
        change=row.change,
        posted_at=_moment(row.posted_at),
        edited_at=_moment(row.edited_at),
        captured_at=from_millis(row.captured_at),
        sha256=row.raw_sha256.hex(),
    )


def _post_fields(post: PostEntry | None) -> Json:
    if post is None:
        return {}
    return {
        "platform": post.platform,
        "account": post.account,
        "post_id": post.post_id,
        "kind": post.kind,
        "change": post.change,
        "posted_at": post.posted_at or None,
        "edited_at": post.edited_at or None,
        "author": {"id": post.author.id, "handle": post.author.handle, "name": post.author.name},
        "text": post.text,
        "lang": post.lang,
        "permalink": post.permalink,
        "in_reply_to": post.in_reply_to,
        "conversation_id": post.conversation_id,
        "tags": list(post.tags),
    }


def _moment(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
