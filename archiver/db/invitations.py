"""One-time links. Only hashes are stored. Moments are milliseconds since 1970 UTC."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from archiver.db.tables import invitation
from archiver.db.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """One link; `used_at` is also when a newer one ended it."""

    id: str
    person_id: str
    sha256: bytes
    expires_at: int
    used_at: int | None


async def add(tx: Transaction, row: InvitationRow) -> None:
    """Insert a new link."""
    values = {name: getattr(row, name) for name in InvitationRow.__dataclass_fields__}
    await tx.execute(insert(invitation).values(values))


async def find_by_hash(tx: Transaction, sha256: bytes) -> InvitationRow | None:
    """Return the link with this hash, used or not, or None."""
    statement = select(invitation).where(invitation.c.sha256 == sha256)
    row = (await tx.execute(statement)).mappings().one_or_none()
    return None if row is None else InvitationRow(**row)


async def use(tx: Transaction, invitation_id: str, *, at: int) -> bool:
    """Use a link up; False where somebody was faster."""
    done = await tx.execute(
        update(invitation)
        .where(invitation.c.id == invitation_id, invitation.c.used_at.is_(None))
        .values(used_at=at)
    )
    return done.rowcount == 1


async def end_all_of(tx: Transaction, person_id: str, *, at: int) -> None:
    """End a person's unused links."""
    await tx.execute(
        update(invitation)
        .where(invitation.c.person_id == person_id, invitation.c.used_at.is_(None))
        .values(used_at=at)
    )
