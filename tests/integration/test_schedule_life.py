"""The life of a version: drafted by one person, approved by another, in force at its moment."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.access.approvals import Approvals
from archiver.audit.actions import Action
from archiver.clock import rfc3339, to_millis
from archiver.db import file_plan as plan_rows
from archiver.disposal.class_plan import ClassPlan
from archiver.disposal.draft_views import Definition, DraftView
from archiver.disposal.drafts import Drafts, Source
from archiver.disposal.schedule_life import ScheduleLife
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.ids import Ulids
from archiver.model.actor import Actor, Role
from archiver.preserve.plan_versions import KNOWN_WITHIN, refreshing
from tests.fakes.small_archive import AUDITOR, SmallArchive, arrival, small_archive

RITA = Actor(
    name="rita", roles=frozenset({Role.RECORDS_MANAGER}), via="session", person_id="01RITA"
)
RORY = Actor(
    name="rory", roles=frozenset({Role.RECORDS_MANAGER}), via="session", person_id="01RORY"
)
ADA = Actor(name="ada", roles=frozenset({Role.COUNSEL}), via="session", person_id="01ADA")
ADAS_TOKEN = Actor(name="ada's token", roles=frozenset({Role.COUNSEL}), via="token:1")
BOTH = Actor(
    name="bo",
    roles=frozenset({Role.COUNSEL, Role.RECORDS_MANAGER}),
    via="session",
    person_id="01BO",
)
CLI = Actor(name="cli:root", roles=frozenset(Role), via="cli")
WHY = "the rule got longer"
SECOND = timedelta(seconds=1)


class Desk:
    """The use cases over one archive, as a process has them."""

    def __init__(self, archive: SmallArchive, *, two_person: bool = True) -> None:
        self.archive = archive
        self.simulated: list[Definition] = []
        common: dict[str, Any] = {
            "database": archive.database,
            "trail": archive.trail,
            "clock": archive.clock,
        }
        self.classes = ClassPlan(**common)
        self.drafts = Drafts(**common, ulids=Ulids(), zone="UTC")
        self.approvals = Approvals(**common, ulids=Ulids())
        self.life = ScheduleLife(
            **common,
            drafts=self.drafts,
            simulate=self.simulate,
            refresh=refreshing(archive.database, archive.plan),
            two_person=two_person,
        )

    async def simulate(self, definition: Definition, *, as_of: datetime) -> Mapping[str, Any]:
        self.simulated.append(definition)
        return {"kept_longer": len(self.simulated), "asked": rfc3339(as_of)}

    async def longer(self, years: int = 9, *, code: str = "default") -> DraftView:
        """A draft of the default class that keeps everything for more years."""
        draft = await self.drafts.make(code, reason=WHY, actor=RITA)
        return await self.drafts.edit(draft.row.id, body=body_of(draft, years), actor=RITA)

    async def submitted(self, in_force_from: datetime | None = None, *, years: int = 9) -> str:
        draft = await self.longer(years)
        await self.life.submit(draft.row.id, in_force_from=in_force_from, actor=RITA)
        return draft.row.id

    async def filed(self, post_id: str) -> tuple[int, str]:
        """Which version a post is filed by that is captured now, and until when it is kept."""
        captured_at = self.archive.clock()
        post = replace(arrival(post_id, "text").post, posted_at=captured_at)
        found = self.archive.plan.file_post(post, captured_at)
        return found.retention.schedule_version, found.retention.until[:4]


def body_of(draft: DraftView, years: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(draft.row.body)
    for term in body["terms"]:
        term["period"] = f"P{years}Y"
    return body


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


@pytest.fixture
def desk(archive: SmallArchive) -> Desk:
    return Desk(archive)


async def test_one_writes_another_approves_and_from_its_moment_posts_are_filed_by_it(
    desk: Desk, archive: SmallArchive
) -> None:
    since = archive.clock() + timedelta(days=30)
    draft_id = await desk.submitted(since)
    assert await desk.filed("before") == (1, "2033")

    view = await desk.life.approve(draft_id, reason="as the rule says", actor=ADA)

    assert (view.row.state, view.row.decided_by) == ("approved", "ada")
    archive.clock.now = since - timedelta(milliseconds=1)
    assert await desk.filed("still before") == (1, "2033")
    archive.clock.now = since
    assert await desk.filed("from then") == (2, "2035")
    (row,) = await archive.events_about("ada")
    assert (row.action, row.object_id) == (Action.SCHEDULE_APPROVED, draft_id)


async def test_without_a_moment_it_counts_as_soon_as_every_process_can_know_it(
    desk: Desk, archive: SmallArchive
) -> None:
    other_process = archive.plan.__class__(archive.plan.rules, archive.plan.schedules)
    look = refreshing(archive.database, other_process)
    draft_id = await desk.submitted()
    view = await desk.life.approve(draft_id, reason="now", actor=ADA)
    assert view.row.in_force_from == to_millis(archive.clock() + KNOWN_WITHIN)

    assert await look()
    archive.clock.pass_by(KNOWN_WITHIN - SECOND)
    assert (await desk.filed("x"))[0] == 1
    archive.clock.pass_by(2 * SECOND)
    post = arrival("y", "text").post
    versions = {
        plan.file_post(post, archive.clock()).retention.schedule_version
        for plan in (archive.plan, other_process)
    }
    assert versions == {2}
    assert not await look()  # nothing is read again while nothing is new


async def test_nobody_approves_what_they_wrote_a_line_of(desk: Desk) -> None:
    draft = await desk.longer()
    await desk.drafts.edit(draft.row.id, reason="and a better word", actor=BOTH)
    await desk.life.submit(draft.row.id, actor=RITA)

    for who in (RITA, RORY, BOTH, ADAS_TOKEN, CLI, AUDITOR):
        for act in (desk.life.approve, desk.life.refuse):
            with pytest.raises(Denied):
                await act(draft.row.id, reason="mine", actor=who)
        (event,) = [
            each
            for each in await desk.archive.events_about(who.name)
            if each.action == Action.SCHEDULE_APPROVED
        ]
        assert event.result == "refused"
    assert (await desk.drafts.show(draft.row.id, actor=ADA)).row.state == "submitted"
    assert desk.archive.plan.schedules["default"].version == 1


async def test_tokens_do_not_submit_and_only_records_managers_write(desk: Desk) -> None:
    draft = await desk.longer()
    token = replace(RITA, via="token:2", person_id="")

    with pytest.raises(Denied, match="not by a token"):
        await desk.life.submit(draft.row.id, actor=token)
    for who in (ADA, AUDITOR):
        with pytest.raises(Denied):
            await desk.drafts.make("default", reason=WHY, actor=who)
        with pytest.raises(Denied):
            await desk.drafts.edit(draft.row.id, body={}, actor=who)
        with pytest.raises(Denied):
            await desk.drafts.withdraw(draft.row.id, actor=who)
        with pytest.raises(Denied):
            await desk.life.submit(draft.row.id, actor=who)
    assert (await desk.drafts.show(draft.row.id, actor=AUDITOR)).row.revision == 2


async def test_without_the_two_person_rule_one_person_may_do_both(archive: SmallArchive) -> None:
    desk = Desk(archive, two_person=False)
    draft_id = await desk.submitted()

    view = await desk.life.approve(draft_id, reason="alone", actor=RITA)

    assert view.row.state == "approved"


async def test_a_submitted_draft_waits_among_the_requests_for_a_second_person(desk: Desk) -> None:
    draft_id = await desk.submitted()
    (waits,) = await desk.approvals.pending(ADA)
    assert (waits.act, waits.object_id, waits.requested_by) == (
        "change-schedule",
        draft_id,
        "rita",
    )
    assert [each.mine for each in await desk.approvals.pending(RITA)] == [True]

    await desk.life.refuse(draft_id, reason="too long", actor=ADA)

    assert await desk.approvals.pending(ADA) == ()
    (decided,) = await desk.approvals.about("draft", draft_id, actor=ADA)
    assert (decided.state, decided.decided_by) == ("refused", "ada")
    with pytest.raises(Conflict, match="is refused"):
        await desk.life.approve(draft_id, reason="after all", actor=ADA)


async def test_what_is_submitted_is_what_was_simulated_and_is_not_changed_any_more(
    desk: Desk,
) -> None:
    draft = await desk.longer()
    with pytest.raises(Conflict, match="simulate it again"):
        await desk.life.submit(draft.row.id, seen="0" * 64, actor=RITA)
    view = await desk.life.submit(draft.row.id, seen=draft.digest, actor=RITA)

    simulation = view.to_dict()["simulation"]
    assert (simulation["kept_longer"], simulation["digest"]) == (1, draft.digest)
    assert [each.to_dict() for each in desk.simulated] == [
        {**json.loads(draft.row.body), "class_code": "default", "version": 2}
    ]
    with pytest.raises(Conflict, match="is submitted"):
        await desk.drafts.edit(draft.row.id, body={}, actor=RITA)
    preview = await desk.life.preview(draft.row.id, actor=ADA)
    assert preview.simulation["kept_longer"] == 2
    assert (await desk.drafts.show(draft.row.id, actor=ADA)).row.state == "submitted"


async def test_the_difference_is_told_term_by_term_in_words(desk: Desk) -> None:
    draft = await desk.drafts.make("default", reason=WHY, actor=RITA)
    assert draft.changes == ()
    body = body_of(draft, 9)
    body["terms"] = [{**body["terms"][0], "mark": "to be confirmed by counsel"}]
    body["lock"] = "compliance"

    view = await desk.drafts.edit(draft.row.id, body=body, actor=RITA)

    said = {change.what: (change.before, change.after) for change in view.changes}
    assert set(said) == {"term posted", "term captured", "object lock"}
    assert said["term posted"][1] == (
        "9 years after it was posted, in UTC: House rule: no law is cited "
        "(to be confirmed by counsel)"
    )
    assert said["term captured"][1] == ""


async def test_an_incomplete_draft_is_kept_and_says_what_is_missing(desk: Desk) -> None:
    draft = await desk.drafts.make("default", source=Source(empty=True), reason=WHY, actor=RITA)

    (problem,) = draft.problems
    assert problem.told == "schedule: expected at least one term, found none"
    with pytest.raises(InvalidInput, match="at least one term"):
        await desk.life.submit(draft.row.id, actor=RITA)
    with pytest.raises(InvalidInput, match="JSON object"):
        await desk.drafts.edit(draft.row.id, body=["no", "table"], actor=RITA)
    whole, past = await desk.longer(), desk.archive.clock() - SECOND
    with pytest.raises(InvalidInput, match="expected a moment from"):
        await desk.life.submit(whole.row.id, in_force_from=past, actor=RITA)


async def test_a_template_makes_the_first_version_of_a_new_class(desk: Desk) -> None:
    await desk.classes.add("hipaa", template="us-hipaa-doc", parent="default", actor=RITA)
    with pytest.raises(InvalidInput, match="fiscal_year_starts"):
        await desk.drafts.make(
            "hipaa", source=Source(template="us-sec-204-2-ads"), reason=WHY, actor=RITA
        )
    draft = await desk.drafts.make(
        "hipaa", source=Source(template="us-hipaa-doc"), reason=WHY, actor=RITA
    )
    assert (draft.row.based_on, draft.version, draft.problems) == (0, 1, ())
    await desk.life.submit(draft.row.id, actor=RITA)
    await desk.life.approve(draft.row.id, reason="read", actor=ADA)

    async with desk.archive.database.reading() as tx:
        body = await plan_rows.get_schedule(tx, "hipaa", 1)
    assert [term["trigger"] for term in body["terms"]] == ["captured", "superseded"]


async def test_of_two_drafts_of_one_version_only_the_first_comes_into_force(desk: Desk) -> None:
    first, second = await desk.submitted(years=8), await desk.submitted(years=9)
    await desk.life.approve(first, reason="this one", actor=ADA)

    with pytest.raises(Conflict, match="made from version 1, and there is a version 2"):
        await desk.life.approve(second, reason="and this", actor=ADA)
    assert (await desk.drafts.show(second, actor=ADA)).row.state == "submitted"


async def test_two_who_approve_at_once_make_one_version(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await desk.submitted(years=8), await desk.submitted(years=9)

    async def sound(*_: object, **__: object) -> None:
        """Look while the other one's approval is not in yet."""

    await desk.life.approve(first, reason="this one", actor=ADA)
    monkeypatch.setattr(desk.life, "_require_sound", sound)
    with pytest.raises(Conflict, match="came in by another draft"):
        await desk.life.approve(second, reason="and this", actor=BOTH)

    async with desk.archive.database.reading() as tx:
        bodies = await plan_rows.list_schedules(tx, "default")
    assert [body["version"] for body in bodies] == [2, 1]
    assert bodies[0]["terms"][0]["period"] == "P8Y"


async def test_of_two_who_edit_the_same_revision_the_second_is_told(desk: Desk) -> None:
    draft = await desk.longer()
    await desk.drafts.edit(draft.row.id, reason="mine", revision=2, actor=RITA)

    for act in (
        desk.drafts.edit(draft.row.id, reason="theirs", revision=2, actor=RORY),
        desk.drafts.withdraw(draft.row.id, revision=2, actor=RORY),
        desk.life.submit(draft.row.id, revision=2, actor=RORY),
    ):
        with pytest.raises(Conflict, match="somebody changed it"):
            await act
    assert (await desk.drafts.show(draft.row.id, actor=RITA)).row.reason == "mine"


async def test_rules_never_name_a_class_that_nothing_can_be_filed_in(desk: Desk) -> None:
    await desk.classes.add("new", title="New", authority="Board", actor=RITA)
    await desk.classes.close("house-7y", reason="unused", actor=RITA)
    for code, problem in (
        ("new", "no schedule in force"),
        ("house-7y", "closed for new records"),
        ("muniment-audit", "archive's own events"),
        ("gone", "no class gone"),
    ):
        draft = await desk.drafts.make("", reason="order", actor=RITA)
        body = {"default_class": code, "rules": []}
        await desk.drafts.edit(draft.row.id, body=body, actor=RITA)
        with pytest.raises(Conflict, match=problem):
            await desk.life.submit(draft.row.id, actor=RITA)


async def test_rules_are_drafted_and_approved_as_schedules_are(
    desk: Desk, archive: SmallArchive
) -> None:
    draft = await desk.drafts.make("", reason="brokers have a rule of their own", actor=RITA)
    rule = {"id": "acme", "class_code": "us-sec-17a4-comms", "accounts": ["@acme"]}
    view = await desk.drafts.edit(
        draft.row.id, body={"default_class": "house-7y", "rules": [rule]}, actor=RITA
    )
    is_acme = "us-sec-17a4-comms: account is @acme"
    assert [tuple(change.to_dict().values()) for change in view.changes] == [
        ("default class", "default", "house-7y", "house-7y instead of default"),
        ("rule acme", "", is_acme, f"new: {is_acme}"),
    ]
    await desk.life.submit(draft.row.id, actor=RITA)
    await desk.life.approve(draft.row.id, reason="right", actor=ADA)
    archive.clock.pass_by(KNOWN_WITHIN)

    (outcome,) = await archive.capture(arrival("1", "hello"))
    filed = archive.plan.file_post(arrival("1", "hello").post, archive.clock()).retention

    assert (filed.class_code, filed.rule) == ("us-sec-17a4-comms", "2/acme")
    assert outcome.status == "captured"


async def test_the_audit_trail_is_never_kept_shorter_than_what_it_audits(desk: Desk) -> None:
    draft = await desk.drafts.make("muniment-audit", reason="tidy", actor=RITA)
    body = json.loads(draft.row.body)
    body["terms"] = body["terms"][:1]
    await desk.drafts.edit(draft.row.id, body=body, actor=RITA)

    with pytest.raises(Conflict, match="longest audited record"):
        await desk.life.submit(draft.row.id, actor=RITA)


async def test_no_draft_and_no_class_is_found_by_another_name(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.drafts.make("no-such", reason=WHY, actor=RITA)
    with pytest.raises(NotFound):
        await desk.drafts.show("01KAM000000000000000000000", actor=RITA)
