"""Exporting the audit trail with proofs, to be checked without the archive.

`audit_export_files` says what is in the file, `audit_export_check` checks one.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from archiver.access.rules import Permission, require
from archiver.assurance.audit_export_files import FORMAT, Progress, Proved, Writing
from archiver.assurance.audit_filter import TrailFilter, filter_from
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, rfc3339
from archiver.db import events as event_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.archive import ArchiveRow
from archiver.db.ledger import LogState
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, TooLarge
from archiver.model.actor import Actor
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.note import Verifier, encode_base64
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.store.threads import AsyncStore

MOST_EVENTS = 200_000
"""Events of one export; whoever needs more exports span after span."""

_PAGE = 1_000
_FEW = 4  # of a segment: single reads are cheaper than the whole of it


class Job(Protocol):
    """A running job, as far as an export needs it: `archiver.jobs.work_run.Run`."""

    @property
    def arguments(self) -> Mapping[str, object]: ...  # noqa: D102 - `Run` says what each is
    @property
    def actor(self) -> Actor: ...  # noqa: D102
    @property
    def result_path(self) -> Path: ...  # noqa: D102
    def progress(self, phase: str, done: int, total: int | None = None) -> None: ...  # noqa: D102
    def keep(self, name: str, media_type: str) -> object: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export holds: `events` of them, all under the log's checkpoint of `log_size`."""

    events: int
    log_size: int
    root: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {"events": self.events, "log_size": self.log_size, "root": self.root}


class AuditExport:
    """Makes exports of one archive's trail."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        verifiers: Sequence[Verifier],
        database: Database,
        store: AsyncStore,
        reader: RecordReader,
        trail: Trail,
        clock: Clock,
    ) -> None:
        self._archive = archive
        self._verifiers = verifiers
        self._database = database
        self._store = store.blocking
        self._reader = reader
        self._trail = trail
        self._clock = clock

    async def run(self, job: Job) -> Mapping[str, object]:
        """Do an `audit-export` job; its arguments are those of a filter. Raises as `export`."""
        wanted = filter_from({name: str(value) for name, value in job.arguments.items()})
        exported = await self.export(
            wanted, job.result_path, progress=job.progress, actor=job.actor
        )
        name = f"audit-trail-{rfc3339(self._clock())[:10]}.zip"
        await asyncio.to_thread(job.keep, name, "application/zip")
        return exported.to_dict()

    async def export(
        self, wanted: TrailFilter, path: Path, *, progress: Progress, actor: Actor
    ) -> Exported:
        """Write the events a filter describes, with their proofs, to a file.

        Events that no checkpoint covers yet, those of the last second, are left out.

        Raises:
            Denied: the actor may not read the trail.
            Conflict: nothing is under a checkpoint yet.
            TooLarge: more than `MOST_EVENTS`.
            IntegrityError: an event is not what the log commits to. Nothing is exported then.
            StorageUnavailable: store or file could not be used.
        """
        require(actor, Permission.READ_AUDIT)
        async with self._database.reading() as tx:
            state = await ledger_rows.state(tx)
        if not state.checkpoint:
            raise Conflict("the log has no checkpoint yet; try again in a second")
        indexes = await self._find(wanted, state.size, progress)
        tree = TileTree(state.size, self._read_log)
        loop = asyncio.get_running_loop()

        def load(chunk: Sequence[int]) -> list[Proved]:
            loading = asyncio.run_coroutine_threadsafe(self._load(chunk), loop)
            return list(self._prove(*loading.result(), tree))

        writing = Writing(indexes, load, progress)
        manifest = self._manifest(wanted, state, len(indexes), actor)
        await asyncio.to_thread(writing.write, path, manifest, state.checkpoint)
        exported = Exported(events=len(indexes), log_size=state.size, root=state.root.hex())
        await self._trail.record(
            Action.AUDIT_EXPORTED,
            actor=actor,
            object_type="audit",
            details={
                "events": exported.events,
                "log_size": exported.log_size,
                "filters": wanted.in_words(),
                "sha256": await asyncio.to_thread(_sha256, path),
            },
        )
        return exported

    async def _find(self, wanted: TrailFilter, size: int, progress: Progress) -> list[int]:
        """Return the log indexes of the events, oldest first."""
        found: list[int] = []
        place: event_rows.Place | None = None
        while True:
            async with self._database.reading() as tx:
                page = await event_rows.page(tx, wanted.arms(), before=place, limit=_PAGE)
            found.extend(each.log_index for each in page.events if each.log_index < size)
            progress("Looking for the events", len(found), None)
            if len(found) > MOST_EVENTS:
                raise TooLarge(
                    f"expected at most {MOST_EVENTS:,} events in one export, found more; choose a "
                    "shorter span, and export the next one after it"
                )
            place = page.next_place
            if place is None:
                return sorted(found)

    async def _load(
        self, indexes: Sequence[int]
    ) -> tuple[list[RecordRow], dict[str, SegmentRow], dict[int, bytes]]:
        async with self._database.reading() as tx:
            rows = await record_rows.list_by_index(tx, indexes)
            entries = await record_rows.entries_at(tx, indexes)
            segments = await segment_rows.get_many(tx, {row.segment_id for row in rows.values()})
        return [rows[index] for index in indexes], segments, entries

    def _prove(
        self,
        rows: Sequence[RecordRow],
        segments: Mapping[str, SegmentRow],
        entries: Mapping[int, bytes],
        tree: TileTree,
    ) -> Iterator[Proved]:
        opened: dict[str, OpenedRecord] = {}
        for segment_id in dict.fromkeys(row.segment_id for row in rows):
            within = [row for row in rows if row.segment_id == segment_id]
            opened |= self._open(segments[segment_id], within, entries)
        for row in rows:
            record = opened[row.id]
            yield Proved(
                row=row,
                opened=record,
                content=self._reader.part(record, 0).content,
                path=tree.inclusion_proof(row.log_index),
            )

    def _open(
        self, segment: SegmentRow, rows: Sequence[RecordRow], entries: Mapping[int, bytes]
    ) -> dict[str, OpenedRecord]:
        if len(rows) <= _FEW:
            return {row.id: self._reader.open(segment, row, entries[row.log_index]) for row in rows}
        wanted = {row.id for row in rows}
        whole = self._reader.open_segment(segment)
        return {each.manifest.id: each for each in whole if each.manifest.id in wanted}

    def _manifest(
        self, wanted: TrailFilter, state: LogState, events: int, actor: Actor
    ) -> dict[str, object]:
        head = open_checkpoint(state.checkpoint, self._archive.origin, self._verifiers)
        return {
            "format": FORMAT,
            "archive": self._archive.id,
            "origin": self._archive.origin,
            "vkeys": [self._archive.vkey],
            "exported_at": rfc3339(self._clock()),
            "exported_by": actor.name,
            "filter": wanted.to_params(),
            "filter_in_words": wanted.in_words() or "everything",
            "events": events,
            "log_size": head.size,
            "root": encode_base64(head.root),
        }

    def _read_log(self, path: str) -> bytes:
        return self._store.get(log_prefix(self._archive.id) + path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
