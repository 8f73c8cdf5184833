"""From an arrival to a sealed record, ready to be written. Pure: worker processes run it too.

The verbatim payload is hashed as it came; class and retention are decided; the record is sealed
with its own key; and what the search index will want is made at the same time, while the text is at
hand, so that the index follower need not decrypt it again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.clock import to_millis
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, PartRole, Post
from archiver.preserve.filing import Filed, FilePlan
from archiver.preserve.sealing import SECRET_BYTES, Draft, Sealed, seal
from archiver.preserve.segments.manifest import (
    Blob,
    PartEntry,
    content_key,
    describe_source,
)
from search.document import Document, document


@dataclass(frozen=True, slots=True)
class Identified:
    """An arrival with the keys under which it is stored once. The second is empty if none came."""

    arrival: Arrival
    raw_sha256: bytes
    content_key: bytes
    idempotency_key: bytes


def identify(arrival: Arrival, sender: str) -> Identified:
    """Return the arrival with its keys; an idempotency key counts per sender.

    Raises:
        InvalidInput: the arrival has no verbatim payload, or a field that cannot be stored.
    """
    _require_storable(arrival)
    if not arrival.parts or arrival.parts[0].role is not PartRole.RAW:
        raise InvalidInput("expected a verbatim payload as the first part, found none")
    raw = hashlib.sha256(arrival.parts[0].content).digest()
    sent = arrival.idempotency_key
    return Identified(
        arrival,
        raw,
        content_key(arrival.post, raw),
        hashlib.sha256(f"{sender}\x00{sent}".encode()).digest() if sent else b"",
    )


def _require_storable(arrival: Arrival) -> None:
    """Refuse what a store or database cannot hold, while nothing is written.

    The edges make fields legible already. What slipped through would be durable before the
    database refused it, and would then stop the write path, at every restart again.
    """
    post, source, author = arrival.post, arrival.provenance, arrival.post.author
    fields = (
        *(post.platform, post.account, post.post_id, post.kind, post.text, post.lang),
        *(post.permalink, post.in_reply_to, post.conversation_id, *post.tags),
        *(author.id, author.handle, author.name),
        *(source.method, source.source, source.connector, source.version),
        *(text for detail in source.details for text in detail),
        *(text for part in arrival.parts for text in (part.name, part.media_type)),
    )
    together = "".join(fields)
    try:
        together.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            "a field of the post holds a lone surrogate, which is not text"
        ) from error
    if "\0" in together:
        raise InvalidInput("a field of the post holds NUL, which databases refuse")
    # RFC 8785 sorts names by UTF-16 units, which for ASCII is the order of bytes.
    if not all(name.isascii() for name, _ in source.details):
        raise InvalidInput("a name in the provenance's details is not ASCII")


def prepare(
    identified: Identified,
    filed: Filed,
    *,
    archive_id: str,
    record_id: str,
    captured_at: datetime,
    secret: bytes,
    blobs: Sequence[tuple[int, Blob]] = (),
) -> Sealed:
    """Seal one arrival. `secret` is `SECRET_BYTES` of fresh randomness."""
    arrival = identified.arrival
    draft = Draft(
        record_id=record_id,
        entry_type="rec",
        lane=filed.lane,
        source=describe_source(arrival),
        parts=arrival.parts,
        retention=filed.retention,
        post=arrival.post,
        idempotency_key=identified.idempotency_key,
        blobs=tuple(blobs),
    )
    return seal(
        archive_id,
        draft,
        captured_at,
        secret,
        lambda manifest: describe_document(
            arrival.post,
            manifest.parts,
            class_code=filed.retention.class_code,
            captured_at=captured_at,
        ),
    )


def describe_document(
    post: Post,
    parts: Sequence[PartEntry],
    *,
    class_code: str,
    captured_at: datetime,
    number: int = 0,
) -> Document:
    """Return what search knows of a post with its `parts`, as the manifest describes both.

    At capture and from the store it is the same document. `number` is the log index once it has
    one.
    """
    return document(
        number=number,
        text=post.text,
        platform=post.platform,
        account=post.account,
        author_handle=post.author.handle,
        kind=post.kind,
        change=post.change.value,
        lang=post.lang,
        class_code=class_code,
        tags=post.tags,
        is_reply=bool(post.in_reply_to),
        has_media=any(part.role == PartRole.MEDIA for part in parts),
        hashes=[part.sha256 for part in parts],
        posted_at=to_millis(post.posted_at) if post.posted_at else None,
        captured_at=to_millis(captured_at),
    )


def prepare_all(
    identified: Sequence[Identified],
    plan: FilePlan,
    *,
    archive_id: str,
    record_ids: Sequence[str],
    captured_at: datetime,
    secrets: bytes,
) -> list[Sealed]:
    """File and seal many arrivals, drawing on one pool of randomness."""
    return [
        prepare(
            each,
            plan.file_post(each.arrival.post, captured_at),
            archive_id=archive_id,
            record_id=record_id,
            captured_at=captured_at,
            secret=secrets[number * SECRET_BYTES : (number + 1) * SECRET_BYTES],
        )
        for number, (each, record_id) in enumerate(zip(identified, record_ids, strict=True))
    ]
