"""Saved searches on a real archive: versions, sharing, and what is new to whom."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.app import Services, open_services
from archiver.audit.actions import Action
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.legal.asking import Asked, Filter
from archiver.legal.saved_versions import Change
from archiver.legal.saved_views import SavedView
from archiver.model.actor import Actor, LimitedRole, Role
from search.query import FieldName
from tests.fakes.archive import AGENT, an_arrival, found, settings_for

CARLA = Actor(name="carla@example.com", roles=frozenset({Role.COUNSEL}), person_id="P-CARLA")
DAN = Actor(name="dan@example.com", roles=frozenset({Role.COUNSEL}), person_id="P-DAN")
TILDA = Actor(
    name="tilda@example.com",
    roles=frozenset(),
    limited=frozenset({LimitedRole(role=Role.COUNSEL, unit="Treasury")}),
    person_id="P-TILDA",
)
FEES = Asked(query="fees")


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = await found(settings_for(tmp_path / "home"))
    async with open_services(settings) as opened:
        yield opened


async def capture(services: Services, *texts: str) -> None:
    """Keep posts, and have them indexed."""
    arrivals = [an_arrival(text.encode()) for text in texts]
    await services.ingest.submit(arrivals, actor=AGENT)
    await services.loops.catch_up()


async def news_of(services: Services, actor: Actor) -> dict[str, int | None]:
    """What is new in each saved search that somebody sees, by name."""
    page = await services.saved_searches.list(actor=actor)
    return {view.row.name: view.new for view in page.items}


async def save(services: Services, name: str = "Fees", shared: str = "") -> SavedView:
    """Carla's search for fees."""
    return await services.saved_searches.save(FEES, name=name, shared_with=shared, actor=CARLA)


async def test_a_saved_search_is_kept_in_its_normal_form(services: Services) -> None:
    await capture(services, "fees rise")
    asked = Asked(
        query='"hidden  fees" OR charges',
        include=(Filter(FieldName.PLATFORM, "example"),),
        since="2026-01-01",
    )

    view = await services.saved_searches.save(asked, name=" Fees ", actor=CARLA)

    assert (view.row.name, view.row.version, view.row.owner) == ("Fees", 1, "carla@example.com")
    assert view.row.normalised == (
        '("hidden fees" OR charges) AND platform:example AND after:2026-01-01T00:00:00Z'
    )
    assert view.asked == asked


async def test_what_is_new_is_counted_for_each_person_since_they_looked(
    services: Services,
) -> None:
    await capture(services, "fees one", "nothing of that")
    saved = await save(services, shared="everybody")
    assert await news_of(services, CARLA) == {"Fees": 0}
    assert await news_of(services, DAN) == {"Fees": 1}

    await capture(services, "fees two", "fees three", "other")
    assert await news_of(services, CARLA) == {"Fees": 2}
    assert await news_of(services, DAN) == {"Fees": 3}

    await services.saved_searches.open(saved.id, actor=DAN)
    assert await news_of(services, CARLA) == {"Fees": 2}
    assert await news_of(services, DAN) == {"Fees": 0}
    await capture(services, "fees four")
    assert await news_of(services, DAN) == {"Fees": 1}


async def test_every_change_is_a_version_and_old_ones_stay(services: Services) -> None:
    await capture(services, "fees")
    saved, searches = await save(services), services.saved_searches
    second = await searches.change(
        saved.id, Change(asked=Asked(query="fees OR charges")), based_on=1, actor=CARLA
    )
    third = await searches.change(
        saved.id, Change(shared_with="everybody"), based_on=2, actor=CARLA
    )
    same = await searches.change(saved.id, Change(name="Fees"), based_on=3, actor=CARLA)

    assert (second.row.version, third.row.version, same.row.version) == (2, 3, 3)
    history = await searches.history(saved.id, actor=CARLA)
    assert [(each.view.row.version, each.changed) for each in history] == [
        (3, ("sharing",)),
        (2, ("query",)),
        (1, ()),
    ]
    assert history[1].diff == (("equal", "fees"), ("insert", " OR charges"))
    first = await searches.show(saved.id, version=1, actor=DAN)
    assert (first.row.normalised, first.is_newest, first.row.newest) == ("fees", False, 3)
    with pytest.raises(NotFound, match="@9"):
        await searches.show(saved.id, version=9, actor=CARLA)


async def test_a_change_of_an_older_version_is_refused(services: Services) -> None:
    await capture(services, "fees")
    saved, searches = await save(services), services.saved_searches
    changes = [
        searches.change(saved.id, Change(name=name), based_on=1, actor=CARLA)
        for name in ("Charges", "Costs")
    ]

    outcomes = await asyncio.gather(*changes, return_exceptions=True)

    assert [type(each) for each in outcomes] == [SavedView, Conflict]
    assert (await searches.show(saved.id, actor=CARLA)).row.name == "Charges"


async def test_of_two_processes_that_change_one_version_the_first_in_the_log_counts(
    services: Services,
) -> None:
    await capture(services, "fees")
    saved = await save(services)
    row = replace(saved.row, version=2, newest=2, name="By another process", made_at=1)
    real = services.saved_searches._state

    async def second(*_: object) -> None:
        await real(Action.SAVED_CHANGED, row, CARLA)
        services.saved_searches._state = real  # type: ignore[method-assign]
        await real(Action.SAVED_CHANGED, replace(row, name="Mine", made_at=2), CARLA)

    services.saved_searches._state = second  # type: ignore[assignment,method-assign]
    with pytest.raises(Conflict, match="By another process"):
        await services.saved_searches.change(saved.id, Change(name="Mine"), based_on=1, actor=CARLA)


async def test_only_its_owner_changes_a_shared_search(services: Services) -> None:
    await capture(services, "fees")
    saved = await save(services, shared="everybody")

    with pytest.raises(Denied, match="carla"):
        await services.saved_searches.change(saved.id, Change(archived=True), based_on=1, actor=DAN)


async def test_a_private_search_is_not_there_for_others(services: Services) -> None:
    await capture(services, "fees")
    saved = await save(services)

    assert await news_of(services, DAN) == {}
    with pytest.raises(NotFound) as hidden:
        await services.saved_searches.show(saved.id, actor=DAN)
    with pytest.raises(NotFound) as absent:
        await services.saved_searches.show(saved.id[:-1] + "0", actor=DAN)
    assert str(hidden.value)[:16] == str(absent.value)[:16]


async def test_a_shared_search_finds_what_is_within_the_reach_of_who_runs_it(
    services: Services,
) -> None:
    await services.accounts.register(
        platform="example", handle="other", unit="Treasury", actor=_operator()
    )
    await capture(services, "fees of acme")
    arrival = an_arrival(b"fees of the treasury")
    theirs = replace(arrival, post=replace(arrival.post, account="other"))
    await services.ingest.submit([theirs], actor=AGENT)
    await services.loops.catch_up()
    await save(services, shared="unit:Treasury")
    await save(services, "Private")

    assert await news_of(services, TILDA) == {"Fees": 1}
    assert await news_of(services, DAN) == {"Fees": 2}


async def test_a_limited_person_shares_within_their_own_part(services: Services) -> None:
    await capture(services, "fees")
    for shared in ("everybody", "unit:Sales", "matter:M-1", "unit:"):
        with pytest.raises(InvalidInput, match="unit:Treasury"):
            await services.saved_searches.save(FEES, name="a", shared_with=shared, actor=TILDA)
    view = await services.saved_searches.save(
        FEES, name="a", shared_with="unit:Treasury", actor=TILDA
    )

    assert view.row.shared_with == "unit:Treasury"


async def test_an_archived_search_is_out_of_the_way_and_can_come_back(services: Services) -> None:
    await capture(services, "fees")
    saved, searches = await save(services), services.saved_searches
    await searches.change(saved.id, Change(archived=True), based_on=1, actor=CARLA)

    assert await news_of(services, CARLA) == {}
    page = await searches.list(archived=True, actor=CARLA)
    assert [view.row.name for view in page.items] == ["Fees"]
    await searches.change(saved.id, Change(archived=False), based_on=2, actor=CARLA)
    assert await news_of(services, CARLA) == {"Fees": 0}


async def test_what_cannot_be_saved_is_said(services: Services) -> None:
    await capture(services, "fees")
    for asked, name, pointer in [
        (Asked(), "a", "query"),
        (FEES, "  ", "name"),
        (FEES, "a" * 201, "name"),
        (Asked(query="fees AND"), "a", "query"),
    ]:
        with pytest.raises(InvalidInput) as error:
            await services.saved_searches.save(asked, name=name, actor=CARLA)
        assert error.value.pointer == pointer


async def test_a_list_comes_in_pages(services: Services) -> None:
    await capture(services, "fees")
    for name in "abcde":
        await save(services, name)

    first = await services.saved_searches.list(limit=2, actor=CARLA)
    second = await services.saved_searches.list(limit=2, cursor=first.cursor, actor=CARLA)
    last = await services.saved_searches.list(limit=2, cursor=second.cursor, actor=CARLA)

    assert [v.row.name for page in (first, second, last) for v in page.items] == list("abcde")
    assert (first.total, last.cursor) == (5, "")


async def test_who_saved_and_opened_what_is_in_the_trail(services: Services) -> None:
    await capture(services, "fees")
    saved = await save(services)
    await services.saved_searches.open(saved.id, actor=CARLA)
    auditor = Actor(name="aud", roles=frozenset({Role.AUDITOR}))

    timeline = await services.audit.about("saved-search", saved.id, actor=auditor)

    assert {each.to_dict()["sentence"] for each in timeline.page.items} >= {
        "carla@example.com saved the search “Fees” for “fees”.",
        "carla@example.com opened the hits of the saved search “Fees”, version 1.",
    }


def _operator() -> Actor:
    return Actor(name="op", roles=frozenset({Role.OPERATOR, Role.ADMINISTRATOR}))


async def test_a_hold_names_the_version_of_a_saved_search_that_it_is_over(
    services: Services,
) -> None:
    await capture(services, "fees one", "charges two", "fees and charges")
    saved = await save(services)
    await services.saved_searches.change(
        saved.id, Change(query="fees OR charges"), based_on=1, actor=CARLA
    )
    holds = {
        reference: await services.holds.place(
            name=reference, reason="litigation", saved=reference, actor=CARLA
        )
        for reference in (f"{saved.id}@1", f"{saved.id}@2", saved.id)
    }

    told = {
        name: (view.records, view.scope["query"], view.scope["saved_search"])
        for name, view in holds.items()
    }
    assert told == {
        f"{saved.id}@1": (2, "fees", f"{saved.id}@1"),
        f"{saved.id}@2": (3, "fees OR charges", f"{saved.id}@2"),
        saved.id: (3, "fees OR charges", f"{saved.id}@2"),
    }
    with pytest.raises(NotFound):
        await services.holds.place(name="a", reason="b", saved=saved.id, actor=DAN)
    with pytest.raises(InvalidInput, match="both"):
        await services.holds.place(name="a", reason="b", query="fees", saved=saved.id, actor=CARLA)
