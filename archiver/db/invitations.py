"""One-time links. Only hashes are stored. Moments are milliseconds since 1970 UTC."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from archiver.db.tables import invitation
from archiver.db.transaction import Connection, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """One link; `used_at` is also when a newer one ended it."""

    id: str
    person_id: str
    sha256: bytes
    expires_at: int
    used_at: int | None


async def find_by_hash(tx: Transaction, sha256: bytes) -> InvitationRow | None:
    """Return the link with this hash, used or not, or None."""
    statement = select(invitation).where(invitation.c.sha256 == sha256)
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else InvitationRow(**row)


def replace_all_of(
    connection: Connection, person_id: str, row: InvitationRow | None, *, at: int
) -> None:
    """End a person's unused links, and insert a new one where it is given and not there."""
    connection.execute(
        update(invitation)
        .where(invitation.c.person_id == person_id, invitation.c.used_at.is_(None))
        .values(used_at=at)
    )
    if row is not None and not _is_known(connection, row.id):
        values = {name: getattr(row, name) for name in InvitationRow.__dataclass_fields__}
        connection.execute(insert(invitation).values(values))


def use_up(connection: Connection, invitation_id: str, *, at: int) -> bool:
    """Use a link up; False where somebody was faster. One that is not known was not used."""
    done = connection.execute(
        update(invitation)
        .where(invitation.c.id == invitation_id, invitation.c.used_at.is_(None))
        .values(used_at=at)
    )
    return done.rowcount == 1 or not _is_known(connection, invitation_id)


def _is_known(connection: Connection, invitation_id: str) -> bool:
    known = select(invitation.c.id).where(invitation.c.id == invitation_id)
    return connection.execute(known).first() is not None
