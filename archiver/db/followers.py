"""Watermarks of the log followers: the next log index each one has to read."""

from sqlalchemy import insert, select, update

from archiver.db.tables import follower
from archiver.db.transaction import Transaction


async def position(tx: Transaction, name: str) -> int:
    """Return the next log index the follower has to read; 0 for a new one."""
    row = (await tx.execute(select(follower.c.position).where(follower.c.name == name))).first()
    return int(row[0]) if row else 0


async def move(tx: Transaction, name: str, to: int, now: int) -> None:
    """Set the follower's position."""
    values = {"position": to, "updated_at": now}
    result = await tx.execute(update(follower).where(follower.c.name == name).values(**values))
    if result.rowcount == 0:
        await tx.execute(insert(follower).values(name=name, **values))
