"""The use cases of privacy requests, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges
from archiver.disposal.privacy_changes import PrivacyChanges
from archiver.disposal.privacy_closing import PrivacyClosing
from archiver.disposal.privacy_decisions import PrivacyDecisions
from archiver.disposal.privacy_erasing import PrivacyErasing
from archiver.disposal.privacy_requests import PrivacyRequests
from archiver.ids import Ulids
from archiver.preserve.ledger.note import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """All that is done with a privacy request, in the order it is done."""

    requests: PrivacyRequests
    decisions: PrivacyDecisions
    erasing: PrivacyErasing
    closing: PrivacyClosing


def open_privacy(
    *,
    archive: ArchiveRow,
    database: Database,
    trail: Trail,
    clock: Clock,
    ulids: Ulids,
    signers: Sequence[Signer],
) -> Privacy:
    """Return the use cases. `signers` are the log's active keys."""
    changes = PrivacyChanges(database=database, trail=trail, clock=clock)
    return Privacy(
        requests=PrivacyRequests(
            database=database,
            changes=changes,
            clock=clock,
            ulids=ulids,
            zone=ZoneInfo(archive.zone),
        ),
        decisions=PrivacyDecisions(database=database, changes=changes, clock=clock),
        erasing=PrivacyErasing(
            database=database,
            changes=changes,
            batches=BatchChanges(database=database, trail=trail, clock=clock),
            clock=clock,
            ulids=ulids,
        ),
        closing=PrivacyClosing(
            archive=archive, database=database, changes=changes, clock=clock, signers=signers
        ),
    )
