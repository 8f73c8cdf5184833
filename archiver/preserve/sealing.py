"""From a post and its bytes to a sealed record: manifest, frame, log entry and database facts.

Pure and quick, because it is the work worker processes do for an import. What it returns holds all
that the writer needs; the database facts are derived from the manifest alone, so that recovery,
which has only the manifest, comes to the same row.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from archiver.clock import rfc3339, to_millis
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole, Post
from archiver.preserve.lanes import Lane
from archiver.preserve.ledger.entry import record_entry
from archiver.preserve.segments.frame import KEY_BYTES, frame_hash, seal_frame
from archiver.preserve.segments.manifest import (
    SALT_BYTES,
    Blob,
    Manifest,
    Retention,
    Source,
    content_key,
    describe_part,
    describe_post,
    encode_manifest,
    parse_moment,
    restore_post,
    salt_text,
)

if TYPE_CHECKING:  # importers' worker processes seal records and need no database
    from archiver.preserve.event_effects import Effect

SECRET_BYTES = KEY_BYTES + SALT_BYTES
"""Random bytes one record needs: its key and its salt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record about to be sealed. `blobs` are parts already stored apart, by part number."""

    record_id: str
    entry_type: Literal["rec", "aud"]
    lane: Lane
    source: Source
    parts: tuple[Part, ...]
    retention: Retention
    post: Post | None = None
    idempotency_key: bytes = b""
    blobs: tuple[tuple[int, Blob], ...] = ()
    event: tuple[object, ...] | None = None
    effect: "Effect | None" = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed record: what is stored, logged and indexed about it.

    `facts` are the values of `archiver.db.records.FACTS`, `event` those of
    `archiver.db.events.COLUMNS` where the record is an event, and `effect` what else it changes;
    `follow` is what a log follower in the same process wants to have at hand and is never stored.
    """

    lane: Lane
    record_id: str
    key: bytes = field(repr=False)
    frame: bytes = field(repr=False)
    entry: bytes
    facts: tuple[object, ...] = field(repr=False)
    blobs: tuple[Blob, ...] = ()
    event: tuple[object, ...] | None = None
    follow: object = None
    effect: "Effect | None" = field(default=None, repr=False)

    @property
    def raw_sha256(self) -> bytes:
        """SHA-256 of the verbatim payload."""
        found = self.facts[FACT_RAW_SHA256]
        return found if isinstance(found, bytes) else b""

    @property
    def content_key(self) -> bytes | None:
        """The key under which these bytes of this post version are stored once."""
        found = self.facts[FACT_CONTENT_KEY]
        return found if isinstance(found, bytes) else None

    @property
    def idempotency_key(self) -> bytes | None:
        """The sender's key, hashed, if it gave one."""
        found = self.facts[FACT_IDEMPOTENCY_KEY]
        return found if isinstance(found, bytes) else None


FACT_RAW_SHA256 = 2
FACT_CONTENT_KEY = 3
FACT_IDEMPOTENCY_KEY = 4


def seal(
    archive_id: str,
    draft: Draft,
    captured_at: datetime,
    secret: bytes,
    follow: Callable[[Manifest], object] | None = None,
) -> Sealed:
    """Seal one record. `secret` is `SECRET_BYTES` of fresh randomness, used for nothing else.

    `follow` makes what followers want to have at hand of the manifest, which has the parts' hashes.
    """
    key, salt = secret[:KEY_BYTES], secret[KEY_BYTES:]
    apart = dict(draft.blobs)
    manifest = Manifest(
        v=1,
        type=draft.entry_type,
        id=draft.record_id,
        archive=archive_id,
        salt=salt_text(salt),
        captured_at=rfc3339(captured_at),
        source=draft.source,
        parts=[describe_part(part, apart.get(number)) for number, part in enumerate(draft.parts)],
        retention=draft.retention,
        post=describe_post(draft.post) if draft.post else None,
        idempotency=draft.idempotency_key.hex(),
    )
    data = encode_manifest(manifest)
    inline = tuple(part.content for number, part in enumerate(draft.parts) if number not in apart)
    frame = seal_frame(ulid_bytes(archive_id), ulid_bytes(draft.record_id), key, data, inline)
    entry = record_entry(
        draft.entry_type,
        draft.record_id,
        hashlib.sha256(data).digest(),
        frame_hash(frame),
        draft.lane.period,
        to_millis(captured_at),
    )
    return Sealed(
        draft.lane,
        draft.record_id,
        key,
        frame,
        entry,
        _facts(manifest, draft.post, to_millis(captured_at)),
        tuple(apart.values()),
        draft.event,
        follow(manifest) if follow else None,
        draft.effect,
    )


def record_facts(manifest: Manifest) -> tuple[object, ...]:
    """Return the database facts of a record, in the order of `archiver.db.records.FACTS`."""
    post = restore_post(manifest.post) if manifest.post else None
    return _facts(manifest, post, _millis(manifest.captured_at))


def _facts(manifest: Manifest, post: Post | None, captured_at: int | None) -> tuple[object, ...]:
    """Return the facts, the post and the moment being what the manifest says of them."""
    raw_sha256 = bytes.fromhex(manifest.parts[0].sha256)
    shown = post or _NO_POST
    return (
        manifest.id,
        manifest.type,
        raw_sha256,
        content_key(shown, raw_sha256) if post else None,
        bytes.fromhex(manifest.idempotency) or None,
        shown.platform,
        shown.account,
        shown.post_id,
        shown.kind,
        shown.change.value,
        to_millis(shown.posted_at) if shown.posted_at else None,
        to_millis(shown.edited_at) if shown.edited_at else None,
        captured_at,
        shown.author.id,
        shown.author.handle,
        shown.conversation_id,
        shown.in_reply_to,
        shown.lang,
        f" {' '.join(shown.tags)} " if shown.tags else "",
        sum(part.role == PartRole.MEDIA for part in manifest.parts),
        post is not None,
        manifest.retention.class_code,
        manifest.retention.rule,
        manifest.retention.schedule_version,
        _millis(manifest.retention.until),
    )


@lru_cache(maxsize=1024)  # all records of a batch share their moments
def _millis(text: str) -> int | None:
    moment = parse_moment(text)
    return to_millis(moment) if moment else None


_NO_POST = Post(platform="", account="", post_id="", kind="")
