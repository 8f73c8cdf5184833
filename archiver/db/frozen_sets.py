"""Frozen result sets: rows written once, by the effects of events, and never changed.

The members of a set are one packed value (`archiver.model.number_list`) in a table of their own, so
that lists of sets do not read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, select

from archiver.db.disposal_tables import certificate, disposed
from archiver.db.holds import MemberRow
from archiver.db.number_lists import listed
from archiver.db.tables import frozen_members, frozen_set, record
from archiver.db.transaction import Connection, Transaction, insert_rows
from archiver.errors import IntegrityError, NotFound
from archiver.model.number_list import unpack

_LOOKED_UP = 20_000  # SQLite takes 32,766 parameters, PostgreSQL's protocol 65,535


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSetRow:
    """One set. `frozen_at` is in milliseconds since 1970 UTC; four fields are JSON.

    The members were computed over the log below `log_size`; `members_sha256` is
    `archiver.preserve.ledger.entry.members_digest`. `within` is empty where nothing was out of
    reach of whoever froze it.
    """

    id: str
    name: str
    matter: str
    query: str
    normalised: str
    options: str
    expansions: str
    within: str
    engine: str
    analyzer: str
    log_size: int
    records: int
    members_sha256: bytes
    frozen_at: int
    frozen_by: str


COLUMNS = tuple(FrozenSetRow.__dataclass_fields__)


def insert_whole(connection: Connection, row: FrozenSetRow, members: bytes) -> None:
    """Insert a set with its packed members, unless there is one with this id."""
    known = select(frozen_set.c.id).where(frozen_set.c.id == row.id)
    if connection.execute(known).first() is None:
        insert_rows(connection, frozen_set, COLUMNS, [[getattr(row, name) for name in COLUMNS]])
        insert_rows(connection, frozen_members, ("set_id", "log_indexes"), [(row.id, members)])


async def get(tx: Transaction, set_id: str) -> FrozenSetRow:
    """Return one set. Raises NotFound."""
    row = (await tx.execute(select(frozen_set).where(frozen_set.c.id == set_id))).mappings().first()
    if row is None:
        raise no_set(set_id)
    return FrozenSetRow(**row)


def no_set(set_id: str) -> NotFound:
    """Return the error that tells that there is no such set, or none for who asks."""
    return NotFound(f"no frozen set {set_id!r}; list the sets to see their ids")


async def list_all(tx: Transaction) -> list[FrozenSetRow]:
    """Return every set, newest first."""
    rows = await tx.execute(select(frozen_set).order_by(frozen_set.c.id.desc()))
    return [FrozenSetRow(**row) for row in rows.mappings()]


async def numbers(tx: Transaction, row: FrozenSetRow) -> tuple[int, ...]:
    """Return the log indexes of a set's members, ascending.

    Raises:
        IntegrityError: the database has other members than the set states.
    """
    try:
        return unpack(await packed(tx, row.id), row.records)
    except ValueError as error:
        raise IntegrityError(
            f"frozen set {row.id}: its members in the database are not those it states: {error}; "
            "move the database away and run `muniment recover`, which reads them from the log"
        ) from error


async def packed(tx: Transaction, set_id: str) -> bytes:
    """Return the members of a set as they are kept; b"" where they are gone, or are no bytes."""
    found = await tx.execute(
        select(frozen_members.c.log_indexes).where(frozen_members.c.set_id == set_id)
    )
    members = found.scalar()
    return bytes(members) if isinstance(members, bytes) else b""


class DestroyedMembers(NamedTuple):
    """Members of a set that were destroyed in one batch; no certificate while it is at work."""

    batch_id: str
    records: int
    certificate_id: str | None
    certificate_number: int | None


async def destroyed_among(tx: Transaction, indexes: Sequence[int]) -> list[DestroyedMembers]:
    """Return how many of these records were destroyed, by batch, those of the first batch first."""
    rows = await tx.execute(
        select(disposed.c.batch_id, func.count(), certificate.c.id, certificate.c.number)
        .outerjoin(certificate, certificate.c.batch_id == disposed.c.batch_id)
        .where(disposed.c.log_index.in_(listed(tx.dialect, indexes)))
        .group_by(disposed.c.batch_id, certificate.c.id, certificate.c.number)
        .order_by(disposed.c.batch_id)
    )
    return [DestroyedMembers(*row) for row in rows]


async def destroyed(tx: Transaction, indexes: Sequence[int]) -> dict[int, str]:
    """Return the ids of those of these records that were destroyed, by log index."""
    rows = await tx.execute(
        select(disposed.c.log_index, disposed.c.id).where(
            disposed.c.log_index.in_(listed(tx.dialect, indexes))
        )
    )
    return {row.log_index: row.id for row in rows}


async def records_at(tx: Transaction, indexes: Sequence[int]) -> list[MemberRow]:
    """Return records by log index, in log order, as a list shows them."""
    columns = tuple(record.c[name] for name in MemberRow.__dataclass_fields__)
    found: list[MemberRow] = []
    for start in range(0, len(indexes), _LOOKED_UP):
        rows = await tx.execute(
            select(*columns)
            .where(record.c.log_index.in_(indexes[start : start + _LOOKED_UP]))
            .order_by(record.c.log_index)
        )
        found.extend(MemberRow(*row) for row in rows)
    return found
