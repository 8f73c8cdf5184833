"""When the lock probe runs, and what follows from its result.

A probe's result is a signed `worm` entry of the log. Capture into classes with a compliance lock
starts only while the newest one went well: at the start of a server or an import it is probed anew
where the last is over a week old, failed or does not exist; then weekly; and before a certificate
is signed. The filesystem store is not asked to prove what it never claims (ADR 0014): it is the
audit-trail alternative, and is called that.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from archiver.assurance.worm_principals import read_credentials
from archiver.assurance.worm_probe import CANARIES, Principal, run_probe
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import worm_probes
from archiver.db.transaction import Database
from archiver.errors import ConfigurationError, IntegrityError, StorageUnavailable
from archiver.ids import Ulids
from archiver.jobs.loops import Chore
from archiver.model.lock import LockMode
from archiver.preserve.filing import FilePlan
from archiver.preserve.ledger.entry import WormCheck, WormEntry, decode_entry, worm_entry
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store, open_trial
from archiver.preserve.store.trials import LockTrial
from retention.templates import AUDIT_CLASS

EVERY = timedelta(days=7)
"""How long a probe that went well is relied on."""

AUDIT_TRAIL = "audit-trail alternative (17 CFR 240.17a-4(f)(2)(i)(A)), not WORM"
WORM = "WORM (17 CFR 240.17a-4(f)(2)(i)(B))"

_LOOK_EVERY_S = 3600.0
_NAMED = 2

_log = structlog.get_logger("muniment.store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One probe in the log."""

    log_index: int
    entry: WormEntry

    @property
    def failures(self) -> str:
        """The first checks that went wrong, in words; "" where none did."""
        wrong = [f"{check.name}: {check.found}" for check in self.entry.checks if not check.ok]
        more = [f"and {len(wrong) - _NAMED} more"] if len(wrong) > _NAMED else []
        return "; ".join([*wrong[:_NAMED], *more])


@dataclass(frozen=True, slots=True, kw_only=True)
class WormProbing:
    """The lock probes of one archive's store.

    `notify` tells the log's integrator that there is something to sign.
    """

    archive_id: str
    store: ObjectStore
    database: Database
    plan: FilePlan
    credentials_file: Path | None
    clock: Clock
    ulids: Ulids
    notify: Callable[[], None]

    async def newest(self) -> Probed | None:
        """Return the newest probe of this store, None where it was never probed."""
        return await newest(self.database, self.store.url)

    async def probe(self) -> Probed:
        """Probe now, and put the result into the log, whatever it is.

        Raises:
            StorageUnavailable: the probe could not be finished; nothing is logged.
            ConfigurationError: the credentials file or a credential in it is wrong.
            DatabaseUnavailable: the result could not be logged.
        """
        ids = self.ulids.take(CANARIES, self.clock())
        checks = await asyncio.to_thread(self._try, ids)
        data = worm_entry(self.store.url, checks, to_millis(self.clock()))
        ok = all(check.ok for check in checks)
        async with self.database.transaction() as tx:
            index = await ledger_rows.add(tx, [data])
            await worm_probes.add(tx, index, store=self.store.url, ok=ok)
        self.notify()
        made = _decoded(index, data)
        if self.store.enforces_locks:
            say = _log.info if ok else _log.critical
            say("store.probed", store=self.store.url, ok=ok, failures=made.failures)
        return made

    async def require_for_capture(self) -> None:
        """Refuse to begin capture into compliance classes on a store that lets locked objects go.

        Where the store cannot be probed just now, an earlier probe that went well must do.

        Raises:
            ConfigurationError: names the classes, what failed, and what to do.
            StorageUnavailable: never probed successfully, and it cannot be probed now.
        """
        if not self.store.enforces_locks:
            _log.info("store.promise", store=self.store.url, promise=AUDIT_TRAIL)
            return
        classes = self._compliance_classes()
        if not classes:
            return
        try:
            proven = await self.within(EVERY)
        except StorageUnavailable as error:
            earlier = await newest(self.database, self.store.url, only_ok=True)
            last = await self.newest()
            if earlier is None or last is None or not last.entry.ok:
                raise
            _log.warning("store.unprobed", store=self.store.url, error=str(error))
            proven = earlier
        if not proven.entry.ok:
            raise ConfigurationError(
                f"the store {self.store.url} does not keep compliance locks "
                f"({proven.failures}), so nothing may be captured into {', '.join(classes)}; "
                f"use a bucket that `muniment init` created with Object Lock, on a store where "
                f"`muniment doctor worm` passes"
            )
        _log.info("store.promise", store=self.store.url, promise=promise(proven))

    @property
    def chore(self) -> Chore:
        """The loop's work: look every hour whether the weekly probe is due."""
        return Chore(name="lock probe", act=self.weekly, every_s=_LOOK_EVERY_S)

    async def weekly(self) -> str:
        """Probe where it is due; return what an operator should know of the store, or nothing.

        Raises:
            IntegrityError: the store let go what was locked. The loop stops and `/readyz` says so.
            OperatorError: as `probe`; to be tried again.
        """
        if not self.store.enforces_locks:
            return AUDIT_TRAIL
        proven = await self.within(EVERY)
        if not proven.entry.ok:
            raise _broken(proven)
        return ""

    async def within(self, age: timedelta) -> Probed:
        """Return the newest probe if it went well and is at most this old, else probe now."""
        known = await self.newest()
        if known is not None and known.entry.ok:
            passed = self.clock() - from_millis(known.entry.ts_ms)
            if timedelta(0) <= passed <= age:
                return known
        return await self.probe()

    def _compliance_classes(self) -> list[str]:
        """Classes that capture can fill and that ask for a compliance lock, events' included."""
        schedules = self.plan.schedules
        return sorted(
            code
            for code in self.plan.rules.class_codes | {AUDIT_CLASS}
            if code in schedules and schedules[code].lock.value == LockMode.COMPLIANCE
        )

    def _try(self, ids: Sequence[str]) -> Sequence[WormCheck]:
        with ExitStack() as stack:

            def opened(trial: LockTrial) -> LockTrial:
                stack.callback(trial.close)
                return trial

            url, clock = self.store.url, self.clock
            observer = open_store(url, clock=clock, create=False)  # no second copy answers for it
            stack.callback(observer.close)
            others = read_credentials(self.credentials_file) if self.store.enforces_locks else ()
            return run_probe(
                archive_id=self.archive_id,
                store=observer,
                trial=opened(open_trial(url, clock=clock)),
                principals=[
                    Principal(
                        name=other.name,
                        lifts_holds=other.lifts_holds,
                        trial=opened(open_trial(url, clock=clock, access_key=other.key)),
                    )
                    for other in others
                ],
                clock=clock,
                ids=ids,
            )


async def newest(database: Database, store_url: str, *, only_ok: bool = False) -> Probed | None:
    """Return the newest probe of a store, None where it was never probed.

    Raises:
        IntegrityError: the log's entry is not one of a probe.
    """
    async with database.reading() as tx:
        found = await worm_probes.newest(tx, store_url, only_ok=only_ok)
    return None if found is None else _decoded(*found)


def promise(probed: Probed | None) -> str:
    """Return what may be said of a store that claims locks, as of its newest probe."""
    if probed is None:
        return "claims Object Lock; never probed"
    when = rfc3339(from_millis(probed.entry.ts_ms))
    if probed.entry.ok:
        return f"{WORM}, as probed {when}, log entry {probed.log_index}"
    return f"NOT WORM, as probed {when}, log entry {probed.log_index}: {probed.failures}"


def _decoded(log_index: int, data: bytes) -> Probed:
    entry = decode_entry(data)
    if not isinstance(entry, WormEntry):
        raise IntegrityError(
            f"log entry {log_index} is expected to be a lock probe's, found {entry.kind}; the "
            f"database was altered: run `muniment verify --full`"
        )
    return Probed(log_index=log_index, entry=entry)


def _broken(probed: Probed) -> IntegrityError:
    return IntegrityError(
        f"the store {probed.entry.store} does not keep compliance locks ({probed.failures}; log "
        f"entry {probed.log_index}); stop captures, keep `muniment doctor worm`'s table, and move "
        f"to a store that passes"
    )
