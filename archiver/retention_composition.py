"""The use cases of retention and disposal, made of the parts of an archive.

`archiver.app` puts them among the others.
"""

import os

from archiver.assurance.evidence.exporting import Evidence
from archiver.composition import Background, Ground, WritePath
from archiver.disposal.disposition import Disposition, Outside, open_disposition
from archiver.disposal.keeping import Keeping, open_keeping
from archiver.disposal.plan_making import PlanMaking, open_plan_making
from archiver.jobs.disposing import publishing
from archiver.jobs.disposition_jobs import Packing, StoreInWords, disposition_jobs
from archiver.jobs.loops import Loops
from archiver.jobs.refiling import refiling_chore
from archiver.jobs.work import Work


def plan_making_of(ground: Ground, path: WritePath) -> PlanMaking:
    """Return the use cases that make the file plan."""
    return open_plan_making(
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        zone=ground.archive.zone,
        refresh=ground.refresh_plan,
        two_person=ground.settings.two_person_schedule,
    )


def keeping_of(ground: Ground, path: WritePath, loops: Loops) -> Keeping:
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


def disposition_of(
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
        ),
        two_person=ground.settings.two_person_disposal,
        backup_days=ground.settings.backup_days,
    )
    return disposition_jobs(disposition, work, loops)
