"""The use cases of retention and disposal, made of the parts of an archive.

`archiver.app` puts them among the others.
"""

import os
from dataclasses import dataclass

from archiver.assurance.evidence.exporting import Evidence
from archiver.background_composition import Background
from archiver.composition import Ground, WritePath
from archiver.disposal.disposition import Disposition, Outside, open_disposition
from archiver.disposal.keeping import Keeping, open_keeping
from archiver.disposal.kept_simulations import KeptSimulations
from archiver.disposal.plan_making import PlanMaking, open_plan_making
from archiver.disposal.privacy import Privacy, open_privacy
from archiver.disposal.simulation import Simulation
from archiver.jobs.disposing import publishing
from archiver.jobs.disposition_jobs import Packing, StoreInWords, disposition_jobs
from archiver.jobs.draft_simulations import DraftSimulations
from archiver.jobs.event_files import EventFiles, open_event_files
from archiver.jobs.lock_keeping import LockKeeping, locks_kind
from archiver.jobs.lock_settling import Archive
from archiver.jobs.loops import Loops
from archiver.jobs.refiling import refiling_chore
from archiver.jobs.work import Work
from archiver.model.lock import LockMode


@dataclass(frozen=True, kw_only=True)
class RetentionCases:
    """From the file plan to the end of a record."""

    plan: PlanMaking
    simulations: DraftSimulations
    keeping: Keeping
    event_files: EventFiles
    locks: LockKeeping
    disposition: Disposition
    privacy: Privacy


def retention_cases(
    ground: Ground, path: WritePath, background: Background, evidence: Evidence, work: Work
) -> RetentionCases:
    """Return the use cases of retention and disposal; their jobs and loops are added.

    `evidence` makes the packages that batches are handed over as.
    """
    keeping = _keeping(ground, path, background.loops)
    disposition = _disposition(ground, path, background, evidence, work)
    plan = _plan_making(ground, path)
    return RetentionCases(
        plan=plan,
        simulations=_simulations(ground, keeping.simulation, plan, work),
        keeping=keeping,
        event_files=open_event_files(
            ground.settings, keeping.event_import, ground.clock, ground.ulids
        ),
        locks=_lock_keeping(ground, path, background, work),
        disposition=disposition,
        privacy=_privacy(ground, path),
    )


def _plan_making(ground: Ground, path: WritePath) -> PlanMaking:
    return open_plan_making(
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        zone=ground.archive.zone,
        refresh=ground.refresh_plan,
        two_person=ground.settings.two_person_schedule,
    )


def _simulations(
    ground: Ground, simulation: Simulation, plan: PlanMaking, work: Work
) -> DraftSimulations:
    """Return the simulations of drafts; their kind of job is registered."""
    simulations = DraftSimulations(
        simulation=simulation,
        drafts=plan.drafts,
        work=work,
        kept=KeptSimulations(ground.settings.home / "simulations", ground.clock),
    )
    work.register(simulations.kind)
    return simulations


def _keeping(ground: Ground, path: WritePath, loops: Loops) -> Keeping:
    """Return what keeps the ends of records up; its loop is added to those of the process."""
    keeping = open_keeping(
        archive=ground.archive,
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
    )
    loops.chores = (*loops.chores, refiling_chore(keeping.refiling))
    return keeping


def _lock_keeping(
    ground: Ground, path: WritePath, background: Background, work: Work
) -> LockKeeping:
    """Return what keeps locks and holds of stored objects; its loop and its job are added."""
    keeping = LockKeeping(
        archive=ground.archive,
        parts=Archive(
            archive_id=ground.archive.id,
            database=ground.database,
            trail=path.trail,
            clock=ground.guard.now,
            log_lock=LockMode(ground.settings.log_lock),
            lock_limit=ground.lock_limit,
        ),
        verifiers=ground.keyring.verifiers,
        store=ground.store.blocking,
        second=ground.copies.second if ground.copies else None,
    )
    work.register(locks_kind(keeping))
    background.loops.chores = (*background.loops.chores, keeping.chore)
    return keeping


def _privacy(ground: Ground, path: WritePath) -> Privacy:
    return open_privacy(
        archive=ground.archive,
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        signers=ground.keyring.signers,
    )


def _disposition(
    ground: Ground, path: WritePath, background: Background, evidence: Evidence, work: Work
) -> Disposition:
    """Return the use cases of working batches; their kinds of jobs are registered."""
    loops = background.loops
    disposition = open_disposition(
        archive=ground.archive,
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
        outside=Outside(
            destruction=background.destruction,
            pack=Packing(evidence),
            publish=publishing(
                loops,
                database=ground.database,
                store=ground.store,
                archive_id=ground.archive.id,
                origin=ground.archive.origin,
                verifiers=ground.keyring.verifiers,
            ),
            describe_store=StoreInWords(background.worm, ground.clock),
            signers=ground.keyring.signers,
            policy=background.witnessing.policy,
            store=ground.store.blocking,
            backup_days=ground.settings.backup_days,
        ),
        two_person=ground.settings.two_person_disposal,
    )
    return disposition_jobs(disposition, work, loops)
