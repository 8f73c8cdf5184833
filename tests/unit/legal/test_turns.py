"""Turns: however many questions one person asks, others get their answers."""

import asyncio
from collections.abc import Callable
from functools import partial
from threading import Event, Semaphore

import pytest

from archiver.errors import Overloaded, TooMany
from archiver.legal.turns import Room, Turns
from archiver.model.actor import Actor

HEAVY = Actor(name="heavy", roles=frozenset(), person_id="1")
OTHER = Actor(name="other", roles=frozenset(), person_id="2")
THIRD = Actor(name="third", roles=frozenset(), person_id="3")
LONG = 60.0  # seconds nothing here takes on any machine


def blocked(until: Event, begun: list[int], number: int) -> Callable[[], int]:
    def question() -> int:
        begun.append(number)
        assert until.wait(LONG)
        return number

    return question


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110 - the threads tell no event of the loop
            await asyncio.sleep(0.001)


async def test_fifty_questions_of_one_person_do_not_hold_up_anothers() -> None:
    turns, until, begun = Turns(Room(line=50)), Event(), list[int]()
    asked = [
        asyncio.create_task(turns.take(HEAVY, blocked(until, begun, number)))
        for number in range(50)
    ]
    await wait_for(lambda: len(begun) == 2)

    assert await turns.take(OTHER, lambda: "at once") == "at once"

    assert len(begun) == 2
    assert not any(task.done() for task in asked)
    until.set()
    assert await asyncio.gather(*asked) == list(range(50))
    assert begun == list(range(50))


async def test_whoever_has_the_fewest_running_is_next_whoever_came_first() -> None:
    turns, order = Turns(Room(at_once=2, each=1, line=9)), list[str]()
    untils = {actor.name: Event() for actor in (HEAVY, OTHER)}
    running = [
        asyncio.create_task(turns.take(actor, blocked(untils[actor.name], [], 0)))
        for actor in (HEAVY, OTHER)
    ]
    waiting = [
        asyncio.create_task(turns.take(actor, partial(order.append, actor.name)))
        for actor in (HEAVY, HEAVY, HEAVY, THIRD)
    ]
    await asyncio.sleep(0)
    untils[OTHER.name].set()
    await wait_for(lambda: order == ["third"])
    untils[HEAVY.name].set()
    await asyncio.gather(*running, *waiting)
    assert order == ["third", "heavy", "heavy", "heavy"]


async def test_a_line_of_ones_own_that_is_too_long_is_told() -> None:
    turns, until = Turns(Room(line=3)), Event()
    asked = [asyncio.create_task(turns.take(HEAVY, blocked(until, [], 0))) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(TooMany, match="3 of your searches wait for 2"):
        await turns.take(HEAVY, lambda: 1)
    until.set()
    await asyncio.gather(*asked)


async def test_waiting_long_for_oneself_and_for_others_is_told_apart() -> None:
    turns, until = Turns(Room(at_once=2, each=1, patience=0.02)), Event()
    asked = [
        asyncio.create_task(turns.take(actor, blocked(until, [], 0))) for actor in (HEAVY, OTHER)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooMany, match="others of yours"):
        await turns.take(HEAVY, lambda: 1)
    with pytest.raises(Overloaded, match="those of others"):
        await turns.take(THIRD, lambda: 1)
    until.set()
    await asyncio.gather(*asked)
    assert await turns.take(THIRD, lambda: 1) == 1


async def test_a_question_nobody_waits_for_keeps_its_turn_until_its_thread_ends() -> None:
    turns, until, begun = Turns(Room(at_once=2, each=1)), Event(), list[int]()
    left = asyncio.create_task(turns.take(HEAVY, blocked(until, begun, 0)))
    await wait_for(lambda: begun == [0])
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left

    later = asyncio.create_task(turns.take(HEAVY, lambda: "later"))
    assert await turns.take(OTHER, lambda: "other") == "other"
    assert not later.done()
    until.set()
    assert await later == "later"


async def test_a_question_that_is_given_up_in_line_takes_no_turn() -> None:
    turns, until, begun = Turns(Room(at_once=2, each=1)), Event(), list[int]()
    first = asyncio.create_task(turns.take(HEAVY, blocked(until, begun, 0)))
    given_up = asyncio.create_task(turns.take(HEAVY, blocked(until, begun, 1)))
    last = asyncio.create_task(turns.take(HEAVY, blocked(until, begun, 2)))
    await wait_for(lambda: begun == [0])
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    until.set()
    assert (await first, await last) == (0, 2)
    assert begun == [0, 2]


async def test_a_question_that_fails_gives_its_turn_back() -> None:
    def fails() -> None:
        raise ValueError("no")

    turns = Turns(Room(at_once=2, each=1))
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await turns.take(HEAVY, fails)
    assert await turns.take(HEAVY, lambda: 1) == 1


def test_there_is_room_for_more_than_one_person() -> None:
    with pytest.raises(ValueError, match="fewer turns"):
        Room(at_once=2, each=2)


async def test_a_search_waits_for_one_slice_of_long_work_at_most() -> None:
    turns, order, go = Turns(Room(at_once=2, each=1)), list[str](), Semaphore(0)

    def a_slice(whose: Actor) -> None:
        order.append(whose.name)
        assert go.acquire(timeout=LONG)

    async def long_work(whose: Actor) -> None:
        for _ in range(20):
            await turns.take(whose, partial(a_slice, whose), is_slice=True)

    work = [asyncio.create_task(long_work(actor)) for actor in (HEAVY, OTHER)]
    await wait_for(lambda: len(order) == 2)
    search = asyncio.create_task(turns.take(THIRD, partial(order.append, "search")))
    await asyncio.sleep(0)
    go.release()  # one slice ends
    await search

    assert order[:2] == ["heavy", "other"]
    assert order[2] == "search"
    go.release(40)
    await asyncio.gather(*work)
    assert len(order) == 41


async def test_a_slice_is_never_turned_away() -> None:
    turns, until = Turns(Room(at_once=2, each=1, line=1, patience=0.001)), Event()
    running = asyncio.create_task(turns.take(HEAVY, blocked(until, [], 0)))
    slices = [
        asyncio.create_task(turns.take(HEAVY, partial(int, each), is_slice=True)) for each in "123"
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooMany, match="of your searches wait"):
        await turns.take(HEAVY, lambda: 1)
    until.set()
    assert await asyncio.gather(running, *slices) == [0, 1, 2, 3]
