"""The sample company fills an empty archive once, and never stands among real posts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.app import Services
from archiver.capture.sample_company import ACCOUNTS, register_accounts
from archiver.db.jobs import JobState
from archiver.errors import Conflict, Denied
from archiver.jobs.sample import POSTS
from archiver.model.actor import Actor, Role
from tests.fakes.archive import AGENT, an_arrival, eventually, found, serving, settings_for

OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}), via="cli")
COUNSEL = Actor(name="carl", roles=frozenset({Role.COUNSEL, Role.RECORDS_MANAGER}), via="cli")


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with serving(await found(settings_for(tmp_path / "home"))) as opened:
        yield opened


async def load(services: Services) -> None:
    """Load the sample company to the end of its job."""
    job = await services.sample.start(actor=OPERATOR)

    async def ended() -> bool:
        seen = await services.work.show(job.id, actor=OPERATOR)
        assert seen.state is not JobState.FAILED, seen
        return seen.state is JobState.DONE

    await eventually(ended)


async def test_an_empty_archive_is_filled_once(services: Services) -> None:
    assert await services.sample.is_offered(actor=OPERATOR)
    await load(services)
    await services.loops.catch_up()

    answer = await services.searching.count("is:created OR is:edited OR is:deleted", actor=COUNSEL)
    listed = await services.accounts.list(actor=OPERATOR)
    assert (answer.count, listed.total) == (POSTS, sum(bool(each.unit) for each in ACCOUNTS))
    assert not await services.sample.is_offered(actor=OPERATOR)
    with pytest.raises(Conflict, match="holds posts already"):
        await services.sample.start(actor=OPERATOR)


async def test_a_run_cut_off_after_the_accounts_is_done_again(services: Services) -> None:
    await register_accounts(services.accounts, actor=OPERATOR)

    await load(services)


async def test_it_is_not_offered_beside_real_posts(services: Services) -> None:
    await services.ingest.submit([an_arrival(b"a real post")], actor=AGENT)

    assert not await services.sample.is_offered(actor=OPERATOR)


async def test_who_may_not_capture_and_operate_loads_nothing(services: Services) -> None:
    assert not await services.sample.is_offered(actor=COUNSEL)
    with pytest.raises(Denied):
        await services.sample.start(actor=COUNSEL)
