"""`muniment recover`: the database, rebuilt or caught up from the store and the keyring.

What is already in the database is compared and left as it is; what is missing is inserted. Until
the last transaction an empty database holds no archive and an old one is behind its own log, so
neither can be opened or signed with, however the recovery ends.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from archiver.assurance.hold_check import settle_holds
from archiver.assurance.rebuilding import Rebuilding, Survey
from archiver.assurance.report import Findings
from archiver.assurance.restored_identity import require_file_plan, restored_archive
from archiver.assurance.stored_log import StoredLog, read_stored_log
from archiver.assurance.workers import Workers
from archiver.clock import Clock, to_millis
from archiver.db import archive as archive_rows
from archiver.db import holds as hold_rows
from archiver.db import ledger as ledger_rows
from archiver.db import rebuilding as rows
from archiver.db import schema
from archiver.db.lease import try_alone
from archiver.db.ledger import LogState
from archiver.db.rebuilding import HeldObject
from archiver.db.transaction import Database, Transaction
from archiver.errors import ConfigurationError, Conflict, IntegrityError
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.entry import (
    EntryKind,
    HoldEntry,
    OrphanEntry,
    decode_entry,
    orphan_entry,
    other_entry,
)

_RECORD_KINDS = {b'{"v":1,"t":"rec"', b'{"v":1,"t":"aud"'}
_ID = slice(23, 49)
_PAGE = 8192

Phase = Callable[[str, int, int], None]
"""Called with the phase in words, how much of it is done, and its total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryTarget:
    """What is recovered, from where, into what.

    `zone` is taken where the founding's event cannot be read; so is `plan`, which puts the shipped
    templates into an empty file plan, in force from a moment in milliseconds. `given_up` are holds
    that the operator goes without.
    """

    store_url: str
    keyring: Keyring = field(repr=False)
    database: Database
    clock: Clock
    workers: int
    zone: str
    plan: Callable[[Transaction, int], Awaitable[None]]
    given_up: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was missing, and is there now; with `dry_run`, what would be.

    `found` is `lost` (no archive in the database), `behind` (an old one) or `complete`. `waiting`
    segments are durable but in no checkpoint: whoever opens the archive next sequences them.
    `held` objects are held in the store by no hold known so far; see `name_strange_holds`.
    """

    found: str
    dry_run: bool
    published: int
    sequenced: int
    entries: int
    segments: int
    records: int
    waiting_segments: int
    waiting_records: int
    holds: int
    given_up: frozenset[str]
    held: tuple[HeldObject, ...]
    findings: Findings = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether anything was missing."""
        return self.found != "complete" or bool(self.entries or self.segments)


async def recover_database(target: RecoveryTarget, *, dry_run: bool, phase: Phase) -> Recovery:
    """Rebuild what the database lacks of the archive in the store.

    Raises:
        IntegrityError: the log cannot be trusted, the database contradicts it, or a hold cannot be
            restored whole. The database cannot be opened then.
        ConfigurationError: the store has nothing of this archive, or the database is another's.
        Conflict: another process has the archive open.
        StorageUnavailable, DatabaseUnavailable: run it again; it goes on where it stopped.
    """
    async with AsyncExitStack() as stack:
        if not dry_run:
            await schema.migrate(target.database)
            await stack.enter_async_context(_alone(target.database))
        workers = await asyncio.to_thread(
            Workers, target.store_url, target.clock, 1 if dry_run else target.workers
        )
        stack.enter_context(workers)
        return await _Recovering(target, workers, phase, dry_run=dry_run).run()


async def count_holds(database: Database) -> int:
    """Return how many holds the database knows, released ones included."""
    async with database.reading() as tx:
        return len(await hold_rows.list_all(tx))


async def name_strange_holds(database: Database, recovery: Recovery) -> None:
    """Name the held objects that no hold explains, once the waiting segments are sequenced.

    Holds among those may explain some. The others stay held: the database does not know that they
    are, so nothing lifts them.
    """
    async with database.reading() as tx:
        strange = await rows.not_covered(tx, recovery.held)
    for each in strange:
        recovery.findings.problem(
            "the store holds this object, and no hold that was ever placed covers it: its hold was "
            "lost, or somebody set it by hand. It stays held; to lift it, place a hold on its "
            "records and release that",
            object_key=each.object_key,
        )


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for name in ("writers", "integrator"):
            lease = await try_alone(database, name)
            if lease is None:
                raise Conflict(
                    "another process has the archive open; stop `muniment serve` and everything "
                    "else that uses this database, then run `muniment recover` again"
                )
            stack.push_async_callback(lease.release)
        yield


class _Recovering:
    """One run: the phases in order."""

    def __init__(
        self, target: RecoveryTarget, workers: Workers, phase: Phase, *, dry_run: bool
    ) -> None:
        self._target = target
        self._database = target.database
        self._workers = workers
        self._phase = phase
        self._dry_run = dry_run
        self._findings = Findings()
        self._held: tuple[HeldObject, ...] = ()

    async def run(self) -> Recovery:
        target, keyring = self._target, self._target.keyring
        state = await self._state()
        log = await asyncio.to_thread(
            read_stored_log,
            self._workers.store,
            keyring.archive_id,
            keyring.origin,
            keyring.verifiers,
            partial(self._phase, "Reading the log"),
        )
        try:
            rebuilding = Rebuilding(
                database=self._database,
                workers=self._workers,
                keyring=keyring,
                log=log,
                findings=self._findings,
                given_up=target.given_up,
            )
            return await self._rebuild(rebuilding, log, state)
        finally:
            log.close()

    async def _rebuild(
        self, rebuilding: Rebuilding, log: StoredLog, state: LogState | None
    ) -> Recovery:
        target = self._target
        absent = self._dry_run and state is None
        self._require_no_fork(log, state)
        added = log.end if absent else await rebuilding.add_entries(dry_run=self._dry_run)
        if not absent:
            await self._add_own(log, state)
        survey = await rebuilding.survey(empty=absent)
        self._require_archive(log, survey)
        behind = state is not None and (added > 0 or state.size < log.signed.size)
        records = sum(one.records for one in survey.placed)
        if not self._dry_run:
            known = log.end
            await rebuilding.add_segments(
                survey.placed, partial(self._phase, "Rebuilding the records")
            )
            added += log.end - known
            await rebuilding.settle_keys()
            await self._finish(log, survey, resumed=state is None or behind)
            records = rebuilding.records
        return Recovery(
            found="lost" if state is None else "behind" if behind else "complete",
            dry_run=self._dry_run,
            published=log.signed.size,
            sequenced=log.end,
            entries=added,
            segments=len(survey.placed),
            records=records,
            waiting_segments=len(survey.unplaced),
            waiting_records=sum(one.records for one in survey.unplaced),
            holds=await self._count_holds(log, absent=absent),
            given_up=target.given_up,
            held=self._held,
            findings=self._findings,
        )

    async def _count_holds(self, log: StoredLog, *, absent: bool) -> int:
        if absent or self._dry_run:
            return sum(
                isinstance(entry := decode_entry(data), HoldEntry) and entry.on
                for data in log.others.values()
            )
        return await count_holds(self._database)

    async def _state(self) -> LogState | None:
        """Return how far the database is, None where it holds no archive."""
        if not await schema.exists(self._database):
            return None
        await schema.check(self._database)
        async with self._database.reading() as tx:
            known = await archive_rows.find(tx)
            if known is None:
                return None
            keyring = self._target.keyring
            if (known.id, known.origin) != (keyring.archive_id, keyring.origin):
                raise ConfigurationError(
                    f"the database is of archive {known.id}, the keyring of {keyring.archive_id}; "
                    "check MUNIMENT_DATABASE_URL and MUNIMENT_HOME. Nothing was changed"
                )
            return await ledger_rows.state(tx)

    def _require_archive(self, log: StoredLog, survey: Survey) -> None:
        if not (log.end or survey.placed or survey.unplaced or survey.unreadable):
            raise ConfigurationError(
                f"the store has nothing of archive {self._target.keyring.archive_id}; check "
                "MUNIMENT_STORE_URL. A new archive is made by `muniment init`"
            )

    @staticmethod
    def _require_no_fork(log: StoredLog, state: LogState | None) -> None:
        signed = log.signed
        if state is not None and state.size == signed.size and state.root != signed.root:
            raise IntegrityError(
                f"the database has signed another root for {state.size} entries than the store "
                "holds: the log was signed in two versions. Keep both and find out who signed",
                object_key="database:log_state",
            )

    async def _add_own(self, log: StoredLog, state: LogState | None) -> None:
        """Add what only the database knows: sequenced and in no bundle yet.

        Also an interrupted recovery leaves such entries, the rest of a segment.
        """
        while True:
            async with self._database.reading() as tx:
                page = await ledger_rows.entries(tx, log.end, log.end + _PAGE)
            if not page:
                break
            log.extend(page)
        if state is not None and log.end < state.next_index:
            raise IntegrityError(
                f"entries {log.end} to {state.next_index - 1} of the log are neither in the "
                f"store nor in the database, which has assigned them; {rows.AFRESH}",
                object_key="database:log_entry",
            )

    async def _finish(self, log: StoredLog, survey: Survey, *, resumed: bool) -> None:
        self._phase("Checking the holds", 0, 1)
        entries = await settle_holds(self._database, log, self._target.given_up, self._findings)
        now = to_millis(self._target.clock())
        if resumed:
            # In public: what a receipt promised from here on may stand at another index.
            entries = [other_entry(EntryKind.RECOVERED, {"s": log.end}, now), *entries]
        orphans = [
            (found.object_key, index)
            for index, entry in log.others.items()
            if isinstance(found := decode_entry(entry), OrphanEntry)
        ]
        named = {key for key, _ in orphans}
        for key in survey.unreadable:
            if key not in named:
                orphans.append((key, log.end + len(entries)))
                entries.append(await asyncio.to_thread(self._orphan, key, now))
        await self._name_missing()
        self._held = await self._disown()
        target = self._target
        row = await restored_archive(
            self._database, target.keyring, log, target.zone, now, self._findings
        )
        await require_file_plan(self._database, target.plan, row.created_at, self._findings)
        state = LogState(
            next_index=log.end,
            size=log.signed.size,
            root=log.signed.root,
            checkpoint=log.note,
        )
        work = partial(rows.finish, row=row, state=state, entries=entries, orphans=orphans)
        await self._database.run(work, writes=True)

    def _orphan(self, key: str, now: int) -> bytes:
        return orphan_entry(key, sha256(self._workers.store.get(key)).digest(), now)

    async def _name_missing(self) -> None:
        async with self._database.reading() as tx:
            found = await rows.entries_without_record(tx)
        for index, entry in found:
            if entry[:16] in _RECORD_KINDS:
                self._findings.problem(
                    f"the record is in the log at index {index}, but no segment of the store holds "
                    "it as the log has it; restore its segment from the store's second copy and "
                    "run `muniment recover` again",
                    record_id=entry[_ID].decode("ascii", "replace"),
                )

    async def _disown(self) -> tuple[HeldObject, ...]:
        """Forget of objects that no hold covers yet that the store holds them: none gets lifted."""
        async with self._database.reading() as tx:
            held = await rows.held_without_hold(tx)
        await self._database.run(lambda tx: rows.disown_holds(tx, held), writes=True)
        return tuple(held)
