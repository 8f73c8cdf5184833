"""What the events of privacy requests change of their rows (`archiver.preserve.privacy_effects`).

Each takes the request from the event that it was made upon, or not at all (`claims`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, literal, select, update

from archiver.db.chunks import chunks
from archiver.db.claims import Claim, take
from archiver.db.privacy import RequestRow
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.transaction import Connection, insert_rows
from archiver.model.privacy import PrivacyDecision, RequestState

_COLUMNS = tuple(RequestRow.__dataclass_fields__)
_RECORD = ("request_id", "log_index", "decision", "ground", "reason", "decided_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRow:
    """What was decided on records: why, on what ground, by whom, when."""

    decision: PrivacyDecision
    ground: str
    reason: str
    by: str
    at: int


def add(connection: Connection, row: RequestRow) -> None:
    """Insert a request, unless it is there."""
    known = select(literal(1)).where(privacy_request.c.id == row.id)
    if connection.execute(known).first() is None:
        connection.execute(
            insert(privacy_request).values({name: getattr(row, name) for name in _COLUMNS})
        )


def claim(connection: Connection, claimed: Claim) -> bool:
    """Take a request to a change that was made upon it; False: it has moved on."""
    return take(connection, privacy_request, claimed)


def extend(connection: Connection, request_id: str, *, months: int, due_at: int, why: str) -> None:
    """Note that there is more time to answer."""
    connection.execute(
        update(privacy_request)
        .where(privacy_request.c.id == request_id)
        .values(extended_months=months, due_at=due_at, extension=why)
    )


def add_records(connection: Connection, request_id: str, indexes: Sequence[int]) -> None:
    """Put records under a request, undecided; those that are under it stay as they are."""
    known = set(
        connection.execute(
            select(privacy_record.c.log_index).where(privacy_record.c.request_id == request_id)
        ).scalars()
    )
    rows = [
        (request_id, index, PrivacyDecision.UNDECIDED.value, "", "", "")
        for index in indexes
        if index not in known
    ]
    insert_rows(connection, privacy_record, _RECORD, rows)


def decide(
    connection: Connection, request_id: str, indexes: Sequence[int], decided: DecidedRow
) -> None:
    """Note what was decided on records of a request, in the place of what was decided before.

    Only what is restricted is lifted.
    """
    lifts = decided.decision is PrivacyDecision.LIFTED
    for some in chunks(indexes):
        statement = update(privacy_record).where(
            privacy_record.c.request_id == request_id,
            privacy_record.c.log_index.in_(some),
        )
        if lifts:
            restricted = privacy_record.c.decision == PrivacyDecision.RESTRICT.value
            statement = statement.where(restricted)
        connection.execute(
            statement.values(
                decision=decided.decision.value,
                ground=decided.ground,
                reason=decided.reason,
                decided_by=decided.by,
                decided_at=decided.at,
            )
        )
    restricts = (
        select(func.count())
        .where(
            privacy_record.c.request_id == request_id,
            privacy_record.c.decision == PrivacyDecision.RESTRICT.value,
        )
        .scalar_subquery()
    )
    connection.execute(
        update(privacy_request)
        .where(privacy_request.c.id == request_id)
        .values(restricts=restricts)
    )


def close(connection: Connection, request_id: str, document: str) -> None:
    """End a request with its signed document. What it restricts stays restricted."""
    connection.execute(
        update(privacy_request)
        .where(privacy_request.c.id == request_id)
        .values(state=RequestState.CLOSED.value, document=document)
    )


# --- What the gate asks, in its transaction. ----------------------------------------------------
