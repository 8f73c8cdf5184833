"""Verifying an open archive, and noting that it was done: from the command line and as a job.

What a verification found is in its event: how much was looked at, and the first problems by object
and record. So every face can tell it later, and a database rebuilt from the bucket still knows.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from archiver.access.rules import Permission, require
from archiver.assurance.report import Progress, Report
from archiver.assurance.sample import verify_sample
from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import quiet, verify_full
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.config import Settings
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.jobs.witnessing import read_policy
from archiver.model.actor import Actor
from archiver.preserve.keyring import KeyringFile
from archiver.preserve.ledger.timestamps import read_authorities

NAMED_PROBLEMS = 20
"""So many problems stand in the event by name; the others are counted."""

_MOST_WORDS = 600

Check = Callable[[VerificationTarget], Awaitable[Report]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is verified: everything, or `percent` of the records, drawn by `seed`.

    `content` opens every record of a full verification too; a sample always opens what it draws.
    """

    percent: float | None = None
    seed: int = 0
    workers: int = 1
    content: bool = False

    @property
    def name(self) -> str:
        """`full` or `sample`."""
        return "full" if self.percent is None else "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """The use case of verification on one archive."""

    settings: Settings
    archive: ArchiveRow
    database: Database
    trail: Trail

    async def run(self, extent: Extent, *, actor: Actor, progress: Progress = quiet) -> Report:
        """Verify the archive and record that it was done, whatever was found.

        Raises:
            Denied: the actor may not verify.
            InvalidInput: as `verify_full` and `verify_sample`.
            OperatorError: store or database did not answer, or a worker process died.
        """
        require(actor, Permission.VERIFY)
        target = self.target()
        if extent.percent is not None:
            report = await verify_sample(target, extent.percent, extent.seed, progress)
        else:
            report = await verify_full(
                target, workers=extent.workers, content=extent.content, progress=progress
            )
        await self.trail.record(
            Action.VERIFICATION_FINISHED,
            actor=actor,
            object_type="archive",
            object_id=self.archive.id,
            result="ok" if report.ok else "integrity",
            details=event_details(extent, report),
        )
        return report

    def target(self) -> VerificationTarget:
        """Return the archive as verification sees it: its store, and what widens the checks."""
        settings, archive = self.settings, self.archive
        keyring = KeyringFile.of(settings).open()
        return VerificationTarget(
            archive_id=archive.id,
            origin=archive.origin,
            vkeys=(archive.vkey,),
            store_url=settings.effective_store_url,
            policy=read_policy(settings.witness_policy_file),
            tsa_roots=_roots(settings),
            database=self.database,
            keyring=keyring,
        )


def event_details(extent: Extent, report: Report) -> dict[str, str | int | bool]:
    """Return what the event of a verification tells; `named` is JSON of the first problems."""
    named = [
        {**problem.to_dict(), "what": problem.what[:_MOST_WORDS]}
        for problem in report.problems[:NAMED_PROBLEMS]
    ]
    details: dict[str, str | int | bool] = {
        "checked": report.checked,
        "problems": len(report.problems) + report.more_problems,
        "log_size": report.size,
        "not_checked": "; ".join(report.not_checked),
        "extent": extent.name,
        "level": report.level,
        "milliseconds": round(report.seconds * 1000),
    }
    if extent.percent is not None:
        details |= {"percent": f"{extent.percent:g}", "seed": extent.seed}
    if named:
        details["named"] = json.dumps(named, ensure_ascii=False)
    return details


def _roots(settings: Settings) -> tuple[bytes, ...]:
    path = settings.timestamp_authorities_file
    authorities = () if path is None else read_authorities(path)
    return tuple(root for authority in authorities for root in authority.roots)
