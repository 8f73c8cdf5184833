"""The register of accounts: which ones the business speaks from, whose they are, of which unit.

A row is the outcome of the newest event about its account. Rows are written by the effects of
events (`archiver.preserve.event_effects`) and can be derived again from those, in any order.
An account is known to records by its platform and handle (`record.platform`, `record.account`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, or_, select, update

from archiver.db.chunks import chunks
from archiver.db.tables import account, account_month, account_total, class_total, record
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound

Place = tuple[str, str]
"""What records call an account: its platform and its handle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One registered account. Moments are milliseconds since 1970 UTC.

    `unit` is the part of the organisation that owns it, empty for none. `changed_at` is when the
    event happened that this row is the outcome of. `closed_at` is None while the account is open.
    """

    id: str
    platform: str
    handle: str
    title: str
    custodian: str
    unit: str
    registered_at: int
    changed_at: int
    closed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """An account with its totals; `row` is None where it appears in captures only.

    `first_captured_at` and `last_captured_at` are None where it has no record yet.
    """

    platform: str
    handle: str
    row: AccountRow | None
    records: int
    first_captured_at: int | None
    last_captured_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which accounts a list is about.

    `units` is None for all, or the only units that are seen; an account of no unit is in none of
    them. `text` is looked for in handle, title and custodian. `state` is `open`, `closed` or empty.
    """

    units: Collection[str] | None = None
    platform: str = ""
    unit: str | None = None
    text: str = ""
    state: str = ""


SORTS = {
    "account": account.c.handle,
    "platform": account.c.platform,
    "custodian": account.c.custodian,
    "unit": account.c.unit,
    "registered": account.c.registered_at,
    "records": func.coalesce(account_total.c.records, 0),
    "first": func.coalesce(account_total.c.first_captured_at, 0),
    "last": func.coalesce(account_total.c.last_captured_at, 0),
}
"""What a list can be ordered by."""

_COLUMNS = tuple(AccountRow.__dataclass_fields__)
_TOTALS = ("records", "first_captured_at", "last_captured_at")
_SAME_PLACE = and_(
    account_total.c.platform == account.c.platform, account_total.c.account == account.c.handle
)


def add(connection: Connection, row: AccountRow) -> bool:
    """Register an account; False where its id, or its platform and handle, are there already."""
    known = select(literal(1)).where(
        or_(
            account.c.id == row.id,
            and_(account.c.platform == row.platform, account.c.handle == row.handle),
        )
    )
    if connection.execute(known).first() is not None:
        return False
    connection.execute(insert(account).values({name: getattr(row, name) for name in _COLUMNS}))
    return True


def change(
    connection: Connection,
    account_id: str,
    *,
    title: str,
    custodian: str,
    unit: str,
    closed_at: int | None,
    at: int,
) -> bool:
    """Set what may change of an account, as stated at `at`; False where something newer stands."""
    result = connection.execute(
        update(account)
        .where(account.c.id == account_id, account.c.changed_at <= at)
        .values(title=title, custodian=custodian, unit=unit, closed_at=closed_at, changed_at=at)
    )
    return result.rowcount == 1


async def units_by_place(tx: Transaction) -> dict[Place, str]:
    """Return the unit of every registered account that has one: a fact of new captures."""
    rows = await tx.execute(
        select(account.c.platform, account.c.handle, account.c.unit).where(account.c.unit != "")
    )
    return {(row.platform, row.handle): row.unit for row in rows}


async def unknown(tx: Transaction, asked: Collection[Place]) -> set[Place]:
    """Return those of these accounts that neither the register nor a capture names."""
    registered = await tx.execute(select(account.c.platform, account.c.handle))
    counted = await tx.execute(select(account_total.c.platform, account_total.c.account))
    rest = set(asked) - {(each[0], each[1]) for each in (*registered, *counted)}
    for some in chunks(sorted({handle for _, handle in rest})):  # totals follow a moment later
        captured = select(record.c.platform, record.c.account).where(record.c.account.in_(some))
        rest -= {(each[0], each[1]) for each in await tx.execute(captured.distinct())}
    return rest


async def unit_names(tx: Transaction) -> list[str]:
    """Return every unit that a registered account belongs to, by name."""
    rows = await tx.execute(
        select(account.c.unit).where(account.c.unit != "").distinct().order_by(account.c.unit)
    )
    return list(rows.scalars())


async def get(tx: Transaction, account_id: str) -> AccountRow:
    """Return one registered account. Raises NotFound."""
    row = (await tx.execute(_rows().where(account.c.id == account_id))).mappings().first()
    if row is None:
        raise not_there(account_id)
    return AccountRow(**row)


async def find(tx: Transaction, platform: str, handle: str) -> AccountRow | None:
    """Return the registered account that records call so, or None."""
    found = await tx.execute(
        _rows().where(account.c.platform == platform, account.c.handle == handle)
    )
    row = found.mappings().first()
    return None if row is None else AccountRow(**row)


async def show(tx: Transaction, account_id: str) -> ListedAccount:
    """Return one registered account with its totals. Raises NotFound."""
    row = (await tx.execute(_listed().where(account.c.id == account_id))).mappings().first()
    if row is None:
        raise not_there(account_id)
    return _with_totals(row)


async def listed(
    tx: Transaction, wanted: Wanted, *, sort: str, descending: bool, limit: int, offset: int
) -> list[ListedAccount]:
    """Return registered accounts with their totals; `sort` is a key of `SORTS`."""
    column = SORTS[sort]
    rows = await tx.execute(
        _listed()
        .where(*_conditions(wanted))
        .order_by(column.desc() if descending else column, account.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [_with_totals(row) for row in rows.mappings()]


async def count(tx: Transaction, wanted: Wanted) -> int:
    """Return how many registered accounts are wanted."""
    found = await tx.execute(select(func.count()).select_from(account).where(*_conditions(wanted)))
    return int(found.scalar_one())


async def platforms(tx: Transaction, wanted: Wanted) -> list[str]:
    """Return the platforms of the registered accounts that are wanted."""
    rows = await tx.execute(
        select(account.c.platform)
        .where(*_conditions(wanted))
        .distinct()
        .order_by(account.c.platform)
    )
    return list(rows.scalars())


async def not_registered(tx: Transaction, limit: int) -> list[ListedAccount]:
    """Return accounts that captures name and the register does not, the latest captured first."""
    rows = await tx.execute(
        _not_registered(
            account_total.c.platform,
            account_total.c.account,
            *(account_total.c[name] for name in _TOTALS),
        )
        .order_by(account_total.c.last_captured_at.desc(), account_total.c.account)
        .limit(limit)
    )
    return [
        ListedAccount(
            platform=row.platform,
            handle=row.account,
            row=None,
            records=row.records,
            first_captured_at=row.first_captured_at,
            last_captured_at=row.last_captured_at,
        )
        for row in rows
    ]


async def count_not_registered(tx: Transaction) -> int:
    """Return how many accounts captures name and the register does not."""
    return int((await tx.execute(_not_registered(func.count()))).scalar_one())


async def months(tx: Transaction, platform: str, handle: str) -> list[tuple[str, int]]:
    """Return the months in which an account spoke, `YYYY-MM`, each with its records, oldest first.

    At most 1,200: a platform's clock may be nonsense, and a page has an end.
    """
    rows = await tx.execute(
        select(account_month.c.month, account_month.c.records)
        .where(account_month.c.platform == platform, account_month.c.account == handle)
        .order_by(account_month.c.month)
        .limit(1200)
    )
    return [(row.month, row.records) for row in rows]


async def records_of_classes(tx: Transaction) -> dict[str, int]:
    """Return how many records each class covers."""
    rows = await tx.execute(select(class_total.c.class_code, class_total.c.records))
    return {row.class_code: row.records for row in rows}


def not_there(account_id: str) -> NotFound:
    """Return the error for an account that is not there, or not to be seen: the same words."""
    return NotFound(f"no account {account_id!r}; list the accounts to see their ids")


def _rows() -> Select[Any]:
    return select(*(account.c[name] for name in _COLUMNS))


def _listed() -> Select[Any]:
    return select(
        *(account.c[name] for name in _COLUMNS), *(account_total.c[name] for name in _TOTALS)
    ).select_from(account.outerjoin(account_total, _SAME_PLACE))


def _with_totals(row: Any) -> ListedAccount:
    found = AccountRow(**{name: row[name] for name in _COLUMNS})
    return ListedAccount(
        platform=found.platform,
        handle=found.handle,
        row=found,
        records=row["records"] or 0,
        first_captured_at=row["first_captured_at"],
        last_captured_at=row["last_captured_at"],
    )


def _not_registered(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(account_total.outerjoin(account, _SAME_PLACE))
        .where(account.c.id.is_(None))
    )


def _conditions(wanted: Wanted) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.units is not None:
        conditions.append(account.c.unit.in_(sorted(each for each in wanted.units if each)))
    if wanted.platform:
        conditions.append(account.c.platform == wanted.platform)
    if wanted.unit is not None:
        conditions.append(account.c.unit == wanted.unit)
    if wanted.state:
        is_open = account.c.closed_at.is_(None)
        conditions.append(is_open if wanted.state == "open" else ~is_open)
    if wanted.text:
        conditions.append(
            or_(
                *(
                    func.lower(column).contains(wanted.text.lower(), autoescape=True)
                    for column in (account.c.handle, account.c.title, account.c.custodian)
                )
            )
        )
    return conditions
