"""One small capture, killed at its first, second, third … sync, link, rename and write.

SQLite's exhaustive crash test: the sweep goes on until a run meets no fault. It needs strace.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.archive import (
    AGENT,
    an_arrival,
    found,
    publish,
    read_back,
    reader_of,
    require_included,
    row_and_entry,
    serving,
    settings_for,
    stored_posts,
    unsequenced,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("call", "most"),
    [
        pytest.param("fsync", 2, marks=pytest.mark.e2e, id="fsync short"),
        pytest.param("fsync,fdatasync", 400, marks=pytest.mark.faults),
        pytest.param("link,linkat", 400, marks=pytest.mark.faults),
        pytest.param("rename,renameat,renameat2", 400, marks=pytest.mark.faults),
        pytest.param("pwrite64", 400, marks=pytest.mark.faults),
    ],
)
async def test_a_kill_at_any_system_call_leaves_one_record_or_none(
    call: str, most: int, tmp_path: Path
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (apt install strace)")
    pristine = tmp_path / "pristine"
    await found(settings_for(pristine))
    for number in range(1, most + 1):
        home = tmp_path / str(number)
        shutil.copytree(pristine, home)
        done = await asyncio.to_thread(_capture_killed_at, home, call, number)
        await _require_whole(home, done.stdout.decode().strip())
        shutil.rmtree(home)
        if done.returncode == 0:
            print(f"{call}: killed at each of {number - 1}")
            return
    assert most < 400, "the sweep never ran without a fault"


def _capture_killed_at(home: Path, call: str, number: int) -> "subprocess.CompletedProcess[bytes]":
    inject = f"inject={call}:signal=KILL:when={number}"
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    done = subprocess.run(
        [*strace, sys.executable, "-m", "tests.faults.one_capture", str(home)],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        timeout=120,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # writes no files but the archive's
    )
    if done.returncode not in (0, -9, 137):
        pytest.fail(f"ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done


async def _require_whole(home: Path, acknowledged: str) -> None:
    async with serving(settings_for(home)) as services:
        assert not await unsequenced(services) or services.recovered.unreadable
        (outcome,) = await services.ingest.submit([an_arrival(b"one")], actor=AGENT)
        if acknowledged:
            assert (outcome.status, outcome.record_id) == ("unchanged", acknowledged)
        assert len(await stored_posts(services)) == 1
        head = await publish(services)
        _, entry = await row_and_entry(services, outcome.record_id)
        require_included(services, head, outcome.log_index, entry)
        opened = await read_back(services, outcome.record_id)
        assert reader_of(services).part(opened, 0).content == b"one"
