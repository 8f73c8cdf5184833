"""Certificates of destruction: rows written once, by the effects of events; and what they certify.

Numbers have no gaps: the effect takes the next one or nothing (`add`), inside the transaction that
sequences the event.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, insert, or_, select

from archiver.db.disposal_tables import batch, batch_record, certificate, disposed
from archiver.db.privacy_tables import privacy_record
from archiver.db.tables import event, record
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound
from archiver.model.batch import PROPOSED, BatchState, MemberState
from archiver.model.privacy import DECIDED, PrivacyDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """One certificate. `body` is its file, verbatim; `issued_at` milliseconds since 1970 UTC."""

    id: str
    number: int
    batch_id: str
    class_code: str
    records: int
    body: str
    issued_at: int


class Destroyed(NamedTuple):
    """A record that was destroyed: where its entry stands, and the one that let it go."""

    log_index: int
    id: str
    method: str
    dis_index: int
    size: int


class LeftOut(NamedTuple):
    """A record of a batch that stays: excluded by people, or kept by the gate, and why.

    `keep_until` (ms): a review decided that it is in no batch before; None where no day was said.
    """

    log_index: int
    id: str
    state: str
    reason: str
    keep_until: int | None


class Decided(NamedTuple):
    """A decision to erase records at a person's request: where its event stands, and who goes."""

    request_id: str
    event_index: int
    log_index: int


def add(connection: Connection, row: CertificateRow) -> bool:
    """Insert a certificate, if its number is the next one and its batch has none; else False."""
    known = connection.execute(
        select(certificate.c.id).where(
            or_(certificate.c.id == row.id, certificate.c.batch_id == row.batch_id)
        )
    ).first()
    last = connection.execute(select(func.coalesce(func.max(certificate.c.number), 0))).scalar_one()
    if known is not None or row.number != last + 1:
        return False
    values = {name: getattr(row, name) for name in CertificateRow.__dataclass_fields__}
    connection.execute(insert(certificate).values(values))
    return True


async def next_number(tx: Transaction) -> int:
    """Return the number that the next certificate gets."""
    statement = select(func.coalesce(func.max(certificate.c.number), 0))
    return int((await tx.execute(statement)).scalar_one()) + 1


async def find(tx: Transaction, named: str) -> CertificateRow | None:
    """Return a certificate by its id or that of its batch, None where there is none."""
    statement = select(certificate).where(
        or_(certificate.c.id == named, certificate.c.batch_id == named)
    )
    row = (await tx.execute(statement)).mappings().first()
    return None if row is None else CertificateRow(**row)


async def of_batch(tx: Transaction, batch_id: str) -> CertificateRow | None:
    """Return the certificate of a batch without its body, None where it has none."""
    row = (await tx.execute(_listed().where(certificate.c.batch_id == batch_id))).mappings().first()
    return None if row is None else CertificateRow(**row, body="")


async def bodies(tx: Transaction, ids: Sequence[str]) -> AsyncIterator[tuple[str, str]]:
    """Yield the files of these certificates, one at a time: each may be megabytes."""
    for each in ids:
        found = await tx.execute(select(certificate.c.body).where(certificate.c.id == each))
        yield each, found.scalar_one()


async def get(tx: Transaction, named: str) -> CertificateRow:
    """Return a certificate by its id or that of its batch. Raises NotFound."""
    found = await find(tx, named)
    if found is None:
        raise NotFound(
            f"no certificate {named!r}, and no batch of this id has one; list the certificates, or "
            "execute the batch"
        )
    return found


async def page(tx: Transaction, *, before: int, limit: int) -> list[CertificateRow]:
    """Return certificates with numbers below `before` (0: all), newest first, without bodies."""
    statement = _listed().order_by(certificate.c.number.desc()).limit(limit)
    if before:
        statement = statement.where(certificate.c.number < before)
    return [CertificateRow(**row, body="") for row in (await tx.execute(statement)).mappings()]


def _listed() -> Select[Any]:
    return select(*(each for each in certificate.c if each.name != "body"))


async def destroyed(tx: Transaction, batch_id: str) -> list[Destroyed]:
    """Return the records of a batch that were destroyed, in log order."""
    rows = await tx.execute(
        select(
            disposed.c.log_index,
            disposed.c.id,
            disposed.c.method,
            disposed.c.dis_index,
            disposed.c.size,
        )
        .where(disposed.c.batch_id == batch_id)
        .order_by(disposed.c.log_index)
    )
    return [Destroyed(*row) for row in rows]


async def decisions(tx: Transaction, batch_id: str) -> list[Decided]:
    """Return the decisions of privacy requests that records of a batch were erased by."""
    rows = await tx.execute(
        select(privacy_record.c.request_id, record.c.log_index, privacy_record.c.log_index)
        .join(disposed, disposed.c.log_index == privacy_record.c.log_index)
        .join(
            event,
            and_(
                event.c.object_id == privacy_record.c.request_id,
                event.c.at == privacy_record.c.decided_at,
                event.c.action == DECIDED,
                event.c.result == "ok",
            ),
        )
        .join(record, record.c.id == event.c.record_id)
        .where(
            disposed.c.batch_id == batch_id,
            privacy_record.c.decision == PrivacyDecision.ERASE.value,
        )
        .order_by(privacy_record.c.log_index, record.c.log_index)
    )
    return [Decided(*row) for row in rows]


async def proposed_at(tx: Transaction, batch_id: str) -> int:
    """Return when a batch that was approved was proposed last (ms), by the event that did it."""
    statement = select(func.max(event.c.at)).where(
        event.c.object_id == batch_id, event.c.action == PROPOSED, event.c.result == "ok"
    )
    return int((await tx.execute(statement)).scalar_one())


async def left_out(tx: Transaction, batch_id: str) -> list[LeftOut]:
    """Return the records of a batch that stay, in log order."""
    rows = await tx.execute(
        select(
            batch_record.c.log_index,
            func.coalesce(record.c.id, ""),
            batch_record.c.state,
            batch_record.c.reason,
            batch_record.c.keep_until,
        )
        .outerjoin(record, record.c.log_index == batch_record.c.log_index)
        .where(
            batch_record.c.batch_id == batch_id,
            batch_record.c.state.in_((MemberState.EXCLUDED.value, MemberState.KEPT.value)),
        )
        .order_by(batch_record.c.log_index)
    )
    return [LeftOut(*row) for row in rows]


async def uncertified(tx: Transaction, *, limit: int) -> list[str]:
    """Return ended batches of which something was destroyed and no certificate says so."""
    rows = await tx.execute(
        select(batch.c.id)
        .outerjoin(certificate, certificate.c.batch_id == batch.c.id)
        .where(
            batch.c.state == BatchState.DONE.value,
            certificate.c.id.is_(None),
            select(disposed.c.log_index).where(disposed.c.batch_id == batch.c.id).exists(),
        )
        .order_by(batch.c.id)
        .limit(limit)
    )
    return list(rows.scalars())
