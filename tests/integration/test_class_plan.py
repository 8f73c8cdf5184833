"""Classes of the file plan: a tree that changes by audited acts, and never loses a record."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db import file_plan as plan_rows
from archiver.disposal.class_plan import ClassPlan
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.model.actor import Actor, Role
from archiver.preserve.plan_effects import class_details
from retention.rules import Rule, RuleSet
from retention.templates import get_template
from tests.fakes.small_archive import AUDITOR, COUNSEL, SmallArchive, small_archive

RITA = Actor(
    name="rita", roles=frozenset({Role.RECORDS_MANAGER}), via="session", person_id="01RITA"
)


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


@pytest.fixture
def classes(archive: SmallArchive) -> ClassPlan:
    return ClassPlan(database=archive.database, trail=archive.trail, clock=archive.clock)


async def add(classes: ClassPlan, code: str, parent: str = "") -> None:
    await classes.add(code, title=code.title(), authority="Board 4", parent=parent, actor=RITA)


async def test_classes_stand_in_a_tree_with_authority_and_mandate(classes: ClassPlan) -> None:
    await add(classes, "public")
    state = await classes.add(
        "posts",
        title="Posts",
        authority="GRS 6.4",
        mandate="Board decision 4/2026",
        parent="public",
        actor=RITA,
    )

    told = state.to_dict()
    assert (told["parent"], told["mandate"], told["depth"]) == (
        "public",
        "Board decision 4/2026",
        1,
    )
    assert (told["revision"], told["closed"], told["schedule"]) == (1, False, None)
    order = [each.row.code for each in await classes.tree(actor=AUDITOR)]
    assert order.index("posts") == order.index("public") + 1


async def test_a_class_of_a_template_takes_over_what_the_template_says(classes: ClassPlan) -> None:
    shipped = get_template("us-finra-2210-public")

    state = await classes.add("ads", title="Ads", template=shipped.id, actor=RITA)

    assert state.row.file_class.title == "Ads"
    assert state.row.file_class.authority == shipped.authority


async def test_title_note_and_place_change_and_code_and_authority_never(
    classes: ClassPlan,
) -> None:
    await add(classes, "public")
    await add(classes, "posts")

    state = await classes.change(
        "posts", title="All posts", note="since 2026", parent="public", reason="order", actor=RITA
    )

    found = state.row.file_class
    assert (found.code, found.title, found.note, found.parent) == (
        "posts",
        "All posts",
        "since 2026",
        "public",
    )
    assert (found.authority, state.row.revision) == ("Board 4", 2)
    with pytest.raises(InvalidInput, match="something to change"):
        await classes.change("posts", reason="none", actor=RITA)
    with pytest.raises(InvalidInput, match="title"):
        await classes.change("posts", title=" ", reason="none", actor=RITA)
    with pytest.raises(InvalidInput, match="reason"):
        await classes.change("posts", title="x", reason=" ", actor=RITA)


async def test_no_class_comes_to_stand_above_itself(
    classes: ClassPlan, archive: SmallArchive
) -> None:
    for code, parent in (("a", ""), ("b", "a"), ("c", "b")):
        await add(classes, code, parent)

    with pytest.raises(InvalidInput, match="above itself: a < c < b < a"):
        await classes.change("a", parent="c", reason="round", actor=RITA)
    with pytest.raises(InvalidInput, match="in the file plan, found 'gone'"):
        await classes.change("a", parent="gone", reason="lost", actor=RITA)
    for code, above in zip("defgh", "cdefg", strict=True):
        await add(classes, code, above)
    with pytest.raises(InvalidInput, match="at most 8 classes"):
        await add(classes, "i", "h")

    # Two people move two classes below each other at once: what is sequenced second is void.
    state = await classes.show("a", actor=AUDITOR)
    late = {**class_details(state.row), "parent": "c", "revision": 2, "reason": "at once"}
    await archive.trail.record(
        Action.CLASS_CHANGED, actor=RITA, object_type="class", object_id="a", details=late
    )
    assert (await classes.show("a", actor=AUDITOR)) == state


async def test_of_two_changes_of_one_revision_only_the_first_counts(
    classes: ClassPlan, archive: SmallArchive
) -> None:
    await add(classes, "posts")
    state = await classes.change("posts", note="first", reason="x", revision=1, actor=RITA)

    with pytest.raises(Conflict, match="at revision 2: somebody changed it"):
        await classes.change("posts", note="second", reason="x", revision=1, actor=RITA)
    late = {**class_details(state.row), "note": "late", "reason": "at once"}
    await archive.trail.record(
        Action.CLASS_CHANGED, actor=RITA, object_type="class", object_id="posts", details=late
    )
    assert (await classes.show("posts", actor=AUDITOR)).row.file_class.note == "first"


async def test_a_closed_class_takes_nothing_new_and_can_be_opened_again(
    classes: ClassPlan, archive: SmallArchive
) -> None:
    await add(classes, "posts")
    state = await classes.close("posts", reason="another took its place", actor=RITA)
    assert state.to_dict()["closed_at"] == "2026-03-02T09:00:00.000Z"

    with pytest.raises(Conflict, match="closed already"):
        await classes.close("posts", reason="again", actor=RITA)
    reopened = await classes.reopen("posts", reason="needed", actor=RITA)
    assert (reopened.row.closed_at, reopened.row.revision) == (None, 3)
    with pytest.raises(Conflict, match="is open"):
        await classes.reopen("posts", reason="again", actor=RITA)

    for code in (archive.plan.rules.default_class, "muniment-audit"):
        with pytest.raises(Conflict, match="where new records go"):
            await classes.close(code, reason="all of it", actor=RITA)


async def test_a_class_that_approved_rules_will_name_is_not_closed(
    classes: ClassPlan, archive: SmallArchive
) -> None:
    coming = RuleSet(
        version=2,
        default_class="default",
        rules=(Rule(id="r", class_code="house-7y", platforms=("x",)),),
    )
    async with archive.database.transaction() as tx:
        since = to_millis(archive.clock()) + 1000
        await plan_rows.add_rules(tx, 2, coming.to_dict(), since)

    with pytest.raises(Conflict, match="where new records go"):
        await classes.close("house-7y", reason="unused", actor=RITA)


async def test_only_records_managers_change_classes_and_everybody_who_may_reads_them(
    classes: ClassPlan,
) -> None:
    for who in (COUNSEL, AUDITOR):
        with pytest.raises(Denied):
            await classes.add("posts", title="P", authority="A", actor=who)
        with pytest.raises(Denied):
            await classes.change("default", title="P", reason="x", actor=who)
        with pytest.raises(Denied):
            await classes.close("house-7y", reason="x", actor=who)
        assert (await classes.show("default", actor=who)).row.code == "default"
    with pytest.raises(NotFound):
        await classes.show("gone", actor=AUDITOR)
    with pytest.raises(Conflict, match="there is a class default"):
        await add(classes, "default")
    with pytest.raises(InvalidInput, match="class code"):
        await add(classes, "No Code")
