"""The background loops end when they are told to."""

import asyncio
from pathlib import Path
from typing import NoReturn

import pytest

from archiver.app import open_services
from archiver.config import Settings
from archiver.db import ledger
from archiver.errors import DatabaseUnavailable, SearchUnavailable
from archiver.jobs.loops import Chore
from search.errors import IndexDamaged
from tests.fakes.archive import AGENT, an_arrival, eventually, publish, serving
from tests.fakes.disposal import COUNSEL


@pytest.mark.parametrize("steps", range(8))
async def test_work_ends_although_news_comes_at_the_moment_its_loops_are_told_to_end(
    local_settings: Settings, steps: int
) -> None:
    """`asyncio.wait_for` swallowed such a cancellation, and an import hung for ever after its end.

    At which step of the event loop the two meet is not ours to say, so each is tried.
    """
    async with open_services(local_settings) as services:
        loops = services.loops
        loops.index_interval_s = loops.publish_interval_s = 0
        async with asyncio.timeout(10):
            async with loops.following():
                await loops.catch_up()
                await asyncio.sleep(0.2)  # both loops wait for news now
                loops.notify()
                for _ in range(steps):
                    await asyncio.sleep(0)


async def test_a_search_wakes_nothing_that_follows_acts(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.jobs.loops._POLL_S", 600.0)
    acts: list[None] = []

    async def act() -> str:
        acts.append(None)
        return ""

    async with open_services(local_settings) as services:
        await services.loops.catch_up()
        services.loops.chores = (Chore(name="follower", act=act, every_s=0),)
        following = asyncio.create_task(services.loops.all()[-1]())
        try:
            await asyncio.sleep(0.1)  # now it waits for news
            await services.searching.not_searchable(actor=COUNSEL)
            await asyncio.sleep(0.1)
            assert len(acts) == 1
            await services.ingest.submit([an_arrival(b"one")], actor=AGENT)
            await asyncio.sleep(0.1)
            assert len(acts) == 2
        finally:
            following.cancel()


async def test_a_lease_that_cannot_be_taken_is_told_and_taken_later(
    local_settings: Settings,
) -> None:
    """Its file is made when it is first taken; on a full disk that fails."""
    lease = Path(local_settings.home, "archive.db.integrator.lease")
    await asyncio.to_thread(lease.mkdir)
    async with serving(local_settings) as services:
        await services.ingest.submit([an_arrival(b"one")], actor=AGENT)

        async def told() -> bool:
            return "lease" in (await services.health.ready()).get("integrator", "")

        await eventually(told)
        with pytest.raises(DatabaseUnavailable, match="lease"):
            await services.loops.integrate_once()
        await asyncio.to_thread(lease.rmdir)
        assert (await publish(services)).size == 1


async def test_an_index_that_cannot_even_be_made_anew_is_the_operators_to_repair(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails every sync fails the new index too; that ended the loop for good."""

    def fail(url: str, *, anew: bool = False) -> NoReturn:
        raise IndexDamaged(f"The index {url} cannot be read: Input/output error (anew: {anew})")

    async with open_services(local_settings) as services:
        monkeypatch.setattr("archiver.jobs.search_index.open_writer", fail)
        with pytest.raises(SearchUnavailable, match="Posts are kept"):
            await services.loops.index_once()


async def test_a_search_alone_is_no_news_to_the_index_and_a_post_is(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each search is an event; committing the index after each made the next search slower."""
    monkeypatch.setattr("archiver.jobs.loops._POLL_S", 60)
    async with open_services(local_settings) as services:
        loops = services.loops
        loops.index_interval_s = loops.publish_interval_s = 0

        async def published() -> bool:
            async with services.database.reading() as tx:
                state = await ledger.state(tx)
            return state.size == state.next_index

        async with loops.following():
            await loops.catch_up()
            before = loops.index.watermark
            for _ in range(5):  # an index woken by the first would be done by the last
                await services.searching.count("anything", actor=COUNSEL)
                await eventually(published)
            assert loops.index.watermark == before

            await services.ingest.submit([an_arrival(b"one")], actor=AGENT)

            async def indexed() -> bool:
                return loops.index.watermark == before + 6

            await eventually(indexed)
