"""What a bundle holds of one record: its bytes, its manifest, its entry, its proof, its trail."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.access.record_views import Json
from archiver.assurance.evidence.ledger_files import LedgerFiles
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.errors import IntegrityError
from archiver.preserve.event_record import EventBody, parse_event
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.segments.manifest import Manifest, PartEntry
from archiver.preserve.store import ObjectStore

_UNSAFE = re.compile("[^A-Za-z0-9._-]")
_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where a record stands, and its log entry."""

    row: RecordRow
    segment: SegmentRow
    entry: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """One record with what the database adds: why it is kept, and its events in log order."""

    stored: Stored
    why: Json
    events: tuple[Stored, ...] | None
    checkpoint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """One record as people read of it. `text` and names are hostile: they are what was posted."""

    row: RecordRow
    segment: SegmentRow
    entry: RecordEntry
    manifest: Manifest
    parts: tuple[tuple[str, PartEntry], ...]
    events: tuple[EventBody, ...] | None
    why: Json
    checkpoint: int


class RecordFiles:
    """Reads the files of records; every byte was checked against the log entry. Calls block."""

    def __init__(
        self, reader: RecordReader, store: ObjectStore, ledger: LedgerFiles, head: int
    ) -> None:
        self._reader = reader
        self._store = store
        self._ledger = ledger
        self._head = head

    def open(self, record: Gathered) -> OpenedRecord:
        """Return the record's manifest and bytes. Raises IntegrityError, NotFound."""
        stored = record.stored
        return self._reader.open(stored.segment, stored.row, stored.entry)

    def files(self, record: Gathered, opened: OpenedRecord) -> Iterator[tuple[str, bytes]]:
        """Yield the names, below the record's folder, and the bytes, one part at a time.

        Raises:
            IntegrityError: what is stored is not what the log commits to.
            NotFound: a blob is gone.
        """
        stored = record.stored
        for number, name in enumerate(part_files(opened.manifest)):
            yield name, self._reader.part(opened, number).content
        yield "manifest.json", opened.manifest_bytes
        yield "entry.json", stored.entry
        yield "frame.bin", self._frame(stored)
        proof = self._ledger.proof(stored.row.log_index, stored.entry, record.checkpoint)
        yield "proof.tlog-proof", proof
        yield "why.json", json_bytes(record.why)

    def events(self, record: Gathered) -> Iterator[tuple[EventBody, bytes]]:
        """Yield each event of the record's trail, and the line that proves it, in log order.

        A line is JSON of four texts, each the exact bytes of what it names: the event, its
        manifest, its log entry, and its proof under the newest checkpoint.
        """
        for stored in record.events or ():
            opened = self._reader.open(stored.segment, stored.row, stored.entry)
            event = self._reader.part(opened, 0).content
            proof = self._ledger.proof(stored.row.log_index, stored.entry, self._head)
            texts = {
                "event": event.decode(),
                "manifest": opened.manifest_bytes.decode(),
                "entry": stored.entry.decode(),
                "proof": proof.decode(),
            }
            yield parse_event(event), json.dumps(texts, sort_keys=True).encode() + b"\n"

    def _frame(self, stored: Stored) -> bytes:
        row, segment = stored.row, stored.segment
        return self._store.get_range(
            segment.object_key, row.frame_offset, row.frame_length, version_id=segment.version_id
        )


def part_files(manifest: Manifest) -> list[str]:
    """Return where the parts stand, in manifest order: numbered, in characters every tool takes."""
    return [
        f"parts/{number:03d}-{_UNSAFE.sub('_', part.name)[-_NAME_LENGTH:]}"
        for number, part in enumerate(manifest.parts)
    ]


def facts_of(
    record: Gathered, manifest: Manifest, events: tuple[EventBody, ...] | None
) -> RecordFacts:
    """Return what is told of a record on pages and in certificates. Raises IntegrityError."""
    stored = record.stored
    entry = decode_entry(stored.entry)
    if not isinstance(entry, RecordEntry):
        raise IntegrityError(f"record {stored.row.id}: its log entry is not a record's")
    return RecordFacts(
        row=stored.row,
        segment=stored.segment,
        entry=entry,
        manifest=manifest,
        parts=tuple(zip(part_files(manifest), manifest.parts, strict=True)),
        events=events,
        why=record.why,
        checkpoint=record.checkpoint,
    )


def json_bytes(document: Json) -> bytes:
    """Return JSON that is the same for the same document: names sorted, ASCII, a last newline."""
    return json.dumps(document, sort_keys=True, indent=2).encode("ascii") + b"\n"
