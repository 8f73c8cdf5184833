"""Working disposal batches put together: the use cases, their long work, missing certificates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from archiver.access.rules import Permission
from archiver.assurance.evidence.choosing import Wanted
from archiver.assurance.evidence.container import records_in
from archiver.assurance.evidence.exporting import Evidence
from archiver.clock import Clock, from_millis
from archiver.disposal.certificates import Certificates
from archiver.disposal.disposition import Disposition
from archiver.disposal.stale_batches import StaleBatches
from archiver.disposal.transfers import Packed
from archiver.errors import Conflict
from archiver.jobs.loops import Chore, Loops
from archiver.jobs.work import Kind, Result, Work
from archiver.jobs.work_run import Run
from archiver.jobs.worm_probing import AUDIT_TRAIL, WORM, WormProbing
from archiver.model.actor import Actor

DISPOSAL = "disposal"
TRANSFER_PACKAGE = "transfer-package"

PROBED_WITHIN = timedelta(hours=1)
"""A lock probe this young is good enough for a certificate that is signed now."""

_CERTIFICATES_EVERY_S = _STALE_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Packing:
    """Writes the package of a transfer, which is an evidence bundle (`transfers.Packs`)."""

    evidence: Evidence

    async def __call__(
        self,
        record_ids: Sequence[str],
        path: Path,
        *,
        actor: Actor,
        progress: Callable[[int, int], None],
    ) -> Packed:
        """Write the bundle of these records to `path`. Raises as `Evidence.export`."""
        wanted = Wanted(record_ids=tuple(record_ids))
        made = await self.evidence.export(wanted, path, actor=actor, progress=progress)
        return Packed(sha256=made.sha256, size=made.size, records=made.records)


@dataclass(frozen=True, slots=True)
class StoreInWords:
    """Says what the store is, as a certificate states it; tries its locks where it claims any."""

    worm: WormProbing
    clock: Clock

    async def __call__(self) -> str:
        """Return the words.

        Raises:
            StorageUnavailable: the probe could not be finished.
            DatabaseUnavailable: its result could not be logged.
        """
        if not self.worm.store.enforces_locks:
            return AUDIT_TRAIL
        probed = await self.worm.newest()
        if probed is None or self.clock() - from_millis(probed.entry.ts_ms) > PROBED_WITHIN:
            probed = await self.worm.probe()
        return WORM if probed.entry.ok else f"not WORM: its lock probe failed ({probed.failures})"


def disposition_jobs(disposition: Disposition, work: Work, loops: Loops) -> Disposition:
    """Register the long work of batches and their loops; return the use cases."""
    work.register(disposal_kind(disposition), transfer_kind(disposition))
    own = (certificates_chore(disposition.certificates), stale_chore(disposition.stale))
    loops.chores = (*loops.chores, *own)
    return disposition


def disposal_kind(disposition: Disposition) -> Kind:
    """Return the kind that executes the approved batch `batch_id`."""

    async def run(job: Run) -> Result:
        done = await disposition.executions.execute(
            str(job.arguments["batch_id"]), actor=job.actor, progress=job.progress
        )
        number = 0 if done.certificate is None else done.certificate.row.number
        job.say(f"Certificate no. {number} was issued" if number else "Nothing was destroyed")
        return {
            "batch_id": done.view.id,
            "records": done.view.records,
            "kept": done.view.to_dict()["kept"],
            "certificate": number,
        }

    return Kind(name=DISPOSAL, title="Disposal", permission=Permission.PROPOSE_DISPOSAL, run=run)


def transfer_kind(disposition: Disposition) -> Kind:
    """Return the kind that makes the transfer package of the proposed batch `batch_id`."""

    async def run(job: Run) -> Result:
        packed = await disposition.transfers.export(
            str(job.arguments["batch_id"]),
            job.result_path,
            actor=job.actor,
            progress=lambda done, total: job.progress("Writing records", done, total),
        )
        job.keep(f"transfer-{packed.sha256[:12]}.zip", "application/zip")
        return packed._asdict()

    return Kind(
        name=TRANSFER_PACKAGE,
        title="Transfer package",
        permission=Permission.PROPOSE_DISPOSAL,
        run=run,
        holds_content=True,
        records_in=records_in,
    )


def stale_chore(stale: StaleBatches) -> Chore:
    """Return the loop that cancels batches whose schedule was replaced."""

    async def act() -> str:
        await stale.cancel()
        return ""

    return Chore(name="stale batches", act=act, every_s=_STALE_EVERY_S)


def certificates_chore(certificates: Certificates) -> Chore:
    """Return the loop that issues what an execution that was cut short left without."""

    async def act() -> str:
        try:
            while await certificates.issue_missing():
                pass
        except Conflict as error:  # its entries are not under a checkpoint with its quorum yet
            return str(error)
        return ""

    return Chore(name="certificates", act=act, every_s=_CERTIFICATES_EVERY_S)
