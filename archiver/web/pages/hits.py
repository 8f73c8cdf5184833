"""Where the words of a search stand in a post, as its pages mark them."""

from collections.abc import Iterator, Sequence
from datetime import UTC

from archiver.access.comparison import Op
from archiver.errors import InvalidInput
from archiver.legal.queries import asking_the_engine, read_query
from search.marks import Mark, marks, merged

Ranges = tuple[tuple[int, int], ...]
"""Half-open, ascending, and none overlaps another."""


def found_in(query: str, text: str) -> tuple[Mark, ...]:
    """Return where a query found its words in a text; nowhere where it is none that is answered."""
    if not query:
        return ()
    try:
        with asking_the_engine():
            return marks(read_query(query, UTC), text)  # the zone matters to dates only
    except InvalidInput:
        return ()


def ranges_in(query: str, text: str) -> Ranges:
    """Return the ranges of a text that a page marks."""
    return merged(found_in(query, text))


def in_pieces(query: str, pieces: Sequence[tuple[Op, str]]) -> Iterator[tuple[Op, str, Ranges]]:
    """Yield the pieces of two versions of a text, each with what a query found in it.

    What was removed is marked as it was found in the earlier text, all else as in the later one.
    """
    before = ranges_in(query, "".join(text for op, text in pieces if op is not Op.ADDED))
    after = ranges_in(query, "".join(text for op, text in pieces if op is not Op.REMOVED))
    at_before = at_after = 0
    for op, text in pieces:
        removed = op is Op.REMOVED
        found, start = (before, at_before) if removed else (after, at_after)
        yield op, text, _within(found, start, len(text))
        at_before += len(text) if op is not Op.ADDED else 0
        at_after += len(text) if not removed else 0


def _within(found: Ranges, start: int, length: int) -> Ranges:
    """Return the ranges in a stretch of a text, as offsets of the stretch."""
    cut = ((max(a - start, 0), min(b - start, length)) for a, b in found)
    return tuple((a, b) for a, b in cut if a < b)
