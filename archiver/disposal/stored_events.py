"""Which events there are, as the log and the store have them and not as the database lists them.

Whoever can write to the database could delete the row of an event, or call it another: then nobody
who asks the database for the events that keep a record would find it. So every event of the log is
opened, once in a process, and it is remembered what each one is about.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from archiver.db import hit_rows
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.preserve.batch_effects import BATCH
from archiver.preserve.event_record import HOLD_RELEASED, is_stating, parse_event
from archiver.preserve.ledger.statements import Statements
from archiver.preserve.reader import RecordReader

_AN_EVENT = b'{"v":1,"t":"aud"'
_HOLD = "hold"
_PAGE = 4096
_SEGMENTS = 16  # opened by one thread at a time
_AT_ONCE = 8
_NEXT = "Nothing was destroyed. Run `muniment verify --full`, and `muniment recover`"


class _About(NamedTuple):
    log_index: int
    id: str
    is_stating: bool
    batch: str
    released: str


class StoredEvents:
    """What the events of one archive's log are about, followed like the log itself.

    `stating` are the log indexes of those that state what terms count from; `released` are the
    holds of which an event says that they were.
    """

    def __init__(self, *, log: Statements, reader: RecordReader, database: Database) -> None:
        self._log = log
        self._reader = reader
        self._database = database
        self._seen = 0
        self._of_batch: dict[str, list[str]] = {}
        self.stating: list[int] = []
        self.released: set[str] = set()

    def of_batch(self, batch_id: str) -> Sequence[str]:
        """Return the ids of the events that changed a batch, in log order."""
        return self._of_batch.get(batch_id, ())

    async def follow(self) -> None:
        """Open the events of the log that were not opened before, up to where it was followed.

        Raises:
            IntegrityError: the database does not know one of them, or it is not what was stored.
            NotFound, StorageUnavailable: the store did not give one.
        """
        while self._seen < (size := self._log.size):
            end = min(self._seen + _PAGE, size)
            entries = await asyncio.to_thread(self._entries, self._seen, end)
            for each in sorted(await self._read(entries)):
                self._note(each)
            self._seen = end

    def _entries(self, start: int, end: int) -> dict[int, bytes]:
        found = self._log.entries(start, end)
        return {index: entry for index, entry in found if entry.startswith(_AN_EVENT)}

    async def _read(self, entries: Mapping[int, bytes]) -> list[_About]:
        known = await self._database.run(
            partial(hit_rows.read, indexes=list(entries)), writes=False
        )
        if lost := entries.keys() - known.rows.keys():
            raise IntegrityError(
                f"{len(lost)} events of the log, the first at log index {min(lost)}, have no row "
                f"in the database: they were deleted by hand. {_NEXT}",
                object_key="database:record",
            )
        wanted = {entry: index for index, entry in entries.items()}
        segments = list(known.segments.values())
        chunks = [segments[at : at + _SEGMENTS] for at in range(0, len(segments), _SEGMENTS)]
        found: list[_About] = []
        for at in range(0, len(chunks), _AT_ONCE):
            tasks = (
                asyncio.to_thread(self._open, chunk, wanted) for chunk in chunks[at : at + _AT_ONCE]
            )
            found += [about for some in await asyncio.gather(*tasks) for about in some]
        if len(found) != len(entries):
            raise IntegrityError(
                f"expected {len(entries)} events where the database says that they are stored, "
                f"found {len(found)}: rows were changed by hand. {_NEXT}",
                object_key="database:record",
            )
        return found

    def _open(self, segments: Iterable[SegmentRow], wanted: Mapping[bytes, int]) -> list[_About]:
        found: list[_About] = []
        for segment in segments:
            for opened in self._reader.open_segment(segment):
                index = wanted.get(opened.entry)
                if index is None:  # of another page
                    continue
                body = parse_event(self._reader.part(opened, 0).content)
                is_of_batch = body.object_type == BATCH and body.action.startswith("batch:")
                found.append(
                    _About(
                        log_index=index,
                        id=opened.manifest.id,
                        is_stating=body.object_type != _HOLD
                        and is_stating(body, {part.name for part in opened.manifest.parts}),
                        batch=body.object_id if is_of_batch and body.result == "ok" else "",
                        released=body.object_id if body.action == HOLD_RELEASED else "",
                    )
                )
        return found

    def _note(self, about: _About) -> None:
        if about.is_stating:
            self.stating.append(about.log_index)
        if about.batch:
            self._of_batch.setdefault(about.batch, []).append(about.id)
        if about.released:
            self.released.add(about.released)
