"""What waits for a second person, counted by one statement, and the names of what it is about."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ScalarSelect, func, literal, or_, select

from archiver.db.approvals import PENDING
from archiver.db.disposal_tables import batch, batch_approval, batch_record, plan_draft
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.tables import approval, hold
from archiver.db.transaction import Transaction
from archiver.model.privacy import PrivacyDecision, RequestState

SUBMITTED = "submitted"
"""The state of a draft that waits for its approval."""

REVIEWED = "reviewed"
"""The state of a batch that waits for approvals."""


class WaitingHold(NamedTuple):
    """The hold that a request to release is about."""

    id: str
    name: str
    matter: str
    records: int


class ErasureFor(NamedTuple):
    """A privacy request, and a batch through which it has records erased."""

    batch_id: str
    request_id: str
    reference: str


class Decides(NamedTuple):
    """Who would decide, by id, and on what they may.

    `author_id` is the id that a draft's authors must not have: empty where they may decide it.
    """

    person_id: str
    author_id: str
    releases: bool
    plan: bool
    disposal: bool


async def count(tx: Transaction, who: Decides, release: str) -> int:
    """Return how many decisions somebody may take now: none that they took part in.

    `release` is the act of releasing a hold: of requests only those are counted, since a draft that
    waits has a request beside it. Requests, drafts and batches are hundreds, however many records
    there are.
    """
    parts = [
        part
        for part, asked in (
            (_releases(who.person_id, release), who.releases),
            (_drafts(who.author_id), who.plan),
            (_batches(who.person_id), who.disposal),
        )
        if asked
    ]
    if not parts:
        return 0
    return sum((await tx.execute(select(*parts))).one())


async def holds(tx: Transaction, hold_ids: Collection[str]) -> dict[str, WaitingHold]:
    """Return these holds by id."""
    rows = await tx.execute(
        select(hold.c.id, hold.c.name, hold.c.matter, hold.c.records).where(hold.c.id.in_(hold_ids))
    )
    return {row.id: WaitingHold(*row) for row in rows}


async def erasures(tx: Transaction, batch_ids: Collection[str]) -> list[ErasureFor]:
    """Return which open privacy requests have records erased through these batches."""
    rows = await tx.execute(
        select(batch_record.c.batch_id, privacy_request.c.id, privacy_request.c.reference)
        .join(privacy_record, privacy_record.c.log_index == batch_record.c.log_index)
        .join(privacy_request, privacy_request.c.id == privacy_record.c.request_id)
        .where(
            batch_record.c.batch_id.in_(batch_ids),
            privacy_record.c.decision == PrivacyDecision.ERASE.value,
            privacy_request.c.state == RequestState.OPEN.value,
        )
        .distinct()
        .order_by(privacy_request.c.id)
    )
    return [ErasureFor(*row) for row in rows]


def _releases(person_id: str, release: str) -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(approval)
        .where(
            approval.c.act == release,
            approval.c.state == PENDING,
            approval.c.requester_id != person_id,
        )
        .scalar_subquery()
    )


def _drafts(author_id: str) -> ScalarSelect[int]:
    # Authors are a JSON list of ids, which hold nothing that `LIKE` would take for more.
    return (
        select(func.count())
        .select_from(plan_draft)
        .where(plan_draft.c.state == SUBMITTED, ~plan_draft.c.authors.contains(f'"{author_id}"'))
        .scalar_subquery()
    )


def _batches(person_id: str) -> ScalarSelect[int]:
    approved = (
        select(literal(1))
        .where(batch_approval.c.batch_id == batch.c.id, batch_approval.c.approver_id == person_id)
        .exists()
    )
    return (
        select(func.count())
        .select_from(batch)
        .where(
            batch.c.state == REVIEWED,
            ~or_(approved, batch.c.proposed_by_id == person_id, batch.c.formed_by_id == person_id),
        )
        .scalar_subquery()
    )
