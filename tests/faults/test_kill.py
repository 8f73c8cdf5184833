"""kill -9 at random moments of capture under load: nothing acknowledged is ever lost or doubled.

The long sweep (`make test-faults`) kills as often as MUNIMENT_TEST_KILLS says, the short one three
times. MUNIMENT_TEST_SEED repeats a sweep; timing stays the machine's own.
"""

import os
import random
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from archiver.config import Settings
from tests.conftest import BUCKET
from tests.fakes.archive import found, settings_for
from tests.fakes.database_fixtures import *  # noqa: F403 - pytest finds fixtures by name
from tests.fakes.postgres import Postgres
from tests.fakes.seaweedfs import SeaweedFS
from tests.faults.crash_trial import CrashTrials

KILLS = int(os.environ.get("MUNIMENT_TEST_KILLS", "200"))
SEED = int(os.environ.get("MUNIMENT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)

kills = pytest.mark.parametrize(
    "count",
    [
        pytest.param(3, marks=pytest.mark.e2e, id="short"),
        pytest.param(KILLS, marks=pytest.mark.faults, id="sweep"),
    ],
)


@kills
async def test_a_kill_never_loses_a_post_on_the_filesystem_and_sqlite(
    count: int, tmp_path: Path
) -> None:
    settings = await found(settings_for(tmp_path / "home"))
    await _kill(settings, count, {})


@kills
@pytest.mark.integration
async def test_a_kill_never_loses_a_post_on_s3_and_sqlite(
    count: int, tmp_path: Path, seaweedfs: SeaweedFS
) -> None:
    url = seaweedfs.store_url(BUCKET, f"kills-{count}")
    settings = await found(settings_for(tmp_path / "home", store_url=url))
    await _kill(settings, count, seaweedfs.environ)


@kills
@pytest.mark.integration
async def test_a_kill_never_loses_a_post_on_the_filesystem_and_postgresql(
    count: int, tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.fresh_database()
    settings = await found(settings_for(tmp_path / "home", database_url=url))
    await _kill(settings, count, {})


async def _kill(settings: Settings, count: int, environ: Mapping[str, str]) -> None:
    print(f"seed {SEED}")
    began = time.perf_counter()
    async with CrashTrials(settings, seed=SEED, environ=environ) as trials:
        for _ in range(count):
            await trials.kill_once()
        await trials.check_everything()
        tally = trials.tally
    print(f"{tally} in {time.perf_counter() - began:.0f} s")
    assert tally.kills == count
    assert tally.acknowledged >= count // 2 > 0, "the load was real"
