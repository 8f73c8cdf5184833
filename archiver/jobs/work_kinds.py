"""The jobs of an archive, put together: the use cases, the runner, and the kinds there are."""

import asyncio
import json
import os
from dataclasses import dataclass

from archiver.access.rules import Permission
from archiver.assurance.evidence.choosing import Wanted
from archiver.assurance.evidence.container import records_in
from archiver.assurance.evidence.exporting import Evidence
from archiver.assurance.integrity_view import VERIFICATION
from archiver.assurance.report import Report
from archiver.audit.trail import Trail
from archiver.capture.importing import Importing
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.ids import Randomness, Ulids
from archiver.jobs.imports import Imports
from archiver.jobs.loops import Loops
from archiver.jobs.uploads import Uploads
from archiver.jobs.verifying import Extent, Verifying
from archiver.jobs.work import Kind, Result, Work
from archiver.jobs.work_run import Run, WorkFiles
from archiver.jobs.work_runner import Runner
from archiver.jobs.worm_probing import WormProbing
from archiver.preserve.disk_reserve import DiskReserve

EVIDENCE = "evidence"

_SMALL_LOG = 5_000  # entries verified sooner in this process than other processes start
_SEED_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The use cases of jobs and of imports, and what runs them."""

    work: Work
    runner: Runner
    imports: Imports


def open_jobs(
    *,
    settings: Settings,
    database: Database,
    clock: Clock,
    ulids: Ulids,
    randomness: Randomness,
    trail: Trail,
    loops: Loops,
    worm: WormProbing,
    importing: Importing,
    verifying: Verifying,
    evidence: Evidence,
) -> Jobs:
    """Return the jobs of an archive; their chores are added to the loops."""
    files = WorkFiles(settings.home / "work")
    work = Work(database=database, clock=clock, ulids=ulids, trail=trail, files=files)
    runner = Runner(
        name=ulids.one(clock()), database=database, kinds=work.kinds, clock=clock, files=files
    )
    work.news = runner.notify
    reserve = DiskReserve((settings.home,), settings.disk_reserve_mb << 20)
    imports = Imports(
        uploads=Uploads(
            settings.home / "uploads",
            most=settings.import_limit_mb << 20,
            require_room=reserve.require_room,
        ),
        importing=importing,
        work=work,
        worm=worm,
        loops=loops,
        database=database,
        clock=clock,
        ulids=ulids,
    )
    work.register(
        verification_kind(verifying, database, randomness), evidence_kind(evidence), imports.kind
    )
    loops.chores = (*loops.chores, *runner.chores, imports.chore)
    return Jobs(work=work, runner=runner, imports=imports)


def verification_kind(verifying: Verifying, database: Database, randomness: Randomness) -> Kind:
    """Return the kind that verifies: `percent` of the records, or everything where it is null."""

    async def run(job: Run) -> Result:
        percent = job.arguments["percent"]
        async with database.reading() as tx:
            is_small = (await ledger_rows.state(tx)).next_index < _SMALL_LOG
        extent = Extent(
            percent=None if percent is None else float(percent),
            seed=int.from_bytes(randomness(_SEED_BYTES), "big"),
            workers=1 if is_small else max(1, (os.cpu_count() or 1) - 1),
            content=bool(job.arguments.get("content", False)),
        )

        def progress(phase: str, done: int, total: int) -> None:
            job.progress(phase.capitalize(), done, total)

        report = await verifying.run(extent, actor=job.actor, progress=progress)
        job.say(_conclusion(report))
        await asyncio.to_thread(_keep_report, job, report)
        return {
            "ok": report.ok,
            "extent": extent.name,
            "percent": percent,
            "seed": extent.seed if percent is not None else None,
            "checked": report.checked,
            "problems": len(report.problems) + report.more_problems,
            "log_size": report.size,
            "level": report.level,
        }

    return Kind(name=VERIFICATION, title="Verification", permission=Permission.VERIFY, run=run)


def evidence_kind(evidence: Evidence) -> Kind:
    """Return the kind that makes an evidence bundle of `record_ids`, or of the hold `hold_id`."""

    async def run(job: Run) -> Result:
        asked = job.arguments
        wanted = Wanted(
            record_ids=tuple(_texts(asked.get("record_ids", ()))),
            hold_id=str(asked["hold_id"]) if asked.get("hold_id") else None,
            with_events=bool(asked.get("with_events", True)),
        )
        made = await evidence.export(
            wanted,
            job.result_path,
            actor=job.actor,
            progress=lambda done, total: job.progress("Writing records", done, total),
        )
        await asyncio.to_thread(job.keep, f"evidence-{made.sha256[:12]}.zip", "application/zip")
        job.say(made.conclusion)
        return {"records": made.records, "log_size": made.log_size, "sha256": made.sha256}

    return Kind(
        name=EVIDENCE,
        title="Evidence bundle",
        permission=Permission.EXPORT,
        run=run,
        holds_content=True,
        records_in=records_in,
    )


def _texts(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list | tuple) else []


def _conclusion(report: Report) -> str:
    found = len(report.problems) + report.more_problems
    checked = f"{report.checked:,} records checked"
    return f"{checked}; " + ("everything is as promised" if report.ok else f"{found:,} problems")


def _keep_report(job: Run, report: Report) -> None:
    text = json.dumps(report.to_dict(), ensure_ascii=False, indent=1)
    job.result_path.write_text(text, encoding="utf-8")
    job.keep(f"verification-{job.id}.json", "application/json")
