"""The conversation around a post: which posts stand there, in which order, and what is missing.

Pure but for the texts, which whoever asks has opened. A post is shown in its newest version, the
post one came from in the version one came from. What a post answers and the archive does not have
is a gap, and is shown as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from archiver.access.record_views import Json, RecordSummary, summary_of
from archiver.db.records import RecordRow

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPost:
    """One post of a thread. `integrity` says what is wrong with its stored bytes, or is empty.

    `missing_parent` is the id of the post it answers where that is not among the archive's;
    `parent` the record id of that post where it is.
    """

    summary: RecordSummary
    is_this: bool
    author: str
    text: str
    lang: str
    parent: str
    missing_parent: str
    versions: int
    integrity: str = ""

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            **self.summary.to_dict(),
            "this": self.is_this,
            "author": self.author,
            "text": self.text,
            "lang": self.lang,
            "parent": self.parent,
            "missing_parent": self.missing_parent,
            "versions": self.versions,
            "integrity": self.integrity,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The posts around one, oldest first; `total` counts those of the thread, shown or not.

    `complete` is False where the thread is longer than what is followed: `total` is a lower bound.
    `before` and `after` count the posts left out on either side of those shown.
    """

    posts: tuple[ThreadPost, ...]
    total: int
    complete: bool
    before: int
    after: int

    def to_dict(self) -> Json:
        """Return the JSON document: a list with its total, and whether that is exact."""
        return {
            "items": [post.to_dict() for post in self.posts],
            "total": self.total,
            "total_is_exact": self.complete,
            "before": self.before,
            "after": self.after,
            "next_cursor": "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One post of a thread before its text is read: the version shown, and its neighbours."""

    row: RecordRow
    versions: int
    parent: str
    missing_parent: str


def arrange(row: RecordRow, versions: Sequence[RecordRow]) -> list[Place]:
    """Return the posts of a thread, oldest first, of all its versions in the order of versions.

    Posts of one moment stand as they were captured.
    One post may have been captured for several accounts; the account of `row` stands for it.
    """
    shown: dict[str, RecordRow] = {}
    first: dict[str, int] = {row.post_id: row.log_index}
    counts: dict[tuple[str, str], int] = {}
    for each in versions:
        key = (each.account, each.post_id)
        counts[key] = counts.get(key, 0) + 1
        first[each.post_id] = min(each.log_index, first.get(each.post_id, each.log_index))
        standing = shown.get(each.post_id)
        if standing is None or each.account in {standing.account, row.account}:
            shown[each.post_id] = each
    shown[row.post_id] = row
    return [
        Place(
            row=each,
            versions=counts.get((each.account, each.post_id), 1),
            parent=shown[each.in_reply_to].id if each.in_reply_to in shown else "",
            missing_parent="" if each.in_reply_to in shown else each.in_reply_to,
        )
        for each in sorted(shown.values(), key=lambda each: (_when(each), first[each.post_id]))
    ]


def window(places: Sequence[Place], row: RecordRow) -> tuple[int, int]:
    """Return from where to where a long thread is shown, `row` in the middle."""
    at = next(number for number, place in enumerate(places) if place.row.id == row.id)
    start = max(0, min(at - MOST_SHOWN // 2, len(places) - MOST_SHOWN))
    return start, min(len(places), start + MOST_SHOWN)


def thread_post(
    place: Place, row: RecordRow, *, author: str, text: str, integrity: str
) -> ThreadPost:
    """Return a post of a thread with what was read of it."""
    return ThreadPost(
        summary=summary_of(place.row),
        is_this=place.row.id == row.id,
        author=author,
        text=text,
        lang=place.row.lang,
        parent=place.parent,
        missing_parent=place.missing_parent,
        versions=place.versions,
        integrity=integrity,
    )


def _when(row: RecordRow) -> int:
    """Return what orders posts of a conversation: when posted; captured, where nobody said."""
    return row.captured_at if row.posted_at is None else row.posted_at
