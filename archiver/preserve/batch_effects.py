"""What the events of disposal batches change: the batch, its records, approvals and package.

A batch's first event names its records by log index (`named_records`), as a frozen set's does.
Every later one is made upon an earlier one and takes effect only from there (`transitions`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from archiver.db import batch_steps as rows
from archiver.db.batches import ApprovalRow, BatchRow, PackageRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.batch import PROPOSED, UNDECIDED, BatchState
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of
from archiver.preserve.named_records import members_digest, named_indexes
from archiver.preserve.transitions import Change, Kind, Transition, transition

BATCH = "batch"
"""The object type of these events."""

FORMED = "batch:formed"

_STATED = (
    *("class_code", "schedule_version", "action", "platform", "account", "period"),
    *("log_size", "records", "bytes", "formed_by_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFormed(SelfStated):
    """A batch was formed of eligible records. `indexes` are their log indexes, ascending."""

    row: BatchRow
    indexes: Sequence[int] = field(repr=False)

    def apply(self, connection: Connection) -> bool:
        """Insert the batch with its records, unless it is there."""
        rows.insert_formed(connection, self.row, self.indexes)
        return False

    @property
    def details(self) -> dict[str, str | int | bool]:
        """The details of its event: all that `batch_effect` reads."""
        return {
            **{name: getattr(self.row, name) for name in _STATED},
            "members_sha256": members_digest(self.indexes),
        }


def batch_effect(body: EventBody, part: PartOf) -> BatchFormed | Transition | None:
    """Return what an event about a batch changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state the change whole.
    """
    if body.result != "ok":
        return None
    if body.action == FORMED:
        return _formed(body, part)
    return transition(body, part, _CHANGES, rows.claim)


def _formed(body: EventBody, part: PartOf) -> BatchFormed:
    ulid_bytes(body.object_id)
    at = moment_of(body)
    row = BatchRow(
        id=body.object_id,
        class_code=detail_of(body, "class_code", str),
        schedule_version=detail_of(body, "schedule_version", int),
        action=detail_of(body, "action", str),
        platform=detail_of(body, "platform", str),
        account=detail_of(body, "account", str),
        period=detail_of(body, "period", str),
        log_size=detail_of(body, "log_size", int),
        records=detail_of(body, "records", int),
        bytes=detail_of(body, "bytes", int),
        formed_by_id=detail_of(body, "formed_by_id", str),
        state=BatchState.FORMED.value,
        formed_by=body.actor,
        formed_at=at,
        stated_at=at,
    )
    indexes = named_indexes(body, part)
    if indexes[-1] >= row.log_size:
        raise ValueError(f"log index {indexes[-1]} is not below its log size {row.log_size}")
    return BatchFormed(row=row, indexes=indexes)


def _excluded(body: EventBody, part: PartOf) -> Change:
    return partial(
        rows.exclude,
        batch_id=body.object_id,
        indexes=named_indexes(body, part),
        reason=detail_of(body, "reason", str),
        keep_until=detail_of(body, "keep_until", int) or None,
    )


def _included(body: EventBody, part: PartOf) -> Change:
    return partial(rows.include, batch_id=body.object_id, indexes=named_indexes(body, part))


def _proposed(body: EventBody, _part: PartOf) -> Change:
    needed = detail_of(body, "needed", int)
    if needed < 1:
        raise ValueError(f"expected at least one approval to be needed, found {needed}")
    return partial(
        rows.propose,
        batch_id=body.object_id,
        by=body.actor,
        by_id=detail_of(body, "by_id", str),
        reason=detail_of(body, "reason", str),
        needed=needed,
    )


def _approved(body: EventBody, _part: PartOf) -> Change:
    approval = ApprovalRow(
        batch_id=body.object_id,
        approver_id=detail_of(body, "by_id", str),
        approved_by=body.actor,
        records=detail_of(body, "records", int),
        reason=detail_of(body, "reason", str),
        approved_at=moment_of(body),
    )
    return partial(rows.approve, row=approval)


def _withdrawn(body: EventBody, _part: PartOf) -> Change:
    return partial(
        rows.withdraw, batch_id=body.object_id, approver_id=detail_of(body, "by_id", str)
    )


def _exported(body: EventBody, _part: PartOf) -> Change:
    package = PackageRow(
        batch_id=body.object_id,
        sha256=bytes.fromhex(detail_of(body, "sha256", str)),
        size=detail_of(body, "size", int),
        records=detail_of(body, "records", int),
        exported_by=body.actor,
        exported_at=moment_of(body),
        exported_by_id=str(body.details.get("by_id", "")),
    )
    return partial(rows.note_package, row=package)


def _confirmed(body: EventBody, _part: PartOf) -> Change:
    return partial(
        rows.confirm_package,
        batch_id=body.object_id,
        receiver=detail_of(body, "receiver", str),
        by=body.actor,
        at=moment_of(body),
    )


def _moved(state: BatchState) -> Callable[[EventBody, PartOf], Change]:
    def read(body: EventBody, _part: PartOf) -> Change:
        return partial(rows.set_state, batch_id=body.object_id, state=state)

    return read


_PROPOSED = (BatchState.REVIEWED, BatchState.APPROVED)
_CHANGES: Mapping[str, Kind] = {
    "batch:excluded": Kind(UNDECIDED, _excluded),
    "batch:included": Kind(UNDECIDED, _included),
    PROPOSED: Kind((BatchState.FORMED,), _proposed),
    "batch:approved": Kind((BatchState.REVIEWED,), _approved),
    "batch:withdrawn": Kind(_PROPOSED, _withdrawn),
    "batch:exported": Kind((BatchState.REVIEWED,), _exported),
    "batch:confirmed": Kind((BatchState.REVIEWED,), _confirmed),
    "batch:started": Kind((BatchState.APPROVED,), _moved(BatchState.EXECUTING)),
    "batch:cancelled": Kind(UNDECIDED, _moved(BatchState.CANCELLED)),
}
