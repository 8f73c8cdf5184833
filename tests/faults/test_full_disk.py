"""The disk of an archive fills up: posts are refused in time, everything else goes on."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.app import Services
from archiver.errors import StorageUnavailable
from tests.fakes.archive import found, publish, read_back, serving, settings_for
from tests.faults.invariants import Promises, require_invariants
from tests.faults.operations import COUNSEL, capturing, placing, releasing

MB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 24 MB."""
    path = tmp_path / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount: needs root and a kernel that allows it")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


async def _fill(services: Services, promises: Promises) -> str:
    """Capture until it is refused; return in which words."""
    for number in range(1000):
        try:
            await capturing(f"filler {number} large")(services, promises.hear)
        except StorageUnavailable as error:
            return str(error)
    raise AssertionError("the disk never filled up")


async def test_a_full_disk_refuses_posts_and_nothing_else_and_goes_on_when_there_is_room(
    small_disk: Path,
) -> None:
    settings = await found(settings_for(small_disk / "home"))
    ballast = small_disk / "ballast"
    promises = Promises()
    async with serving(settings) as services:
        await capturing("before", "before large")(services, promises.hear)
        await publish(services)
        await asyncio.to_thread(ballast.write_bytes, bytes(8 * MB))
        assert "kept for audit entries, holds and releases" in await _fill(services, promises)
        assert "no posts are taken" in (await services.health.ready())["writer"]

        said = promises.posts["before"]
        assert (await read_back(services, said["id"])).manifest.id == said["id"]
        while await services.loops.index_once():
            pass
        answer = await services.searching.search("before", actor=COUNSEL)
        assert answer.count >= 1
        await placing(services, promises.hear)
        await releasing(services, promises.hear)
        await publish(services)

        await asyncio.to_thread(ballast.unlink)
        await capturing("after")(services, promises.hear)
        assert (await services.health.ready())["writer"] == "ok"
    await require_invariants(settings, promises)
