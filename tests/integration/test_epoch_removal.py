"""The key of a lane that emptied before its month was over goes when the month has ended."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.app import Services
from archiver.disposal.epoch_removal import LATE, EpochRemoval
from archiver.preserve.object_keys import epoch_object
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.disposal import MANAGER, Time, approved, opened
from tests.fakes.disposal_people import ADA, RITA

CAPTURED = datetime(2012, 3, 4, tzinfo=UTC)
DUE = datetime(2019, 3, 20, tzinfo=UTC)
"""Seven years after the capture, in the month of the lane."""

OVER = datetime(2019, 4, 1, tzinfo=UTC)


@pytest.fixture
def time() -> Time:
    return Time(CAPTURED)


@pytest.fixture
async def services(tmp_path: Path, time: Time) -> AsyncIterator[Services]:
    """An archive whose one post was destroyed in the month that its lane is of."""
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    async with opened(settings, time) as services:
        await unlocked(services, time)
        await services.ingest.submit([an_arrival(b"one")], actor=AGENT)
        time.pass_by(DUE - time.now)
        (row,) = await stored_posts(services)
        batch_id = await approved(services, [row])
        assert (await services.destruction.execute(batch_id, actor=MANAGER)).destroyed == 1
        yield services


async def unlocked(services: Services, time: Time) -> None:
    """Let posts be stored without a lock: one lasts until the end of the lane's month."""
    plan = services.plan
    draft = await plan.drafts.make("default", reason="a store without locks", actor=RITA)
    body = json.loads(draft.row.body) | {"lock": "none"}
    draft = await plan.drafts.edit(draft.row.id, body=body, actor=RITA)
    await plan.life.submit(draft.row.id, actor=RITA)
    await plan.life.approve(draft.row.id, reason="seen", actor=ADA)
    time.pass_by(timedelta(days=1))
    await services.keeping.refiling.finish()


def sweeping(services: Services) -> EpochRemoval:
    return services.destruction.epochs


async def keys_left(services: Services) -> list[str]:
    prefix = f"keys/{services.archive.id}/default/"
    return [key async for key in services.store.list_keys(prefix)]


async def test_a_key_stays_while_something_may_still_be_packed_with_it(services: Services) -> None:
    epoch = epoch_object(services.archive.id, "default", "2019-03")
    assert await keys_left(services) == [epoch]

    assert await sweeping(services).sweep(OVER + LATE - timedelta(seconds=1)) == 0

    assert await keys_left(services) == [epoch]


async def test_a_key_of_an_empty_lane_goes_when_its_month_has_ended(
    services: Services, time: Time
) -> None:
    assert await sweeping(services).sweep(time.now) == 0
    time.pass_by(OVER + LATE - time.now)
    (chore,) = [each for each in services.loops.chores if each.name == "disposal"]

    await chore.act()

    assert await keys_left(services) == []
    assert await sweeping(services).sweep(time.now) == 0


async def test_a_key_with_which_something_was_packed_since_stays(
    services: Services, time: Time
) -> None:
    time.now = CAPTURED + timedelta(days=1)
    epoch = epoch_object(services.archive.id, "default", "2019-03")
    key = epoch.replace("keys/", "seg/").replace("epoch.json", f"{'0' * 26}.seg")
    await services.store.put(key, b"on its way")  # a segment whose commit is still waiting

    assert await sweeping(services).sweep(OVER + LATE) == 0

    assert await keys_left(services) == [epoch]
