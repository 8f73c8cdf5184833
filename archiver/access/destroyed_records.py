"""What is told of a destroyed record: that there was one, and what the log still proves of it.

Who it was about is not known any more, so only who may see the whole archive is told; to everybody
else it is a record that is not there, as any other out of their reach.
"""

from dataclasses import dataclass

from archiver.clock import from_millis, rfc3339
from archiver.db import disposed as disposed_rows
from archiver.db import ledger as ledger_rows
from archiver.db.disposed import Remains
from archiver.db.transaction import Transaction
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.entry import RecordEntry, decode_entry

DISPOSED = "disposed"
"""The state of a destroyed record, in every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedRecord:
    """What remains of a destroyed record: its row, and the hashes that its log entry commits to."""

    remains: Remains
    manifest_sha256: bytes
    frame_sha256: bytes

    @property
    def sentence(self) -> str:
        """What became of it, in words."""
        row = self.remains
        how = "deleted" if row.method == "delete" else "crypto-erased"
        return (
            f"Destroyed on {from_millis(row.disposed_at):%Y-%m-%d %H:%M} UTC in disposal batch "
            f"{row.batch_id} under schedule version {row.schedule_version} of class "
            f"{row.class_code}: {how}. Entry {row.dis_index} of the log says so."
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document: no content, and nothing of whom it was about."""
        row = self.remains
        return {
            "id": row.id,
            "log_index": row.log_index,
            "type": row.entry_type,
            "state": DISPOSED,
            "class_code": row.class_code,
            "rule": row.rule,
            "schedule_version": row.schedule_version,
            "captured_at": rfc3339(from_millis(row.captured_at)),
            "bytes": row.size,
            "manifest_sha256": self.manifest_sha256.hex(),
            "frame_sha256": self.frame_sha256.hex(),
            "batch": row.batch_id,
            "method": row.method,
            "disposed_at": rfc3339(from_millis(row.disposed_at)),
            "disposal_log_index": row.dis_index,
            "what": self.sentence,
        }


class RecordDestroyed(NotFound):
    """The record was destroyed; `record` says what remains of it."""

    def __init__(self, record: DestroyedRecord) -> None:
        super().__init__(f"record {record.remains.id}: {record.sentence}")
        self.record = record


async def find_destroyed(tx: Transaction, record_id: str) -> DestroyedRecord | None:
    """Return what remains of a record, None where none of this id was destroyed.

    Raises:
        IntegrityError: its log entry is not a record's.
    """
    remains = await disposed_rows.find_remains(tx, record_id)
    if remains is None:
        return None
    found = await ledger_rows.entries(tx, remains.log_index, remains.log_index + 1)
    entry = decode_entry(found[0]) if found else None
    if not isinstance(entry, RecordEntry) or entry.id != record_id:
        raise IntegrityError(
            f"record {record_id} is known as destroyed, and the log has no entry of it at index "
            f"{remains.log_index}; run `muniment verify --full`",
            record_id=record_id,
        )
    return DestroyedRecord(
        remains=remains,
        manifest_sha256=entry.manifest_sha256,
        frame_sha256=entry.frame_sha256,
    )
