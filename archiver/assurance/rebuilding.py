"""The rows of a lost database, from the log and the segments: what is missing is inserted.

Segments go in by log order, so that duplicates, holds and the file plan come out as they were.
Each batch is one transaction; killed at any point, the next run goes on behind what is there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from archiver.assurance.report import Findings, Problem
from archiver.assurance.segment_loading import (
    LOADED_AT_ONCE,
    SKETCHED_AT_ONCE,
    LoadedSegment,
    LoadTask,
    SegmentSketch,
    load_segments,
    sketch_segments,
)
from archiver.assurance.stored_log import StoredLog
from archiver.assurance.workers import Workers, batches
from archiver.db import disposed as disposed_rows
from archiver.db import rebuilding as rows
from archiver.db import segments as segment_rows
from archiver.db.rebuilding import AFRESH, KnownSegment
from archiver.db.transaction import Connection, Database
from archiver.errors import Conflict, IntegrityError, NotFound
from archiver.preserve.disposal_effects import Condemned
from archiver.preserve.event_effects import Effect, HoldPlaced
from archiver.preserve.keyring import Keyring
from archiver.preserve.object_keys import segment_id_of, segment_prefix
from archiver.preserve.sequencer import insert_placed
from archiver.preserve.store import ObjectStore
from archiver.preserve.stored_segment import StoredSegment, find_keys

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is."""

ENTRIES_AT_ONCE = 8192
_DISPOSAL = b'{"v":1,"t":"dis",'
_LISTED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A segment whose place in the log is known; `has_row`: only its records' rows are missing."""

    first_index: int
    key: str
    records: int
    has_row: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the store has and the database lacks: segments in the log, and others.

    `unplaced` are in no entry of the log; `unreadable` cannot be told where they belong.
    """

    placed: tuple[Placed, ...]
    unplaced: tuple[SegmentSketch, ...]
    unreadable: tuple[str, ...]


class Rebuilding:
    """Inserts entries, segments, records, events, blobs, holds and the file plan."""

    def __init__(
        self,
        *,
        database: Database,
        workers: Workers,
        keyring: Keyring,
        log: StoredLog,
        findings: Findings,
        given_up: frozenset[str],
    ) -> None:
        self._database = database
        self._workers = workers
        self._keyring = keyring
        self._log = log
        self._findings = findings
        self._given_up = given_up
        self._written = 0
        self.records = 0

    async def add_entries(self, *, dry_run: bool = False) -> int:
        """Insert what the database lacks of the log; return how much that was.

        Raises:
            IntegrityError: it has other entries.
        """
        added = 0
        for first in range(0, self._log.end, ENTRIES_AT_ONCE):
            entries = self._log.entries(first, first + ENTRIES_AT_ONCE)
            work = partial(
                rows.insert_missing_entries, start=first, entries=entries, dry_run=dry_run
            )
            added += await self._database.run(work, writes=not dry_run)
        self._written = self._log.end
        return added

    async def survey(self, *, empty: bool) -> Survey:
        """Find the segments that the database lacks, and where each stands in the log."""
        placed: list[Placed] = []
        unplaced: list[SegmentSketch] = []
        unreadable: list[str] = []
        known: dict[str, KnownSegment] = {}
        wanted: list[str] = []
        for chunk in _chunks(self._workers.store, self._keyring.archive_id):
            if not empty:
                async with self._database.reading() as tx:
                    known |= await rows.known_segments(tx, [segment_id_of(key) for key in chunk])
            wanted += [key for key in chunk if not self._is_whole(key, known)]
        answers = self._workers.map(sketch_segments, batches(wanted, SKETCHED_AT_ONCE))
        while (sketches := await asyncio.to_thread(next, answers, None)) is not None:
            for sketch in sketches:
                row = known.get(segment_id_of(sketch.key))
                first = self._log.index_of(sketch.first_id)
                if sketch.problem is not None:
                    self._findings.extend([sketch.problem])
                    if row is None:
                        unreadable.append(sketch.key)
                elif first is None:
                    unplaced.append(sketch)
                else:
                    self._require_same_place(sketch.key, first, row)
                    placed.append(
                        Placed(
                            first_index=first,
                            key=sketch.key,
                            records=sketch.records,
                            has_row=row is not None,
                        )
                    )
        placed.sort(key=lambda one: one.first_index)
        return Survey(placed=tuple(placed), unplaced=tuple(unplaced), unreadable=tuple(unreadable))

    async def add_segments(self, placed: Sequence[Placed], progress: Progress) -> None:
        """Insert all rows of these segments, which are in log order."""
        tasks = (
            LoadTask(keyring=self._keyring, keys=tuple(one.key for one in chunk))
            for chunk in batches(placed, LOADED_AT_ONCE)
        )
        answers, done = self._workers.map(load_segments, tasks), 0
        while (loaded := await asyncio.to_thread(next, answers, None)) is not None:
            found = list(zip(placed[done : done + len(loaded)], loaded, strict=True))
            await self._add([(place, one) for place, one in found if self._agrees(place, one)])
            done += len(loaded)
            progress(done, len(placed))

    def _is_whole(self, key: str, known: dict[str, KnownSegment]) -> bool:
        row = known.get(segment_id_of(key))
        if row is None or row.present == 0 < row.records:
            return False
        if row.present != row.records:
            self._findings.problem(
                f"{row.records - row.present} of its {row.records} records have no row in the "
                f"database: they were deleted; {AFRESH}",
                object_key=key,
            )
        return True

    @staticmethod
    def _require_same_place(key: str, first: int, row: KnownSegment | None) -> None:
        if row is not None and row.first_index != first:
            raise IntegrityError(
                f"{key}: the log has its records from index {first} on, the database's row says "
                f"{row.first_index}; {AFRESH}",
                object_key=key,
            )

    def _agrees(self, place: Placed, loaded: LoadedSegment) -> bool:
        """Whether a segment's entries are those of the log; the last ones may not be in it yet."""
        self._findings.extend(loaded.problems)
        if loaded.segment is None:
            return loaded.row is not None and not place.has_row
        entries = loaded.segment.entries
        known = self._log.entries(place.first_index, place.first_index + len(entries))
        if known != entries[: len(known)]:
            what = (
                f"its records are in the log at index {place.first_index}, with other entries "
                "among them: it was altered. Restore it from the store's second copy"
            )
            self._findings.extend([Problem(what=what, object_key=place.key)])
            return False
        # A checkpoint can end in the middle of a segment; the rest has its indexes all the same.
        self._log.extend(entries[len(known) :])
        return True

    async def _add(self, found: Sequence[tuple[Placed, LoadedSegment]]) -> None:
        try:
            await self._database.run(partial(self._insert, found, settle=False), writes=True)
        except Conflict:
            try:
                await self._database.run(partial(self._insert, found, settle=True), writes=True)
            except Conflict as error:
                raise IntegrityError(
                    f"{found[0][0].key} and those that follow it in the log: the database has rows "
                    f"that contradict them ({error}); {AFRESH}",
                    object_key=found[0][0].key,
                ) from error
        self._written = self._log.end
        self.records += sum(len(one.segment.records) for _, one in found if one.segment)

    def _insert(
        self,
        found: Sequence[tuple[Placed, LoadedSegment]],
        connection: Connection,
        *,
        settle: bool,
    ) -> None:
        rest = self._log.entries(self._written, self._log.end)
        rows.insert_missing_entries(connection, self._written, rest)
        whole = [(one.segment, place.first_index) for place, one in found if one.segment]
        known = {segment_id_of(place.key) for place, _ in found if place.has_row}
        insert_placed(connection, whole, settle=settle, known=known)
        segment_rows.insert(
            connection,
            [
                replace(one.row, first_index=place.first_index)
                for place, one in found
                if one.row is not None
            ],
        )
        rows.note_held_blobs(connection, [key for _, one in found for key in one.held_blobs])
        for segment, _ in whole:
            for effect in self._effects(segment):
                effect.apply(connection)

    def _effects(self, segment: StoredSegment) -> Iterator[Effect]:
        for record in segment.records:
            effect = record.effect
            if isinstance(effect, Condemned):  # nobody is judged again: the log has the verdict
                yield effect.as_logged(self._disposals())
            elif isinstance(effect, HoldPlaced):
                if effect.row.id not in self._given_up:
                    yield replace(effect, indexes=self._indexes(effect))
            elif effect is not None:
                yield effect

    def _disposals(self) -> list[tuple[int, bytes]]:
        others = self._log.others.items()
        return [(index, data) for index, data in others if data.startswith(_DISPOSAL)]

    async def settle_keys(self) -> None:
        """Let rows of an older database name the keys that took the place of destroyed ones."""
        async with self._database.reading() as tx:
            found = await rows.partly_destroyed(tx)
        for row in found:
            try:
                stored = await asyncio.to_thread(find_keys, self._workers.store, row.object_key)
            except NotFound:
                continue  # all of it is gone, and so will be the row
            if stored.key == row.keys_object_key:
                continue
            data = await asyncio.to_thread(self._workers.store.get, stored.key)
            named = partial(
                disposed_rows.point_to_keys,
                segment_id=row.id,
                was=row.keys_object_key,
                key=stored.key,
                version_id=stored.version_id,
                sha256=sha256(data).digest(),
            )
            await self._database.run(named, writes=True)

    def _indexes(self, placed: HoldPlaced) -> list[int]:
        # From the log and not from the records' rows, which a damaged segment leaves out.
        indexes = []
        for record_id in placed.members:
            index = self._log.index_of(record_id)
            if index is None:
                raise IntegrityError(
                    f"hold {placed.row.id}: its member {record_id} is not in the log; nothing is "
                    "held in part. Give the hold up by name with `--without-hold`, if its records "
                    "cannot be found",
                    record_id=record_id,
                )
            indexes.append(index)
        return sorted(indexes)


def _chunks(store: ObjectStore, archive_id: str) -> Iterator[list[str]]:
    keys = store.list_keys(segment_prefix(archive_id))
    for chunk in batches((key for key in keys if key.endswith(".seg")), _LISTED_AT_ONCE):
        yield list(chunk)
