"""Records within somebody's reach: a unit's accounts, a matter's holds, and nothing beside them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert

from archiver.access.record_access import REFUSALS_A_MINUTE
from archiver.access.record_page import Tab
from archiver.access.record_views import RecordView
from archiver.audit.actions import Action
from archiver.db.tables import account
from archiver.errors import Denied, NotFound
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.post import Change
from tests.fakes.small_archive import (
    AUDITOR,
    COUNSEL,
    START,
    SmallArchive,
    arrival,
    small_archive,
)

TREASURY = "Treasury"
MATTER = "Smith v. Acme"
NOWHERE = "01KAM000000000000000000000"


def limited(role: Role, **part: str) -> Actor:
    """Return somebody who holds a role over one unit or in one matter."""
    held = frozenset({LimitedRole(role=role, **part)})
    return Actor(name=f"a {role} of {part}", roles=frozenset(), limited=held, via="web")


OF_UNIT = limited(Role.COUNSEL, unit=TREASURY)
OF_MATTER = limited(Role.COUNSEL, matter=MATTER)


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """An archive whose account @acme is of the unit Treasury, @other of nobody's."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        async with opened.database.transaction() as tx:
            await tx.execute(
                insert(account).values(
                    id="01KAM0000000000000000000A0",
                    platform="mastodon",
                    handle="@acme",
                    title="Acme",
                    custodian="",
                    unit=TREASURY,
                    registered_at=0,
                    changed_at=0,
                )
            )
        yield opened


@pytest.fixture
async def posts(archive: SmallArchive) -> dict[str, str]:
    """A post of each account, one of them on hold for the matter."""
    outcomes = await archive.capture(
        arrival("p1", "ours", account="@acme", media=b"film" * 2_000),
        arrival("p2", "theirs", account="@other"),
        arrival("p3", "theirs, and in the matter", account="@other", media=b"film" * 2_000),
    )
    ours, theirs, held = (each.record_id for each in outcomes)
    await archive.publish()
    await archive.holds.place(
        name="Smith", matter=MATTER, reason="claim", record_ids=[held], actor=COUNSEL
    )
    return {"ours": ours, "theirs": theirs, "held": held}


Act = Callable[..., Awaitable[object]]


def acts(archive: SmallArchive) -> dict[str, Act]:
    """Return every act that opens a record, by name."""
    records = archive.records

    async def part(record_id: str, *, actor: Actor) -> object:
        return await records.part(record_id, "film.mp4", actor=actor)

    async def content(record_id: str, *, actor: Actor) -> object:
        return await records.content(record_id, "film.mp4", actor=actor)

    return {
        "show": records.show,
        "page": records.page,
        "raw": records.raw,
        "part": part,
        "content": content,
        "parts": records.parts,
        "versions": records.versions,
        "thread": records.thread,
        "custody": records.custody,
        "proof": records.proof,
        "verify": records.verify,
        "why": archive.filing.why,
    }


ACTS = (
    *("show", "page", "raw", "part", "content", "parts", "versions", "thread", "custody"),
    *("proof", "verify", "why"),
)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("actor", "reached"), [(OF_UNIT, "ours"), (OF_MATTER, "held")])
async def test_every_act_opens_what_is_in_reach_and_finds_nothing_else(
    archive: SmallArchive, posts: dict[str, str], act: str, actor: Actor, reached: str
) -> None:
    do = acts(archive)[act]
    await do(posts[reached], actor=actor)

    for name, record_id in posts.items():
        if name != reached:
            with pytest.raises(NotFound) as refused:
                await do(record_id, actor=actor)
            assert str(refused.value) == f"no record {record_id}"
    with pytest.raises(NotFound) as missing:
        await do(NOWHERE, actor=actor)
    assert str(missing.value) == f"no record {NOWHERE}"


async def test_out_of_reach_and_not_there_leave_the_same_event_and_cost_the_same(
    archive: SmallArchive, posts: dict[str, str]
) -> None:
    with counted(archive) as there, pytest.raises(NotFound):
        await archive.records.show(posts["theirs"], actor=OF_UNIT)
    with counted(archive) as nowhere, pytest.raises(NotFound):
        await archive.records.show(NOWHERE, actor=OF_UNIT)

    assert len(there) == len(nowhere) > 0
    for record_id in (posts["theirs"], NOWHERE):
        told = [
            (each.action, each.result, each.actor)
            for each in await archive.events_about(record_id)
            if each.actor == OF_UNIT.name
        ]
        assert told == [(Action.RECORD_REFUSED, "denied", OF_UNIT.name)]


async def test_trying_ids_is_seen_but_does_not_fill_the_log(archive: SmallArchive) -> None:
    for number in range(REFUSALS_A_MINUTE + 5):
        with pytest.raises(NotFound):
            await archive.records.show(f"no id {number}", actor=OF_UNIT)
    assert len(await archive.events_about(OF_UNIT.name)) == REFUSALS_A_MINUTE

    archive.clock.pass_by(timedelta(minutes=1))
    with pytest.raises(NotFound):
        await archive.records.show("x" * 5_000, actor=OF_UNIT)
    newest, *_ = await archive.events_about(OF_UNIT.name)
    assert newest.object_id == ""  # what is no id is not written into the trail


async def test_who_reads_the_whole_archive_leaves_no_event_by_a_wrong_id(
    archive: SmallArchive,
) -> None:
    with pytest.raises(NotFound):
        await archive.records.show(NOWHERE, actor=COUNSEL)

    assert await archive.events_about(COUNSEL.name) == []


async def test_events_of_the_trail_are_not_there_for_who_is_limited(
    archive: SmallArchive, posts: dict[str, str]
) -> None:
    await archive.records.show(posts["ours"], actor=COUNSEL)
    (event, *_) = await archive.events_about(posts["ours"])

    with pytest.raises(NotFound):
        await archive.records.show(event.record_id, actor=OF_UNIT)
    with pytest.raises(Denied):
        await archive.records.show(event.record_id, actor=COUNSEL)


async def test_lists_hold_what_is_in_reach_and_no_number_of_the_rest(archive: SmallArchive) -> None:
    first, second, mine = [
        each.record_id
        for each in await archive.capture(
            arrival("q1", "asked", account="@other"),
            arrival("q2", "answered", account="@other", in_reply_to="q1"),
            arrival("q3", "ours", account="@acme", in_reply_to="q2"),
        )
    ]
    await archive.capture(arrival("q1", "asked!", account="@other", change=Change.EDITED))
    await archive.holds.place(
        name="Smith", matter=MATTER, reason="claim", record_ids=[first], actor=COUNSEL
    )

    whole = await archive.records.thread(mine, actor=COUNSEL)
    assert [post.summary.id for post in whole.posts][1:] == [second, mine]
    assert (whole.total, whole.posts[0].versions) == (3, 2)
    unit = await archive.records.thread(mine, actor=OF_UNIT)
    assert (unit.total, [post.summary.id for post in unit.posts]) == (1, [mine])
    assert unit.posts[0].missing_parent == "q2"
    matter = await archive.records.thread(first, actor=OF_MATTER)
    assert (matter.total, matter.posts[0].summary.id, matter.posts[0].versions) == (1, first, 1)
    assert len(await archive.records.versions(first, actor=OF_MATTER)) == 1
    assert len(await archive.records.versions(first, actor=COUNSEL)) == 2
    page = await archive.records.page(first, tab=Tab.VERSIONS, actor=OF_MATTER)
    assert (len(page.versions), page.comparison) == (1, None)


async def test_a_hold_of_another_matter_is_told_without_its_name(
    archive: SmallArchive, posts: dict[str, str]
) -> None:
    await archive.holds.place(
        name="Secret inquiry",
        matter="Secret",
        reason="secret claim",
        record_ids=[posts["held"]],
        actor=COUNSEL,
    )

    for tab in Tab:
        page = await archive.records.page(posts["held"], tab=tab, actor=OF_MATTER)
        assert "ecret" not in repr(page)
        assert page.view.to_dict()["held_by"] == 2
    told = (await archive.filing.why(posts["held"], actor=OF_MATTER)).to_dict()
    assert "ecret" not in repr(told)
    assert told["state"] == "held"
    reviewer = Actor(name="ray", roles=frozenset({Role.REVIEWER}))
    assert "Smith" not in repr(await archive.records.show(posts["held"], actor=reviewer))
    seen = await archive.records.show(posts["held"], actor=COUNSEL)
    assert isinstance(seen, RecordView)
    assert {hold.name for hold in seen.record.holds} == {"Smith", "Secret inquiry"}


async def test_a_released_hold_leaves_its_matter_in_reach_and_custody(
    archive: SmallArchive, posts: dict[str, str]
) -> None:
    view = await archive.records.show(posts["held"], actor=COUNSEL)
    assert isinstance(view, RecordView)
    (hold,) = view.record.holds
    archive.clock.pass_by(timedelta(days=1))
    await archive.holds.release(hold.id, reason="settled", actor=COUNSEL)

    custody = await archive.records.custody(posts["held"], actor=OF_MATTER)

    told = [step.what for step in custody.steps]
    assert told[:4] == ["Captured", "Sealed", "Sequenced", "Under a checkpoint"]
    assert told[4:] == ["Held by Smith", "Released from Smith"]
    view = await archive.records.show(posts["held"], actor=OF_MATTER)
    assert view.to_dict()["held_by"] == 0


class TestPage:
    async def test_one_page_is_one_event_whichever_side(
        self, archive: SmallArchive, posts: dict[str, str]
    ) -> None:
        for tab in Tab:
            before = len(await archive.events_about(posts["ours"]))
            await archive.records.page(posts["ours"], tab=tab, actor=AUDITOR)
            assert len(await archive.events_about(posts["ours"])) == before + 1

    async def test_who_looked_is_told_to_who_may_read_the_trail(
        self, archive: SmallArchive, posts: dict[str, str]
    ) -> None:
        await archive.records.show(posts["ours"], actor=COUNSEL)

        seen = await archive.records.custody(posts["ours"], actor=AUDITOR)
        assert seen.events_shown
        assert any(step.what.startswith("carla looked at this record") for step in seen.steps)
        blind = await archive.records.custody(posts["ours"], actor=COUNSEL)
        assert not blind.events_shown
        assert not any("carla" in step.what for step in blind.steps)

    async def test_versions_are_compared_with_the_one_before_or_any_other(
        self, archive: SmallArchive
    ) -> None:
        ids = []
        for number, text in enumerate(("one two", "one three", "four three")):
            change = Change.EDITED if number else Change.CREATED
            (kept,) = await archive.capture(
                arrival("v", text, change=change, edited_at=START + timedelta(hours=number))
            )
            ids.append(kept.record_id)

        page = await archive.records.page(ids[2], tab=Tab.VERSIONS, actor=COUNSEL)
        assert page.comparison is not None
        assert (page.comparison.before, page.comparison.after) == (ids[1], ids[2])
        page = await archive.records.page(ids[0], tab=Tab.VERSIONS, against=ids[2], actor=COUNSEL)
        assert page.comparison is not None
        assert (page.comparison.before, page.comparison.after) == (ids[0], ids[2])
        assert (page.place, len(page.versions)) == (1, 3)
        (other,) = await archive.capture(arrival("w", "another post"))
        with pytest.raises(NotFound, match="no version"):
            await archive.records.page(
                ids[0], tab=Tab.VERSIONS, against=other.record_id, actor=COUNSEL
            )

    @pytest.mark.parametrize("tab", Tab)
    @pytest.mark.parametrize("actor", [AUDITOR, OF_UNIT], ids=["whole", "unit"])
    async def test_a_page_costs_as_many_statements_for_many_posts_as_for_few(
        self, archive: SmallArchive, tab: Tab, actor: Actor
    ) -> None:
        costs = []
        for name, count in (("few", 10), ("many", 200)):
            first, *_ = await archive.capture(
                arrival(f"{name}-0", "root"),
                *(arrival(f"{name}-{n}", "re", in_reply_to=f"{name}-0") for n in range(1, count)),
            )
            await archive.capture(
                *(
                    arrival(f"{name}-0", f"root {n}", change=Change.EDITED, edited_at=START)
                    for n in range(count)
                )
            )
            with counted(archive) as statements:
                page = await archive.records.page(first.record_id, tab=tab, actor=actor)
            assert len(page.versions) == count + 1
            if page.thread is not None:
                assert page.thread.total == count
            costs.append(len(statements))

        assert costs[0] == costs[1] <= 30

    async def test_a_thread_longer_than_what_is_shown_says_how_much_is_not(
        self, archive: SmallArchive
    ) -> None:
        kept = await archive.capture(
            arrival("t-0", "root"),
            *(
                arrival(f"t-{n}", "re", in_reply_to="t-0", posted_at=START + timedelta(minutes=n))
                for n in range(1, 301)
            ),
        )

        thread = await archive.records.thread(kept[150].record_id, actor=COUNSEL)
        assert (len(thread.posts), thread.total, thread.complete) == (200, 301, True)
        assert (thread.before, thread.after) == (50, 51)
        assert [post.is_this for post in thread.posts].index(True) == 100
        last = await archive.records.thread(kept[300].record_id, actor=COUNSEL)
        assert (last.before, last.after) == (101, 0)

    async def test_a_thread_that_runs_in_a_circle_ends(self, archive: SmallArchive) -> None:
        kept = await archive.capture(
            arrival("a", "a", in_reply_to="b"), arrival("b", "b", in_reply_to="a")
        )

        thread = await archive.records.thread(kept[0].record_id, actor=COUNSEL)
        assert (thread.total, {post.missing_parent for post in thread.posts}) == (2, {""})


async def test_pieces_of_a_film_are_one_event_within_ten_minutes(
    archive: SmallArchive, posts: dict[str, str]
) -> None:
    async def watched() -> int:
        for _ in range(5):
            await archive.records.content(posts["ours"], "film.mp4", actor=COUNSEL)
        return len(await archive.events_about(posts["ours"]))

    assert await watched() == 1
    archive.clock.pass_by(timedelta(minutes=10))
    assert await watched() == 2
    await archive.records.part(posts["ours"], "film.mp4", actor=COUNSEL)
    assert len(await archive.events_about(posts["ours"])) == 3  # a download always is one


async def test_a_ticket_shows_its_part_in_the_name_of_whom_it_was_given_to(
    archive: SmallArchive, posts: dict[str, str]
) -> None:
    page = await archive.records.page(posts["ours"], actor=OF_UNIT)
    ticket = archive.records.give_tickets(page, actor=OF_UNIT)["film.mp4"]

    part = await archive.records.content_by_ticket(posts["ours"], "film.mp4", ticket)

    assert part.content == b"film" * 2_000
    newest, *_ = await archive.events_about(posts["ours"])
    assert (newest.actor, newest.action) == (OF_UNIT.name, Action.RECORD_VIEWED)
    with pytest.raises(NotFound):
        await archive.records.content_by_ticket(posts["held"], "film.mp4", ticket)


@contextmanager
def counted(archive: SmallArchive) -> Iterator[list[str]]:
    """Collect the statements of readers, on this archive's database; writers are not counted."""
    seen: list[str] = []
    engine = archive.database._reading.sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)
