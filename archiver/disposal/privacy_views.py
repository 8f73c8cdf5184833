"""Privacy requests as they may be shown: one in a list, and its records, each judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archiver.clock import from_millis, rfc3339
from archiver.db.privacy import Asked, RequestRow
from archiver.model.privacy import PrivacyDecision, RequestKind, RequestState
from retention.erasure import Bar, Ground

UNDECIDED, GONE = "undecided", "gone"
"""Names of counts, besides those of `PrivacyDecision`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One request: its row, and how many of its records were decided how.

    `version` changes with every change of the request; a change names the one it was made upon.
    `later` are the records that it restricts without being about them: they came later of a post
    that it restricts.
    """

    row: RequestRow
    counts: Mapping[str, int]
    later: int = 0

    @property
    def id(self) -> str:
        """The request's id."""
        return self.row.id

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"privacy request {self.id}"

    @property
    def version(self) -> int:
        """Which change of the request this is the outcome of."""
        return self.row.stated_at

    @property
    def state(self) -> RequestState:
        """Where the request stands."""
        return RequestState(self.row.state)

    @property
    def kind(self) -> RequestKind:
        """What the person asks for."""
        return RequestKind(self.row.kind)

    @property
    def due_at(self) -> datetime:
        """Before which moment it has to be answered."""
        return from_millis(self.row.due_at)

    @property
    def records(self) -> int:
        """How many records it is about, gone ones too."""
        return sum(self.counts.values())

    def count(self, what: str) -> int:
        """Return how many of its records were decided so, are undecided, or are gone."""
        return self.counts.get(what, 0)

    @property
    def next_step(self) -> str:
        """What the request waits for, in words."""
        if self.state is RequestState.CLOSED:
            restricted = self.count(PrivacyDecision.RESTRICT) + self.later
            return f"closed; {restricted} records stay restricted" if restricted else "closed"
        if not self.records:
            return "find the records it is about, or close it where there are none"
        if undecided := self.count(UNDECIDED):
            return f"decide {undecided} records"
        if waiting := self.count(PrivacyDecision.ERASE):
            return f"{waiting} records wait to be erased through a disposal batch"
        return "everything is decided and done: close it"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "version": self.version,
            "kind": row.kind,
            "reference": row.reference,
            "person": row.person,
            "state": row.state,
            "received_at": _moment(row.received_at),
            "due_at": _moment(row.due_at),
            "extended_months": row.extended_months,
            "extension": row.extension,
            "made_by": row.made_by,
            "records": self.records,
            "undecided": self.count(UNDECIDED),
            "to_erase": self.count(PrivacyDecision.ERASE),
            "erased": self.count(GONE),
            "refused": self.count(PrivacyDecision.REFUSE),
            "restricted": self.count(PrivacyDecision.RESTRICT),
            "restricted_later": self.later,
            "lifted": self.count(PrivacyDecision.LIFTED),
            "next": self.next_step,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRecord:
    """A record of a request with everything that stands against erasing it now."""

    asked: Asked
    bars: tuple[Bar, ...]

    @property
    def open_decisions(self) -> tuple[PrivacyDecision, ...]:
        """What may be decided on it now."""
        if self.asked.is_gone:
            return ()
        if self.asked.decision == PrivacyDecision.RESTRICT:
            return (PrivacyDecision.LIFTED,)
        rest = (PrivacyDecision.REFUSE, PrivacyDecision.RESTRICT)
        return rest if self.bars else (PrivacyDecision.ERASE, *rest)

    @property
    def suggested(self) -> tuple[Ground, ...]:
        """The grounds that a refusal could rest on, of what stands against erasing it."""
        return tuple(dict.fromkeys(bar.ground for bar in self.bars if bar.ground is not None))

    @property
    def retain_until(self) -> datetime | None:
        """When its schedule lets it go, None: no such moment is known, or it is gone."""
        until = self.asked.retain_until
        return None if until is None else from_millis(until)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        asked = self.asked
        return {
            "log_index": asked.log_index,
            "id": asked.id,
            "platform": asked.platform,
            "account": asked.account,
            "class": asked.class_code,
            "posted_at": None if asked.posted_at is None else _moment(asked.posted_at),
            "captured_at": _moment(asked.captured_at),
            "erased": asked.is_gone,
            "decision": asked.decision,
            "ground": ground_document(asked.ground),
            "reason": asked.reason,
            "decided_by": asked.decided_by,
            "decided_at": None if asked.decided_at is None else _moment(asked.decided_at),
            "batch": asked.batch_id,
            "certificate": asked.certificate or None,
            "kept_until": None if self.retain_until is None else rfc3339(self.retain_until),
            "open_decisions": [each.value for each in self.open_decisions],
            "against_erasure": [
                {
                    "text": bar.reason.text,
                    "citation": bar.reason.citation,
                    "ground": bar.ground,
                }
                for bar in self.bars
            ],
            "suggested_grounds": [each.value for each in self.suggested],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPage:
    """Records of a request; `after` is the log index to go on behind, None at the end."""

    view: RequestView
    records: tuple[JudgedRecord, ...]
    after: int | None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "request": self.view.id,
            "version": self.view.version,
            "items": [each.to_dict() for each in self.records],
            "after": self.after,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestList:
    """A page of requests, newest first; `next_cursor` is empty at the end."""

    items: tuple[RequestView, ...]
    total: int
    next_cursor: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "items": [item.to_dict() for item in self.items],
            "total": self.total,
            "total_is_exact": True,
            "next_cursor": self.next_cursor,
        }


def ground_document(ground: str) -> dict[str, str] | None:
    """Return the JSON of what a refusal rests on, None where nothing was refused."""
    if not ground:
        return None
    read = Ground(ground)
    return {"name": read.value, "text": read.text, "citation": read.citation}


def _moment(millis: int) -> str:
    return rfc3339(from_millis(millis))
