"""Saved searches, their versions, and up to where each person has looked at their hits.

Rows are written by the effects of events (`archiver.preserve.saved_search_effects`) and can be
derived again from those. A version is never changed: holds name it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, insert, select, update

from archiver.db.tables import account, hold, saved_search, saved_search_version, saved_search_visit
from archiver.db.transaction import Connection, Transaction, insert_rows
from archiver.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRow:
    """One version of a saved search. `made_at` is milliseconds since 1970 UTC.

    `newest` is the number of the newest version. `shared_with` is empty, `everybody`, `unit:…` or
    `matter:…`; `asked` is JSON of `archiver.legal.asking.Asked`.
    """

    id: str
    owner: str
    owner_key: str
    newest: int
    version: int
    name: str
    description: str
    query: str
    normalised: str
    asked: str
    shared_with: str
    archived: bool
    made_at: int
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """When somebody looked last, and the log index below which hits are not new to them."""

    seen: int
    at: int


_VERSIONED = tuple(column.name for column in saved_search_version.c)[2:]


def state_version(connection: Connection, row: SavedRow) -> bool:
    """Insert a version with its search, and make it the newest; False where it is there already.

    Of two changes of one version only the first has an effect.
    """
    known = connection.execute(
        select(saved_search.c.version).where(saved_search.c.id == row.id)
    ).scalar_one_or_none()
    if known is None:
        connection.execute(
            insert(saved_search).values(
                id=row.id, owner=row.owner, owner_key=row.owner_key, version=row.version
            )
        )
    elif known < row.version:
        connection.execute(
            update(saved_search).where(saved_search.c.id == row.id).values(version=row.version)
        )
    taken = connection.execute(
        select(saved_search_version.c.version).where(
            saved_search_version.c.saved_search_id == row.id,
            saved_search_version.c.version == row.version,
        )
    ).first()
    if taken is not None:
        return False
    columns = ("saved_search_id", "version", *_VERSIONED)
    values = (row.id, row.version, *(getattr(row, name) for name in _VERSIONED))
    insert_rows(connection, saved_search_version, columns, [values])
    return True


def note_visit(
    connection: Connection, saved_search_id: str, visitor: str, *, seen: int, at: int
) -> None:
    """Note that somebody looked, unless they looked at later ones before."""
    whose = (
        saved_search_visit.c.saved_search_id == saved_search_id,
        saved_search_visit.c.visitor == visitor,
    )
    known = connection.execute(select(saved_search_visit.c.seen).where(*whose)).scalar_one_or_none()
    if known is None:
        is_there = select(saved_search.c.id).where(saved_search.c.id == saved_search_id)
        if connection.execute(is_there).first() is not None:
            connection.execute(
                insert(saved_search_visit).values(
                    saved_search_id=saved_search_id, visitor=visitor, seen=seen, at=at
                )
            )
    elif known <= seen:
        connection.execute(update(saved_search_visit).where(*whose).values(seen=seen, at=at))


async def get(tx: Transaction, saved_search_id: str, version: int = 0) -> SavedRow:
    """Return a version, the newest where none is named.

    Raises:
        NotFound: no such saved search, or no such version of it.
    """
    wanted = saved_search_version.c.version == (version or saved_search.c.version)
    row = (await tx.execute(_rows().where(saved_search.c.id == saved_search_id, wanted))).first()
    if row is None:
        raise no_saved_search(saved_search_id, version)
    return SavedRow(**row._mapping)  # noqa: SLF001 - the public name of a row's mapping


def no_saved_search(saved_search_id: str, version: int = 0) -> NotFound:
    """Return the error that tells that there is no such saved search, or none for who asks."""
    named = f"{saved_search_id}@{version}" if version else saved_search_id
    return NotFound(f"no saved search {named!r}; list the saved searches to see their ids")


async def list_newest(tx: Transaction, *, archived: bool) -> list[SavedRow]:
    """Return the newest version of every saved search, by name; archived ones or the others."""
    rows = await tx.execute(
        _rows()
        .where(
            saved_search_version.c.version == saved_search.c.version,
            saved_search_version.c.archived.is_(archived),
        )
        .order_by(saved_search_version.c.name, saved_search.c.id)
    )
    return [SavedRow(**row) for row in rows.mappings()]


async def versions(tx: Transaction, saved_search_id: str) -> list[SavedRow]:
    """Return every version, the newest first; none where there is no such saved search."""
    rows = await tx.execute(
        _rows()
        .where(saved_search.c.id == saved_search_id)
        .order_by(saved_search_version.c.version.desc())
    )
    return [SavedRow(**row) for row in rows.mappings()]


async def visits_of(
    tx: Transaction, visitor: str, saved_search_ids: Sequence[str]
) -> dict[str, VisitRow]:
    """Return when somebody looked at the hits of these searches last, by the search's id."""
    rows = await tx.execute(
        select(saved_search_visit).where(
            saved_search_visit.c.visitor == visitor,
            saved_search_visit.c.saved_search_id.in_(saved_search_ids),
        )
    )
    return {row.saved_search_id: VisitRow(seen=row.seen, at=row.at) for row in rows}


async def units(tx: Transaction) -> list[str]:
    """Return the units of registered accounts, each once, by name."""
    named = select(account.c.unit).where(account.c.unit != "").distinct()
    return list((await tx.execute(named.order_by(account.c.unit))).scalars())


async def matters(tx: Transaction) -> list[str]:
    """Return the matters of holds, each once, by name."""
    named = select(hold.c.matter).where(hold.c.matter != "").distinct()
    return list((await tx.execute(named.order_by(hold.c.matter))).scalars())


def _rows() -> Select[Any]:
    found = saved_search_version.c
    return select(
        saved_search.c.id,
        saved_search.c.owner,
        saved_search.c.owner_key,
        saved_search.c.version.label("newest"),
        *(column for column in found if column.name != "saved_search_id"),
    ).join_from(saved_search, saved_search_version, found.saved_search_id == saved_search.c.id)
