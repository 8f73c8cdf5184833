"""`is:held`: records under the holds in force that whoever asks may see; no word of others."""

from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

from archiver.access.rules import EVERYTHING, Permission, Reach, reach
from archiver.errors import Denied, InvalidInput
from archiver.legal.asking import Asked, Filter
from archiver.legal.held import require_lasting, with_held
from archiver.legal.queries import read_query
from archiver.model.actor import Actor, LimitedRole, Role
from search.query import COUNTED, And, FieldName, Held, Not, Numbers, Or, Query, Term
from tests.fakes.small_archive import AUDITOR, COUNSEL, SmallArchive, arrival, small_archive

SMITH = Actor(
    name="sam",
    roles=frozenset(),
    limited=frozenset({LimitedRole(role=Role.COUNSEL, unit="", matter="Smith")}),
)
REVIEWER = Actor(name="rita", roles=frozenset({Role.REVIEWER}))


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """Posts 0 to 3; 0 and 1 held for Smith, 1 and 2 for Jones, and 3 until a released hold."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        for text in ("alpha", "alpha beta", "beta", "gamma"):
            await opened.capture(arrival(text, text))
        await opened.index_all()
        holds = [
            await opened.holds.place(
                name=word, matter=matter, reason="suit", query=word, actor=COUNSEL
            )
            for word, matter in (("alpha", "Smith"), ("beta", "Jones"), ("gamma", "Old"))
        ]
        await opened.holds.release(holds[-1].id, reason="settled", actor=COUNSEL)
        await opened.index_all()
        yield opened


async def held(archive: SmallArchive, query: Query, within: Reach) -> Query:
    async with archive.database.reading() as tx:
        return await with_held(tx, query, within)


async def test_held_is_what_holds_in_force_have_as_members(archive: SmallArchive) -> None:
    assert await held(archive, Held(), EVERYTHING) == Numbers(frozenset({0, 1, 2}))


async def test_whoever_sees_one_matters_holds_learns_of_no_others(archive: SmallArchive) -> None:
    within = reach(SMITH, Permission.READ_HOLDS)
    assert await held(archive, Held(), within) == Numbers(frozenset({0, 1}))


async def test_held_records_stand_in_the_place_of_every_is_held(archive: SmallArchive) -> None:
    word, numbers = Term("x"), Numbers(frozenset({0, 1, 2}))
    tree = Or((And((Held(), Not(Held()))), word))
    assert await held(archive, tree, EVERYTHING) == Or((And((numbers, Not(numbers))), word))


async def test_a_search_for_what_is_held_follows_the_holds(archive: SmallArchive) -> None:
    found = await archive.searching.ids("is:held", actor=AUDITOR)
    assert (found.count, found.normalised) == (3, "is:held")
    assert (await archive.searching.count("NOT is:held", actor=COUNSEL)).count == 1
    page = await archive.searching.search("is:held AND beta", actor=COUNSEL)
    assert sorted(hit.text for hit in page.hits) == ["alpha beta", "beta"]
    assert (await archive.searching.count("is:held", actor=SMITH)).count == 2

    await archive.holds.place(name="all", reason="suit", query="gamma", actor=COUNSEL)
    assert (await archive.searching.count("is:held", actor=COUNSEL)).count == 4


async def test_what_is_held_is_a_filter_as_it_is_a_query(archive: SmallArchive) -> None:
    only = (Filter(FieldName.CHANGE, "held"),)
    for asked, count in ((Asked(include=only), 3), (Asked(exclude=only), 1)):
        found = await archive.searching.overview(asked, facets=COUNTED, actor=COUNSEL)
        assert (found.answer.count, found.as_query) == (count, found.answer.normalised)
    with pytest.raises(Denied, match="read holds"):
        await archive.searching.overview(Asked(exclude=only), actor=REVIEWER)


async def test_whoever_reads_no_holds_cannot_search_by_them(archive: SmallArchive) -> None:
    with pytest.raises(Denied, match="read holds"):
        await archive.searching.count("is:held", actor=REVIEWER)


async def test_no_hold_is_defined_by_what_is_held(archive: SmallArchive) -> None:
    with pytest.raises(InvalidInput, match="leave it out"):
        await archive.holds.place(name="n", reason="r", query="NOT is:held", actor=COUNSEL)


def test_what_asks_nothing_of_holds_may_define_one() -> None:
    query = read_query("alpha AND NOT beta", UTC)
    assert require_lasting(query, "a hold") is query
