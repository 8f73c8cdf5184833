"""Queries on API tokens. Only hashes are stored: a copy of the database opens nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Row

from archiver.clock import from_millis, to_millis
from archiver.db.tables import token
from archiver.db.transaction import Connection, Transaction
from archiver.model.actor import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """One token as the database knows it. `sha256` is the 32-byte hash of the secret."""

    id: str
    name: str
    sha256: bytes
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    unit: str = ""
    matter: str = ""
    created_by: str = ""
    last_used_at: datetime | None = None


async def add(tx: Transaction, stored: StoredToken) -> None:
    """Insert a new token.

    Raises:
        Conflict: the id or hash is already there.
    """
    await tx.execute(
        insert(token).values(
            id=stored.id,
            name=stored.name,
            sha256=stored.sha256,
            roles=" ".join(sorted(stored.roles)),
            created_at=to_millis(stored.created_at),
            expires_at=_millis(stored.expires_at),
            revoked_at=_millis(stored.revoked_at),
            unit=stored.unit,
            matter=stored.matter,
            created_by=stored.created_by,
            last_used_at=_millis(stored.last_used_at),
        )
    )


async def find_by_hash(tx: Transaction, sha256: bytes) -> StoredToken | None:
    """Return the token with this hash, revoked or expired ones included, or None."""
    row = (await tx.execute(select(token).where(token.c.sha256 == sha256))).one_or_none()
    return None if row is None else _stored(row)


async def get(tx: Transaction, token_id: str) -> StoredToken | None:
    """Return one token, or None."""
    row = (await tx.execute(select(token).where(token.c.id == token_id))).one_or_none()
    return None if row is None else _stored(row)


async def list_all(tx: Transaction) -> tuple[StoredToken, ...]:
    """Return every token, revoked ones included, oldest first."""
    return tuple(_stored(row) for row in await tx.execute(select(token).order_by(token.c.id)))


async def revoke(tx: Transaction, token_id: str, at: datetime) -> StoredToken | None:
    """Mark the token revoked at `at` unless it already is; return it, or None if unknown."""
    await tx.run_sync(lambda connection: mark_revoked(connection, token_id, at))
    return await get(tx, token_id)


def mark_revoked(connection: Connection, token_id: str, at: datetime) -> None:
    """Mark the token revoked at `at` unless it already is."""
    connection.execute(
        update(token)
        .where(token.c.id == token_id, token.c.revoked_at.is_(None))
        .values(revoked_at=to_millis(at))
    )


async def note_use(tx: Transaction, token_id: str, at: datetime) -> None:
    """Note when a token was used."""
    await tx.execute(update(token).where(token.c.id == token_id).values(last_used_at=to_millis(at)))


def _stored(row: Row[tuple[object, ...]]) -> StoredToken:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name for it
    return StoredToken(
        id=fields["id"],
        name=fields["name"],
        sha256=bytes(fields["sha256"]),
        roles=frozenset(Role(word) for word in fields["roles"].split()),
        created_at=from_millis(fields["created_at"]),
        expires_at=_moment(fields["expires_at"]),
        revoked_at=_moment(fields["revoked_at"]),
        unit=fields["unit"],
        matter=fields["matter"],
        created_by=fields["created_by"],
        last_used_at=_moment(fields["last_used_at"]),
    )


def _millis(moment: datetime | None) -> int | None:
    return None if moment is None else to_millis(moment)


def _moment(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)
