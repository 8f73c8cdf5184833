"""Frozen result sets: what a search found, fixed; holds from exactly that; who sees which."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from archiver.audit.actions import Action
from archiver.db.tables import account, frozen_members, frozen_set, record
from archiver.errors import (
    Conflict,
    Denied,
    IntegrityError,
    InvalidInput,
    NotFound,
    SearchUnavailable,
)
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.preserve.ledger.entry import members_digest
from tests.fakes.small_archive import COUNSEL, SmallArchive, arrival, small_archive

WHY = "litigation expected"


def limited(*, unit: str = "", matter: str = "") -> Actor:
    """Return a counsel of one unit or matter."""
    held = LimitedRole(role=Role.COUNSEL, unit=unit, matter=matter)
    return Actor(name="lena", roles=frozenset(), limited=frozenset({held}))


TREASURY = limited(unit="Treasury")
SALES = limited(unit="Sales")
OPERATOR = Actor(name="otto", roles=frozenset({Role.OPERATOR}))


@pytest.fixture
async def archive(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[SmallArchive]:
    """Six posts: @acme merger, merger, picnic; @globex merger, picnic, picnic. @acme: Treasury."""
    database = shutil.copyfile(migrated_sqlite, tmp_path / "muniment.db")
    async with small_archive(tmp_path / "home", f"sqlite:///{database}") as opened:
        for owner, texts in {"@acme": "mmp", "@globex": "mpp"}.items():
            for number, word in enumerate(texts):
                text = {"m": "the merger", "p": "a picnic"}[word]
                await opened.capture(arrival(f"{owner}{number}", text, account=owner))
        await opened.index_all()
        async with opened.database.transaction() as tx:
            await tx.execute(
                insert(account).values(
                    id="01KAM0ACC00000000000000001",
                    platform="mastodon",
                    handle="@acme",
                    title="Acme",
                    custodian="Ann",
                    unit="Treasury",
                    registered_at=0,
                    changed_at=0,
                )
            )
        yield opened


class TestFreezing:
    async def test_many_who_freeze_at_once_wait_for_no_connection_that_each_other_keeps(
        self, archive: SmallArchive
    ) -> None:
        await archive.capture(arrival("behind", "the merger that the index has not read"))
        freezing = (archive.frozen_sets.freeze("merger", actor=COUNSEL) for _ in range(20))
        async with asyncio.timeout(20):  # a reader gives up after 30 s without a connection
            views = await asyncio.gather(*freezing)

        assert {view.records for view in views} == {4}

    async def test_a_set_is_what_the_search_found_and_stays_so(self, archive: SmallArchive) -> None:
        view = await archive.frozen_sets.freeze("Merger", name="M", matter="24-1", actor=COUNSEL)
        found = await archive.searching.ids("merger", actor=COUNSEL)
        await archive.capture(arrival("later", "the merger again"))
        await archive.index_all()

        kept = await archive.frozen_sets.ids(view.id, actor=COUNSEL)
        assert kept.ids == found.ids
        assert (view.records, view.normalised, view.query) == (3, "merger", "Merger")
        assert view.digest == members_digest(kept.ids).hex()
        assert view.options == {"stem": False, "zone": "UTC"}
        assert (view.engine, view.analyzer) == (found.engine, found.analyzer)

    async def test_what_the_index_has_not_read_is_in_it(self, archive: SmallArchive) -> None:
        await archive.capture(arrival("unread", "a merger not indexed"))

        view = await archive.frozen_sets.freeze("merger", actor=COUNSEL)

        assert view.records == 4

    async def test_an_index_that_holds_other_posts_freezes_nothing(
        self, archive: SmallArchive
    ) -> None:
        async with archive.database.transaction() as tx:
            await tx.execute(update(record).values(searchable=record.c.log_index != 1))

        with pytest.raises(SearchUnavailable, match="not complete"):
            await archive.frozen_sets.freeze("merger", actor=COUNSEL)
        assert await archive.frozen_sets.list(actor=COUNSEL) == ()

    async def test_an_empty_query_freezes_every_searchable_record(
        self, archive: SmallArchive
    ) -> None:
        view = await archive.frozen_sets.freeze("", actor=COUNSEL)

        assert (view.records, view.normalised) == (6, "")

    async def test_expansions_are_told_with_their_counts(self, archive: SmallArchive) -> None:
        view = await archive.frozen_sets.freeze("stem:mergers OR stem:picnics", actor=COUNSEL)

        assert {(each.word, each.told) for each in view.expansions} == {
            ("stem:mergers", (("merger", 3),)),
            ("stem:picnics", (("picnic", 3),)),
        }

    async def test_an_unknown_zone_is_refused(self, archive: SmallArchive) -> None:
        with pytest.raises(InvalidInput, match="time zone"):
            await archive.frozen_sets.freeze("merger", zone="Mars/Olympus", actor=COUNSEL)

    async def test_an_operator_may_not_freeze(self, archive: SmallArchive) -> None:
        with pytest.raises(Denied):
            await archive.frozen_sets.freeze("merger", actor=OPERATOR)

    async def test_its_event_tells_all_of_it(self, archive: SmallArchive) -> None:
        view = await archive.frozen_sets.freeze("merger", name="M", actor=COUNSEL)

        (event,) = await archive.events_about(view.id)
        details = json.loads(event.details)
        assert event.action == Action.SET_FROZEN
        assert (details["records"], details["members_sha256"]) == (3, view.digest)

    async def test_rows_of_a_set_are_never_changed(self, archive: SmallArchive) -> None:
        await archive.frozen_sets.freeze("merger", actor=COUNSEL)

        for statement in (
            update(frozen_set).values(name="another"),
            delete(frozen_members),
        ):
            with pytest.raises(Conflict, match="never changed"):
                async with archive.database.transaction() as tx:
                    await tx.execute(statement)


class TestPages:
    async def test_pages_neither_repeat_nor_leave_out(self, archive: SmallArchive) -> None:
        view = await archive.frozen_sets.freeze("", actor=COUNSEL)

        found, after = [], -1
        while True:
            page = await archive.frozen_sets.page(view.id, after=after, limit=4, actor=COUNSEL)
            found += [each.id for each in page.members]
            if page.after is None:
                break
            after = page.after
        assert tuple(found) == (await archive.frozen_sets.ids(view.id, actor=COUNSEL)).ids
        assert page.shown == 6


class TestHoldsFromASet:
    async def test_exactly_its_members_are_held(self, archive: SmallArchive) -> None:
        frozen = await archive.frozen_sets.freeze("merger", actor=COUNSEL)
        await archive.capture(arrival("later", "the merger again"))

        preview = await archive.holds.preview(set_id=frozen.id, actor=COUNSEL)
        hold = await archive.holds.place(name="h", reason=WHY, set_id=frozen.id, actor=COUNSEL)

        members = await archive.hold_register.members(hold.id, actor=COUNSEL)
        ids = (await archive.frozen_sets.ids(frozen.id, actor=COUNSEL)).ids
        assert tuple(record_id for _, record_id in members) == ids
        assert hold.members_sha256 == frozen.digest == preview.view.members_sha256
        assert hold.log_size == frozen.log_size
        assert hold.scope["set"] == frozen.id

    async def test_a_set_whose_members_were_exchanged_in_the_database_holds_nothing(
        self, archive: SmallArchive
    ) -> None:
        frozen = await archive.frozen_sets.freeze("merger", actor=COUNSEL)
        others = await archive.frozen_sets.freeze("picnic", actor=COUNSEL)
        async with archive.database.transaction() as tx:
            rules = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in (await tx.execute(text(rules))).scalars().all():
                await tx.execute(text(f"DROP TRIGGER {name}"))
            of_others = select(frozen_members.c.log_indexes).where(
                frozen_members.c.set_id == others.id
            )
            await tx.execute(
                update(frozen_members)
                .where(frozen_members.c.set_id == frozen.id)
                .values(log_indexes=of_others.scalar_subquery())
            )

        with pytest.raises(IntegrityError, match="not those it states by their digest"):
            await archive.holds.place(name="h", reason=WHY, set_id=frozen.id, actor=COUNSEL)

    async def test_a_set_stands_alone(self, archive: SmallArchive) -> None:
        frozen = await archive.frozen_sets.freeze("merger", actor=COUNSEL)

        with pytest.raises(InvalidInput, match="alone"):
            await archive.holds.place(
                name="h", reason=WHY, set_id=frozen.id, query="merger", actor=COUNSEL
            )

    async def test_a_set_out_of_reach_cannot_be_held(self, archive: SmallArchive) -> None:
        frozen = await archive.frozen_sets.freeze("merger", actor=COUNSEL)

        with pytest.raises(NotFound):
            await archive.holds.place(name="h", reason=WHY, set_id=frozen.id, actor=TREASURY)

    async def test_a_set_whose_records_left_the_unit_is_held_whole_or_not_at_all(
        self, archive: SmallArchive
    ) -> None:
        frozen = await archive.frozen_sets.freeze("merger", actor=TREASURY)
        async with archive.database.transaction() as tx:
            await tx.execute(update(account).values(unit="Sales"))

        with pytest.raises(InvalidInput, match="2 of the 2 records"):
            await archive.holds.place(name="h", reason=WHY, set_id=frozen.id, actor=TREASURY)


class TestReach:
    async def test_a_limited_person_freezes_their_part(self, archive: SmallArchive) -> None:
        view = await archive.frozen_sets.freeze("merger", actor=TREASURY)

        assert (view.records, view.within) == (2, ("unit Treasury",))
        assert await archive.frozen_sets.show(view.id, actor=TREASURY) == view
        # What was destroyed of it only those are told who see all of it.
        whole = replace(view, destroyed=())
        assert await archive.frozen_sets.show(view.id, actor=COUNSEL) == whole

    async def test_sets_of_others_out_of_reach_are_not_there(self, archive: SmallArchive) -> None:
        whole = await archive.frozen_sets.freeze("merger", actor=COUNSEL)
        treasury = await archive.frozen_sets.freeze("merger", actor=TREASURY)

        assert [each.id for each in await archive.frozen_sets.list(actor=TREASURY)] == [treasury.id]
        assert await archive.frozen_sets.list(actor=SALES) == ()
        for set_id, actor in ((whole.id, TREASURY), (treasury.id, SALES)):
            with pytest.raises(NotFound, match="no frozen set"):
                await archive.frozen_sets.show(set_id, actor=actor)
            with pytest.raises(NotFound):
                await archive.frozen_sets.page(set_id, actor=actor)
            with pytest.raises(NotFound):
                await archive.frozen_sets.ids(set_id, actor=actor)

    async def test_records_that_left_the_unit_are_shown_no_more(
        self, archive: SmallArchive
    ) -> None:
        view = await archive.frozen_sets.freeze("merger", actor=TREASURY)
        async with archive.database.transaction() as tx:
            await tx.execute(update(account).values(unit="Sales"))

        page = await archive.frozen_sets.page(view.id, actor=TREASURY)
        assert (page.members, page.shown, page.view.records) == ((), 0, 2)
        assert (await archive.frozen_sets.ids(view.id, actor=TREASURY)).ids == ()
