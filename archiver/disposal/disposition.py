"""The use cases of working disposal batches, put together."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.transaction import Database
from archiver.disposal.batch_approvals import BatchApprovals
from archiver.disposal.batch_changes import BatchChanges
from archiver.disposal.batch_forming import BatchForming
from archiver.disposal.batch_reviews import BatchReviews
from archiver.disposal.batches import Batches
from archiver.ids import Randomness, Ulids


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """All that a records manager and the approvers do with batches, in the order they do it."""

    forming: BatchForming
    batches: Batches
    reviews: BatchReviews
    approvals: BatchApprovals


def open_disposition(
    *,
    database: Database,
    trail: Trail,
    clock: Clock,
    ulids: Ulids,
    randomness: Randomness,
    zone: ZoneInfo,
    two_person: bool,
    backup_days: int,
) -> Disposition:
    """Return the use cases. `backup_days` is how long backups of the database are kept."""
    changes = BatchChanges(database=database, trail=trail, clock=clock)
    reviews = BatchReviews(
        database=database,
        changes=changes,
        clock=clock,
        randomness=randomness,
        zone=zone,
        backup_days=backup_days,
    )
    return Disposition(
        forming=BatchForming(
            database=database, changes=changes, trail=trail, clock=clock, ulids=ulids
        ),
        batches=Batches(database=database, changes=changes, clock=clock),
        reviews=reviews,
        approvals=BatchApprovals(
            database=database, changes=changes, reviews=reviews, two_person=two_person
        ),
    )
