"""What the demonstration should find: the sample company's posts, counted without the archive.

The expected count of a query is that of `search.matcher`, the definition of what a query finds,
over the posts as they were generated. The archive's own answers are compared with it.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from archiver.capture.decoding import decode_capture
from archiver.capture.preparation import describe_document
from archiver.capture.sample_company import posts
from archiver.model.post import Change, PartRole, Provenance
from archiver.preserve.segments.manifest import describe_part
from search.document import Document
from search.grammar import parse
from search.matcher import prepared

SEED = 17
BATCH = 100

_FROM_HERE = Provenance(method="demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The captures of the sample company as they are sent, and what is known of them."""

    captures: tuple[bytes, ...]
    documents: tuple[Document, ...]
    changes: Counter[str]
    platforms: Counter[str]
    replies: int
    media: int

    def batches(self) -> list[tuple[bytes, ...]]:
        """Return the captures in batches as an integration would send them."""
        return [self.captures[at : at + BATCH] for at in range(0, len(self.captures), BATCH)]

    def expected(self, query: str) -> int:
        """Return how many captures a query must find."""
        finds = prepared(parse(query))
        return sum(map(finds, self.documents))


def generate(count: int, until: datetime) -> Company:
    """Return `count` captures of the two years before `until`."""
    captures = tuple(posts(SEED, until, count))
    arrivals = [decode_capture(body, provenance=_FROM_HERE) for body in captures]
    media = [any(p.role is PartRole.MEDIA for p in arrival.parts) for arrival in arrivals]
    return Company(
        captures=captures,
        documents=tuple(
            describe_document(
                arrival.post,
                [describe_part(part) for part in arrival.parts],
                class_code="",
                captured_at=until,
            )
            for arrival in arrivals
        ),
        changes=Counter(arrival.post.change.value for arrival in arrivals),
        platforms=Counter(arrival.post.platform for arrival in arrivals),
        replies=sum(
            bool(arrival.post.in_reply_to) and arrival.post.change is Change.CREATED
            for arrival in arrivals
        ),
        media=sum(media),
    )
