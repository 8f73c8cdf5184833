"""Privacy requests: their rows, and what was decided on each record.

Rows are written by the effects of events (`privacy_steps`) and derived again from those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, exists, func, select

from archiver.db import restricted
from archiver.db.chunks import chunks
from archiver.db.disposal_tables import batch, batch_record, certificate, disposed
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.tables import blob, record, segment
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound
from archiver.model.batch import OPEN
from archiver.model.privacy import PrivacyDecision, RequestState

_OF_POST = ("platform", "account", "post_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request. Moments are milliseconds since 1970 UTC; `document` is "" until it is closed."""

    id: str
    kind: str
    reference: str
    person: str
    received_at: int
    due_at: int
    extended_months: int = 0
    extension: str = ""
    state: str = RequestState.OPEN.value
    restricts: int = 0
    document: str = ""
    made_by: str
    made_at: int
    stated_at: int


class Asked(NamedTuple):
    """A record a request is about, as it is now. What is gone has no id but that of its remains.

    `batch_id` is the open batch it is in, or that which destroyed it; `certificate` the number of
    that batch's certificate, 0 for none.
    """

    log_index: int
    decision: str
    ground: str
    reason: str
    decided_by: str
    decided_at: int | None
    id: str
    platform: str
    account: str
    class_code: str
    schedule_version: int
    posted_at: int | None
    captured_at: int
    retain_until: int | None
    size: int
    lock_mode: str
    lock_until: int
    batch_id: str
    certificate: int
    is_gone: bool


def decisions_among(
    connection: Connection, log_indexes: Sequence[int]
) -> dict[int, set[PrivacyDecision]]:
    """Return the decisions in force on these records, by log index.

    A restriction is until it is lifted, of what came later of a post as well (`restricted`); a
    decision to erase only while its request is open.
    """
    found = {
        index: {PrivacyDecision.RESTRICT}
        for index in restricted.among_rows(connection, log_indexes)
    }
    in_force = and_(
        privacy_record.c.decision == PrivacyDecision.ERASE.value,
        privacy_request.c.state == RequestState.OPEN.value,
    )
    for some in chunks(log_indexes):
        rows = connection.execute(
            select(privacy_record.c.log_index, privacy_record.c.decision)
            .join(privacy_request, privacy_request.c.id == privacy_record.c.request_id)
            .where(privacy_record.c.log_index.in_(some), in_force)
        )
        for row in rows:
            found.setdefault(row.log_index, set()).add(PrivacyDecision(row.decision))
    return found


async def get(tx: Transaction, request_id: str) -> RequestRow:
    """Return one request. Raises NotFound."""
    found = await tx.execute(select(privacy_request).where(privacy_request.c.id == request_id))
    row = found.mappings().first()
    if row is None:
        raise NotFound(
            f"no privacy request {request_id!r}; `muniment privacy list` has those there are"
        )
    return RequestRow(**row)


async def page(tx: Transaction, *, state: str, before: str, limit: int) -> list[RequestRow]:
    """Return requests, newest first, those with ids below `before`; all states where it is ""."""
    statement = select(privacy_request).order_by(privacy_request.c.id.desc()).limit(limit)
    if state:
        statement = statement.where(privacy_request.c.state == state)
    if before:
        statement = statement.where(privacy_request.c.id < before)
    return [RequestRow(**row) for row in (await tx.execute(statement)).mappings()]


async def count(tx: Transaction, *, state: str) -> int:
    """Return how many requests there are, in one state or in all."""
    statement = select(func.count()).select_from(privacy_request)
    if state:
        statement = statement.where(privacy_request.c.state == state)
    return int((await tx.execute(statement)).scalar_one())


async def counts(tx: Transaction, request_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many records of each request have which decision; those that are gone as `gone`.

    A gone one is counted there only.
    """
    found: dict[str, dict[str, int]] = {each: {} for each in request_ids}
    gone = disposed.c.log_index.is_not(None)
    rows = await tx.execute(
        select(
            privacy_record.c.request_id,
            privacy_record.c.decision,
            gone.label("gone"),
            func.count().label("records"),
        )
        .outerjoin(disposed, disposed.c.log_index == privacy_record.c.log_index)
        .where(privacy_record.c.request_id.in_(request_ids))
        .group_by(privacy_record.c.request_id, privacy_record.c.decision, gone)
    )
    for row in rows:
        of_one = found[row.request_id]
        name = "gone" if row.gone else row.decision or "undecided"
        of_one[name] = of_one.get(name, 0) + row.records
    return found


async def records(
    tx: Transaction,
    request_id: str,
    *,
    indexes: Sequence[int] | None = None,
    after: int = -1,
    limit: int | None = None,
) -> list[Asked]:
    """Return records a request is about behind a log index, in log order; some of them if named."""
    if indexes is None:
        statement = _asked(request_id).where(privacy_record.c.log_index > after)
        return [_read(row) for row in await tx.execute(statement.limit(limit))]
    found: list[Asked] = []
    for some in chunks(indexes):
        statement = _asked(request_id).where(privacy_record.c.log_index.in_(some))
        found += [_read(row) for row in await tx.execute(statement)]
    return found


async def versions_of(tx: Transaction, indexes: Sequence[int]) -> list[int]:
    """Return the log indexes of every stored version and copy of these posts, ascending."""
    other = record.alias("other")
    found: set[int] = set()
    for some in chunks(indexes):
        rows = await tx.execute(
            select(other.c.log_index)
            .select_from(record)
            .join(
                other,
                and_(*(other.c[name] == record.c[name] for name in _OF_POST)),
            )
            .where(
                record.c.log_index.in_(some),
                record.c.entry_type == "rec",
                other.c.entry_type == "rec",
            )
        )
        found.update(rows.scalars())
    return sorted(found)


async def versions_outside(tx: Transaction, request_id: str) -> list[str]:
    """Return the ids of versions and copies of a request's posts that are not under it, ascending.

    Which post a record was of is not known any more when it is gone: only what stands is asked.
    """
    under = (
        select(*(record.c[name] for name in _OF_POST))
        .join(privacy_record, privacy_record.c.log_index == record.c.log_index)
        .where(privacy_record.c.request_id == request_id)
        .distinct()
        .subquery()
    )
    of_same_post = and_(*(record.c[name] == under.c[name] for name in _OF_POST))
    is_under = exists().where(
        privacy_record.c.request_id == request_id,
        privacy_record.c.log_index == record.c.log_index,
    )
    rows = await tx.execute(
        select(record.c.id)
        .join(under, of_same_post)
        .where(record.c.entry_type == "rec", ~is_under)
        .order_by(record.c.log_index)
    )
    return list(rows.scalars())


async def requests_behind(tx: Transaction, batch_id: str) -> list[str]:
    """Return the open requests that decided to erase records of a batch."""
    rows = await tx.execute(
        select(privacy_request.c.id)
        .join(privacy_record, privacy_record.c.request_id == privacy_request.c.id)
        .join(batch_record, batch_record.c.log_index == privacy_record.c.log_index)
        .where(
            batch_record.c.batch_id == batch_id,
            privacy_record.c.decision == PrivacyDecision.ERASE.value,
            privacy_request.c.state == RequestState.OPEN.value,
        )
        .distinct()
        .order_by(privacy_request.c.id)
    )
    return list(rows.scalars())


def _asked(request_id: str) -> Select[tuple[object, ...]]:
    media = (
        select(func.coalesce(func.sum(blob.c.size), 0))
        .where(blob.c.record_id == record.c.id)
        .scalar_subquery()
    )
    in_batch = (
        select(func.max(batch_record.c.batch_id))
        .join(batch, batch.c.id == batch_record.c.batch_id)
        .where(
            batch_record.c.log_index == privacy_record.c.log_index,
            batch_record.c.state != "excluded",
            batch.c.state.in_(OPEN),
        )
        .scalar_subquery()
    )
    return (
        select(
            privacy_record.c.log_index,
            privacy_record.c.decision,
            privacy_record.c.ground,
            privacy_record.c.reason,
            privacy_record.c.decided_by,
            privacy_record.c.decided_at,
            func.coalesce(disposed.c.id, record.c.id, ""),
            func.coalesce(record.c.platform, ""),
            func.coalesce(record.c.account, ""),
            func.coalesce(disposed.c.class_code, record.c.class_code, ""),
            func.coalesce(disposed.c.schedule_version, record.c.schedule_version, 0),
            record.c.posted_at,
            func.coalesce(disposed.c.captured_at, record.c.captured_at, 0),
            record.c.retain_until,
            func.coalesce(disposed.c.size, record.c.frame_length + media, 0),
            func.coalesce(segment.c.lock_mode, ""),
            func.coalesce(segment.c.lock_until, 0),
            func.coalesce(disposed.c.batch_id, in_batch, ""),
            func.coalesce(certificate.c.number, 0),
            disposed.c.log_index.is_not(None),
        )
        .select_from(privacy_record)
        .outerjoin(record, record.c.log_index == privacy_record.c.log_index)
        .outerjoin(segment, segment.c.id == record.c.segment_id)
        .outerjoin(disposed, disposed.c.log_index == privacy_record.c.log_index)
        .outerjoin(certificate, certificate.c.batch_id == disposed.c.batch_id)
        .where(privacy_record.c.request_id == request_id)
        .order_by(privacy_record.c.log_index)
    )


def _read(row: Any) -> Asked:
    asked = Asked(*row)
    # The sum of integers is a decimal on PostgreSQL.
    return asked._replace(size=int(asked.size), is_gone=bool(asked.is_gone))
