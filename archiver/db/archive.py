"""The one row that says which archive a database is a view of."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from archiver.db.tables import archive
from archiver.db.transaction import Transaction
from archiver.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRow:
    """The archive's identity. `vkey` is the log's public key, `zone` an IANA time zone."""

    id: str
    origin: str
    vkey: str
    zone: str
    created_at: int


async def create(tx: Transaction, row: ArchiveRow) -> None:
    """Insert the row."""
    await tx.run_sync(lambda connection: add(connection, row))


def add(connection: Connection, row: ArchiveRow) -> None:
    """Insert the row."""
    values = {name: getattr(row, name) for name in ArchiveRow.__dataclass_fields__}
    connection.execute(insert(archive).values(**values))


async def find(tx: Transaction) -> ArchiveRow | None:
    """Return the row, or None in a database that holds no archive yet."""
    row = (await tx.execute(select(archive))).mappings().first()
    return ArchiveRow(**row) if row else None


async def get(tx: Transaction) -> ArchiveRow:
    """Return the row.

    Raises:
        ConfigurationError: the database holds no archive.
    """
    found = await find(tx)
    if found is None:
        raise ConfigurationError(
            "the database holds no archive; run `muniment init`, or `muniment recover` if lost"
        )
    return found
