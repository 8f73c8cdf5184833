"""Reclassifying: by hand, with a reason, and nothing goes earlier than its lock or its hold."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.access.rules import PERMISSIONS, Permission
from archiver.audit.actions import Action
from archiver.clock import from_millis, to_millis
from archiver.db import accounts as account_rows
from archiver.db import due as due_rows
from archiver.db import frozen_sets as set_rows
from archiver.db import records as record_rows
from archiver.db.records import RecordRow
from archiver.disposal.class_plan import ClassPlan
from archiver.disposal.filing import Filing
from archiver.disposal.plan_report import Finding, PlanReporting
from archiver.disposal.reclassifying import Reclassifying
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.jobs.account_totals import AccountTotals
from archiver.model.actor import Actor, Role
from archiver.preserve.event_record import members_part
from archiver.preserve.ledger.entry import members_digest
from tests.fakes.small_archive import (
    AUDITOR,
    COUNSEL,
    START,
    SmallArchive,
    arrival,
    small_archive,
)

RITA = Actor(
    name="rita", roles=frozenset({Role.RECORDS_MANAGER}), via="session", person_id="01RITA"
)
WHY = "they speak for the broker"
BROKER = "us-sec-17a4-comms"


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


def reclassifying(archive: SmallArchive) -> Reclassifying:
    return Reclassifying(database=archive.database, trail=archive.trail, clock=archive.clock)


async def captured(archive: SmallArchive, count: int = 3) -> list[str]:
    found = await archive.capture(*(arrival(str(n), f"post {n}") for n in range(count)))
    return [each.record_id for each in found]


async def row_of(archive: SmallArchive, record_id: str) -> RecordRow:
    async with archive.database.reading() as tx:
        return await record_rows.get(tx, record_id)


async def test_records_are_put_into_another_class_with_a_reason(archive: SmallArchive) -> None:
    first, second, left = await captured(archive)
    filing = Filing(database=archive.database, trail=archive.trail, clock=archive.clock)

    done = await reclassifying(archive).reclassify(
        BROKER, record_ids=[first, second], reason=WHY, actor=RITA
    )

    assert (len(done.moved), done.shorter, done.longer, done.held) == (2, 2, 0, 0)
    assert done.from_classes == (("default", 2),)
    row = await row_of(archive, first)
    assert (row.class_code, row.rule, row.schedule_version) == (BROKER, "reclassified", 1)
    assert row.retain_until is not None
    assert from_millis(row.retain_until).date() == START.date().replace(year=2029) + timedelta(1)
    assert (await row_of(archive, left)).class_code == "default"
    reasons = (await filing.why(first, actor=AUDITOR)).reasons
    assert reasons[0].text.startswith(f"It was put into class {BROKER} by hand.")
    (event,) = await archive.events_about(BROKER)
    assert (event.action, event.actor) == (Action.RECORD_RECLASSIFIED, "rita")


async def test_applying_the_event_again_changes_nothing(archive: SmallArchive) -> None:
    (first, *_) = await captured(archive)
    await reclassifying(archive).reclassify(BROKER, record_ids=[first], reason=WHY, actor=RITA)
    before = await row_of(archive, first)

    await archive.trail.record(  # as the adoption after a crash reads it from the event
        Action.RECORD_RECLASSIFIED,
        actor=RITA,
        object_type="class",
        object_id=BROKER,
        details={
            "reason": WHY,
            "records": 1,
            "members_sha256": members_digest([first]).hex(),
            "schedule_version": 1,
        },
        parts=[members_part([first])],
    )

    assert await row_of(archive, first) == before


async def test_the_classes_count_what_is_in_them_now(archive: SmallArchive) -> None:
    ids = await captured(archive)
    totals = AccountTotals(database=archive.database, clock=archive.clock)
    await totals.catch_up()
    late = [each.record_id for each in await archive.capture(arrival("late", "not counted yet"))]

    await reclassifying(archive).reclassify(
        BROKER, record_ids=[*ids[:2], *late], reason=WHY, actor=RITA
    )
    await totals.catch_up()

    async def counts() -> dict[str, int]:
        async with archive.database.reading() as tx:
            found = await account_rows.records_of_classes(tx)
        return {code: found.get(code, 0) for code in ("default", BROKER)}

    assert await counts() == {"default": 1, BROKER: 3}
    await totals.reset()
    await totals.catch_up()
    assert await counts() == {"default": 1, BROKER: 3}


async def test_a_preview_counts_and_changes_nothing(archive: SmallArchive) -> None:
    ids = await captured(archive)
    before = [await row_of(archive, each) for each in ids]

    told = await reclassifying(archive).preview(BROKER, record_ids=ids, actor=RITA)

    assert told.to_dict() == {
        "class_code": BROKER,
        "schedule_version": 1,
        "moved": 3,
        "unchanged": 0,
        "kept_longer": 0,
        "kept_shorter": 3,
        "held": 0,
        "from_classes": [{"class_code": "default", "records": 3}],
    }
    assert [await row_of(archive, each) for each in ids] == before


async def test_a_frozen_set_is_moved_whole(archive: SmallArchive) -> None:
    ids = await captured(archive)
    await archive.index_all()
    frozen = await archive.frozen_sets.freeze("post", actor=COUNSEL)
    work = reclassifying(archive)

    done = await work.reclassify(BROKER, set_id=frozen.id, reason=WHY, actor=RITA)

    assert sorted(done.moved) == sorted(ids)
    again = await work.reclassify(BROKER, set_id=frozen.id, reason=WHY, actor=RITA)
    assert (again.moved, again.unchanged) == ((), 3)
    with pytest.raises(NotFound):
        await work.reclassify(BROKER, set_id="01KAM000000000000000000000", reason=WHY, actor=RITA)
    async with archive.database.reading() as tx:
        assert len(await set_rows.numbers(tx, await set_rows.get(tx, frozen.id))) == 3


async def test_what_is_held_stays_held_and_what_is_locked_is_not_due(
    archive: SmallArchive,
) -> None:
    held, locked, *_ = await captured(archive)
    await archive.holds.place(name="h", reason="suit", record_ids=[held], actor=COUNSEL)
    done = await reclassifying(archive).reclassify(
        BROKER, record_ids=[held, locked], reason=WHY, actor=RITA
    )
    assert done.held == 1

    due_at = to_millis(START.replace(year=2029) + timedelta(days=2))
    async with archive.database.reading() as tx:
        rows = [await record_rows.get(tx, each) for each in (held, locked)]
        assert all(row.retain_until is not None and row.retain_until < due_at for row in rows)
        assert await due_rows.due(tx, at=due_at, limit=10) == []
        # Their object lock is that of seven years, which the default class asked for.
        after_lock = to_millis(START.replace(year=2034))
        found = await due_rows.due(tx, at=after_lock, limit=10)
    assert rows[1].log_index in {each.log_index for each in found}
    assert rows[0].log_index not in {each.log_index for each in found}


async def test_nothing_is_moved_where_nothing_can_be_filed(archive: SmallArchive) -> None:
    ids = await captured(archive)
    classes = ClassPlan(database=archive.database, trail=archive.trail, clock=archive.clock)
    await classes.add("new", title="New", authority="Board", actor=RITA)
    await classes.close("house-7y", reason="unused", actor=RITA)
    work = reclassifying(archive)

    for code, error, match in (
        ("new", Conflict, "no schedule in force"),
        ("house-7y", Conflict, "closed"),
        ("muniment-audit", Conflict, "archive's own events"),
        ("gone", NotFound, "no class"),
    ):
        with pytest.raises(error, match=match):
            await work.reclassify(code, record_ids=ids, reason=WHY, actor=RITA)
    with pytest.raises(InvalidInput, match="reason"):
        await work.reclassify(BROKER, record_ids=ids, reason=" ", actor=RITA)
    with pytest.raises(InvalidInput, match="one of the two"):
        await work.reclassify(BROKER, reason=WHY, actor=RITA)
    with pytest.raises(NotFound):
        await work.reclassify(BROKER, record_ids=[*ids, "01KAM0"], reason=WHY, actor=RITA)
    async with archive.database.reading() as tx:
        rows = await record_rows.list_range(tx, 0, 100)
    event = next(row.id for row in rows if row.entry_type == "aud")
    with pytest.raises(NotFound, match="no post"):
        await work.reclassify(BROKER, record_ids=[event], reason=WHY, actor=RITA)
    assert {(await row_of(archive, each)).class_code for each in ids} == {"default"}


async def test_whoever_may_not_edit_the_file_plan_moves_nothing_and_leaves_a_trace(
    archive: SmallArchive,
) -> None:
    ids = await captured(archive, 1)

    for role in Role:
        if Permission.EDIT_FILE_PLAN in PERMISSIONS[role]:
            continue
        who = replace(AUDITOR, name=role.value, roles=frozenset({role}))
        with pytest.raises(Denied):
            await reclassifying(archive).reclassify(BROKER, record_ids=ids, reason=WHY, actor=who)
        (event,) = await archive.events_about(role.value)
        assert (event.action, event.result) == (Action.RECORD_RECLASSIFIED, "refused")
    assert (await row_of(archive, ids[0])).class_code == "default"


async def test_the_report_lists_what_leads_nowhere_waits_or_is_unconfirmed(
    archive: SmallArchive,
) -> None:
    await captured(archive)
    classes = ClassPlan(database=archive.database, trail=archive.trail, clock=archive.clock)
    await classes.add("new", title="New", authority="Board", actor=RITA)
    await classes.close("house-7y", reason="unused", actor=RITA)
    report = await PlanReporting(database=archive.database, clock=archive.clock).report(
        actor=AUDITOR
    )

    found: dict[str, Finding] = {each.kind: each for each in report.findings}
    assert found["classes-without-schedule"].items == ({"class_code": "new", "title": "New"},)
    assert found["rules-that-never-match"].items == ()
    unconfirmed = {item["class_code"] for item in found["terms-to-be-confirmed"].items}
    assert "us-finra-2210-public" in unconfirmed
    assert BROKER not in unconfirmed
    waiting = {item["event"] for item in found["terms-awaiting-events"].items}
    assert {"account_closed", "last_use"} <= waiting
