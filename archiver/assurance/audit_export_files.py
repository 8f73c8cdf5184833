"""The file of an exported trail: a zip of the events with their proofs.

Each line of `events.jsonl` holds an event's bytes, its manifest, its entry of the log and the
hashes that lead from there to the root in `checkpoint`. `events.csv` is the same trail for people,
`manifest.json` names the log, the filter and the SHA-256 of each file, `README.txt` says how to
check it all by hand.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from archiver.audit.sentences import sentence
from archiver.csv_rows import csv_lines
from archiver.db.records import RecordRow
from archiver.errors import StorageUnavailable
from archiver.preserve.event_record import EventBody, parse_event
from archiver.preserve.ledger.note import encode_base64
from archiver.preserve.ledger.proof import encode_path
from archiver.preserve.reader import OpenedRecord

FORMAT = "muniment-audit-export/1"
EVENTS = "events.jsonl"
TABLE = "events.csv"
CHECKPOINT = "checkpoint"
MANIFEST = "manifest.json"
README = "README.txt"

_PAGE = 1_000
_COLUMNS = (
    *("at", "sentence", "actor", "roles", "via", "action", "object_type", "object_id", "result"),
    *("details", "id", "log_index"),
)

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """One event with all that proves it."""

    row: RecordRow
    opened: OpenedRecord
    content: bytes
    path: tuple[bytes, ...]


class Writing:
    """The writing of one file, in a thread. `load` gives events by their log indexes."""

    def __init__(
        self,
        indexes: Sequence[int],
        load: Callable[[Sequence[int]], list[Proved]],
        progress: Progress,
    ) -> None:
        self._indexes = indexes
        self._load = load
        self._progress = progress

    def write(self, path: Path, manifest: dict[str, object], checkpoint: bytes) -> None:
        """Write the file. Raises StorageUnavailable, and as `AuditExport.export`."""
        table = path.with_name(f"{path.name}.csv")
        try:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                sums = self._write_events(archive, table)
                for name, content in (
                    (CHECKPOINT, checkpoint),
                    (README, _readme()),
                ):
                    archive.writestr(_member(name), content)
                    sums[name] = hashlib.sha256(content).hexdigest()
                told = json.dumps({**manifest, "files": sums}, indent=2, ensure_ascii=False)
                archive.writestr(_member(MANIFEST), told.encode() + b"\n")
        except OSError as error:
            raise StorageUnavailable(
                f"the export could not be written to {path}: {error.strerror}; check that the "
                "disk has room and is writable"
            ) from error
        finally:
            table.unlink(missing_ok=True)

    def _write_events(self, archive: zipfile.ZipFile, table: Path) -> dict[str, str]:
        sums = {EVENTS: hashlib.sha256(), TABLE: hashlib.sha256()}
        with (
            table.open("wb") as rows,
            archive.open(_member(EVENTS), "w", force_zip64=True) as lines,
        ):
            for content in csv_lines(_COLUMNS, self._each(lines, sums[EVENTS])):
                rows.write(content)
                sums[TABLE].update(content)
        with (
            table.open("rb") as rows,
            archive.open(_member(TABLE), "w", force_zip64=True) as member,
        ):
            shutil.copyfileobj(rows, member)
        return {name: digest.hexdigest() for name, digest in sums.items()}

    def _each(self, lines: Any, digest: Any) -> Iterator[list[str]]:
        """Write each event's line, and yield its row of the table."""
        total = len(self._indexes)
        for start in range(0, total, _PAGE):
            self._progress("Proving the events", start, total)
            for proved in self._load(self._indexes[start : start + _PAGE]):
                line = msgspec.json.encode(_line(proved)) + b"\n"
                lines.write(line)
                digest.update(line)
                yield _cells(proved, parse_event(proved.content))
        self._progress("Proving the events", total, total)


def _line(proved: Proved) -> dict[str, object]:
    return {
        "id": proved.row.id,
        "log_index": proved.row.log_index,
        "event": proved.content.decode(),
        "manifest": proved.opened.manifest_bytes.decode(),
        "entry": encode_base64(proved.opened.entry),
        "proof": encode_path(proved.path),
    }


def _cells(proved: Proved, body: EventBody) -> list[str]:
    told = sentence(
        body.action,
        actor=body.actor,
        object_type=body.object_type,
        object_id=body.object_id,
        result=body.result,
        details=body.details,
    )
    details = json.dumps(body.details, ensure_ascii=False, sort_keys=True)
    place = [proved.row.id, str(proved.row.log_index)]
    named = [body.action, body.object_type, body.object_id, body.result]
    return [body.at, told, body.actor, " ".join(body.roles), body.via, *named, details, *place]


def _member(name: str) -> zipfile.ZipInfo:
    # No time of day: the same events under the same checkpoint give the same bytes.
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member


def _readme() -> bytes:
    return (resources.files("archiver.assurance") / "audit_export_readme.txt").read_bytes()
