"""Queries on passkeys: public keys only, so a copy of the database signs nobody in."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from archiver.db.tables import passkey
from archiver.db.transaction import Connection, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """One passkey. Moments are milliseconds since 1970 UTC; `public_key` is a COSE key."""

    credential_id: bytes
    person_id: str
    public_key: bytes
    sign_count: int
    name: str
    created_at: int
    last_used_at: int | None


async def add(tx: Transaction, row: PasskeyRow) -> None:
    """Insert a passkey. Raises Conflict: it is registered already, for whomever."""
    await tx.execute(
        insert(passkey).values(
            credential_id=row.credential_id,
            person_id=row.person_id,
            public_key=row.public_key,
            sign_count=row.sign_count,
            name=row.name,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )
    )


async def get(tx: Transaction, credential_id: bytes) -> PasskeyRow | None:
    """Return one passkey, or None."""
    found = await tx.execute(select(passkey).where(passkey.c.credential_id == credential_id))
    row = found.mappings().one_or_none()
    return None if row is None else PasskeyRow(**row)


async def list_of(tx: Transaction, person_id: str) -> Sequence[PasskeyRow]:
    """Return a person's passkeys, oldest first."""
    found = await tx.execute(
        select(passkey)
        .where(passkey.c.person_id == person_id)
        .order_by(passkey.c.created_at, passkey.c.credential_id)
    )
    return [PasskeyRow(**row) for row in found.mappings()]


async def advance(tx: Transaction, credential_id: bytes, *, sign_count: int, at: int) -> bool:
    """Note a use; False if the counter did not go up, which only a copied passkey's does not.

    Authenticators without a counter say zero each time. Compared where it is changed: of two
    answers with one counter, taken at once by two servers, one is refused.
    """
    done = await tx.execute(
        update(passkey)
        .where(
            passkey.c.credential_id == credential_id,
            (passkey.c.sign_count < sign_count) | ((passkey.c.sign_count == 0) & (sign_count == 0)),
        )
        .values(sign_count=sign_count, last_used_at=at)
    )
    return bool(done.rowcount)


async def rename(tx: Transaction, credential_id: bytes, name: str) -> None:
    """Give a passkey another name."""
    await tx.execute(
        update(passkey).where(passkey.c.credential_id == credential_id).values(name=name)
    )


async def remove(tx: Transaction, credential_id: bytes) -> None:
    """Forget a passkey."""
    await tx.run_sync(lambda connection: forget(connection, credential_id))


def forget(connection: Connection, credential_id: bytes) -> None:
    """Forget a passkey, where it is known."""
    connection.execute(delete(passkey).where(passkey.c.credential_id == credential_id))
