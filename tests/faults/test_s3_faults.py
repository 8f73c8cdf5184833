"""An archive on S3 whose requests are lost, delayed and spoiled, for each kind of object.

Every fault of a put comes as a pair: *stored nevertheless* and *not stored*. `test_store_faults`
has the store alone; here is what the archive makes of it: what it acknowledges is true, and what it
did not is made good by sending it again. `make test-faults` goes over all of them.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver import app
from archiver.app import Services, open_services
from archiver.clock import Clock
from archiver.errors import ArchiverError
from archiver.preserve.store.s3 import S3Patience, S3Store
from tests.conftest import BUCKET
from tests.fakes.archive import found, publish, read_back, reader_of, settings_for
from tests.fakes.s3_fault_proxy import Answer, Fault, S3FaultProxy
from tests.fakes.seaweedfs import SeaweedFS
from tests.faults.invariants import Promises, require_invariants
from tests.faults.operations import after, arrival_of, capturing, publishing

pytestmark = pytest.mark.integration

POST = "post large"
KINDS = {
    "segment": ".seg$",
    "keys": ".keys$",
    "epoch": "/epoch.json$",
    "blob": "/blob/",
    "bundle": "/tile/entries/",
    "tile": "/tile/0/",
    "kept checkpoint": "/checkpoints/",
    "checkpoint": "/checkpoint$",
}


@dataclass(frozen=True, kw_only=True)
class Spoiled:
    """One way a request goes wrong."""

    name: str
    answer: Answer = Answer.PASSED_ON
    with_header: tuple[str, str] | None = None

    def fault(self, *, forward: bool) -> Fault:
        without = (self.with_header[0],) if self.with_header else ()
        return Fault(
            forward=forward, answer=self.answer, without=without, with_header=self.with_header
        )


PUTS = (
    Spoiled(name="reset", answer=Answer.CUT),
    Spoiled(name="time-out", answer=Answer.HANG),
    Spoiled(name="500", answer=Answer.ERROR_500),
    Spoiled(name="503 SlowDown", answer=Answer.SLOW_DOWN),
    Spoiled(name="200 with an error", answer=Answer.ERROR_IN_200),
)
WRONG_CHECKSUM = Spoiled(
    name="wrong checksum", with_header=("x-amz-checksum-sha256", "A" * 43 + "=")
)
GETS = (*PUTS, Spoiled(name="half an answer", answer=Answer.TRUNCATED))


def _each(ways: tuple[Spoiled, ...]) -> pytest.MarkDecorator:
    """Every kind of object in every way; one of them belongs to the suite of every day."""
    return pytest.mark.parametrize(
        ("kind", "spoiled"),
        [
            pytest.param(
                kind,
                spoiled,
                id=f"{kind}, {spoiled.name}",
                marks=() if (kind, spoiled) == ("segment", ways[0]) else pytest.mark.faults,
            )
            for kind in KINDS
            for spoiled in ways
        ],
    )


IN_PAIRS = pytest.mark.parametrize("forward", [True, False], ids=["stored", "not stored"])


@pytest.fixture(scope="module")
def proxy(seaweedfs: SeaweedFS) -> Iterator[S3FaultProxy]:
    with S3FaultProxy(seaweedfs.port) as running:
        yield running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, proxy: S3FaultProxy) -> Iterator[None]:
    """One attempt for each request, and a second for its answer."""

    def open_store(url: str, *, clock: Clock, create: bool) -> S3Store:
        assert not create
        patience = S3Patience(connect_s=5, read_s=1.0, attempts=1)
        return S3Store(url, clock=clock, patience=patience, sleep=lambda _seconds: None)

    monkeypatch.setattr(app, "open_store", open_store)
    yield
    proxy.clear()


class Archive:
    """An archive on S3, seen directly and through the proxy."""

    def __init__(self, home: Path, seaweedfs: SeaweedFS, proxy: S3FaultProxy) -> None:
        prefix = f"faults-{os.urandom(6).hex()}"
        self.direct = settings_for(home, store_url=seaweedfs.store_url(BUCKET, prefix))
        url = seaweedfs.store_url(BUCKET, prefix, port=proxy.port)
        self.behind = self.direct.model_copy(update={"store_url": url})
        self.promises = Promises()


@pytest.fixture
async def archive(tmp_path: Path, seaweedfs: SeaweedFS, proxy: S3FaultProxy) -> Archive:
    """A founded, empty archive."""
    founded = Archive(tmp_path / "home", seaweedfs, proxy)
    await found(founded.direct)
    return founded


async def _refused(services: Services, promises: Promises) -> str:
    """Capture and publish once; in which words it was refused, or nothing."""
    try:
        await after(capturing(POST), publishing)(services, promises.hear)
    except ArchiverError as error:
        return str(error)
    return ""


@_each(PUTS)
@IN_PAIRS
async def test_a_put_that_fails_once_is_resolved_without_anybody_noticing(
    kind: str, spoiled: Spoiled, archive: Archive, proxy: S3FaultProxy, *, forward: bool
) -> None:
    async with open_services(archive.behind) as services:
        met = proxy.met
        proxy.on("PUT", KINDS[kind], spoiled.fault(forward=forward))
        assert not await _refused(services, archive.promises)
        assert proxy.met == met + 1
    proxy.clear()
    await require_invariants(archive.direct, archive.promises, [POST])


@_each(PUTS)
@IN_PAIRS
async def test_a_put_that_goes_on_failing_is_told_and_made_good_by_sending_again(
    kind: str, spoiled: Spoiled, archive: Archive, proxy: S3FaultProxy, *, forward: bool
) -> None:
    async with open_services(archive.behind) as services:
        proxy.on("PUT", KINDS[kind], spoiled.fault(forward=forward), times=50)
        proxy.on("HEAD", KINDS[kind], spoiled.fault(forward=True), times=50)
        assert await _refused(services, archive.promises)
        proxy.clear()
        assert not await _refused(services, archive.promises)
    await require_invariants(archive.direct, archive.promises, [POST])


@_each((WRONG_CHECKSUM,))
async def test_a_put_whose_checksum_comes_back_wrong_is_not_counted_as_stored(
    kind: str, spoiled: Spoiled, archive: Archive, proxy: S3FaultProxy
) -> None:
    async with open_services(archive.behind) as services:
        proxy.on("PUT", KINDS[kind], spoiled.fault(forward=True))
        refusal = await _refused(services, archive.promises)
        # An epoch key is read back, and opens only if every byte of it is as it was made.
        assert ("reports SHA-256" in refusal) == (kind != "epoch")
    proxy.clear()
    await require_invariants(archive.direct, archive.promises, [POST])


@_each(GETS)
async def test_a_get_that_is_spoiled_never_yields_other_bytes(
    kind: str, spoiled: Spoiled, archive: Archive, proxy: S3FaultProxy
) -> None:
    async with open_services(archive.direct) as services:
        await after(capturing(POST), publishing)(services, archive.promises.hear)
    async with open_services(archive.behind) as services:
        proxy.on("GET", KINDS[kind], spoiled.fault(forward=True), times=50)
        await _read_or_refuse(services, archive.promises.posts[POST]["id"])
        with suppress(ArchiverError):
            await after(capturing("more"), publishing)(services, archive.promises.hear)
    proxy.clear()
    await require_invariants(archive.direct, archive.promises, ["more"])


async def _read_or_refuse(services: Services, record_id: str) -> None:
    reader = reader_of(services)
    try:
        opened = await read_back(services, record_id)
        contents = [
            (await asyncio.to_thread(reader.part, opened, number)).content for number in range(2)
        ]
    except ArchiverError:
        return
    assert contents == [part.content for part in arrival_of(POST).parts]


async def test_a_store_that_ignores_locks_takes_no_posts(
    archive: Archive, proxy: S3FaultProxy
) -> None:
    hidden = ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date")
    async with open_services(archive.behind) as services:
        proxy.on("HEAD", "/", Fault(forward=True, without=hidden), times=1000)
        for _ in range(2):
            with pytest.raises(ArchiverError, match="ignores locks"):
                await capturing("one")(services, archive.promises.hear)
        assert archive.promises.posts == {}
        proxy.clear()
    async with open_services(archive.behind) as services:
        await capturing("one")(services, archive.promises.hear)
        await publish(services)
    await require_invariants(archive.direct, archive.promises, ["one"])
