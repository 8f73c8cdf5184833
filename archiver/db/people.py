"""People and their roles. State and roles are views of events (`preserve.person_effects`).

Passwords, locks and preferences stand here only: a database rebuilt from the log knows who may do
what, and gives nobody a way in that they had before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, exists, insert, select, update

from archiver.db.tables import person, person_role
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import PersonState


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person. Moments are milliseconds since 1970 UTC; `preferences` is JSON."""

    id: str
    name: str
    email: str
    subject: str | None
    state: str
    password_hash: str | None = field(repr=False)
    preferences: str
    created_at: int
    created_by: str
    stated_at: int
    last_sign_in_at: int | None
    failures: int
    locked_until: int | None
    grants: Grants


COLUMNS = tuple(person.c)
ROLE_COLUMNS = (person_role.c.role, person_role.c.unit, person_role.c.matter)


def state_person(
    connection: Connection,
    *,
    person_id: str,
    name: str,
    email: str,
    state: str,
    grants: Grants,
    at: int,
    by: str,
) -> None:
    """Make a person's row say what an event of the moment `at` states; newer statements stay.

    Somebody else with the same e-mail was invited first: then nothing is changed.
    """
    known = connection.execute(
        select(person.c.stated_at).where(person.c.id == person_id)
    ).scalar_one_or_none()
    if known is None:
        if connection.execute(select(exists().where(person.c.email == email))).scalar_one():
            return
        connection.execute(
            insert(person).values(
                id=person_id,
                name=name,
                email=email,
                state=state,
                preferences="",
                created_at=at,
                created_by=by,
                stated_at=at,
            )
        )
    elif known <= at:
        connection.execute(
            update(person).where(person.c.id == person_id).values(state=state, stated_at=at)
        )
        connection.execute(delete(person_role).where(person_role.c.person_id == person_id))
    else:
        return
    rows = [{"person_id": person_id, **each} for each in _role_rows(grants)]
    if rows:
        connection.execute(insert(person_role), rows)


def password_of(connection: Connection, person_id: str) -> str | None:
    """Return the encoded hash of a person's password, None where they have none."""
    found = select(person.c.password_hash).where(person.c.id == person_id)
    return connection.execute(found).scalar_one_or_none()


def set_password(connection: Connection, person_id: str, encoded: str | None) -> None:
    """Set the hash of a person's password, or forget it; a lock after wrong ones ends."""
    connection.execute(
        update(person)
        .where(person.c.id == person_id)
        .values(password_hash=encoded, failures=0, locked_until=None)
    )


async def get(tx: Transaction, person_id: str) -> PersonRow:
    """Return one person. Raises NotFound."""
    found = await _find(tx, person.c.id == person_id)
    if found is None:
        raise NotFound(f"no person has the id {person_id!r}; list the people to see their ids")
    return found


async def find_by_email(tx: Transaction, email: str) -> PersonRow | None:
    """Return the person who signs in with this e-mail, in lower case."""
    return await _find(tx, person.c.email == email)


async def find_by_subject(tx: Transaction, subject: str) -> PersonRow | None:
    """Return the person whom an OpenID provider knows as `<issuer> <sub>`."""
    return await _find(tx, person.c.subject == subject)


async def list_all(tx: Transaction) -> list[PersonRow]:
    """Return everybody, by name; two statements, however many they are."""
    rows = (await tx.execute(select(*COLUMNS).order_by(person.c.name, person.c.id))).mappings()
    held: dict[str, list[tuple[str, str, str]]] = {}
    for whose, *role in await tx.execute(select(person_role.c.person_id, *ROLE_COLUMNS)):
        held.setdefault(whose, []).append(tuple(role))
    return [PersonRow(**row, grants=grants_of(held.get(row["id"], ()))) for row in rows]


async def active_administrators(tx: Transaction) -> set[str]:
    """Return the ids of the active people who manage the whole archive's access."""
    rows = await tx.execute(
        select(person.c.id)
        .join(person_role, person_role.c.person_id == person.c.id)
        .where(
            person.c.state == PersonState.ACTIVE,
            person_role.c.role == Role.ADMINISTRATOR,
            person_role.c.unit == "",
            person_role.c.matter == "",
        )
    )
    return set(rows.scalars())


async def change(tx: Transaction, person_id: str, **values: object) -> None:
    """Set columns that no event states, such as `preferences`, or states by a fingerprint."""
    await tx.execute(update(person).where(person.c.id == person_id).values(**values))


async def count_failure(tx: Transaction, person_id: str) -> int:
    """Count one more wrong password; return how many there were in a row."""
    await tx.execute(
        update(person).where(person.c.id == person_id).values(failures=person.c.failures + 1)
    )
    found = await tx.execute(select(person.c.failures).where(person.c.id == person_id))
    return int(found.scalar_one())


def grants_of(held: Iterable[tuple[str, str, str]]) -> Grants:
    """Return what rows of `ROLE_COLUMNS` grant."""
    return Grants.of(
        LimitedRole(role=Role(role), unit=unit, matter=matter) if unit or matter else Role(role)
        for role, unit, matter in held
    )


async def _find(tx: Transaction, condition: Any) -> PersonRow | None:
    row = (await tx.execute(select(*COLUMNS).where(condition))).mappings().one_or_none()
    if row is None:
        return None
    held = await tx.execute(select(*ROLE_COLUMNS).where(person_role.c.person_id == row["id"]))
    return PersonRow(**row, grants=grants_of(tuple(each) for each in held))


def _role_rows(grants: Grants) -> Sequence[dict[str, str]]:
    whole = [{"role": str(role), "unit": "", "matter": ""} for role in grants.roles]
    parts = [
        {"role": str(each.role), "unit": each.unit, "matter": each.matter}
        for each in grants.limited
    ]
    return [*whole, *parts]
