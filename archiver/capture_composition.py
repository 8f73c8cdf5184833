"""The use cases of capture, and of the long work beside it, made of the parts of an archive.

`archiver.app` puts them among the others.
"""

import os
from dataclasses import dataclass

from archiver.assurance.evidence.exporting import Evidence
from archiver.background_composition import Background
from archiver.capture.accounts import Accounts
from archiver.capture.importing import Importing, Worker
from archiver.capture.ingest import Ingest
from archiver.composition import Ground, WritePath
from archiver.jobs.account_totals import AccountTotals
from archiver.jobs.imports import Imports
from archiver.jobs.sample import Sample
from archiver.jobs.verifying import Verifying
from archiver.jobs.work import Work
from archiver.jobs.work_kinds import Jobs, open_jobs
from archiver.jobs.work_runner import Runner
from archiver.preserve.blobs import BlobWriter


@dataclass(frozen=True, kw_only=True)
class CaptureCases:
    """From an account and its posts to records, one by one or as a job."""

    ingest: Ingest
    importing: Importing
    accounts: Accounts
    account_totals: AccountTotals
    work: Work
    runner: Runner
    imports: Imports
    sample: Sample


def capture_cases(
    ground: Ground,
    path: WritePath,
    background: Background,
    *,
    verifying: Verifying,
    evidence: Evidence,
) -> CaptureCases:
    """Return the use cases of capture; jobs also verify and export evidence."""
    ingest = _ingest(ground, path)
    importing = _importing(ground, path, background, ingest)
    accounts = Accounts(
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        plan=ground.plan,
    )
    jobs = _jobs(ground, path, background, importing, verifying=verifying, evidence=evidence)
    return CaptureCases(
        ingest=ingest,
        importing=importing,
        accounts=accounts,
        account_totals=AccountTotals(database=ground.database, clock=ground.clock),
        work=jobs.work,
        runner=jobs.runner,
        imports=jobs.imports,
        sample=Sample(
            ingest=ingest,
            accounts=accounts,
            database=ground.database,
            work=jobs.work,
            clock=ground.clock,
        ),
    )


def _ingest(ground: Ground, path: WritePath) -> Ingest:
    blobs = BlobWriter(
        archive_id=ground.archive.id,
        store=ground.store,
        clock=ground.guard.now,
        ulids=ground.ulids,
        randomness=os.urandom,
        inline_limit=ground.settings.inline_limit_bytes,
        lock_limit=ground.lock_limit,
    )
    return Ingest(
        archive_id=ground.archive.id,
        plan=ground.plan,
        writer=path.writer,
        blobs=blobs,
        database=ground.database,
        signer=ground.keyring.signers[0],
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
    )


def _importing(
    ground: Ground, path: WritePath, background: Background, ingest: Ingest
) -> Importing:
    return Importing(
        worker=Worker(ground.archive.id, ground.plan, ground.settings.inline_limit_bytes),
        writer=path.writer,
        ingest=ingest,
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        following=background.loops.following,
        refresh_plan=ground.refresh_plan,
    )


def _jobs(
    ground: Ground,
    path: WritePath,
    background: Background,
    importing: Importing,
    *,
    verifying: Verifying,
    evidence: Evidence,
) -> Jobs:
    return open_jobs(
        settings=ground.settings,
        database=ground.database,
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
        trail=path.trail,
        loops=background.loops,
        worm=background.worm,
        importing=importing,
        verifying=verifying,
        evidence=evidence,
    )
