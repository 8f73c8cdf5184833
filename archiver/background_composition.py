"""The last stage of opening an archive: what goes on in it without being asked.

It stands on those of `archiver.composition`.
"""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.clock import system_stopwatch
from archiver.composition import Ground, Views, WritePath
from archiver.disposal.destruction import Destruction
from archiver.disposal.epoch_removal import EpochRemoval
from archiver.disposal.gate import Gate
from archiver.disposal.removal import Removal
from archiver.jobs.account_totals import account_chores
from archiver.jobs.disposing import IndexForgetting, disposal_chore, publishing
from archiver.jobs.file_plan import plan_chore
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.loops import Loops
from archiver.jobs.second_store import SecondStore, second_store
from archiver.jobs.telling import Telling, open_telling
from archiver.jobs.timestamping import Timestamping, open_timestamping
from archiver.jobs.witnessing import Witnessing, open_witnessing
from archiver.jobs.worm_probing import WormProbing
from archiver.model.lock import LockMode
from archiver.preserve.clock_guard import compare_with_store
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.store.threads import AsyncStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What goes on without being asked."""

    integrator: Integrator
    witnessing: Witnessing
    timestamping: Timestamping
    worm: WormProbing
    loops: Loops
    comparison: IndexComparison
    second: SecondStore | None
    reads: AsyncStore
    telling: Telling
    destruction: Destruction


async def open_background(
    stack: AsyncExitStack, ground: Ground, path: WritePath, views: Views
) -> Background:
    """Make what goes on by itself; nothing of it runs yet."""
    integrator = _integrator(stack, ground)
    witnessing = open_witnessing(
        settings=ground.settings,
        keyring=ground.keyring,
        integrator=integrator,
        writer=path.writer,
        database=ground.database,
        store=ground.store,
        trail=path.trail,
        clock=ground.clock,
    )
    timestamping = open_timestamping(
        ground.settings,
        archive_id=ground.archive.id,
        store=ground.store,
        database=ground.database,
        trail=path.trail,
        clock=ground.guard.now,
        lock=integrator.lasting_lock,
    )
    stack.push_async_callback(timestamping.close)
    loops = _loops(ground, path, views, integrator, witnessing)
    stack.push_async_callback(loops.close)
    path.sequencer.listen(loops.notify)
    worm = _worm_probing(ground, loops)
    second = _second_store(ground, path, loops)
    comparison = _comparison(ground, path, views)
    accounts = account_chores(ground.database, ground.clock, ground.plan)
    telling = _telling(ground, path, views)
    destruction = _destruction(ground, path, views, loops)
    own = (witnessing.chore, *timestamping.chores, worm.chore, comparison.chore)
    own = (*own, plan_chore(ground.refresh_plan))
    disposal = disposal_chore(destruction, path.recovered.destroyed, ground.guard.now)
    loops.chores = (*own, *accounts, *telling.chores, disposal)
    return Background(
        integrator=integrator,
        witnessing=witnessing,
        timestamping=timestamping,
        worm=worm,
        loops=loops,
        comparison=comparison,
        second=second,
        reads=await _keep_copied(stack, loops, ground.store, second),
        telling=telling,
        destruction=destruction,
    )


def _destruction(ground: Ground, path: WritePath, views: Views, loops: Loops) -> Destruction:
    removal = Removal(
        ground.store.blocking,
        ground.copies.second if ground.copies else None,
        clock=ground.guard.now,
    )
    return Destruction(
        archive_id=ground.archive.id,
        database=ground.database,
        removal=removal,
        epochs=EpochRemoval(
            archive_id=ground.archive.id,
            database=ground.database,
            removal=removal,
            epochs=path.epochs,
        ),
        reader=path.reader,
        gate=Gate(database=ground.database, trail=path.trail, clock=ground.guard.now),
        trail=path.trail,
        index=IndexForgetting(views.index, views.reindexing, loops),
        publish=publishing(
            loops,
            database=ground.database,
            store=ground.store,
            archive_id=ground.archive.id,
            origin=ground.archive.origin,
            verifiers=ground.keyring.verifiers,
        ),
        mirror_holds=views.holds.mirror,
        clock=ground.guard.now,
    )


def _integrator(stack: AsyncExitStack, ground: Ground) -> Integrator:
    integrator = Integrator(
        archive_id=ground.archive.id,
        signers=ground.keyring.signers,
        verifiers=ground.keyring.verifiers,
        store=ground.store.blocking,
        database=ground.database,
        clock=ground.guard.now,
        lock_mode=LockMode(ground.settings.log_lock),
    )
    stack.callback(integrator.close)
    return integrator


def _loops(
    ground: Ground,
    path: WritePath,
    views: Views,
    integrator: Integrator,
    witnessing: Witnessing,
) -> Loops:
    return Loops(
        database=ground.database,
        integrator=integrator,
        index=views.index,
        recovery=path.recovery,
        mirror_holds=views.holds.mirror,
        check_clock=lambda: compare_with_store(ground.guard, ground.store.blocking),
        clock=ground.clock,
        publish_interval_s=ground.settings.publish_interval_s,
        index_interval_s=ground.settings.index_interval_s,
        before_signing=witnessing.before_signing,
    )


def _telling(ground: Ground, path: WritePath, views: Views) -> Telling:
    return open_telling(
        settings=ground.settings,
        archive=ground.archive.origin,
        zone=ZoneInfo(ground.archive.zone),
        keyring=ground.keyring,
        database=ground.database,
        index=views.index,
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        randomness=os.urandom,
        turns=views.turns,
    )


def _comparison(ground: Ground, path: WritePath, views: Views) -> IndexComparison:
    return IndexComparison(
        index=views.index,
        database=ground.database,
        clock=ground.clock,
        stopwatch=system_stopwatch,
        trail=path.trail,
    )


def _worm_probing(ground: Ground, loops: Loops) -> WormProbing:
    return WormProbing(
        archive_id=ground.archive.id,
        store=ground.store.blocking,
        database=ground.database,
        plan=ground.plan,
        credentials_file=ground.settings.worm_credentials_file,
        clock=ground.clock,
        ulids=ground.ulids,
        notify=loops.notify,
    )


def _second_store(ground: Ground, path: WritePath, loops: Loops) -> SecondStore | None:
    return second_store(
        ground.copies,
        archive=ground.archive,
        verifiers=ground.keyring.verifiers,
        database=ground.database,
        reader=path.reader,
        epochs=path.epochs,
        trail=path.trail,
        clock=ground.clock,
        notify=loops.notify,
    )


async def _keep_copied(
    stack: AsyncExitStack, loops: Loops, store: AsyncStore, second: SecondStore | None
) -> AsyncStore:
    """Keep the second copy up in the background; return what content is read from."""
    if second is None:
        return store
    reads = AsyncStore(second.copies)
    stack.push_async_callback(reads.close)
    stack.push_async_callback(second.replication.close)
    loops.chores = (*loops.chores, second.chore())
    return reads
