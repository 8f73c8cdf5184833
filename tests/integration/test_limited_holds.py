"""Holds of people who are limited to a unit or a matter: they hold, see and release no other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from archiver.db.hold_overlaps import Freed, Overlap
from archiver.db.tables import account
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.legal.hold_views import HoldView
from archiver.model.actor import Actor, LimitedRole, Role
from tests.fakes.small_archive import COUNSEL, SmallArchive, arrival, small_archive

WHY = "litigation expected"


def limited(*, unit: str = "", matter: str = "") -> Actor:
    """Return a counsel of one unit or matter."""
    held = LimitedRole(role=Role.COUNSEL, unit=unit, matter=matter)
    return Actor(name="lena", roles=frozenset(), limited=frozenset({held}))


TREASURY = limited(unit="Treasury")
SMITH = limited(matter="Smith")


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """Six posts: @acme merger, merger, picnic; @globex merger, picnic, picnic. @acme: Treasury."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        for owner, texts in {"@acme": "mmp", "@globex": "mpp"}.items():
            for number, word in enumerate(texts):
                text = {"m": "the merger", "p": "a picnic"}[word]
                await opened.capture(arrival(f"{owner}{number}", text, account=owner))
        await opened.index_all()
        first = await opened.searching.search("merger", actor=COUNSEL)
        async with opened.database.transaction() as tx:
            await tx.execute(
                insert(account).values(
                    id="01KAM0ACC00000000000000001",
                    platform=first.hits[0].platform,
                    handle="@acme",
                    title="Acme",
                    custodian="Ann",
                    unit="Treasury",
                    registered_at=0,
                    changed_at=0,
                )
            )
        yield opened


async def place(
    archive: SmallArchive, actor: Actor, *, matter: str = "", **scope: object
) -> HoldView:
    return await archive.holds.place(
        name="h",
        matter=matter,
        reason=WHY,
        actor=actor,
        **scope,  # type: ignore[arg-type] # a scope of `Holds.place`
    )


async def members(archive: SmallArchive, view: HoldView) -> set[int]:
    found = await archive.hold_register.members(view.id, actor=COUNSEL)
    return {index for index, _ in found}


async def test_a_unit_holds_what_its_own_search_finds(archive: SmallArchive) -> None:
    view = await place(archive, TREASURY, query="merger")

    found = await archive.searching.search("merger", actor=TREASURY)
    assert await members(archive, view) == {0, 1}
    assert view.records == found.count == 2
    assert view.scope["within"] == {"units": ["Treasury"], "matters": []}


async def test_a_preview_of_a_unit_counts_nothing_of_others(archive: SmallArchive) -> None:
    await place(archive, COUNSEL, query="merger")

    preview = await archive.holds.preview(query="merger", actor=TREASURY)

    assert (preview.view.records, preview.held, preview.overlaps) == (2, None, ())
    assert [(name, count) for _, name, count in preview.accounts] == [("@acme", 2)]


@pytest.mark.parametrize("name", ["@globex", "@nobody"])
async def test_an_account_out_of_reach_is_unknown_like_one_that_is_not_there(
    archive: SmallArchive, name: str
) -> None:
    with pytest.raises(InvalidInput, match=f"no post of the archive is of the account '{name}'"):
        await place(archive, TREASURY, accounts=[name])


async def test_a_record_out_of_reach_is_unknown_like_one_that_is_not_there(
    archive: SmallArchive,
) -> None:
    theirs = (await archive.searching.search("merger AND from:@globex", actor=COUNSEL)).hits
    other = (await archive.searching.search("merger AND account:@globex", actor=COUNSEL)).hits
    for record_id in {*(hit.id for hit in (*theirs, *other)), "01KAM0NOTHERE0000000000001"}:
        with pytest.raises(InvalidInput, match=f"no post with the id '{record_id}'"):
            await place(archive, TREASURY, record_ids=[record_id])


async def test_a_hold_of_the_whole_archive_is_not_there_for_a_unit(archive: SmallArchive) -> None:
    whole = await place(archive, COUNSEL, query="merger")
    own = await place(archive, TREASURY, query="merger")

    assert [view.id for view in await archive.hold_register.list(actor=TREASURY)] == [own.id]
    with pytest.raises(NotFound) as hidden:
        await archive.hold_register.show(whole.id, actor=TREASURY)
    with pytest.raises(NotFound) as absent:
        await archive.hold_register.show("01KAM0NOTHERE0000000000001", actor=TREASURY)
    assert str(hidden.value).replace(whole.id, "") == str(absent.value).replace(
        "01KAM0NOTHERE0000000000001", ""
    )
    for act in (archive.hold_register.release_preview, archive.hold_register.page):
        with pytest.raises(NotFound):
            await act(whole.id, actor=TREASURY)
    with pytest.raises(NotFound):
        await archive.holds.release(whole.id, reason="mine", actor=TREASURY)
    assert (await archive.hold_register.show(whole.id, actor=COUNSEL)).state == "active"


async def test_a_matter_sees_its_holds_and_their_members_and_no_others(
    archive: SmallArchive,
) -> None:
    smith = await place(archive, COUNSEL, matter="Smith", accounts=["@globex"])
    jones = await place(archive, COUNSEL, matter="Jones", accounts=["@acme"])

    assert [view.id for view in await archive.hold_register.list(actor=SMITH)] == [smith.id]
    assert len((await archive.hold_register.page(smith.id, actor=SMITH)).members) == 3
    with pytest.raises(NotFound):
        await archive.hold_register.page(jones.id, actor=SMITH)
    assert (await archive.searching.search("merger", actor=SMITH)).count == 1


async def test_a_matter_cannot_widen_itself_by_a_hold(archive: SmallArchive) -> None:
    await place(archive, COUNSEL, matter="Smith", query="picnic AND account:@globex")

    view = await place(archive, SMITH, matter="Smith", query="merger OR picnic")
    with pytest.raises(Denied, match="expected one of your matters"):
        await place(archive, SMITH, matter="Jones", query="picnic")

    assert await members(archive, view) == {4, 5}


async def test_what_a_release_frees_is_counted_without_what_others_hold(
    archive: SmallArchive,
) -> None:
    wide = await place(archive, COUNSEL, query="merger")
    other = await place(archive, COUNSEL, matter="Jones", accounts=["@acme"])

    preview = await archive.hold_register.release_preview(wide.id, actor=COUNSEL)

    assert preview.freed == Freed(due=0, later=1, undated=0)
    assert preview.overlaps == (Overlap(other.id, "h", "Jones", 2),)
    await archive.holds.release(other.id, reason="settled", actor=COUNSEL)
    after = await archive.hold_register.release_preview(wide.id, actor=COUNSEL)
    assert (after.freed, after.overlaps) == (Freed(due=0, later=3, undated=0), ())
    await archive.holds.release(wide.id, reason="settled", actor=COUNSEL)
    with pytest.raises(Conflict, match="released by carla"):
        await archive.hold_register.release_preview(wide.id, actor=COUNSEL)


async def test_a_preview_tells_which_holds_cover_the_same(archive: SmallArchive) -> None:
    wide = await place(archive, COUNSEL, query="merger")

    preview = await archive.holds.preview(accounts=["@acme"], actor=COUNSEL)

    assert (preview.view.records, preview.held) == (3, 2)
    assert preview.overlaps == (Overlap(wide.id, "h", "", 2),)
