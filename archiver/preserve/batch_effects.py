"""What the events of disposal batches change: the batch, its records, approvals and package.

A batch's first event names its records by log index, as a frozen set's does; `members_sha256` is
over those numbers as packed. Every later one names in `was` the moment of the event it was made
upon, and takes effect only from there (`archiver.db.batches.claim`): of two that were made upon the
same one, the log's order decides, and the other has no effect wherever the log is replayed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from archiver.db import batches as rows
from archiver.db.batches import ApprovalRow, BatchRow, Claim, PackageRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.batch import UNDECIDED, BatchState
from archiver.model.number_list import pack, unpack
from archiver.model.post import Part, PartRole
from archiver.preserve.event_record import EventBody, detail_of, moment_of

BATCH = "batch"
"""The object type of these events."""

FORMED = "batch:formed"
MEMBERS_PART = "members.indexes"
"""The part that names the records an event is about: packed log indexes."""

MOST_RECORDS = 20_000
"""Records of one batch: what people can review, and what one transaction writes in well under a
second while captures wait for it."""

PartOf = Callable[[str], bytes | None]
Change = Callable[[Connection], None]

_STATED = (
    *("class_code", "schedule_version", "action", "platform", "account", "period"),
    *("log_size", "records", "bytes", "formed_by_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFormed:
    """A batch was formed of eligible records. `indexes` are their log indexes, ascending."""

    row: BatchRow
    indexes: Sequence[int] = field(repr=False)

    @property
    def entries(self) -> Sequence[bytes]:
        """None: the event's own entry is the statement."""
        return ()

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


@dataclass(slots=True, kw_only=True)
class BatchChanged:
    """A batch was changed, if it still stands where the change was made upon.

    `took` says so once it was applied: whoever made the change learns there that somebody else was
    faster.
    """

    claim: Claim
    change: Change = field(repr=False)
    took: bool = field(default=False, init=False)

    @property
    def entries(self) -> Sequence[bytes]:
        """None: the event's own entry is the statement."""
        return ()

    def apply(self, connection: Connection) -> bool:
        """Change the rows, unless the batch has moved on."""
        self.took = rows.claim(connection, self.claim)
        if self.took:
            self.change(connection)
        return False


def members_part(indexes: Sequence[int]) -> Part:
    """Return the part that names records by log index."""
    return Part(
        name=MEMBERS_PART,
        role=PartRole.DERIVED,
        media_type="application/octet-stream",
        content=pack(indexes),
    )


def members_digest(indexes: Sequence[int]) -> str:
    """Return SHA-256, in hex, over log indexes in decimal, joined by newlines, none at the end."""
    return sha256("\n".join(map(str, indexes)).encode()).hexdigest()


def batch_effect(body: EventBody, part: PartOf) -> BatchFormed | BatchChanged | None:
    """Return what an event about a batch changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state the change whole.
    """
    if body.result != "ok":
        return None
    if body.action == FORMED:
        return _formed(body, part)
    known = _CHANGES.get(body.action)
    if known is None:
        return None
    ulid_bytes(body.object_id)
    states, read = known
    at, was = moment_of(body), detail_of(body, "was", int)
    if at <= was:
        raise ValueError(f"its moment {at} is not after {was}, that of the event it is made upon")
    return BatchChanged(
        claim=Claim(batch_id=body.object_id, was=was, at=at, states=states),
        change=read(body, part),
    )


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
    indexes = _indexes(body, part)
    if indexes[-1] >= row.log_size:
        raise ValueError(f"log index {indexes[-1]} is not below its log size {row.log_size}")
    return BatchFormed(row=row, indexes=indexes)


def _indexes(body: EventBody, part: PartOf) -> tuple[int, ...]:
    packed, stated = part(MEMBERS_PART), detail_of(body, "records", int)
    if packed is None or not 0 < stated <= MOST_RECORDS:
        raise ValueError(f"it does not name its {stated} records")
    indexes = unpack(packed, stated)
    if members_digest(indexes) != detail_of(body, "members_sha256", str):
        raise ValueError("the records it names are not those of its digest")
    return indexes


def _excluded(body: EventBody, part: PartOf) -> Change:
    return partial(
        rows.exclude,
        batch_id=body.object_id,
        indexes=_indexes(body, part),
        reason=detail_of(body, "reason", str),
        keep_until=detail_of(body, "keep_until", int) or None,
    )


def _included(body: EventBody, part: PartOf) -> Change:
    return partial(rows.include, batch_id=body.object_id, indexes=_indexes(body, part))


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
_CHANGES: Mapping[str, tuple[tuple[BatchState, ...], Callable[[EventBody, PartOf], Change]]] = {
    "batch:excluded": (UNDECIDED, _excluded),
    "batch:included": (UNDECIDED, _included),
    "batch:proposed": ((BatchState.FORMED,), _proposed),
    "batch:approved": ((BatchState.REVIEWED,), _approved),
    "batch:withdrawn": (_PROPOSED, _withdrawn),
    "batch:exported": ((BatchState.REVIEWED,), _exported),
    "batch:confirmed": ((BatchState.REVIEWED,), _confirmed),
    "batch:started": ((BatchState.APPROVED,), _moved(BatchState.EXECUTING)),
    "batch:cancelled": (UNDECIDED, _moved(BatchState.CANCELLED)),
}
