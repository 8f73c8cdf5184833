"""What an archive is (zone, file plan) after its database was lost: as its founding says."""

from collections.abc import Awaitable, Callable

from archiver.assurance.report import Findings
from archiver.assurance.stored_log import StoredLog
from archiver.audit.actions import Action
from archiver.db import archive as archive_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import rebuilding as rows
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database, Transaction
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.entry import decode_entry


async def restored_archive(  # noqa: PLR0917 - each is another source of what is restored
    database: Database,
    keyring: Keyring,
    log: StoredLog,
    zone: str,
    now: int,
    findings: Findings,
) -> ArchiveRow:
    """Return the archive's row, derived from the event of its founding where there is none.

    `zone` is taken where that event cannot be read, which is a problem.
    """
    async with database.reading() as tx:
        known = await archive_rows.find(tx)
        founded = await rows.details_of(tx, Action.ARCHIVE_CREATED)
    if known is not None:
        return known
    if founded is None:
        findings.problem(
            "the event of the archive's founding cannot be read: its time zone is taken from the "
            f"settings ({zone}). If that is not it, searches by date differ"
        )
        first = decode_entry(log.entries(0, 1)[0]).ts_ms if log.end else now
        founded = {"zone": zone, "created_at": first}
    return ArchiveRow(
        id=keyring.archive_id,
        origin=keyring.origin,
        vkey=str(keyring.signers[0].vkey),
        zone=str(founded["zone"]),
        created_at=int(founded["created_at"]),
    )


async def require_file_plan(
    database: Database,
    shipped: Callable[[Transaction, int], Awaitable[None]],
    since: int,
    findings: Findings,
) -> None:
    """Put the shipped templates into a file plan that could not be restored; that is a problem."""
    async with database.reading() as tx:
        plan = await file_plan_rows.whole(tx)
    if plan.rules and plan.schedules:
        return
    findings.problem(
        "the events that state the file plan cannot be read: where it is missing, the shipped "
        "templates were taken, as `muniment init` does. Restore the segments named here from the "
        "store's second copy, and recover into an empty database"
    )
    async with database.transaction() as tx:
        await shipped(tx, since)
