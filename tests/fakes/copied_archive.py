"""An archive with a second store, and what tests do to its objects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from archiver.app import Services, open_services
from archiver.assurance.repair import Outcome, Repaired, damaged_objects, in_order, lost_from_log
from archiver.assurance.report import Report
from archiver.clock import Clock, system_clock
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.jobs.second_store import SecondStore
from archiver.jobs.verifying import Extent
from archiver.model.actor import Actor, Role
from archiver.preserve.ledger.entry import RepairEntry, decode_entry
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.s3 import S3Store
from tests.fakes.archive import AGENT, an_arrival, found, publish, settings_for

EVERYBODY = Actor(name="omar", roles=frozenset(Role), via="test")


async def found_with_copy(home: Path, *, store_url: str = "", second_url: str = "") -> Settings:
    """Found an archive with an empty second store; folders in `home` where no URL is given."""
    second_url = second_url or f"file:{home / 'copy'}"
    settings = settings_for(home, store_url=store_url)
    await found(settings)
    open_store(second_url, clock=system_clock, create=True).close()
    return settings.model_copy(update={"second_store_url": second_url})


@dataclass(frozen=True, slots=True)
class CopiedArchive:
    """An open archive whose loops do not run: tests do at once what these would do in a moment."""

    services: Services

    @property
    def first(self) -> ObjectStore:
        return self.second_store.copies.primary

    @property
    def second(self) -> ObjectStore:
        return self.second_store.copies.second()

    @property
    def second_store(self) -> SecondStore:
        assert self.services.second is not None
        return self.services.second

    async def capture(self, *contents: bytes, media: tuple[bytes, ...] = ()) -> list[str]:
        """Capture posts, one segment each, and publish; return their record ids."""
        captured = []
        for content in contents:
            (outcome,) = await self.services.ingest.submit(
                [an_arrival(content, media=media)], actor=AGENT
            )
            captured.append(outcome.record_id)
        await publish(self.services)
        return captured

    async def copy(self) -> int:
        return await self.second_store.replication.catch_up()

    async def verify(self) -> Report:
        return await self.services.verifying.run(Extent(workers=1, content=True), actor=EVERYBODY)

    async def repair(self, report: Report) -> list[Outcome]:
        """Repair what a report names, as `verify --repair` does."""
        archive_id = self.services.archive.id
        lost = lost_from_log(self.first, self.second, archive_id)
        outcomes = await self.second_store.repairs.repair(
            in_order([*damaged_objects(report, archive_id), *lost]),
            damaged=self.first,
            good=self.second,
            actor=EVERYBODY,
        )
        if all(isinstance(one, Repaired) for one in outcomes):
            await publish(self.services)
        return outcomes

    async def repair_entries(self) -> list[RepairEntry]:
        async with self.services.database.reading() as tx:
            state = await ledger_rows.state(tx)
            entries = await ledger_rows.entries(tx, 0, state.next_index)
        found = [decode_entry(data) for data in entries]
        return [entry for entry in found if isinstance(entry, RepairEntry)]


@asynccontextmanager
async def opened(
    settings: Settings, *, clock: Clock = system_clock
) -> AsyncIterator[CopiedArchive]:
    """Open an archive that has a second store."""
    async with open_services(settings, clock=clock) as services:
        yield CopiedArchive(services)


def alter(store: ObjectStore, key: str) -> None:
    """Change a byte in the middle of an object behind the store's back, or put it over on S3."""
    if isinstance(store, S3Store):
        data = bytearray(store.get(key))
        data[len(data) // 2] ^= 1
        store.replace(key, bytes(data))
        return
    path = folder_of(store) / key
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def lose(store: ObjectStore, key: str) -> None:
    """Make an object disappear: its file, with its lock; on S3 under a delete marker."""
    if isinstance(store, S3Store):
        store._client.delete_object(Bucket=store._bucket, Key=store._address.prefix + key)
        return
    path = folder_of(store) / key
    path.unlink()
    path.with_name(path.name + ".lock").unlink(missing_ok=True)


def folder_of(store: ObjectStore) -> Path:
    assert isinstance(store, FilesystemStore)
    return Path(store.url.removeprefix("file:"))


def keys_of(store: ObjectStore, prefix: str = "") -> list[str]:
    return list(store.list_keys(prefix))
