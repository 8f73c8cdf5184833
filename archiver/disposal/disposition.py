"""The use cases of working disposal batches, put together."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.disposal.batch_approvals import BatchApprovals
from archiver.disposal.batch_changes import BatchChanges
from archiver.disposal.batch_forming import BatchForming
from archiver.disposal.batch_reviews import BatchReviews
from archiver.disposal.batches import Batches
from archiver.disposal.certificates import Certificates, Sources
from archiver.disposal.execution import Destroys, Executions
from archiver.disposal.kept_back import KeptBack
from archiver.disposal.stale_batches import StaleBatches
from archiver.disposal.stop import DisposalStop
from archiver.disposal.transfers import Packs, Transfers
from archiver.ids import Randomness, Ulids


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """All that a records manager and the approvers do with batches, in the order they do it."""

    forming: BatchForming
    kept: KeptBack
    batches: Batches
    reviews: BatchReviews
    transfers: Transfers
    approvals: BatchApprovals
    executions: Executions
    certificates: Certificates
    stop: DisposalStop
    stale: StaleBatches


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside(Sources):
    """What the use cases need of other parts of the archive. `pack` writes an evidence bundle."""

    destruction: Destroys
    pack: Packs


def open_disposition(
    *,
    archive: ArchiveRow,
    database: Database,
    trail: Trail,
    clock: Clock,
    ulids: Ulids,
    randomness: Randomness,
    outside: Outside,
    two_person: bool,
) -> Disposition:
    """Return the use cases, over one database."""
    zone = ZoneInfo(archive.zone)
    changes = BatchChanges(database=database, trail=trail, clock=clock)
    reviews = BatchReviews(
        database=database,
        changes=changes,
        clock=clock,
        randomness=randomness,
        zone=zone,
        backup_days=outside.backup_days,
    )
    certificates = Certificates(
        archive=archive, database=database, sources=outside, trail=trail, clock=clock, ulids=ulids
    )
    return Disposition(
        forming=BatchForming(database=database, changes=changes, clock=clock, ulids=ulids),
        kept=KeptBack(database=database, changes=changes, clock=clock),
        batches=Batches(database=database, changes=changes, clock=clock, zone=zone),
        reviews=reviews,
        transfers=Transfers(
            database=database, changes=changes, pack=outside.pack, two_person=two_person
        ),
        approvals=BatchApprovals(
            database=database, changes=changes, reviews=reviews, two_person=two_person
        ),
        executions=Executions(
            database=database,
            changes=changes,
            destruction=outside.destruction,
            certificates=certificates,
        ),
        certificates=certificates,
        stop=DisposalStop(
            database=database, trail=trail, clock=clock, ulids=ulids, two_person=two_person
        ),
        stale=StaleBatches(database=database, changes=changes, clock=clock),
    )
