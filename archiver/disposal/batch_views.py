"""Batches as they may be shown: one in a list, one with all that its review needs, its records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.access.rules import Permission, allowed
from archiver.clock import from_millis, rfc3339
from archiver.db.batch_review import NotIn, Standout
from archiver.db.batches import REVIEW, ApprovalRow, BatchRow, Member, PackageRow
from archiver.db.certificates import CertificateRow
from archiver.disposal.batch_statistics import Statistics
from archiver.errors import CallerError, Conflict, Denied
from archiver.model.actor import Actor
from archiver.model.batch import BatchState, MemberState

_NEXT = {
    BatchState.FORMED: "review it, exclude what must stay, then propose it",
    BatchState.EXECUTING: "its execution was begun and can be resumed",
    BatchState.APPROVED: "execute it; until then an approval can be withdrawn",
    BatchState.DONE: "its certificate says what was destroyed",
    BatchState.CANCELLED: "its records come up in the next batch that is formed",
}


_TURN = {
    BatchState.FORMED: "a records manager, to review and propose",
    BatchState.REVIEWED: "people who approve disposal",
    BatchState.APPROVED: "a records manager, to execute",
    BatchState.EXECUTING: "its execution to end",
}
_STAYS = (MemberState.EXCLUDED, MemberState.KEPT)
_THROUGH = (MemberState.DISPOSED, MemberState.KEPT)
PHASES = 3
"""Of an execution: the gate, the destruction, the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """How far an execution is: which of the `PHASES`, and how many records are through it."""

    number: int
    words: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """One batch: its row, how many records are in which state, who approved, what it waits for.

    `version` changes with every change of the batch; a change names the one it was made upon.
    """

    row: BatchRow
    counts: Mapping[str, int]
    approvals: tuple[ApprovalRow, ...]

    @property
    def id(self) -> str:
        """The batch's id."""
        return self.row.id

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"batch {self.id}"

    @property
    def version(self) -> int:
        """Which change of the batch this is the outcome of."""
        return self.row.stated_at

    @property
    def state(self) -> BatchState:
        """Where the batch stands."""
        return BatchState(self.row.state)

    @property
    def records(self) -> int:
        """How many records are to go, or went."""
        return sum(count for state, count in self.counts.items() if state not in _STAYS)

    @property
    def left_out(self) -> int:
        """How many records stay: those that people excluded and those that the gate kept."""
        return sum(self.counts.get(state, 0) for state in _STAYS)

    @property
    def waits_for(self) -> str:
        """Whose turn it is, in words; empty where nobody's is."""
        return _TURN.get(self.state, "")

    @property
    def phase(self) -> "Phase | None":
        """How far its execution is, None where it is not being executed."""
        if self.state is not BatchState.EXECUTING:
            return None
        through = sum(self.counts.get(state, 0) for state in _THROUGH)
        waiting = self.counts.get(MemberState.IN, 0)
        whole = sum(self.counts.values()) - self.counts.get(MemberState.EXCLUDED, 0)
        if waiting:
            return Phase(number=1, words="Asking the gate", done=whole - waiting, total=whole)
        if through < whole:
            return Phase(number=2, words="Destroying records", done=through, total=whole)
        return Phase(number=3, words="Issuing the certificate", done=whole, total=whole)

    @property
    def next_step(self) -> str:
        """What the batch waits for, in words."""
        if self.state is BatchState.REVIEWED:
            return f"{self.row.approvals_needed - len(self.approvals)} more approval(s)"
        if self.state is BatchState.FORMED and self.row.action == REVIEW:
            return "decide the review: keep records until a date, or propose to destroy the rest"
        return _NEXT[self.state]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "version": self.version,
            "class": row.class_code,
            "schedule_version": row.schedule_version,
            "action": row.action,
            "platform": row.platform,
            "account": row.account,
            "period": row.period,
            "state": row.state,
            "records": self.records,
            "excluded": self.counts.get(MemberState.EXCLUDED, 0),
            "kept": self.counts.get(MemberState.KEPT, 0),
            "condemned": self.counts.get(MemberState.CONDEMNED, 0),
            "disposed": self.counts.get(MemberState.DISPOSED, 0),
            "records_formed": row.records,
            "bytes_formed": row.bytes,
            "method": row.method,
            "formed_by": row.formed_by,
            "formed_at": _moment(row.formed_at),
            "proposed_by": row.proposed_by,
            "proposal": row.proposal,
            "approvals_needed": row.approvals_needed,
            "approvals": [_approval(each) for each in self.approvals],
            "next": self.next_step,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What executing a batch would destroy, what would stay, and until when copies may remain.

    `whole` objects are deleted; `shared` ones also hold `staying` records that are kept: of them
    only the keys of the batch's records go. `locked_until` is the end of the longest lock on them.
    """

    records: int
    bytes: int
    whole: int
    shared: int
    staying: int
    media: int
    media_bytes: int
    locked_until: datetime | None
    backup_days: int

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "records": self.records,
            "bytes": self.bytes,
            "objects_deleted": self.whole,
            "objects_shared_with_kept_records": self.shared,
            "kept_records_in_them": self.staying,
            "media_objects_deleted": self.media,
            "media_bytes": self.media_bytes,
            "locked_until": None if self.locked_until is None else rfc3339(self.locked_until),
            "backup_days": self.backup_days,
            "stays": [
                "of each record: id, class, rule, schedule version, hashes, and who destroyed it",
                "every log entry, every event and the certificate",
                f"rows in backups of the database, for {self.backup_days} days: no content, no key",
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOutside:
    """A hold that keeps due records out; `hold` is empty where the actor may not see which."""

    hold: str
    name: str
    records: int

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {"hold": self.hold, "name": self.name, "records": self.records}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReview:
    """All that the review of one batch needs.

    `standouts` counts by why a record stands out, `standing_out` each record once. `objection` says
    why an approval of whoever looks would not count; `certificate` is that of its execution,
    without its body.
    """

    view: BatchView
    statistics: Statistics
    standouts: Mapping[str, int]
    outside: NotIn
    holds: tuple[HoldOutside, ...]
    consequences: Consequences
    package: PackageRow | None
    standing_out: int = 0
    objection: str = ""
    certificate: CertificateRow | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            **self.view.to_dict(),
            "certificate": None if self.certificate is None else self.certificate.id,
            "statistics": self.statistics.to_dict(),
            "exceptions": dict(self.standouts),
            "standing_out": self.standing_out,
            "not_in_it": {
                "held": self.outside.held,
                "locked": self.outside.locked,
                "permanent_or_awaiting_event": self.outside.no_end,
                "kept_by_review": self.outside.kept_by_review,
                "in_another_batch": self.outside.in_another_batch,
                "holds": [hold.to_dict() for hold in self.holds],
            },
            "consequences": self.consequences.to_dict(),
            "package": None if self.package is None else package_document(self.package),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPage:
    """Records of a batch; `after` is the log index to go on behind, None at the end."""

    view: BatchView
    members: tuple[Member, ...]
    after: int | None
    seed: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        page: dict[str, object] = {
            "batch": self.view.id,
            "version": self.view.version,
            "items": [member_document(each) for each in self.members],
            "after": self.after,
        }
        return page | ({"seed": self.seed} if self.seed else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionPage(MemberPage):
    """Records that stand out for one reason; `standouts` counts those of every reason."""

    why: Standout
    standouts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an approval would do: nothing was changed."""

    view: BatchView
    missing: int
    consequences: Consequences

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            **self.view.to_dict(),
            "approvals_missing_afterwards": self.missing,
            "consequences": self.consequences.to_dict(),
        }


def member_document(member: Member) -> dict[str, object]:
    """Return the JSON of one record of a batch."""
    return {
        "log_index": member.log_index,
        "id": member.id,
        "state": member.state,
        "reason": member.reason,
        "keep_until": None if member.keep_until is None else _moment(member.keep_until),
        "kind": member.kind,
        "change": member.change,
        "posted_at": None if member.posted_at is None else _moment(member.posted_at),
        "author_handle": member.author_handle,
    }


def package_document(row: PackageRow) -> dict[str, object]:
    """Return the JSON of what a batch was handed over as."""
    return {
        "sha256": row.sha256.hex(),
        "size": row.size,
        "records": row.records,
        "exported_by": row.exported_by,
        "exported_at": _moment(row.exported_at),
        "receiver": row.receiver,
        "confirmed_by": row.confirmed_by,
        "confirmed_at": None if row.confirmed_at is None else _moment(row.confirmed_at),
    }


def objection(view: BatchView, actor: Actor) -> CallerError | None:
    """Return why an approval of this actor would not count, None where it would."""
    if not allowed(actor, Permission.APPROVE_DISPOSAL):
        return Denied("who may approve disposal decides on this batch")
    if not actor.person_id:
        return Denied(
            "a disposal is approved by people who sign in; a token or the command line's user "
            "cannot be one"
        )
    if actor.person_id in {view.row.proposed_by_id, view.row.formed_by_id}:
        return Denied("who forms or proposes a batch does not approve it; ask somebody else")
    if actor.person_id in {each.approver_id for each in view.approvals}:
        return Conflict(f"you approved batch {view.id} already; another person must")
    return None


def approvals_of(rows: Sequence[ApprovalRow], batch_id: str) -> tuple[ApprovalRow, ...]:
    """Return those of these approvals that are of one batch."""
    return tuple(row for row in rows if row.batch_id == batch_id)


def _approval(row: ApprovalRow) -> dict[str, object]:
    return {
        "by": row.approved_by,
        "at": _moment(row.approved_at),
        "records": row.records,
        "reason": row.reason,
    }


def _moment(millis: int) -> str:
    return rfc3339(from_millis(millis))
