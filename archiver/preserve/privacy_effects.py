"""What the events of privacy requests change: the request, its records, what was decided on each.

The first event of a request states it whole; every later one is made upon an earlier one and takes
effect only from there (`transitions`). Records are named as a batch's are (`named_records`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from archiver.db import privacy_steps as rows
from archiver.db.privacy import RequestRow
from archiver.db.privacy_steps import DecidedRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole
from archiver.model.privacy import DECIDED, PrivacyDecision, RequestKind, RequestState
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of
from archiver.preserve.named_records import named_indexes
from archiver.preserve.transitions import Change, Kind, Transition, transition
from retention.erasure import Ground

PRIVACY_REQUEST = "privacy-request"
"""The object type of these events."""

RECEIVED = "privacy:received"
DOCUMENT_PART = "closing.json"
"""The part that is the closing document of a request."""

_EITHER = (RequestState.OPEN, RequestState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReceived(SelfStated):
    """A request was received."""

    row: RequestRow

    def apply(self, connection: Connection) -> bool:
        """Insert the request, unless it is there."""
        rows.add(connection, self.row)
        return False


def privacy_effect(body: EventBody, part: PartOf) -> RequestReceived | Transition | None:
    """Return what an event about a request changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state its change whole.
    """
    if body.result != "ok":
        return None
    if body.action == RECEIVED:
        return RequestReceived(row=_received(body))
    return transition(body, part, _CHANGES, rows.claim)


def document_part(document: bytes) -> Part:
    """Return the part that is a closing document."""
    return Part(
        name=DOCUMENT_PART,
        role=PartRole.DERIVED,
        media_type="application/json",
        content=document,
    )


def _received(body: EventBody) -> RequestRow:
    ulid_bytes(body.object_id)
    at = moment_of(body)
    return RequestRow(
        id=body.object_id,
        kind=RequestKind(detail_of(body, "kind", str)).value,
        reference=detail_of(body, "reference", str),
        person=detail_of(body, "person", str),
        received_at=detail_of(body, "received_at", int),
        due_at=detail_of(body, "due_at", int),
        made_by=body.actor,
        made_at=at,
        stated_at=at,
    )


def _extended(body: EventBody, _part: PartOf) -> Change:
    return partial(
        rows.extend,
        request_id=body.object_id,
        months=detail_of(body, "months", int),
        due_at=detail_of(body, "due_at", int),
        why=detail_of(body, "reason", str),
    )


def _found(body: EventBody, part: PartOf) -> Change:
    return partial(rows.add_records, request_id=body.object_id, indexes=named_indexes(body, part))


def _decided(body: EventBody, part: PartOf) -> Change:
    decision = PrivacyDecision(detail_of(body, "decision", str))
    ground = detail_of(body, "ground", str)
    if decision not in _DECISIONS or bool(ground) != (decision is PrivacyDecision.REFUSE):
        raise ValueError(f"expected a decision, and a ground where it refuses, found {decision!r}")
    return _noting(body, part, decision, Ground(ground).value if ground else "")


def _lifted(body: EventBody, part: PartOf) -> Change:
    detail_of(body, "told_at", int)
    return _noting(body, part, PrivacyDecision.LIFTED, "")


def _noting(body: EventBody, part: PartOf, decision: PrivacyDecision, ground: str) -> Change:
    decided = DecidedRow(
        decision=decision,
        ground=ground,
        reason=detail_of(body, "reason", str),
        by=body.actor,
        at=moment_of(body),
    )
    return partial(
        rows.decide, request_id=body.object_id, indexes=named_indexes(body, part), decided=decided
    )


def _closed(body: EventBody, part: PartOf) -> Change:
    document = part(DOCUMENT_PART)
    if document is None:
        raise ValueError("it does not hold its closing document")
    return partial(rows.close, request_id=body.object_id, document=document.decode())


_DECISIONS = (PrivacyDecision.ERASE, PrivacyDecision.REFUSE, PrivacyDecision.RESTRICT)
_OPEN = (RequestState.OPEN,)
_CHANGES: Mapping[str, Kind] = {
    "privacy:extended": Kind(_OPEN, _extended),
    "privacy:found": Kind(_OPEN, _found),
    DECIDED: Kind(_OPEN, _decided),
    "privacy:lifted": Kind(_EITHER, _lifted),
    "privacy:closed": Kind(_OPEN, _closed),
}
