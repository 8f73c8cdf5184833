"""All that an archive with a second store has besides: the copy, who keeps it up, who repairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archiver.assurance.repair import Repairs
from archiver.assurance.vouching import Vouching
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.jobs.comparison import Comparison
from archiver.jobs.loops import Chore
from archiver.jobs.replication import Replication
from archiver.preserve.epochs import Epochs
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.reader import RecordReader
from archiver.preserve.store.second_copy import SecondCopy

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStore:
    """The second store of an archive."""

    copies: SecondCopy
    replication: Replication
    repairs: Repairs

    def chore(self) -> Chore:
        """Return the background work that keeps the copy up."""
        return Chore(name="second copy", act=self.replication.once, every_s=_EVERY_S)


def second_store(
    copies: SecondCopy | None,
    *,
    archive: ArchiveRow,
    verifiers: Sequence[Verifier],
    database: Database,
    reader: RecordReader,
    epochs: Epochs,
    trail: Trail,
    clock: Clock,
    notify: Callable[[], None],
) -> SecondStore | None:
    """Compose the parts around `copies`; None where the settings name no second store."""
    if copies is None:
        return None
    vouching = _vouching(copies, archive, verifiers, database, reader, epochs)
    repairs = Repairs(
        archive_id=archive.id,
        vouching=vouching,
        database=database,
        trail=trail,
        clock=clock,
        notify=notify,
    )
    comparison = Comparison(
        archive_id=archive.id,
        store=copies,
        vouching=vouching,
        repairs=repairs,
        database=database,
        clock=clock,
    )
    replication = Replication(
        archive_id=archive.id,
        origin=archive.origin,
        verifiers=verifiers,
        store=copies,
        database=database,
        repairs=repairs,
        comparison=comparison,
        trail=trail,
        clock=clock,
    )
    return SecondStore(copies=copies, replication=replication, repairs=repairs)


def _vouching(  # noqa: PLR0917 - handed on as they came
    copies: SecondCopy,
    archive: ArchiveRow,
    verifiers: Sequence[Verifier],
    database: Database,
    reader: RecordReader,
    epochs: Epochs,
) -> Vouching:
    return Vouching(
        archive_id=archive.id,
        origin=archive.origin,
        verifiers=verifiers,
        database=database,
        reader=reader,
        epochs=epochs,
        copies=lambda: (copies.second(), copies.primary),
    )
