"""The integrator: whatever fails on the way, one tree is signed, and it is published in the end."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.app import Services, open_services
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.errors import DatabaseUnavailable, IntegrityError, StorageUnavailable
from archiver.model.lock import LockMode
from archiver.preserve.keyring import open_keyring
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.ledger.merkle import leaf_hash, tree_root, verify_consistency
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import ObjectStore
from tests.fakes.archive import AGENT, an_arrival
from tests.fakes.database_fixtures import *  # noqa: F403
from tests.fakes.faulty_commits import FaultyCommits
from tests.fakes.faulty_store import Call, Fault, FaultyStore, fail_call, no_faults


@dataclass
class Log:
    """An archive's log and its integrator, run by hand: no loop is at work beside it."""

    services: Services
    store: FaultyStore
    integrator: Integrator

    async def add(self, count: int) -> None:
        async with self.services.database.reading() as tx:
            start = (await ledger_rows.state(tx)).next_index
        posts = [an_arrival(b"%d" % number) for number in range(start, start + count)]
        await self.services.ingest.submit(posts, actor=AGENT)

    async def signed(self) -> ledger_rows.LogState:
        async with self.services.database.reading() as tx:
            return await ledger_rows.state(tx)

    def read(self, path: str) -> bytes:
        return self.store.inner.get(log_prefix(self.services.archive.id) + path)

    def open(self, path: str) -> Checkpoint:
        verifier = Ed25519Verifier.from_vkey(self.services.archive.vkey)
        return open_checkpoint(self.read(path), self.services.archive.origin, [verifier])

    async def require_published(self, size: int) -> None:
        """Checkpoint, its kept copy and the database say the same, and it is the entries' root."""
        async with self.services.database.reading() as tx:
            entries = await ledger_rows.entries(tx, 0, size)
        head = self.open("checkpoint")
        assert (head.size, head.root) == (size, tree_root(map(leaf_hash, entries)))
        assert self.open(f"checkpoints/{size:012d}") == head
        assert (await self.signed()).size == size


def integrator_of(services: Services, store: ObjectStore) -> Integrator:
    settings = services.settings
    keyring = open_keyring(
        settings.effective_keyring_file, settings.keyring_secret_file, passphrase=False
    )
    return Integrator(
        archive_id=services.archive.id,
        signers=keyring.signers,
        verifiers=keyring.verifiers,
        store=store,
        database=services.database,
        clock=system_clock,
        lock_mode=LockMode.GOVERNANCE,
    )


@asynccontextmanager
async def log_of(settings: Settings) -> AsyncIterator[Log]:
    async with open_services(settings) as services:
        store = FaultyStore(services.store.blocking)
        integrator = integrator_of(services, store)
        try:
            yield Log(services, store, integrator)
        finally:
            integrator.close()


async def test_a_log_grows_over_tile_edges_and_every_checkpoint_extends_the_last(
    settings: Settings,
) -> None:
    async with log_of(settings) as log:
        await log.integrator.start()
        assert await log.integrator.integrate() is None, "nothing is signed where nothing is"
        heads: list[Checkpoint] = []
        for count in (1, 1, 253, 1, 1, 260):
            await log.add(count)
            assert await log.integrator.integrate() is not None
            heads.append(log.open("checkpoint"))
            await log.require_published(heads[-1].size)
        assert await log.integrator.integrate() is None
        assert [head.size for head in heads] == [1, 2, 255, 256, 257, 517]
        for old in heads:
            verify_consistency(
                old_size=old.size,
                new_size=517,
                old_root=old.root,
                new_root=heads[-1].root,
                proof=TileTree(517, log.read).consistency_proof(old.size),
            )


@pytest.mark.parametrize("again", ["goes on", "restarts"])
@pytest.mark.parametrize("fault", Fault)
async def test_whatever_write_fails_the_next_round_publishes_without_new_entries(
    fault: Fault, again: str, local_settings: Settings
) -> None:
    async with log_of(local_settings) as log:
        await log.integrator.start()
        size = 0
        for number in range(1, 20):
            await log.add(3)
            size += 3
            log.store.calls.clear()
            log.store.plan = fail_call(number, fault)
            try:
                await log.integrator.integrate()
            except StorageUnavailable:
                failed = True
            else:
                failed = False
            log.store.plan = no_faults
            if again == "restarts":
                log.integrator.close()
                log.integrator = integrator_of(log.services, log.store)
                await log.integrator.start()
            if failed:
                await log.integrator.integrate()
            await log.require_published(size)
            if not failed:
                # Bundle, tile, kept checkpoint and checkpoint: four writes each round.
                assert number == 5
                return
    pytest.fail("the sweep never ran without a fault")


@pytest.mark.parametrize("fault", Fault)
async def test_a_failed_swap_signs_the_same_tree_again(
    fault: Fault, settings: Settings, commits: FaultyCommits
) -> None:
    async with log_of(settings) as log:
        await log.integrator.start()
        await log.add(3)
        commits.faults = [fault]
        with pytest.raises(DatabaseUnavailable):
            await log.integrator.integrate()
        await log.integrator.integrate()
        await log.require_published(3)
        await log.add(2)
        await log.integrator.integrate()
        await log.require_published(5)


async def test_of_two_signers_one_loses_and_the_log_is_not_forked(settings: Settings) -> None:
    async with log_of(settings) as log:
        second = integrator_of(log.services, log.store)
        try:
            await log.integrator.start()
            await second.start()
            await log.add(2)
            state = await log.signed()
            await log.integrator.integrate()
            async with log.services.database.reading() as tx:
                entries = await ledger_rows.entries(tx, 0, 2)
            with pytest.raises(IntegrityError, match="another process signed"):
                await second._publish(state, entries)
            await log.require_published(2)
            await log.add(1)
            await second.integrate()  # by the state as it is, it may
            await log.require_published(3)
        finally:
            second.close()


async def test_a_database_restored_from_a_backup_signs_nothing(local_settings: Settings) -> None:
    async with log_of(local_settings) as log:
        await log.integrator.start()
        await log.add(2)
        await log.integrator.integrate()
        backup = Path(local_settings.home, "backup.db")
        path = log.services.database.path
        assert path is not None
        with sqlite3.connect(path) as source, sqlite3.connect(backup) as copy:
            source.backup(copy)
        source.close()
        copy.close()
        await log.add(2)
        await log.integrator.integrate()
    restored = local_settings.model_copy(update={"database_url": f"sqlite:///{backup}"})
    with pytest.raises(IntegrityError, match="backup") as error:
        async with log_of(restored):
            pass
    assert error.value.object_key
    assert error.value.object_key.endswith("/checkpoints/000000000004")


def harm(path: Path, damage: str) -> None:
    path.chmod(0o600)
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("damage", ["flipped", "gone"])
async def test_a_damaged_tile_stops_signing_and_is_named(
    damage: str, local_settings: Settings
) -> None:
    async with log_of(local_settings) as log:
        await log.integrator.start()
        await log.add(3)
        await log.integrator.integrate()
        before = await log.signed()
        name = log_prefix(log.services.archive.id) + "tile/0/000.p/3"
        path = Path(local_settings.effective_store_url.removeprefix("file:"), name)
        harm(path, damage)
        await log.add(1)
        fresh = integrator_of(log.services, log.store)
        try:
            await fresh.start()
            with pytest.raises(IntegrityError):
                await fresh.integrate()
        finally:
            fresh.close()
        after = await log.signed()
        assert (after.size, after.root) == (before.size, before.root)
        assert log.open("checkpoint").size == 3


async def test_bytes_that_read_back_otherwise_than_written_are_never_signed(
    local_settings: Settings,
) -> None:
    store_path = Path(local_settings.effective_store_url.removeprefix("file:"))

    def rot(call: Call) -> None:
        if "/tile/entries/" in call.key:
            harm(store_path / call.key, "flipped")

    async with log_of(local_settings) as log:
        await log.integrator.start()
        await log.add(3)
        log.store.after = rot
        with pytest.raises(IntegrityError, match="nothing was signed"):
            await log.integrator.integrate()
        assert (await log.signed()).size == 0
        prefix = log_prefix(log.services.archive.id)
        assert prefix + "checkpoint" not in set(log.store.list_keys(prefix))


async def test_rows_missing_from_the_database_are_noticed_before_anything_is_signed(
    local_settings: Settings,
) -> None:
    async with log_of(local_settings) as log:
        await log.integrator.start()
        await log.add(3)
        path = log.services.database.path
        assert path is not None
        with sqlite3.connect(path) as hand:
            for (trigger,) in hand.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                hand.execute(f"DROP TRIGGER {trigger}")
            hand.execute("DELETE FROM log_entry WHERE log_index = 1")
        hand.close()
        with pytest.raises(IntegrityError, match="rows are missing"):
            await log.integrator.integrate()
        assert (await log.signed()).size == 0
