"""`class:` finds the class that a post is in, also after it was moved to another."""

import pytest

from archiver.app import Services, open_services
from archiver.config import Settings
from archiver.model.actor import Actor, Role
from tests.fakes.archive import AGENT, an_arrival

RITA = Actor(
    name="rita",
    roles=frozenset({Role.RECORDS_MANAGER, Role.COUNSEL}),
    via="session",
    person_id="01RITA",
)
BROKER = "us-sec-17a4-comms"


async def counts(services: Services) -> tuple[int, int]:
    await services.loops.catch_up()
    found = [
        await services.searching.count(f"class:{code}", actor=RITA) for code in ("default", BROKER)
    ]
    assert all(each.covered.is_exact for each in found)
    return found[0].count, found[1].count


async def capture(services: Services, *posts: bytes) -> list[str]:
    answers = await services.ingest.submit([an_arrival(post) for post in posts], actor=AGENT)
    return [answer.record_id for answer in answers]


async def move(services: Services, record_ids: list[str], into: str) -> None:
    await services.plan.reclassifying.reclassify(
        into, record_ids=record_ids, reason="they speak for the broker", actor=RITA
    )


async def test_a_search_by_class_follows_posts_that_are_reclassified_there_and_back(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        first, second, _ = await capture(services, b"one", b"two", b"three")
        assert await counts(services) == (3, 0)

        await move(services, [first, second], BROKER)
        assert await counts(services) == (1, 2)

        await move(services, [second], "default")
        assert await counts(services) == (2, 1)


async def test_a_post_that_is_moved_before_it_was_indexed_is_indexed_where_it_is(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        (first,) = await capture(services, b"one")
        await move(services, [first], BROKER)
        assert await counts(services) == (0, 1)


async def test_an_index_built_anew_has_each_post_in_the_class_it_is_in(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        first, _ = await capture(services, b"one", b"two")
        await move(services, [first], BROKER)
        assert await counts(services) == (1, 1)

        await services.loops.index.begin_anew("a test asks for it")
        assert await counts(services) == (1, 1)


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_a_crash_left_under_the_old_class_is_put_right(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    """Killed after the event and before the index: the rows say one class, the index another."""

    class KilledError(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    async with open_services(local_settings) as services:
        first, _ = await capture(services, b"one", b"two")
        assert await counts(services) == (2, 0)
        with monkeypatch.context() as patch:
            patch.setattr("archiver.jobs.search_index._mend", killed)
            await move(services, [first], BROKER)
            with pytest.raises(KilledError):
                await services.loops.index_once()
        if not restarted:
            assert await counts(services) == (1, 1)
            return
    async with open_services(local_settings) as services:
        assert await counts(services) == (1, 1)
