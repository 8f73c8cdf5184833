"""One person's slow searches keep nobody else waiting, and end in words where they are too many."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from archiver.errors import InvalidInput, TooMany
from archiver.legal.answers import Answer
from archiver.legal.term_reports import Wanted
from archiver.legal.turns import Room
from search.engines.tantivy import snapshot
from search.engines.tantivy.snapshot import TantivySnapshot
from search.index import CHUNK, Hit, Order
from search.limits import Allowance, Limits
from search.query import Query, Term
from search.verification import Settling, Source
from tests.fakes.small_archive import AUDITOR, COUNSEL, SmallArchive, arrival, small_archive

LONG = 60.0


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[SmallArchive]:
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    async with small_archive(tmp_path / "home", url) as opened:
        for text in ("light", "heavy"):
            await opened.capture(arrival(text, text))
        await opened.index_all()
        yield opened


async def test_fifty_heavy_searches_of_one_person_do_not_hold_up_anothers_light_one(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    until, begun = Event(), list[Query]()
    page = TantivySnapshot.page

    def slow(
        self: TantivySnapshot,
        query: Query,
        *,
        limit: int,
        order: Order = Order.NEWEST,
        after: Hit | None = None,
    ) -> list[Hit]:
        if query == Term("heavy"):
            begun.append(query)
            assert until.wait(LONG)
        return page(self, query, limit=limit, order=order, after=after)

    monkeypatch.setattr(TantivySnapshot, "page", slow)
    heavy = [
        asyncio.create_task(archive.searching.search("heavy", actor=AUDITOR)) for _ in range(50)
    ]
    async with asyncio.timeout(LONG):
        while len(begun) < Room().each:  # noqa: ASYNC110 - the threads tell no event of the loop
            await asyncio.sleep(0.001)
        light = await archive.searching.search("light", actor=COUNSEL)

    assert (light.count, len(begun)) == (1, Room().each)
    until.set()
    ended = await asyncio.gather(*heavy, return_exceptions=True)
    answers = [each for each in ended if isinstance(each, Answer)]
    refused = [each for each in ended if isinstance(each, TooMany)]
    assert [each.count for each in answers] == [1] * (Room().each + Room().line)
    assert len(answers) + len(refused) == 50
    assert "of your searches wait" in str(refused[0])


async def test_reports_sets_and_holds_of_one_person_do_not_hold_up_anothers_search(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    until, begun = Event(), list[Query]()
    numbers = TantivySnapshot.numbers

    def slow(self: TantivySnapshot, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        if query == Term("heavy"):
            begun.append(query)
            assert until.wait(LONG)
        return numbers(self, query, chunk=chunk)

    monkeypatch.setattr(TantivySnapshot, "numbers", slow)
    sets, holds = archive.frozen_sets, archive.holds
    everything = await sets.freeze("", actor=COUNSEL)
    terms = Wanted(terms="heavy\n" * 9 + "light", set_id=everything.id)
    heavy = [
        asyncio.create_task(archive.term_reports.make(terms, actor=COUNSEL)),
        asyncio.create_task(sets.freeze("heavy", actor=COUNSEL)),
        asyncio.create_task(holds.preview(query="heavy", actor=COUNSEL)),
        asyncio.create_task(archive.searching.ids("heavy", actor=COUNSEL)),
    ]
    async with asyncio.timeout(LONG):
        while len(begun) < Room().each:  # noqa: ASYNC110 - the threads tell no event of the loop
            await asyncio.sleep(0.001)
        light = await archive.searching.search("light", actor=AUDITOR)

    assert (light.count, len(begun)) == (1, Room().each)
    until.set()
    await asyncio.gather(*heavy)
    assert len(begun) == 12


async def test_a_search_that_costs_too_much_is_refused_as_input_and_rebuilds_nothing(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(source: Source, exact: Callable[[Query], bool]) -> Settling:
        return Settling(source, exact, Allowance(Limits(candidates=0)))

    monkeypatch.setattr(snapshot, "Settling", strict)
    await archive.capture(arrival("both", "light and heavy"))
    await archive.index_all()

    generation = archive.index.generations.current()
    with pytest.raises(InvalidInput, match="1 posts hold words of the query") as refused:
        await archive.searching.count("(light OR li*) pre/3 (heavy OR he*)", actor=COUNSEL)

    assert refused.value.pointer == "query"
    assert archive.index.generations.current() == generation
    assert (await archive.searching.count("light w/3 heavy", actor=COUNSEL)).count == 1


@pytest.mark.parametrize("pattern", ["*a*a*a*a*b", "*aa" + "?" * 40, "*ab" * 60 + "*"])
async def test_no_pattern_from_a_person_runs_long_or_damages_anything(
    archive: SmallArchive, pattern: str
) -> None:
    await archive.capture(arrival("long", "a" * 5_000))
    await archive.index_all()
    generation = archive.index.generations.current()
    assert (await archive.searching.count(pattern, actor=COUNSEL)).count in {0, 1}
    assert archive.index.generations.current() == generation
