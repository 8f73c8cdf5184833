"""What the running process knows of the archive's integrity, gathered for its judgement."""

import asyncio
from collections.abc import Awaitable, Callable

from archiver.assurance.integrity_status import (
    CopySeen,
    LoopSeen,
    ScheduledCheck,
    Signals,
    StorePromise,
    Witnessed,
)
from archiver.config import Settings
from archiver.db.transaction import Database
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.index_health import index_health
from archiver.jobs.loops import Loops
from archiver.jobs.search_index import SearchIndex
from archiver.jobs.second_store import SecondStore
from archiver.jobs.timestamping import Timestamping
from archiver.jobs.witnessing import Witnessing
from archiver.jobs.worm_probing import AUDIT_TRAIL, Probed, WormProbing, promise


def signals_of(
    *,
    settings: Settings,
    loops: Loops,
    database: Database,
    index: SearchIndex,
    comparison: IndexComparison,
    timestamping: Timestamping,
    witnessing: Witnessing,
    worm: WormProbing,
    second: SecondStore | None,
) -> Callable[[], Awaitable[Signals]]:
    """Return what gathers the signals of a process; it asks the database, and no peer."""
    checks = _checks(settings, has_second=second is not None)

    async def gather() -> Signals:
        probed = await worm.newest() if worm.store.enforces_locks else None
        store, words = _promise(probed, enforces=worm.store.enforces_locks)
        return Signals(
            store=store,
            store_words=words,
            indexed=await asyncio.to_thread(lambda: index.watermark),
            index=await index_health(database, index, comparison),
            authorities=timestamping.asked,
            timestamp_problems=dict(timestamping.problems),
            witnesses=_witnesses(witnessing),
            quorum_asked=witnessing.policy.quorum is not None,
            quorum_size=witnessing.quorum_size,
            second=_copy(second),
            loops=tuple(
                LoopSeen(
                    name=name,
                    problem=state.problem,
                    notice=state.notice,
                    stopped=state.stopped,
                )
                for name, state in sorted(loops.states.items())
            ),
            checks=checks,
        )

    return gather


def _promise(probed: Probed | None, *, enforces: bool) -> tuple[StorePromise, str]:
    if not enforces:
        return StorePromise.AUDIT_TRAIL, AUDIT_TRAIL
    if probed is None:
        return StorePromise.UNPROVEN, promise(None)
    state = StorePromise.WORM if probed.entry.ok else StorePromise.REFUSED
    return state, promise(probed)


def _witnesses(witnessing: Witnessing) -> tuple[Witnessed, ...]:
    standings = witnessing.standings
    seen = []
    for witness in witnessing.policy.witnesses:
        standing = standings.get(witness.name)
        seen.append(
            Witnessed(
                name=witness.name,
                size=standing.size if standing else 0,
                at=standing.cosigned_at if standing else None,
                problem=standing.problem if standing else "",
            )
        )
    return tuple(seen)


def _copy(second: SecondStore | None) -> CopySeen | None:
    if second is None:
        return None
    state = second.replication.state
    return CopySeen(
        pending=state.pending,
        lag_s=state.lag_s,
        damaged=second.copies.damaged,
        problem=state.problem,
    )


def _checks(settings: Settings, *, has_second: bool) -> tuple[ScheduledCheck, ...]:
    checks = [
        ScheduledCheck(
            name="Log",
            what="Each new checkpoint is derived again from what was read back, then signed",
            every=_seconds(settings.publish_interval_s),
        ),
        ScheduledCheck(
            name="Clock",
            what="This machine's clock is compared with the store's",
            every="every minute",
        ),
        ScheduledCheck(
            name="Holds",
            what="Locks of held objects are compared with the holds in force",
            every="every 5 seconds",
        ),
        ScheduledCheck(
            name="Lock keeper",
            what="Locks, holds and versions of all objects are compared and put right; locks that "
            "have to last longer are extended",
            every="every day",
        ),
        ScheduledCheck(
            name="Search index",
            what="The index is compared with the records by id, and its files with their checksums",
            every="every minute, and its count every 5 seconds",
        ),
        ScheduledCheck(
            name="Lock probe",
            what="Objects are locked and their deletion is tried",
            every="every week, where the store keeps locks",
        ),
    ]
    if settings.timestamp_authorities_file is not None:
        every = _seconds(settings.timestamp_interval_s)
        what = "The newest checkpoint is stamped by each authority"
        checks.append(ScheduledCheck(name="Timestamps", what=what, every=every))
    if settings.witness_policy_file is not None:
        what = "The newest checkpoint is cosigned, and compared with what witnesses remember"
        checks.append(ScheduledCheck(name="Witnesses", what=what, every="every 2 seconds"))
    if has_second:
        what = "New objects are copied, and older ones compared with their copies"
        checks.append(ScheduledCheck(name="Second copy", what=what, every="every second"))
    return tuple(checks)


def _seconds(interval_s: float) -> str:
    if interval_s == 1:
        return "every second"
    if interval_s >= 60 and interval_s % 60 == 0:  # noqa: PLR2004 - seconds of a minute
        minutes = int(interval_s // 60)
        return "every minute" if minutes == 1 else f"every {minutes} minutes"
    return f"every {interval_s:g} seconds"
