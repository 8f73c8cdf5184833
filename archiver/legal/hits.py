"""Opening the hits of a page from their records, each checked against what the log commits to.

A record whose stored bytes are not what the log commits to stays in count and page, and says so,
because a hidden hit is a wrong count.
"""

import asyncio
from collections.abc import Callable, Sequence

from archiver.clock import from_millis
from archiver.db.hit_rows import HitRows
from archiver.db.records import RecordRow
from archiver.errors import IntegrityError, NotFound
from archiver.legal.answers import Hit
from archiver.preserve.reader import RecordReader
from archiver.preserve.segments.manifest import PostEntry
from search import Mark, marking, merged
from search.index import Hit as Found
from search.query import Query

_Marking = Callable[[str], tuple[Mark, ...]]


async def opened(
    found: Sequence[Found],
    known: HitRows,
    tree: Query,
    records: RecordReader,
    *,
    together: int,
) -> tuple[Hit, ...]:
    """Return what is shown of each hit, in order, with where `tree` found its words.

    `known` is what the database knows of them. `together` threads open them.
    """
    # Neighbours stand in one segment, so each thread takes neighbours.
    size = -(-len(found) // together)
    parts = [found[start : start + size] for start in range(0, len(found), size or 1)]
    hits = await asyncio.gather(
        *(asyncio.to_thread(open_hits, part, known, tree, records) for part in parts)
    )
    return tuple(hit for part in hits for hit in part)


def open_hits(
    found: Sequence[Found], known: HitRows, tree: Query, records: RecordReader
) -> tuple[Hit, ...]:
    """Return the same as `opened`, in the calling thread; it blocks."""
    mark = marking(tree)
    return tuple(_opened(each, known, mark, records) for each in found)


def _opened(found: Found, known: HitRows, mark: _Marking, records: RecordReader) -> Hit:
    held = found.number in known.held
    if found.number not in known.rows:
        return _unknown(found, held=held)
    row, entry = known.rows[found.number]
    try:
        post = records.open(known.segments[row.segment_id], row, entry).manifest.post
    except (IntegrityError, NotFound) as error:
        return _hit(row, None, (), held=held, integrity=str(error))
    return _hit(row, post, merged(mark(post.text)) if post else (), held=held)


def _hit(
    row: RecordRow,
    post: PostEntry | None,
    marked: tuple[tuple[int, int], ...],
    *,
    held: bool,
    integrity: str = "",
) -> Hit:
    return Hit(
        id=row.id,
        log_index=row.log_index,
        platform=row.platform,
        account=row.account,
        author=(post.author.name or post.author.handle) if post else "",
        posted_at=from_millis(row.posted_at) if row.posted_at is not None else None,
        captured_at=from_millis(row.captured_at),
        change=row.change,
        text=post.text if post else "",
        permalink=post.permalink if post else "",
        class_code=row.class_code,
        held=held,
        integrity=integrity,
        lang=row.lang,
        media=row.media,
        marks=marked,
    )


def _unknown(found: Found, *, held: bool) -> Hit:
    """Return a hit the database has no row of: lost, or destroyed a moment ago."""
    return Hit(
        id="",
        log_index=found.number,
        platform="",
        account="",
        author="",
        posted_at=None,
        captured_at=from_millis(found.time),
        change="",
        text="",
        permalink="",
        class_code="",
        held=held,
        integrity=(
            f"the index found log index {found.number}, of which the database has no record; if "
            "it was not disposed of just now, run `muniment verify`"
        ),
    )
