"""Examining an installation from outside: each part by itself, also where others are broken.

Nothing is changed, no lease is taken and no archive is opened, so `muniment doctor` may run beside
a server, or where none would start. A part that raises is a problem, in that error's own words.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from archiver.assurance.worm_probe import was_entitled
from archiver.clock import Clock, from_millis
from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import ledger as ledger_rows
from archiver.db import schema
from archiver.db.archive import ArchiveRow
from archiver.db.ledger import LogState
from archiver.db.transaction import Database, open_database
from archiver.errors import ArchiverError, ConfigurationError, NotFound
from archiver.jobs.finding import Found, State
from archiver.jobs.index_examination import look_at_index
from archiver.jobs.worm_probing import AUDIT_TRAIL, EVERY, newest, promise
from archiver.preserve.keyring import KeyringFile
from archiver.preserve.ledger.checkpoint import parse_checkpoint
from archiver.preserve.ledger.note import parse_note
from archiver.preserve.object_keys import cosignature_prefix, log_prefix, timestamp_prefix
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store

_LATE = 2  # what happens at intervals is late after two of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one part, and the next step where there is one."""

    part: str
    state: State
    said: str
    todo: str = ""


async def examine(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Return one finding for each part, in the order in which one rests on the other."""
    async with AsyncExitStack() as stack:
        return await _Examination(settings, clock, stack).run()


class _Examination:
    """One examination. Parts are looked at only once those they need were found working."""

    _database: Database
    _archive: ArchiveRow
    _log_state: LogState
    _store: ObjectStore

    def __init__(self, settings: Settings, clock: Clock, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._clock = clock
        self._stack = stack

    async def run(self) -> list[Finding]:
        """Look at every part."""
        parts: tuple[tuple[str, Callable[[], Awaitable[Found]], frozenset[str]], ...] = (
            ("settings", self._look_at_settings, frozenset()),
            ("database", self._look_at_database, frozenset()),
            ("keyring", self._look_at_keyring, frozenset({"database"})),
            ("store", self._look_at_store, frozenset()),
            ("locks", self._look_at_locks, frozenset({"database", "store"})),
            ("log", self._look_at_log, frozenset({"database", "store"})),
            ("search index", self._look_at_index, frozenset({"database"})),
            ("timestamps", self._look_at_timestamps, frozenset({"database", "store"})),
            ("witnesses", self._look_at_witnesses, frozenset({"database", "store"})),
            ("second copy", self._look_at_second_copy, frozenset()),
        )
        findings: list[Finding] = []
        for part, look, needs in parts:
            broken = {each.part for each in findings if each.state is State.PROBLEM}
            findings.append(await _told(part, look, sorted(needs & broken)))
        return findings

    async def _look_at_settings(self) -> Found:
        return State.OK, f"home {self._settings.home.resolve()}", ""

    async def _look_at_database(self) -> Found:
        self._database = open_database(self._settings.effective_database_url)
        self._stack.push_async_callback(self._database.close)
        await schema.check(self._database)
        async with self._database.reading() as tx:
            self._archive = await archive_rows.get(tx)
            self._log_state = await ledger_rows.state(tx)
        return State.OK, f"archive {self._archive.id}, schema of this release", ""

    async def _look_at_keyring(self) -> Found:
        settings = self._settings
        keyring = await asyncio.to_thread(KeyringFile.of(settings).open)
        if keyring.archive_id != self._archive.id:
            raise ConfigurationError(
                f"it is of archive {keyring.archive_id}, the database of {self._archive.id}; "
                "MUNIMENT_HOME, MUNIMENT_KEYRING_FILE and MUNIMENT_DATABASE_URL belong together"
            )
        return State.OK, f"{settings.effective_keyring_file} opens", ""

    async def _look_at_store(self) -> Found:
        url, clock = self._settings.effective_store_url, self._clock
        self._store = await asyncio.to_thread(open_store, url, clock=clock, create=False)
        self._stack.callback(self._store.close)
        await asyncio.to_thread(self._store.probe)
        return State.OK, f"{self._store.url} answers and may be written to", ""

    async def _look_at_locks(self) -> Found:
        store = self._store
        if not store.enforces_locks:
            todo = "where a rule asks for WORM, found the archive on S3 with Object Lock"
            return State.WARNING, AUDIT_TRAIL, todo
        probed = await newest(self._database, store.url)
        said, again = promise(probed), "run `muniment doctor worm`"
        if probed is None:
            return State.WARNING, said, again
        if not probed.entry.ok:
            return State.PROBLEM, said, "stop captures; move to a store that passes"
        if self._clock() - from_millis(probed.entry.ts_ms) > _LATE * EVERY:
            return State.WARNING, said, f"it is repeated weekly by `muniment serve`, or {again}"
        if not was_entitled(probed.entry.checks):
            said += "; tried by a credential that may not delete anyway"
        return State.OK, said, ""

    async def _look_at_log(self) -> Found:
        state, store = self._log_state, self._store
        waiting = state.next_index - state.size
        try:
            key = log_prefix(self._archive.id) + "checkpoint"
            note = await asyncio.to_thread(store.get, key)
            age = await self._age(key)
        except NotFound:
            size, age = 0, timedelta(0)
        else:
            size = parse_checkpoint(parse_note(note).text).size
        said = f"newest checkpoint {size:,}, written {_words(age)} ago; {waiting:,} entries wait"
        if size > state.size:
            todo = "the database was restored from a backup: deploy/RUNBOOK.md, Lost database"
            return State.PROBLEM, f"{said}; the database knows only {state.size:,}", todo
        if waiting:
            return State.WARNING, said, "`muniment serve` signs them; look again"
        return State.OK, said, ""

    async def _look_at_index(self) -> Found:
        url = self._settings.effective_search_url
        return await look_at_index(self._database, url, self._archive.id)

    async def _look_at_timestamps(self) -> Found:
        if self._settings.timestamp_authorities_file is None:
            todo = "name authorities in MUNIMENT_TIMESTAMP_AUTHORITIES_FILE"
            return State.WARNING, "none: nobody outside vouches for the time", todo
        newest_key = await self._last(timestamp_prefix(self._archive.id))
        if newest_key is None:
            return State.WARNING, "none yet", "`muniment serve` asks the authorities; see its log"
        age = await self._age(newest_key)
        said = f"newest {_words(age)} old: {newest_key.rsplit('/', 2)[-1]}"
        if age > _LATE * timedelta(seconds=self._settings.timestamp_interval_s):
            return State.WARNING, said, "see what the authorities answer in the server's log"
        return State.OK, said, ""

    async def _look_at_witnesses(self) -> Found:
        if self._settings.witness_policy_file is None:
            todo = "keep checkpoints elsewhere, or name witnesses in MUNIMENT_WITNESS_POLICY_FILE"
            return State.WARNING, "none: nobody outside remembers the log", todo
        newest_key = await self._last(cosignature_prefix(self._archive.id))
        if newest_key is None:
            return State.WARNING, "no cosignature yet", "see the witnesses in the server's log"
        size = int(newest_key.rsplit("/", 2)[1])
        said = f"newest cosignature over {size:,} of {self._log_state.size:,} entries"
        if size < self._log_state.size and await self._age(newest_key) > timedelta(hours=1):
            return State.WARNING, said, "see the witnesses in the server's log"
        return State.OK, said, ""

    async def _look_at_second_copy(self) -> Found:
        if not self._settings.second_store_url:
            todo = "set MUNIMENT_SECOND_STORE_URL, or replicate the bucket"
            return State.WARNING, "none kept by this archive", todo
        store = await asyncio.to_thread(
            open_store, self._settings.second_store_url, clock=self._clock, create=False
        )
        try:
            await asyncio.to_thread(store.probe)
        finally:
            store.close()
        return State.OK, f"{store.url} answers and may be written to", ""

    async def _last(self, prefix: str) -> str | None:
        """The last key under a prefix; sizes in keys have twelve digits, so it is the newest."""
        return await asyncio.to_thread(lambda: max(self._store.list_keys(prefix), default=None))

    async def _age(self, key: str) -> timedelta:
        written = (await asyncio.to_thread(self._store.head, key)).modified_at
        return max(timedelta(0), self._clock() - written) if written else timedelta(0)


async def _told(part: str, look: Callable[[], Awaitable[Found]], missing: list[str]) -> Finding:
    """Look at a part, unless one that it needs is broken."""
    if missing:
        said = f"not looked at: {' and '.join(missing)} must work first"
        return Finding(part=part, state=State.WARNING, said=said)
    try:
        state, said, todo = await look()
    except ArchiverError as error:
        return Finding(part=part, state=State.PROBLEM, said=str(error))
    return Finding(part=part, state=state, said=said, todo=todo)


def _words(age: timedelta) -> str:
    """Return an age in its largest whole unit: `3 days`, `40 min`, `12 s`."""
    if age >= timedelta(days=2):
        return f"{age.days} days"
    if age >= timedelta(hours=2):
        return f"{int(age / timedelta(hours=1))} h"
    if age >= timedelta(minutes=2):
        return f"{int(age / timedelta(minutes=1))} min"
    return f"{int(age.total_seconds())} s"
