"""The database against the store: it is a view of the log, compared and never believed.

Pages are compared whole, by bytes; only a page that differs is looked at row by row.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from archiver.assurance.join import Catalogue, KnownSegment
from archiver.assurance.log_check import CheckedLog, entries_at
from archiver.assurance.report import Findings, Progress
from archiver.db import verification as rows
from archiver.db.transaction import Database
from archiver.preserve.ledger.merkle import HASH_SIZE, leaf_hashes
from archiver.preserve.store import ObjectStore

PAGE = 8192

REBUILD = "restore the database from its newest backup, and find out who changed it"
"""What to do about rows that are not what the log says."""


class DatabaseCheck:
    """Compares log entries and records, page by page.

    `missing` are the index ranges of records that no segment holds.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        archive_id: str,
        catalogue: Catalogue,
        log: CheckedLog,
        missing: Sequence[tuple[int, int]],
        findings: Findings,
    ) -> None:
        self._database = database
        self._store = store
        self._archive_id = archive_id
        self._catalogue = catalogue
        self._log = log
        self._missing = missing
        self._findings = findings
        self._placed = sorted(
            (segment for segment in catalogue.segments if segment.first_index >= 0),
            key=lambda segment: segment.first_index,
        )
        self._from = 0  # segments before this one end before the page

    async def run(self, progress: Progress) -> None:
        """Compare everything below the end of the log."""
        for start in range(0, self._log.end, PAGE):
            end = min(start + PAGE, self._log.end)
            async with self._database.reading() as tx:
                entries = await rows.entries(tx, start, end)
                places = await rows.places(tx, start, end)
            known = self._check_entries(start, end, entries)
            self._check_places(start, end, known, places)
            progress("database", end, self._log.end)
        await self._check_end()

    async def _check_end(self) -> None:
        async with self._database.reading() as tx:
            state = await rows.next_index(tx)
            last = await rows.last_index(tx)
        if last >= state:
            self._findings.problem(
                f"the database has rows up to log index {last}, but only {state} indexes were ever "
                "assigned: rows were inserted by hand; remove them",
                object_key="database:log_entry",
            )

    def _check_entries(
        self, start: int, end: int, found: Sequence[tuple[int, bytes]]
    ) -> Mapping[int, bytes]:
        """Compare a page of entries; return the log's own entries by index."""
        hashes = self._log.leaf_range(start, end)
        if len(found) == end - start and leaf_hashes([entry for _, entry in found]) == hashes:
            return dict(found)
        true = entries_at(self._store, self._archive_id, self._log.size, start, end)
        stored = dict(found)
        for index in range(start, end):
            at = (index - start) * HASH_SIZE
            expected = hashes[at : at + HASH_SIZE]
            entry = stored.get(index)
            if self._log.is_unreadable(index):
                continue
            if entry is None:
                self._entry_problem(index, true, "has no row in the database: it was deleted")
            elif leaf_hashes([entry]) != expected:
                self._entry_problem(index, true, "differs from the database's row: it was altered")
            else:
                true[index] = entry
        return true

    def _entry_problem(self, index: int, true: Mapping[int, bytes], what: str) -> None:
        self._findings.problem(
            f"entry {index} of the log {what}; {REBUILD}",
            object_key="database:log_entry",
            record_id=id_of(true.get(index, b"")),
        )

    def _check_places(
        self, start: int, end: int, entries: Mapping[int, bytes], found: list[tuple[Any, ...]]
    ) -> None:
        expected = [
            row for segment in self._overlapping(start, end) for row in self._rows(segment, entries)
        ]
        expected = [row for row in expected if start <= row[0] < end]
        if expected == found:
            return
        stored = {row[0]: row for row in found}
        wanted = {row[0]: row for row in expected}
        for index in sorted(stored.keys() | wanted.keys()):
            if stored.get(index) == wanted.get(index) or self._is_open(index, entries):
                continue
            # What is being destroyed loses its bytes before its row, and both without an order.
            if not self._log.destroyed.covers(index) or index in stored.keys() & wanted.keys():
                self._row_problem(index, stored.get(index), wanted.get(index))

    def _is_open(self, index: int, entries: Mapping[int, bytes]) -> bool:
        """Whether the store cannot say what the row should be; that is a problem already named."""
        return index not in entries or any(begin <= index < end for begin, end in self._missing)

    def _row_problem(
        self, index: int, stored: tuple[Any, ...] | None, wanted: tuple[Any, ...] | None
    ) -> None:
        if stored is None and wanted is not None:
            what = f"the record at log index {index} has no row in the database: it was deleted"
            record_id = wanted[1]
        elif wanted is None and stored is not None:
            what = f"the database has a record at log index {index}, and the log has none there"
            record_id = stored[1]
        else:
            what, record_id = _differences(index, stored or (), wanted or ())
        self._findings.problem(
            f"{what}; {REBUILD}", object_key="database:record", record_id=record_id
        )

    def _overlapping(self, start: int, end: int) -> Iterator[KnownSegment]:
        while self._from < len(self._placed) and _end_of(self._placed[self._from]) <= start:
            self._from += 1
        for segment in self._placed[self._from :]:
            if segment.first_index >= end:
                return
            yield segment

    def _rows(
        self, segment: KnownSegment, entries: Mapping[int, bytes]
    ) -> Iterator[tuple[Any, ...]]:
        first = segment.first_index
        ours = [entries.get(index, b"") for index in range(first, _end_of(segment))]
        offsets, lengths = zip(*self._catalogue.places(segment), strict=True)
        return zip(
            range(first, _end_of(segment)),
            [id_of(entry) for entry in ours],
            [entry[12:15].decode("ascii", "replace") for entry in ours],
            repeat(segment.id),
            range(segment.records),
            offsets,
            lengths,
            strict=False,  # one of them repeats for ever
        )


def _differences(index: int, stored: tuple[Any, ...], wanted: tuple[Any, ...]) -> tuple[str, str]:
    different = [
        f"{name} {there!r} instead of {right!r}"
        for name, there, right in zip(rows.PLACES, stored, wanted, strict=True)
        if there != right
    ]
    what = f"the database's row of the record at log index {index} has {', '.join(different)}"
    return what, wanted[1]


def _end_of(segment: KnownSegment) -> int:
    return segment.first_index + segment.records


def id_of(entry: bytes) -> str:
    """Return the record id in a record's entry; its place in the one spelling is fixed."""
    is_record = entry[:15] in {b'{"v":1,"t":"rec', b'{"v":1,"t":"aud'}
    return entry[23:49].decode("ascii", "replace") if is_record else ""
