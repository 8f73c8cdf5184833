"""What arrives: a post as its platform tells it, with its verbatim bytes.

An `Arrival` is one observed version of a post on its way to becoming a record. Its first part is
the verbatim payload (`PartRole.RAW`); `Post` holds only fields derived from those bytes, never
instead of them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PartRole(StrEnum):
    """Why a part is in the record."""

    RAW = "raw"
    HEADERS = "headers"
    MEDIA = "media"
    SCREENSHOT = "screenshot"
    DERIVED = "derived"


class Change(StrEnum):
    """What the platform said happened to the post. A vanished post is never `DELETED` by itself."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One blob of a record. `content` is verbatim and never re-encoded."""

    name: str
    role: PartRole
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who the platform says wrote the post. Ids are strings, even where it shows numbers."""

    id: str = ""
    handle: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Normalised fields of one version of a post. Empty string: the platform did not say.

    `account` is the business account the post was captured for; it defaults to the author's
    handle at the edge. `posted_at` and `edited_at` are aware UTC. `text` is plain text for search
    (HTML removed, entities decoded). `direction` is `in` or `out` as seen from the business.
    """

    platform: str
    account: str
    post_id: str
    kind: str = "post"
    change: Change = Change.CREATED
    posted_at: datetime | None = None
    edited_at: datetime | None = None
    text: str = ""
    lang: str = ""
    permalink: str = ""
    in_reply_to: str = ""
    conversation_id: str = ""
    author: Author = field(default_factory=Author)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How the bytes came to us. Stored in the manifest; holds no secret.

    `method` is `push`, `import`, `poll`, `webhook` or `demo`; `source` names the file and line, URL
    or API client; `connector` and `version` name the code that read it.
    """

    method: str
    source: str = ""
    connector: str = ""
    version: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One post version with its bytes and provenance, not yet kept.

    `parts[0]` is the verbatim payload. `idempotency_key` is the sender's, if it gave one.
    """

    post: Post
    parts: tuple[Part, ...]
    provenance: Provenance
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that could not become an `Arrival`: where it stood and why it was refused."""

    line: int
    reason: str
