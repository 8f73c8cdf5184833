"""Frozen sets and holds that name records which were destroyed say so, and how many."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver.app import Services
from archiver.disposal.doomed import Doomed
from archiver.model.actor import Actor, Role
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.disposal import COUNSEL, MANAGER, NINE_YEARS, Time, approved, opened
from tests.fakes.disposal_people import RITA

if TYPE_CHECKING:
    from archiver.legal.hold_views import HoldView

OFFICER = Actor(name="otto", roles=frozenset(Role))


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """An archive with a frozen set of three posts, nine years later."""
    time = Time()
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    async with opened(settings, time) as services:
        for text in ("one", "two", "three"):
            await services.ingest.submit([an_arrival(text.encode())], actor=AGENT)
        await services.loops.catch_up()
        await services.frozen_sets.freeze("", name="All", actor=COUNSEL)
        time.pass_by(NINE_YEARS)
        yield services


async def test_a_set_says_how_many_of_its_records_were_destroyed_under_which_certificate(
    services: Services,
) -> None:
    (frozen,) = await services.frozen_sets.list(actor=COUNSEL)
    gone, also, stays = await stored_posts(services)
    batch_id = await approved(services, [gone, also])
    await services.destruction.execute(batch_id, actor=MANAGER)

    during = await services.frozen_sets.show(frozen.id, actor=COUNSEL)
    await services.disposition.certificates.issue(batch_id, actor=RITA)
    view = await services.frozen_sets.show(frozen.id, actor=COUNSEL)
    page = await services.frozen_sets.page(frozen.id, actor=COUNSEL)
    ids = await services.frozen_sets.ids(frozen.id, actor=COUNSEL)

    assert f"2 in batch {batch_id}, which is being carried out" in during.destroyed_words
    told = "2 of its 3 records were destroyed since: 2 under certificate no. 1"
    assert [each.destroyed_words for each in (view, page.view, ids.view)] == [told] * 3
    assert (view.records, view.digest, page.shown) == (3, frozen.digest, 1)
    assert ids.ids == (stays.id,)
    assert ids.to_dict()["destroyed"] == 2
    assert [each.id for each in page.members] == [stays.id]


async def test_a_hold_from_a_set_holds_what_is_left_of_it(services: Services) -> None:
    (frozen,) = await services.frozen_sets.list(actor=COUNSEL)
    gone, *left = await stored_posts(services)
    await services.destruction.execute(await approved(services, [gone]), actor=MANAGER)

    hold = await services.holds.place(name="Q", reason="suit", set_id=frozen.id, actor=OFFICER)

    assert (hold.records, hold.destroyed) == (2, 0)
    batch_id = await approved(services, left)
    await services.destruction.execute(batch_id, actor=MANAGER)
    assert [row.id for row in await stored_posts(services)] == [row.id for row in left]


@pytest.mark.parametrize("of_a_set", [False, True])
async def test_a_hold_that_comes_when_a_record_is_claimed_keeps_it_while_its_key_is_there(
    services: Services, monkeypatch: pytest.MonkeyPatch, *, of_a_set: bool
) -> None:
    """The hold is told that the record is going; the store holds it, and so it is kept."""
    (frozen,) = await services.frozen_sets.list(actor=COUNSEL)
    row, other, third = await stored_posts(services)
    members = [row, other, third] if of_a_set else [row, other]
    batch_id = await approved(services, [row])
    placed: list[HoldView] = []
    remove = services.destruction._erasure.remove

    async def hold_and_remove(doomed: Doomed) -> None:
        hold = await services.holds.place(
            name="Late",
            reason="suit",
            record_ids=[] if of_a_set else [each.id for each in members],
            set_id=frozen.id if of_a_set else "",
            actor=OFFICER,
        )
        placed.append(hold)
        await remove(doomed)

    monkeypatch.setattr(services.destruction._erasure, "remove", hold_and_remove)

    done = await services.destruction.execute(batch_id, actor=MANAGER)

    assert [(hold.records, hold.destroyed) for hold in placed] == [(len(members), 1)]
    assert (done.destroyed, done.kept) == (0, 1)
    assert row.id in [each.id for each in await stored_posts(services)]
    await services.loops.catch_up()
    await services.ingest.submit([an_arrival(b"and captures go on")], actor=AGENT)


async def test_a_hold_that_comes_when_the_key_is_gone_is_told_it_came_too_late(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, other, _ = await stored_posts(services)
    batch_id = await approved(services, [row])
    placed: list[HoldView] = []

    async def place_and_remove(doomed: Doomed) -> None:
        await remove(doomed)
        placed.append(
            await services.holds.place(
                name="Late", reason="suit", record_ids=[row.id, other.id], actor=OFFICER
            )
        )

    remove = services.destruction._erasure.remove
    monkeypatch.setattr(services.destruction._erasure, "remove", place_and_remove)

    done = await services.destruction.execute(batch_id, actor=MANAGER)

    assert (done.destroyed, done.kept) == (1, 0)
    assert [(hold.records, hold.destroyed) for hold in placed] == [(2, 1)]
