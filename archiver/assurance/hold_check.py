"""Holds after a recovery: each one whole and in its state, or the recovery does not end."""

from archiver.assurance.report import Findings
from archiver.assurance.stored_log import StoredLog
from archiver.db import holds as hold_rows
from archiver.db import rebuilding as rows
from archiver.db.holds import RELEASED, HoldRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.preserve.ledger.entry import (
    HoldEntry,
    decode_entry,
    hold_entry,
    members_digest,
)

_ID = slice(23, 49)
_NAMED = 5


async def settle_holds(
    database: Database, log: StoredLog, given_up: frozenset[str], findings: Findings
) -> list[bytes]:
    """Compare every hold with the log; return the entries that the log lacks of them.

    A hold's event is durable before its entry is published, so that a crash can leave a hold in
    force that the log does not state yet.

    Raises:
        IntegrityError: a hold of the log is not in the database with exactly its members.
    """
    placed, released = _stated(log)
    async with database.reading() as tx:
        known = {row.id: row for row in await hold_rows.list_all(tx)}
    lost = [
        f"hold {hold_id}: the log states it over {entry.count} records, but its event, which names "
        "them, cannot be read"
        for hold_id, entry in placed.items()
        if hold_id not in known and hold_id not in given_up
    ]
    missing: list[bytes] = []
    for row in sorted(known.values(), key=lambda each: each.id):
        entry = placed.get(row.id)
        if what := await _difference(database, log, row, entry):
            lost.append(f"hold {row.id}: {what}")
        if entry is None:
            missing.append(_entry(row, on=True, at=row.placed_at))
        if row.state == RELEASED and row.id not in released:
            missing.append(_entry(row, on=False, at=row.released_at or 0))
        if row.state != RELEASED and row.id in released:
            findings.problem(
                f"hold {row.id} was released, but the event that says by whom cannot be read: it "
                "is in force again. Release it again"
            )
    _require_all(lost)
    for hold_id in given_up & placed.keys():
        findings.problem(
            f"hold {hold_id} over {placed[hold_id].count} records was given up: it is not in the "
            "database. What the store holds for it stays held"
        )
    return missing


def _require_all(lost: list[str]) -> None:
    if lost:
        more = f" (and {len(lost) - _NAMED} more)" if len(lost) > _NAMED else ""
        raise IntegrityError(
            f"{'. '.join(lost[:_NAMED])}{more}. Nothing is held in part, and the archive stays "
            "closed: restore the segments named before from the store's second copy and run "
            "`muniment recover` again, or go without the hold by `--without-hold ID`"
        )


def _stated(log: StoredLog) -> tuple[dict[str, HoldEntry], set[str]]:
    placed: dict[str, HoldEntry] = {}
    released: set[str] = set()
    for data in log.others.values():
        entry = decode_entry(data)
        if isinstance(entry, HoldEntry):
            if entry.on:
                placed[entry.id] = entry
            else:
                released.add(entry.id)
    return placed, released


async def _difference(
    database: Database, log: StoredLog, row: HoldRow, entry: HoldEntry | None
) -> str:
    """Return how a hold's members differ from what its row and the log say; empty if they do not.

    Their ids are taken from the log, which knows them also where a segment is damaged.
    """
    async with database.reading() as tx:
        indexes = await rows.member_indexes(tx, row.id)
    found = [entry for index in indexes for entry in log.entries(index, index + 1)]
    digest = members_digest(each[_ID].decode("ascii", "replace") for each in found)
    stated = (row.records, row.members_sha256)
    if entry is not None and (entry.count, entry.members_sha256) != stated:
        return f"the log states {entry.count} members, the database's row {row.records} others"
    if (len(indexes), digest) != stated:
        return f"{len(indexes)} members in the database are not the {row.records} that it states"
    return ""


def _entry(row: HoldRow, *, on: bool, at: int) -> bytes:
    return hold_entry(row.id, on=on, count=row.records, members_sha256=row.members_sha256, ts_ms=at)
