"""Posts that were reclassified, as the search index has to find them.

`class:` means the class that a record is in. A document says the class of the moment it was made,
so what is moved afterwards is indexed anew: found by comparing the index with the rows, once after
the index was opened and again after each event that moves records. A crash between leaves the
comparison to be made again, and an index that was built meanwhile is compared as a whole.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from archiver.db import refiled_classes, searchable
from archiver.db.transaction import Database
from search.index import Reader
from search.query import Field, FieldName, Numbers, every, field_value


class ReclassifiedPosts:
    """Knows up to which entry of the log one index has all posts in the class they are in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._right_below = 0

    def begin_anew(self) -> None:
        """Know nothing: another index was opened."""
        self._right_below = 0

    def right_below(self, end: int) -> None:
        """Take note that what was moved by the log below `end` has been put right."""
        self._right_below = end

    async def misplaced(self, reader: Reader, end: int) -> list[int]:
        """Return the posts, ascending, that an index which has read `end` entries has wrong.

        Raises:
            IndexUnavailable, DatabaseUnavailable: it cannot be told now.
        """
        since = self._right_below
        was_any_moved = partial(refiled_classes.was_any_moved, since=since)
        if since == end or not await self._database.run(was_any_moved, writes=False):
            return []
        moved = await self._database.run(searchable.reclassified, writes=False)
        return await asyncio.to_thread(_misplaced, reader, moved)


def _misplaced(reader: Reader, moved: Mapping[str, Sequence[int]]) -> list[int]:
    wrong: set[int] = set()
    with reader.snapshot() as snapshot:
        for class_code, indexes in moved.items():
            members = frozenset(indexes)
            filed = Field(FieldName.CLASS, field_value(FieldName.CLASS, class_code))
            wrong |= members
            for chunk in snapshot.numbers(every((filed, Numbers(members)))):
                wrong.difference_update(chunk)
    return sorted(wrong)
