"""The database's rows about stored objects, against the objects."""

from collections.abc import Iterator, Mapping

from archiver.assurance.join import Catalogue, KnownSegment
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings
from archiver.assurance.segment_check import ObjectFacts
from archiver.db import segments as segment_rows
from archiver.db.segments import BlobRow, SegmentRow
from archiver.db.transaction import Database
from archiver.model.lock import Lock

_PAGE = 1000
_REPAIR = "find out who changed which of the two"


async def check_segment_rows(
    database: Database,
    catalogue: Catalogue,
    listed: set[str],
    log: CheckedLog,
    findings: Findings,
) -> dict[str, int]:
    """Compare each segment's row with its object; return the first log index of every row by id.

    `listed` are the segment objects of the store, readable or not.
    """
    known = {segment.id: segment for segment in catalogue.segments}
    rows: dict[str, int] = {}
    after = 0
    while after >= 0:
        async with database.reading() as tx:
            page = await segment_rows.list_after(tx, after, _PAGE)
        for row in page:
            rows[row.id] = row.first_index
            _compare_segment(row, known.get(row.id), listed, log, findings)
        after = page[-1].first_index + 1 if len(page) == _PAGE else -1
    for segment in catalogue.segments:
        if segment.first_index >= 0 and segment.id not in rows:
            findings.problem(
                "the log and the store have this segment, the database has no row of it: it was "
                "deleted; restore the database from its newest backup",
                object_key=segment.object.key,
            )
    return rows


def _compare_segment(
    row: SegmentRow,
    segment: KnownSegment | None,
    listed: set[str],
    log: CheckedLog,
    findings: Findings,
) -> None:
    is_later = row.first_index >= log.end and (segment is None or segment.first_index < 0)
    if is_later:  # sequenced while we were reading
        return
    if segment is not None:
        for what in _differences(row, segment):
            findings.problem(f"{what}; {_REPAIR}", object_key=segment.object.key)
    elif row.object_key not in listed:
        findings.problem(
            f"the segment is missing from the store with its {row.records} records (log indexes "
            f"{row.first_index} to {row.first_index + row.records - 1}); restore it from its "
            "second copy",
            object_key=row.object_key,
        )


def _differences(row: SegmentRow, segment: KnownSegment) -> Iterator[str]:
    ours, keys = segment.object, segment.keys
    pairs: dict[str, tuple[object, object]] = {
        "class_code": (row.class_code, segment.class_code),
        "period": (row.period, segment.period),
        "records": (row.records, segment.records),
        "object_key": (row.object_key, ours.key),
        "version_id": (row.version_id, ours.version_id),
        "size": (row.size, ours.size),
        "seal": (_hex(row.seal), segment.seal.hex()),
        "lock_mode": (row.lock_mode, segment.lock_mode),
        "created_at": (row.created_at, segment.created_at),
        "legal_hold": (row.legal_hold, ours.legal_hold),
    }
    if segment.first_index >= 0:
        pairs["first_index"] = (row.first_index, segment.first_index)
    if keys is not None:
        pairs["keys_object_key"] = (row.keys_object_key, keys.key)
        pairs["keys_version_id"] = (row.keys_version_id, keys.version_id)
        pairs["keys_sha256"] = (_hex(row.keys_sha256), keys.sha256.hex())
        pairs["legal_hold of the keys"] = (row.legal_hold, keys.legal_hold)
    for name, (theirs, found) in pairs.items():
        if theirs != found:
            yield f"the database's row says {name} {theirs!r}, the store says {found!r}"
    if row.lock_until < segment.lock_until:  # locks are extended, so that the row may say later
        yield (
            f"the database's row says lock_until {row.lock_until}, the footer {segment.lock_until}"
        )


def _hex(value: object) -> str:
    # SQLite keeps a text in a column of bytes if somebody puts one there.
    return value.hex() if isinstance(value, bytes) else repr(value)


async def check_blob_rows(
    database: Database,
    blobs: Mapping[str, tuple[ObjectFacts, Lock | None]],
    listed: set[str],
    findings: Findings,
) -> set[str]:
    """Compare each blob's row with its object; return the keys that rows refer to."""
    referred: set[str] = set()
    after = ""
    while True:
        async with database.reading() as tx:
            page = await segment_rows.list_blobs(tx, after, _PAGE)
        for row in page:
            referred.add(row.object_key)
            if row.object_key in blobs:
                _compare_blob(row, blobs[row.object_key][0], findings)
            elif row.object_key not in listed:
                findings.problem(
                    "the blob is missing from the store, and with it a part of the record; restore "
                    "it from its second copy",
                    object_key=row.object_key,
                    record_id=row.record_id,
                )
        if len(page) < _PAGE:
            return referred
        after = page[-1].object_key


def _compare_blob(row: BlobRow, found: ObjectFacts, findings: Findings) -> None:
    pairs: dict[str, tuple[object, object]] = {
        "SHA-256": (_hex(row.sha256), found.sha256.hex()),
        "size": (row.size, found.size),
        "version": (row.version_id, found.version_id),
        "legal hold": (row.legal_hold, found.legal_hold),
    }
    for name, (theirs, ours) in pairs.items():
        if theirs != ours:
            findings.problem(
                f"the blob has {name} {ours!r}, the database says {theirs!r}: one of them was "
                "altered. Restore the object from its second copy if --content finds it damaged",
                object_key=found.key,
                record_id=row.record_id,
            )
