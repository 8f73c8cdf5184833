"""The archive's clock is set wrong: no post is taken by it, no lock is set by it, nothing is lost.

`faketime` shows the same to a whole process, where it is installed.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archiver.app import Services, open_services
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.errors import Stopping
from tests.conftest import BUCKET
from tests.fakes.archive import (
    AGENT,
    an_arrival,
    found,
    publish,
    read_back,
    serving,
    settings_for,
    stored_posts,
)
from tests.fakes.seaweedfs import SeaweedFS

REPOSITORY = Path(__file__).parents[2]
YEARS = timedelta(days=3653)
STEPS = pytest.mark.parametrize(
    "step",
    [YEARS, -YEARS, timedelta(hours=5), timedelta(hours=-5)],
    ids=["+10 y", "-10 y", "+5 h", "-5 h"],
)


class SetClock:
    """The true time, and what somebody added to it."""

    def __init__(self) -> None:
        self.step = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.step


async def objects_of(services: Services) -> set[str]:
    return {key async for key in services.store.list_keys("")}


@STEPS
async def test_a_clock_set_while_running_stops_capture_until_it_is_set_right(
    step: timedelta, local_settings: Settings
) -> None:
    clock = SetClock()
    async with open_services(local_settings, clock=clock) as services:
        (kept,) = await services.ingest.submit([an_arrival(b"before")], actor=AGENT)
        await publish(services)
        stored = await objects_of(services)

        clock.step = step
        large = an_arrival(b"during", media=(os.urandom(300_000),))
        with pytest.raises(Stopping, match="the clock says"):
            await services.ingest.submit([large], actor=AGENT)
        assert "the clock says" in (await services.health.ready())["writer"]
        assert await objects_of(services) == stored, "not a blob, not a tile was locked by it"
        assert (await read_back(services, kept.record_id)).manifest.id == kept.record_id

        clock.step = timedelta()
        (outcome,) = await services.ingest.submit([large], actor=AGENT)
        assert outcome.status == "captured"
        assert (await services.health.ready())["writer"] == "ok"
        await publish(services)


@STEPS
async def test_a_step_between_two_acts_of_one_request_signs_and_locks_nothing(
    step: timedelta, local_settings: Settings
) -> None:
    clock = SetClock()
    async with open_services(local_settings, clock=clock) as services:
        await services.ingest.submit([an_arrival(b"sequenced, not signed")], actor=AGENT)
        stored = await objects_of(services)
        clock.step = step
        with pytest.raises(Stopping, match="the clock says"):
            await services.loops.integrate_once()
        assert await objects_of(services) == stored
        clock.step = timedelta()
        assert (await publish(services)).size == 1


@pytest.mark.parametrize("step", [YEARS, -YEARS], ids=["+10 y", "-10 y"])
async def test_a_clock_set_while_the_archive_was_closed_is_doubted_until_it_is_confirmed(
    step: timedelta, local_settings: Settings
) -> None:
    async with open_services(local_settings) as services:
        await services.ingest.submit([an_arrival(b"before")], actor=AGENT)
    clock = SetClock()
    clock.step = step
    async with open_services(local_settings, clock=clock) as services:
        with pytest.raises(Stopping, match="MUNIMENT_CLOCK_CONFIRMED"):
            await services.ingest.submit([an_arrival(b"after")], actor=AGENT)
        assert len(await stored_posts(services)) == 1, "reading goes on"
    confirmed = local_settings.model_copy(update={"clock_confirmed": clock()})
    async with open_services(confirmed, clock=clock) as services:
        await services.ingest.submit([an_arrival(b"after")], actor=AGENT)
        assert len(await stored_posts(services)) == 2


@pytest.mark.integration
async def test_a_clock_that_differs_from_the_store_s_takes_no_posts(
    tmp_path: Path, seaweedfs: SeaweedFS
) -> None:
    url = seaweedfs.store_url(BUCKET, f"clock-{os.urandom(4).hex()}")
    settings = await found(settings_for(tmp_path / "home", store_url=url))
    clock = SetClock()
    clock.step = timedelta(minutes=3)
    async with serving(settings, clock=clock) as services:
        with pytest.raises(Stopping, match="the store's says"):
            await services.ingest.submit([an_arrival(b"one")], actor=AGENT)
        clock.step = timedelta()
        await asyncio.to_thread(services.loops.check_clock)
        await services.ingest.submit([an_arrival(b"one")], actor=AGENT)


@pytest.mark.e2e
async def test_a_process_under_a_false_clock_refuses_to_import(tmp_path: Path) -> None:
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("faketime is not installed (apt install faketime)")
    home = tmp_path / "home"
    settings = await found(settings_for(home))
    async with open_services(settings) as services:
        await services.ingest.submit([an_arrival(b"before")], actor=AGENT)
    command = [sys.executable, "-m", "tests.faults.one_capture", str(home)]
    for offset, taken in (("+10y", False), ("-10y", False), ("+0s", True)):
        done = await asyncio.to_thread(
            subprocess.run,
            [faketime, "-f", offset, *command],
            check=False,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
        )
        assert (done.returncode == 0) == taken, done.stderr
        assert ("the clock says" in done.stderr) != taken
    async with open_services(settings) as services:
        rows = await stored_posts(services)
        assert len(rows) == 2
        now = system_clock().timestamp()
        assert all(abs(row.captured_at / 1000 - now) < 3600 for row in rows)
