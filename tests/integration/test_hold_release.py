"""The two-person rule on the release of a hold: asked for by one, done by another's approval."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.access.approvals import Approvals
from archiver.errors import Conflict, DatabaseUnavailable, Denied, NotFound
from archiver.ids import Ulids
from archiver.legal.hold_release import HoldReleases
from archiver.model.actor import Actor, Role
from tests.fakes.small_archive import AUDITOR, COUNSEL, SmallArchive, arrival, small_archive

ADA = Actor(name="ada", roles=frozenset({Role.COUNSEL}), via="session", person_id="01ADA")
BEN = Actor(name="ben", roles=frozenset({Role.COUNSEL}), via="session", person_id="01BEN")
ADAS_TOKEN = Actor(name="ada's token", roles=frozenset({Role.COUNSEL}), via="token:1")


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        await opened.capture(arrival("1", "the merger"))
        yield opened


@pytest.fixture
async def hold_id(archive: SmallArchive) -> str:
    account = arrival("1", "the merger").post.account
    view = await archive.holds.place(name="h", reason="suit", accounts=[account], actor=COUNSEL)
    return view.id


def releases(archive: SmallArchive, *, two_person: bool) -> HoldReleases:
    return HoldReleases(
        holds=archive.holds,
        register=archive.hold_register,
        approvals=Approvals(
            database=archive.database,
            clock=archive.clock,
            ulids=Ulids(),
            trail=archive.trail,
        ),
        two_person=two_person,
    )


async def test_without_the_rule_a_release_is_done_at_once(
    archive: SmallArchive, hold_id: str
) -> None:
    done = await releases(archive, two_person=False).release(hold_id, reason="over", actor=ADA)

    assert (done.view.state, done.waits) == ("released", None)


async def test_with_the_rule_a_hold_stays_in_force_until_somebody_else_approves(
    archive: SmallArchive, hold_id: str
) -> None:
    two = releases(archive, two_person=True)
    asked = await two.release(hold_id, reason="settled", actor=ADA)
    assert (asked.view.state, asked.waits is not None) == ("active", True)
    assert (await archive.hold_register.show(hold_id, actor=ADA)).state == "active"

    for who in (ADA, ADAS_TOKEN, AUDITOR):
        with pytest.raises(Denied):
            await two.decide(hold_id, approve=True, actor=who)
    with pytest.raises(Conflict, match="waits already"):
        await two.release(hold_id, reason="again", actor=BEN)
    done = await two.decide(hold_id, approve=True, actor=BEN)

    assert (done.view.state, done.view.released_by) == ("released", "ben")
    assert done.view.release_reason == "settled"
    with pytest.raises(Conflict):
        await two.decide(hold_id, approve=True, actor=BEN)


async def test_a_refused_release_can_be_asked_for_again(
    archive: SmallArchive, hold_id: str
) -> None:
    two = releases(archive, two_person=True)
    await two.release(hold_id, reason="settled", actor=ADA)
    refused = await two.decide(hold_id, approve=False, actor=BEN)

    assert refused.view.state == "active"
    assert await two.waiting(hold_id, actor=ADA) is None
    with pytest.raises(NotFound, match="no request to release"):
        await two.decide(hold_id, approve=True, actor=BEN)
    again = await two.release(hold_id, reason="really", actor=BEN)
    assert again.waits is not None
    assert (await two.decide(hold_id, approve=True, actor=ADA)).view.state == "released"


async def test_an_approval_cut_off_before_the_release_is_still_good(
    archive: SmallArchive, hold_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = releases(archive, two_person=True)
    await two.release(hold_id, reason="settled", actor=ADA)

    async def cut(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(archive.holds, "release", cut)
        with pytest.raises(DatabaseUnavailable):
            await two.decide(hold_id, approve=True, actor=BEN)
    assert (await archive.hold_register.show(hold_id, actor=ADA)).state == "active"

    done = await two.release(hold_id, reason="settled", actor=ADA)
    assert (done.view.state, done.waits) == ("released", None)
