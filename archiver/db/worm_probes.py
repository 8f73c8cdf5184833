"""The lock probes of each store: where their `worm` entries stand in the log."""

from sqlalchemy import insert, select

from archiver.db.tables import log_entry, worm_probe
from archiver.db.transaction import Transaction


async def add(tx: Transaction, log_index: int, *, store: str, ok: bool) -> None:
    """Note that the entry at `log_index` is a probe of the store at this URL."""
    await tx.execute(insert(worm_probe).values(log_index=log_index, store=store, ok=ok))


async def newest(tx: Transaction, store: str, *, only_ok: bool = False) -> tuple[int, bytes] | None:
    """Return log index and entry of the newest probe of a store, None where there is none."""
    query = (
        select(worm_probe.c.log_index, log_entry.c.entry)
        .join(log_entry, log_entry.c.log_index == worm_probe.c.log_index)
        .where(worm_probe.c.store == store)
        .order_by(worm_probe.c.log_index.desc())
        .limit(1)
    )
    if only_ok:
        query = query.where(worm_probe.c.ok)
    row = (await tx.execute(query)).first()
    return (int(row[0]), bytes(row[1])) if row else None
