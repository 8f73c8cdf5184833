"""Legal holds and their members. Rows stay when a hold is released: they are evidence.

Members are log indexes of posts (`rec`); events are never members. Rows are written by the effects
of events (`archiver.preserve.event_effects`) and can be derived again from those.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Select,
    String,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)

from archiver.db.disposal_tables import disposed
from archiver.db.number_lists import AT_ONCE, listed
from archiver.db.tables import a_duplicate, hold, hold_record, record
from archiver.db.transaction import Connection, Transaction, insert_rows
from archiver.errors import NotFound

ACTIVE = "active"
RELEASED = "released"

_COVERS = (
    select(hold_record.c.log_index)
    .join(hold, hold.c.id == hold_record.c.hold_id)
    .where(hold_record.c.log_index == record.c.log_index)
)
IS_HELD = _COVERS.where(hold.c.state == ACTIVE).exists()
"""Whether a hold in force covers the `record` of a statement."""

WAS_HELD = _COVERS.where(hold.c.state == RELEASED).exists()
"""Whether a hold that was released covered the `record` of a statement."""

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """One hold. Moments are milliseconds since 1970 UTC; `scope` is JSON.

    The set was computed over the log below `log_size`; `members_sha256` is
    `archiver.preserve.ledger.entry.members_digest`.
    """

    id: str
    name: str
    matter: str
    reason: str
    scope: str
    state: str
    log_size: int
    records: int
    members_sha256: bytes
    placed_at: int
    placed_by: str
    released_at: int | None = None
    released_by: str | None = None
    release_reason: str | None = None


_COLUMNS = tuple(HoldRow.__dataclass_fields__)


def is_known(connection: Connection, hold_id: str) -> bool:
    """Return whether there is a hold with this id, in whatever state."""
    return connection.execute(select(hold.c.id).where(hold.c.id == hold_id)).first() is not None


def insert_whole(connection: Connection, row: HoldRow, indexes: Sequence[int]) -> None:
    """Insert a hold with its members, given by log index."""
    insert_rows(connection, hold, _COLUMNS, [tuple(getattr(row, name) for name in _COLUMNS)])
    for start in range(0, len(indexes), AT_ONCE):
        chunk = listed(connection.dialect.name, indexes[start : start + AT_ONCE])
        members = chunk.add_columns(literal(row.id, String))
        connection.execute(insert(hold_record).from_select(("log_index", "hold_id"), members))


def mark_released(connection: Connection, hold_id: str, *, at: int, by: str, reason: str) -> bool:
    """Release an active hold; False where there is no active hold with this id."""
    result = connection.execute(
        update(hold)
        .where(hold.c.id == hold_id, hold.c.state == ACTIVE)
        .values(state=RELEASED, released_at=at, released_by=by, release_reason=reason)
    )
    return result.rowcount == 1


async def get(tx: Transaction, hold_id: str) -> HoldRow:
    """Return one hold. Raises NotFound."""
    row = (await tx.execute(select(hold).where(hold.c.id == hold_id))).mappings().first()
    if row is None:
        raise no_hold(hold_id)
    return HoldRow(**row)


def no_hold(hold_id: str) -> NotFound:
    """Return the error that tells that there is no such hold, or none for who asks."""
    return NotFound(f"no hold {hold_id!r}; list the holds to see their ids")


async def list_all(tx: Transaction) -> list[HoldRow]:
    """Return every hold, released ones included, newest first."""
    rows = await tx.execute(select(hold).order_by(hold.c.id.desc()))
    return [HoldRow(**row) for row in rows.mappings()]


async def list_active(tx: Transaction) -> list[HoldRow]:
    """Return every hold in force, newest first."""
    rows = await tx.execute(select(hold).where(hold.c.state == ACTIVE).order_by(hold.c.id.desc()))
    return [HoldRow(**row) for row in rows.mappings()]


async def member_indexes(tx: Transaction, hold_ids: Sequence[str]) -> set[int]:
    """Return the log indexes of all members of these holds."""
    found: set[int] = set()
    for hold_id in hold_ids:
        rows = await tx.execute(
            select(hold_record.c.log_index).where(hold_record.c.hold_id == hold_id)
        )
        found.update(rows.scalars())
    return found


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as a list shows it: no content. Moments are milliseconds since 1970 UTC."""

    log_index: int
    id: str
    platform: str
    account: str
    kind: str
    change: str
    posted_at: int | None
    captured_at: int


async def member_rows(tx: Transaction, hold_id: str, after: int, limit: int) -> list[MemberRow]:
    """Return members after a log index, in log order, as a list shows them."""
    columns = (record.c[name] for name in MemberRow.__dataclass_fields__)
    rows = await tx.execute(
        of_members(select(*columns), hold_id)
        .where(hold_record.c.log_index > after)
        .order_by(hold_record.c.log_index)
        .limit(limit)
    )
    return [MemberRow(*row) for row in rows]


async def accounts_among(tx: Transaction, indexes: Sequence[int]) -> Counter[tuple[str, str]]:
    """Return how many of these log indexes are of each `(platform, account)`."""
    found: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(indexes), AT_ONCE):
        wanted = listed(tx.dialect, indexes[start : start + AT_ONCE]).subquery()
        rows = await tx.execute(
            select(record.c.platform, record.c.account, func.count())
            .join_from(wanted, record, record.c.log_index == wanted.c[0])
            .group_by(record.c.platform, record.c.account)
        )
        found.update({(platform, account): records for platform, account, records in rows})
    return found


async def accounts_of_matters(
    tx: Transaction, matters: Collection[str], accounts: Sequence[str]
) -> set[str]:
    """Return those of these accounts that have a post under a hold of one of the matters."""
    found: set[str] = set()
    for start in range(0, len(accounts), _BATCH):
        rows = await tx.execute(
            select(record.c.account)
            .distinct()
            .join(hold_record, hold_record.c.log_index == record.c.log_index)
            .join(hold, hold.c.id == hold_record.c.hold_id)
            .where(
                hold.c.matter.in_(sorted(matters)),
                record.c.account.in_(accounts[start : start + _BATCH]),
            )
        )
        found.update(rows.scalars())
    return found


async def active_on(tx: Transaction, log_index: int) -> list[HoldRow]:
    """Return the holds in force on one record, oldest first."""
    rows = await tx.execute(
        select(hold)
        .join(hold_record, hold_record.c.hold_id == hold.c.id)
        .where(hold_record.c.log_index == log_index, hold.c.state == ACTIVE)
        .order_by(hold.c.id)
    )
    return [HoldRow(**row) for row in rows.mappings()]


async def posts_of_accounts(tx: Transaction, accounts: Sequence[str], log_size: int) -> list[int]:
    """Return the log indexes below `log_size` of all posts of these accounts, ascending."""
    found: list[int] = []
    for start in range(0, len(accounts), _BATCH):
        rows = await tx.execute(
            select(record.c.log_index).where(
                record.c.account.in_(accounts[start : start + _BATCH]),
                record.c.entry_type == "rec",
                record.c.log_index < log_size,
            )
        )
        found.extend(rows.scalars())
    return sorted(found)


async def duplicates(tx: Transaction, log_size: int) -> list[tuple[int, int]]:
    """Return the log indexes of each stored duplicate below `log_size` and of its original."""
    original = record.alias("original")
    rows = await tx.execute(
        select(record.c.log_index, original.c.log_index)
        .join(original, original.c.id == record.c.duplicate_of)
        .where(a_duplicate)  # alone: with a log index SQLite would read all records, not the few
    )
    return [(copy, first) for copy, first in rows if copy < log_size]


async def member_ids(tx: Transaction, hold_id: str) -> list[str]:
    """Return the record ids of all members, in log order."""
    rows = await tx.execute(
        of_members(select(record.c.id), hold_id).order_by(hold_record.c.log_index)
    )
    return [row[0] for row in rows]


async def count_destroyed(tx: Transaction, hold_id: str) -> int:
    """Return how many members of a hold were destroyed, after its release or before it came."""
    rows = await tx.execute(
        select(func.count())
        .select_from(hold_record)
        .join(disposed, disposed.c.log_index == hold_record.c.log_index)
        .where(hold_record.c.hold_id == hold_id)
    )
    return int(rows.scalar_one())


async def members(tx: Transaction, hold_id: str, after: int, limit: int) -> list[tuple[int, str]]:
    """Return `(log index, record id)` of members after a log index, in log order."""
    rows = await tx.execute(
        of_members(select(hold_record.c.log_index, record.c.id), hold_id)
        .where(hold_record.c.log_index > after)
        .order_by(hold_record.c.log_index)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


async def posts_of(tx: Transaction, indexes: Sequence[int], accounts: Sequence[str]) -> list[int]:
    """Return those of these log indexes whose post is of one of the accounts, ascending."""
    wanted = set(accounts)
    kept: list[int] = []
    for start in range(0, len(indexes), _BATCH):
        chunk = indexes[start : start + _BATCH]
        rows = await tx.execute(
            select(record.c.log_index, record.c.account).where(
                record.c.log_index.in_(chunk), record.c.entry_type == "rec"
            )
        )
        kept.extend(row.log_index for row in rows if row.account in wanted)
    return sorted(kept)


async def originals(tx: Transaction, record_ids: Sequence[str]) -> dict[str, int]:
    """Return the log index of the post each id names; of the first copy where it is a duplicate.

    Ids of nothing, and of events, are absent.
    """
    first = record.alias("first")
    found: dict[str, int] = {}
    for start in range(0, len(record_ids), _BATCH):
        rows = await tx.execute(
            select(record.c.id, func.coalesce(first.c.log_index, record.c.log_index))
            .outerjoin(first, first.c.id == record.c.duplicate_of)
            .where(
                record.c.id.in_(record_ids[start : start + _BATCH]), record.c.entry_type == "rec"
            )
        )
        found.update((row[0], row[1]) for row in rows)
    return found


async def unknown_accounts(tx: Transaction, accounts: Sequence[str]) -> list[str]:
    """Return those of these accounts that have no post."""
    one = (
        select(record.c.log_index)
        .where(record.c.account == bindparam("account"), record.c.entry_type == "rec")
        .limit(1)
    )
    return [
        account
        for account in accounts
        if (await tx.execute(one, {"account": account})).first() is None
    ]


def of_members(columns: Select[Any], hold_id: str) -> Select[Any]:
    """Return a statement over the members of a hold, each joined with its record."""
    return (
        columns.select_from(hold_record)
        .join(record, record.c.log_index == hold_record.c.log_index)
        .where(hold_record.c.hold_id == hold_id)
    )
