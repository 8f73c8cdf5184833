"""What a record says about itself: its parts with their hashes, its provenance, its retention.

A manifest is JSON in RFC 8785 form (sorted keys, no spaces; it uses only strings, integers,
booleans, lists and objects). The log commits to the SHA-256 of its exact bytes, and verification
hashes the stored bytes, so no verifier needs a canonicaliser. The 32-byte salt makes that hash a
hiding commitment: a post is guessable, and its bare hash would outlive the record as an identifier.

Hashes of parts are hexadecimal, as `sha256sum` prints them. Moments are RFC 3339 in UTC.
"""

import base64
import hashlib
from datetime import datetime

import msgspec

from archiver.clock import rfc3339
from archiver.errors import IntegrityError
from archiver.model.post import Arrival, Author, Change, Part, Post

SALT_BYTES = 32


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """Where a large part's ciphertext is, its own key, and the hash of the ciphertext."""

    key: str
    version_id: str
    dek: str
    sha256: str
    len: int


class PartEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part: `len` and `sha256` are of its plaintext; without `blob` it stands in the frame."""

    name: str
    role: str
    media_type: str
    len: int
    sha256: str
    blob: Blob | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the bytes came to us."""

    method: str
    source: str = ""
    connector: str = ""
    version: str = ""
    details: dict[str, str] = {}


class AuthorEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The author as the platform names them."""

    id: str = ""
    handle: str = ""
    name: str = ""


class PostEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The normalised fields, derived from the verbatim payload and never instead of it."""

    platform: str
    account: str
    post_id: str
    kind: str
    change: str
    posted_at: str = ""
    edited_at: str = ""
    text: str = ""
    lang: str = ""
    permalink: str = ""
    in_reply_to: str = ""
    conversation_id: str = ""
    author: AuthorEntry = AuthorEntry()
    tags: list[str] = []


class Retention(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was decided at capture: class, the rule that chose it, and the date if there is one."""

    class_code: str
    rule: str
    schedule_version: int
    until: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole manifest. `type` is `rec` for a post and `aud` for an event."""

    v: int
    type: str
    id: str
    archive: str
    salt: str
    captured_at: str
    source: Source
    parts: list[PartEntry]
    retention: Retention
    post: PostEntry | None = None
    idempotency: str = ""


def describe_post(post: Post) -> PostEntry:
    """Return the manifest's form of a post."""
    return PostEntry(
        platform=post.platform,
        account=post.account,
        post_id=post.post_id,
        kind=post.kind,
        change=post.change.value,
        posted_at=_moment(post.posted_at),
        edited_at=_moment(post.edited_at),
        text=post.text,
        lang=post.lang,
        permalink=post.permalink,
        in_reply_to=post.in_reply_to,
        conversation_id=post.conversation_id,
        author=AuthorEntry(id=post.author.id, handle=post.author.handle, name=post.author.name),
        tags=list(post.tags),
    )


def restore_post(entry: PostEntry) -> Post:
    """Return the post a manifest describes."""
    return Post(
        platform=entry.platform,
        account=entry.account,
        post_id=entry.post_id,
        kind=entry.kind,
        change=Change(entry.change),
        posted_at=parse_moment(entry.posted_at),
        edited_at=parse_moment(entry.edited_at),
        text=entry.text,
        lang=entry.lang,
        permalink=entry.permalink,
        in_reply_to=entry.in_reply_to,
        conversation_id=entry.conversation_id,
        author=Author(id=entry.author.id, handle=entry.author.handle, name=entry.author.name),
        tags=tuple(entry.tags),
    )


def describe_part(part: Part, blob: Blob | None = None) -> PartEntry:
    """Return the manifest's form of a part; `blob` is where it was stored, if apart."""
    return PartEntry(
        name=part.name,
        role=part.role.value,
        media_type=part.media_type,
        len=len(part.content),
        sha256=hashlib.sha256(part.content).hexdigest(),
        blob=blob,
    )


def describe_source(arrival: Arrival) -> Source:
    """Return the manifest's form of an arrival's provenance."""
    found = arrival.provenance
    return Source(
        method=found.method,
        source=found.source,
        connector=found.connector,
        version=found.version,
        details=dict(found.details),
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest's bytes in RFC 8785 form.

    For this subset msgspec's sorted encoding *is* RFC 8785; a property test holds it to the
    `rfc8785` package, which is five times slower.
    """
    return _encoder.encode(manifest)


def parse_manifest(data: bytes) -> Manifest:
    """Parse a manifest.

    Raises:
        IntegrityError: it is not one, or of a version not known here.
    """
    try:
        manifest = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"manifest: it does not parse: {error}") from error
    if manifest.v != 1:
        raise IntegrityError(f"manifest of {manifest.id}: version {manifest.v} is not known here")
    return manifest


def content_key(post: Post, raw_sha256: bytes) -> bytes:
    """Return the key under which the same bytes of the same post version are stored once."""
    named = f"{post.platform}\0{post.account}\0{post.post_id}\0{post.change.value}\0"
    return hashlib.sha256(named.encode("utf-8") + raw_sha256).digest()


def salt_text(salt: bytes) -> str:
    """Return the salt as the manifest writes it."""
    return base64.b64encode(salt).decode("ascii")


def parse_moment(text: str) -> datetime | None:
    """Return the moment of an RFC 3339 text of ours, or None for an empty one."""
    return datetime.fromisoformat(text) if text else None


def _moment(moment: datetime | None) -> str:
    return rfc3339(moment) if moment else ""


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Manifest)
