"""Every way to get rid of what must stay, tried on a real archive: none succeeds, each is told of.

`REFUSED` are the ways through the archive: by its use cases, by two processes, by its clock, by
people who may not any more, and by rows changed in its database behind its back. After each, every
record is read from the store again, and the trail says that somebody tried. `FOUND` are the ways
around the archive, which whoever has the disk can go: they are found, and it is said by what.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from archiver.app import Services, open_services
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db.records import RecordRow
from archiver.disposal.removal import Removal
from archiver.errors import ArchiverError, Conflict, Denied, IntegrityError, Stopping
from archiver.ids import ulid_bytes
from archiver.model.actor import Actor, Role
from archiver.model.lock import Lock, LockMode
from archiver.model.person import PersonState
from archiver.preserve.ledger.entry import hold_entry
from archiver.preserve.segments.keys import next_generation
from archiver.preserve.store import ObjectStore, StoredObject
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.disposal import MANAGER, NINE_YEARS, Time, approved, formed, opened
from tests.fakes.disposal_people import ADA, BEN, RITA, employ, state
from tests.integration.test_destruction import (
    disposals,
    members,
    readable,
    state_of,
    verified,
)

OFFICER = Actor(name="otto", roles=frozenset(Role))
TEN_YEARS = timedelta(days=3653)
DAY = timedelta(days=1)
DATABASE = "archive.db"


@dataclass
class World:
    """An archive of nine years ago: two posts in one segment, the first held, and one alone."""

    settings: Settings
    time: Time
    services: Services
    held: RecordRow
    beside: RecordRow
    alone: RecordRow
    hold_id: str
    batch_id: str = ""
    kept: list[RecordRow] = field(default_factory=list)

    async def approve(self, *rows: RecordRow, **asked: Any) -> str:
        self.batch_id = await approved(self.services, rows, **asked)
        return self.batch_id

    async def execute(self, *, actor: Actor = MANAGER) -> object:
        return await self.services.destruction.execute(self.batch_id, actor=actor)

    async def sql(self, statement: str, **values: object) -> None:
        """Change a row behind the archive's back, without the rules that keep rows as they are."""
        async with self.services.database.transaction() as tx:
            rules = await tx.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for name in list(rules.scalars()):
                await tx.execute(text(f"DROP TRIGGER {name}"))
            await tx.execute(text("PRAGMA defer_foreign_keys = ON"))
            await tx.execute(text(statement), values)

    @property
    def rows(self) -> list[RecordRow]:
        return [self.held, self.beside, self.alone]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    time = Time()
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    async with opened(settings, time) as services:
        for texts in (("held", "beside"), ("alone",)):
            await services.ingest.submit([an_arrival(each.encode()) for each in texts], actor=AGENT)
        await services.loops.catch_up()
        held, beside, alone = await stored_posts(services)
        hold = await services.holds.place(
            name="Q", matter="24-1", reason="suit", record_ids=[held.id], actor=OFFICER
        )
        await services.loops.catch_up()
        time.pass_by(NINE_YEARS)
        yield World(settings, time, services, held, beside, alone, hold.id)


# --- Ways through the archive: refused, and the refusal is an event. ----------------------------

Way = Callable[[World], Awaitable[object]]


async def a_held_record(world: World) -> None:
    await world.approve(world.held)
    await world.execute()


async def an_unexpired_record(world: World) -> None:
    young = await a_young_one(world)
    await world.approve(young)
    await world.execute()


async def a_batch_that_nobody_approved(world: World) -> None:
    world.batch_id = await formed(world.services, [world.alone])
    await world.execute()


async def a_batch_that_one_person_approved(world: World) -> None:
    await world.approve(world.alone, approvers=(ADA.person_id,))
    await world.execute()


async def a_batch_that_who_proposed_it_approved(world: World) -> None:
    await world.approve(world.alone, approvers=(RITA.person_id, ADA.person_id))
    await world.execute()


async def a_batch_of_a_transfer_that_nobody_confirmed(world: World) -> None:
    await world.approve(world.alone, action="transfer")
    await world.execute()


async def somebody_without_the_right(world: World) -> None:
    await world.approve(world.alone)
    await world.execute(actor=AGENT)


async def an_approver_who_has_no_role_any_more(world: World) -> None:
    await world.approve(world.alone)
    await state(world.services, BEN, roles=False)
    await world.execute()


async def an_approver_who_was_disabled(world: World) -> None:
    await world.approve(world.alone)
    await state(world.services, BEN, at=PersonState.DISABLED)
    await world.execute()


async def approvers_who_were_never_people_of_the_archive(world: World) -> None:
    await world.approve(world.alone, approvers=("01KZZZZZZZZZZZZZZZZZZZZZZ1", "a token"))
    await world.execute()


async def a_second_execution_at_once(world: World) -> None:
    """In another process, while the first waits for the log."""
    await world.approve(world.alone)
    publish = world.services.destruction._publish

    async def meanwhile() -> int:
        async with opened(world.settings, world.time) as other:
            await other.destruction.execute(world.batch_id, actor=MANAGER)
        return await publish()

    world.services.destruction._publish = meanwhile
    await world.execute()


async def a_hold_that_another_process_placed_a_moment_ago(world: World) -> None:
    """No cache, no index and no loop of this process has heard of it."""
    await world.approve(world.alone)
    async with opened(world.settings, world.time) as other:
        await other.holds.place(
            name="Late", reason="suit", record_ids=[world.alone.id], actor=OFFICER
        )
    await world.execute()


async def a_batch_approved_before_the_emergency_stop(world: World) -> None:
    await world.approve(world.alone)
    await world.services.disposition.stop.stop(reason="a subpoena", actor=ADA)
    await world.execute()


async def a_batch_approved_before_the_schedule_was_lengthened(world: World) -> None:
    await world.approve(world.alone)
    await lengthen(world)
    await world.services.keeping.refiling.finish()
    await world.execute()


async def a_longer_schedule_whose_records_are_not_refiled_yet(world: World) -> None:
    await world.approve(world.alone)
    await lengthen(world)
    await world.execute()


async def a_schedule_lengthened_between_the_gate_and_the_first_byte(world: World) -> None:
    """The process dies behind the gate, and is gone on with when the schedule is longer."""
    await world.approve(world.alone)
    await world.services.destruction._gate.condemn(
        world.batch_id, [world.alone.log_index], actor=MANAGER
    )
    await lengthen(world)
    await world.services.keeping.refiling.finish()
    await world.execute()


async def lengthen(world: World) -> None:
    """Let two people make the schedule of all posts twenty years, from a moment on."""
    plan = world.services.plan
    draft = await plan.drafts.make("default", reason="counsel asks", actor=RITA)
    body = json.loads(draft.row.body)
    for term in body["terms"]:
        term["period"] = "P20Y"
    draft = await plan.drafts.edit(draft.row.id, body=body, actor=RITA)
    await plan.life.submit(draft.row.id, actor=RITA)
    await plan.life.approve(draft.row.id, reason="seen", actor=ADA)
    world.time.pass_by(DAY)


async def a_store_that_holds_the_object_itself(world: World) -> None:
    store = world.services.store.blocking
    (key,) = [key for key in store.list_keys("seg/") if world.alone.segment_id in key]
    store.set_legal_hold(key, version_id=store.head(key).version_id, on=True)
    await world.approve(world.alone)
    await world.execute()


async def approvals_written_into_the_database(world: World) -> None:
    await employ(world.services, ADA, BEN)
    world.batch_id = await formed(world.services, [world.alone])
    for who in (ADA, BEN):
        await world.sql(
            "INSERT INTO batch_approval VALUES (:batch, :who, 'x', 1, 'x', 1)",
            batch=world.batch_id,
            who=who.person_id,
        )
    await world.sql(
        "UPDATE batch SET state = 'approved', approvals_needed = 2, proposed_by_id = 'x'"
    )
    await world.execute()


async def an_approval_counted_for_two(world: World) -> None:
    """One real approval, and the need for a second taken out of the row."""
    await world.approve(world.alone, approvers=(ADA.person_id,))
    await world.sql("UPDATE batch SET state = 'approved', approvals_needed = 1")
    await world.execute()


async def a_record_put_into_an_approved_batch(world: World) -> None:
    await world.approve(world.alone)
    await world.sql("UPDATE batch_record SET log_index = :index", index=world.beside.log_index)
    await world.execute()


async def a_hold_released_in_the_database(world: World) -> None:
    await world.approve(world.held)
    await world.sql("UPDATE hold SET state = 'released'")
    await world.execute()


async def a_hold_deleted_from_the_database(world: World) -> None:
    await world.approve(world.held)
    await world.sql("DELETE FROM hold_record")
    await world.sql("DELETE FROM hold")
    await world.execute()


async def a_record_taken_out_of_its_hold(world: World) -> None:
    await world.approve(world.held)
    await world.sql("DELETE FROM hold_record")
    await world.execute()


async def a_record_made_older_in_the_database(world: World) -> None:
    young = await a_young_one(world)
    await world.sql("UPDATE record SET captured_at = 1, posted_at = 1 WHERE id = :id", id=young.id)
    await world.sql("UPDATE segment SET lock_until = 0")
    await world.approve(young)
    await world.execute()


async def a_schedule_made_shorter_in_the_database(world: World) -> None:
    young = await a_young_one(world)
    await world.sql("UPDATE schedule SET body = replace(body, 'P7Y', 'P0D')")
    await world.approve(young)
    await world.execute()


async def a_shorter_version_written_into_the_database(world: World) -> None:
    young = await a_young_one(world)
    await world.sql(
        "INSERT INTO schedule SELECT class_code, 2, "
        "replace(replace(body, 'P7Y', 'P0D'), '\"version\": 1', '\"version\": 2'), 0 "
        "FROM schedule WHERE class_code = 'default'"
    )
    await world.services.keeping.refiling.finish()
    await world.approve(young)
    await world.execute()


async def a_version_that_lengthened_deleted_from_the_database(world: World) -> None:
    await lengthen(world)
    await world.services.keeping.refiling.finish()
    await world.sql("DELETE FROM schedule WHERE class_code = 'default' AND version = 2")
    await world.sql("UPDATE record SET schedule_version = 1")
    await world.approve(world.alone)
    await world.execute()


async def the_event_of_the_version_that_lengthened_called_another(world: World) -> None:
    """So that who asks the database for what was stated of schedules does not find it."""
    await a_version_unstated(world, "UPDATE event SET action = 'searched' WHERE action = :action")


async def the_event_of_the_version_that_lengthened_deleted(world: World) -> None:
    await a_version_unstated(world, "DELETE FROM event WHERE action = :action")


async def the_record_of_the_event_that_lengthened_deleted(world: World) -> None:
    await a_version_unstated(
        world,
        "DELETE FROM record WHERE id IN (SELECT record_id FROM event WHERE action = :action)",
    )


async def a_version_unstated(world: World, statement: str) -> None:
    await lengthen(world)
    await world.services.keeping.refiling.finish()
    await world.sql(statement, action="schedule:approved")
    await world.sql("DELETE FROM schedule WHERE class_code = 'default' AND version = 2")
    await world.sql("UPDATE record SET schedule_version = 1")
    await world.approve(world.alone)
    await world.execute()


async def an_approval_that_was_withdrawn_put_back(world: World) -> None:
    await world.approve(world.alone)
    await world.services.disposition.approvals.withdraw(world.batch_id, reason="a doubt", actor=BEN)
    await world.sql("DELETE FROM event WHERE action = 'batch:withdrawn'")
    await world.sql(
        "INSERT INTO batch_approval VALUES (:batch, :who, 'x', 1, 'x', 1)",
        batch=world.batch_id,
        who=BEN.person_id,
    )
    await world.sql("UPDATE batch SET state = 'approved'")
    await world.execute()


async def a_release_written_into_the_log(world: World) -> None:
    """The archive itself signs what stands among the entries; but nobody released the hold."""
    await world.approve(world.held)
    entry = hold_entry(world.hold_id, on=False, count=1, members_sha256=bytes(32), ts_ms=1)
    await world.sql("INSERT INTO log_entry SELECT next_index, :entry FROM log_state", entry=entry)
    await world.sql("UPDATE log_state SET next_index = next_index + 1")
    await world.sql("UPDATE hold SET state = 'released', released_at = 1")
    await world.execute()


async def an_event_written_into_the_database(world: World) -> None:
    await world.approve(world.alone)
    await world.sql(
        "INSERT INTO retention_event SELECT :id, 'account_closed', platform, account, '', 1, '', "
        "'api', '', true, 'x', 1, '' FROM record WHERE id = :record",
        id="0" * 26,
        record=world.alone.id,
    )
    await world.execute()


async def a_record_put_into_another_class_in_the_database(world: World) -> None:
    await world.sql("UPDATE record SET class_code = 'house-7y' WHERE id = :id", id=world.alone.id)
    posts = await stored_posts(world.services)
    await world.approve(next(each for each in posts if each.id == world.alone.id))
    await world.execute()


async def a_young_one(world: World) -> RecordRow:
    await world.services.ingest.submit([an_arrival(b"young")], actor=AGENT)
    young = (await stored_posts(world.services))[-1]
    world.kept.append(young)
    return young


async def a_row_that_names_the_frame_of_a_held_record(world: World) -> None:
    """What is due and approved is beside it; what its row names is the held one's key."""
    await world.approve(world.beside)
    await world.sql(
        "UPDATE record SET frame = 1 - frame WHERE segment_id = :segment",
        segment=world.held.segment_id,
    )
    await world.execute()


async def a_segment_said_to_hold_nothing_else(world: World) -> None:
    """Then its bytes would go whole, and with them those of the held record."""
    await world.approve(world.beside)
    await world.sql("DELETE FROM record WHERE id = :id", id=world.held.id)
    await world.sql(
        "UPDATE segment SET records = 1 WHERE id = :segment", segment=world.held.segment_id
    )
    await world.execute()


async def a_blob_that_is_the_segment_of_another(world: World) -> None:
    store = world.services.store.blocking
    (key,) = [key for key in store.list_keys("seg/") if world.held.segment_id in key]
    await world.approve(world.alone)
    await world.sql(
        "INSERT INTO blob VALUES (:key, :version, :record, 1, :digest, false)",
        key=key,
        version=store.head(key).version_id,
        record=world.alone.id,
        digest=b"x" * 32,
    )
    await world.execute()


async def a_condemned_record_whose_row_was_deleted(world: World) -> None:
    """Else it would be certified as destroyed, and its bytes would stay."""
    await world.approve(world.alone)
    await world.services.destruction._gate.condemn(
        world.batch_id, [world.alone.log_index], actor=MANAGER
    )
    await world.sql("DELETE FROM record WHERE id = :id", id=world.alone.id)
    await world.execute()


KEPT, REFUSAL = "disposal:kept", "disposal:condemned"
CHANGED = "(changed by hand|is not what|nothing else is in it|were deleted by hand)"

REFUSED: dict[Way, tuple[type[ArchiverError] | None, str, str]] = {
    a_held_record: (None, "held: On hold 0", KEPT),
    an_unexpired_record: (None, "retain: ", KEPT),
    a_hold_that_another_process_placed_a_moment_ago: (None, "held: On hold 0", KEPT),
    a_batch_approved_before_the_schedule_was_lengthened: (None, "version 2 applies now", KEPT),
    a_schedule_lengthened_between_the_gate_and_the_first_byte: (
        None,
        "version 2 applies now",
        KEPT,
    ),
    a_store_that_holds_the_object_itself: (None, "under a legal hold", KEPT),
    a_batch_that_nobody_approved: (Conflict, "the batch is formed", REFUSAL),
    a_batch_that_one_person_approved: (Conflict, "the batch is reviewed", REFUSAL),
    a_batch_that_who_proposed_it_approved: (Conflict, "it has 1 of the 2 approvals", REFUSAL),
    a_batch_of_a_transfer_that_nobody_confirmed: (Conflict, "has not confirmed it", REFUSAL),
    somebody_without_the_right: (Denied, "may not propose disposal", REFUSAL),
    an_approver_who_has_no_role_any_more: (Conflict, "may not approve a disposal", REFUSAL),
    an_approver_who_was_disabled: (Conflict, "may not approve a disposal any more", REFUSAL),
    approvers_who_were_never_people_of_the_archive: (Conflict, "0 of the 2 approvals", REFUSAL),
    a_second_execution_at_once: (Conflict, "another process is carrying out", REFUSAL),
    a_batch_approved_before_the_emergency_stop: (Conflict, "a subpoena", REFUSAL),
    a_longer_schedule_whose_records_are_not_refiled_yet: (Conflict, "refiled", REFUSAL),
    approvals_written_into_the_database: (IntegrityError, CHANGED, REFUSAL),
    an_approval_counted_for_two: (IntegrityError, CHANGED, REFUSAL),
    a_record_put_into_an_approved_batch: (IntegrityError, CHANGED, REFUSAL),
    a_hold_released_in_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_hold_deleted_from_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_record_taken_out_of_its_hold: (IntegrityError, CHANGED, REFUSAL),
    a_record_made_older_in_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_schedule_made_shorter_in_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_shorter_version_written_into_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_version_that_lengthened_deleted_from_the_database: (IntegrityError, CHANGED, REFUSAL),
    the_event_of_the_version_that_lengthened_called_another: (IntegrityError, CHANGED, REFUSAL),
    the_event_of_the_version_that_lengthened_deleted: (IntegrityError, CHANGED, REFUSAL),
    the_record_of_the_event_that_lengthened_deleted: (IntegrityError, CHANGED, REFUSAL),
    an_approval_that_was_withdrawn_put_back: (IntegrityError, CHANGED, REFUSAL),
    a_release_written_into_the_log: (IntegrityError, CHANGED, REFUSAL),
    an_event_written_into_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_record_put_into_another_class_in_the_database: (IntegrityError, CHANGED, REFUSAL),
    a_row_that_names_the_frame_of_a_held_record: (IntegrityError, CHANGED, REFUSAL),
    a_segment_said_to_hold_nothing_else: (IntegrityError, CHANGED, REFUSAL),
    a_blob_that_is_the_segment_of_another: (IntegrityError, CHANGED, REFUSAL),
    a_condemned_record_whose_row_was_deleted: (IntegrityError, CHANGED, REFUSAL),
}
"""Each with the error and its words, or the reason to keep, and the event that tells of it."""


@pytest.mark.parametrize("way", REFUSED, ids=lambda way: way.__name__)
async def test_no_way_through_the_archive_destroys_what_must_stay(world: World, way: Way) -> None:
    error, words, action = REFUSED[way]
    if error is None:
        await way(world)
        ((_, reason),) = (await members(world.services, world.batch_id)).values()
        assert words in reason
    else:
        with pytest.raises(error, match=words):
            await way(world)

    await readable(world.services, [*world.rows, *world.kept])
    assert await told_of(world.services, world.batch_id, action)


async def test_a_batch_whose_schedule_was_replaced_does_not_stand_open_for_ever(
    world: World,
) -> None:
    await world.approve(world.alone)
    (chore,) = [each for each in world.services.loops.chores if each.name == "stale batches"]
    await chore.act()
    assert await state_of(world.services, world.batch_id) == "approved"

    await lengthen(world)
    await chore.act()
    assert await state_of(world.services, world.batch_id) == "approved"  # not refiled yet
    await world.services.keeping.refiling.finish()
    await chore.act()

    assert await state_of(world.services, world.batch_id) == "cancelled"
    async with world.services.database.reading() as tx:
        rows = await tx.execute(text("SELECT details FROM event WHERE action = 'batch:cancelled'"))
        assert "version 2 of schedule default is in force" in str(rows.scalar())
    await readable(world.services, world.rows)


async def told_of(services: Services, batch_id: str, action: str) -> bool:
    """Whether an event of this action about the batch says that it was refused."""
    async with services.database.reading() as tx:
        rows = await tx.execute(
            text("SELECT result FROM event WHERE object_id = :id AND action = :action"),
            {"id": batch_id, "action": action},
        )
        return any(row.result in {"refused", "denied"} for row in rows)


# --- The clock: nothing is judged by one in doubt, and no event can be dated by it. -------------


@pytest.mark.parametrize("span", [TEN_YEARS, -TEN_YEARS], ids=["forward", "back"])
async def test_a_clock_that_was_set_destroys_nothing(world: World, span: timedelta) -> None:
    """Seen while running by the stopwatch, after a restart by the newest entry of the log."""
    await world.services.ingest.submit([an_arrival(b"young")], actor=AGENT)
    young = (await stored_posts(world.services))[-1]
    await world.approve(young)
    await world.services.loops.catch_up()
    world.time.set_forward(span)

    with pytest.raises(Stopping, match=r"it was set while running|newest time of the log"):
        await world.execute()

    await readable(world.services, [*world.rows, young])
    assert await disposals(world.services) == []
    async with open_services(
        world.settings, clock=world.time, stopwatch=world.time.seconds
    ) as restarted:
        with pytest.raises(Stopping, match="newest time of the log"):
            await restarted.destruction.execute(world.batch_id, actor=MANAGER)
        await readable(restarted, [*world.rows, young])


# --- What a restart finds: nothing of it destroys. ----------------------------------------------


async def test_records_noted_as_destroyed_by_hand_are_not_removed_at_the_next_start(
    world: World,
) -> None:
    """A restored store is cleaned of what was destroyed: by the word of the log alone."""
    for row in world.rows:
        await world.sql(
            "INSERT INTO disposed VALUES (:index, :id, 'rec', 'default', '', 1, :segment, :frame, "
            "1, 1, :batch, 'delete', 1, 1)",
            index=row.log_index,
            id=row.id,
            segment=row.segment_id,
            frame=row.frame,
            batch=row.id,
        )
    await world.sql("DELETE FROM hold_record")
    await world.sql("DELETE FROM hold")
    for table, column in (("record", "segment_id"), ("segment", "id")):
        for segment_id in {row.segment_id for row in world.rows}:
            await world.sql(f"DELETE FROM {table} WHERE {column} = :it", it=segment_id)

    async with opened(await moved(world), world.time) as restarted:
        (chore,) = [each for each in restarted.loops.chores if each.name == "disposal"]
        with pytest.raises(IntegrityError, match="the log has not let all of them go"):
            await chore.act()
        objects = [key async for key in restarted.store.list_keys("seg/")]
        assert await told_of(restarted, world.held.segment_id, REFUSAL) or await told_of(
            restarted, world.alone.segment_id, REFUSAL
        )
    for row in world.rows:
        assert any(row.segment_id in key for key in objects)


async def test_a_partly_destroyed_segment_without_a_row_keeps_the_others(world: World) -> None:
    """What remains of one record explains one record, and not the segment it was in."""
    await world.approve(world.beside)
    await world.execute()
    await world.services.loops.catch_up()
    for table, column in (("record", "segment_id"), ("segment", "id")):
        await world.sql(f"DELETE FROM {table} WHERE {column} = :it", it=world.held.segment_id)

    async with opened(await moved(world), world.time) as restarted:
        (chore,) = [each for each in restarted.loops.chores if each.name == "disposal"]
        with pytest.raises(IntegrityError, match="the log has not let all of them go"):
            await chore.act()
        objects = [key async for key in restarted.store.list_keys("keys/")]
    assert any(world.held.segment_id in key for key in objects)


async def test_a_database_restored_from_before_the_hold_does_not_open(world: World) -> None:
    await world.approve(world.alone)
    await world.services.loops.catch_up()
    old = await moved(world, "old")
    await world.services.holds.place(
        name="New", reason="suit", record_ids=[world.alone.id], actor=OFFICER
    )
    await world.services.loops.catch_up()
    restored = await moved(world)
    shutil.copy(old.home / DATABASE, restored.home / DATABASE)

    with pytest.raises(IntegrityError, match="restored from an old backup"):
        async with opened(restored, world.time) as services:
            await services.destruction.execute(world.batch_id, actor=MANAGER)


async def moved(world: World, name: str = "moved") -> Settings:
    """Copy the archive to another folder, as if every process on it had ended."""
    home = world.settings.home.with_name(name)

    def copy() -> None:
        shutil.copytree(
            world.settings.home, home, ignore=shutil.ignore_patterns(f"{DATABASE}*", "*.lease")
        )
        _copy_sqlite(world.settings.home / DATABASE, home / DATABASE)

    await asyncio.to_thread(copy)
    return settings_for(home)


def _copy_sqlite(path: Path, to: Path) -> None:
    with sqlite3.connect(path) as source, sqlite3.connect(to) as target:
        source.backup(target)


async def test_an_approval_replayed_under_another_name_is_no_approval(world: World) -> None:
    """Whoever has the bucket can copy objects; a segment opens under its own name only."""
    await world.approve(world.alone, approvers=(ADA.person_id,))
    store = world.services.store.blocking
    newest = max(key for key in store.list_keys("seg/") if "/muniment-audit/" in key)
    segment_id = newest.rpartition("/")[2].removesuffix(".seg")
    other = segment_id[:-1] + ("0" if segment_id[-1] != "0" else "1")
    for kind in ("seg", "keys"):
        key = newest.replace("seg/", f"{kind}/", 1).replace(".seg", f".{kind}")
        store.put(key.replace(segment_id, other), store.get(key))

    with pytest.raises(IntegrityError, match="1 of its 1 records have rows in the database"):
        async with opened(await moved(world), world.time):
            pass
    with pytest.raises(Conflict, match="the batch is reviewed"):
        await world.execute()
    await readable(world.services, world.rows)


# --- Ways around the archive: whoever has the disk can go them, and is found. -------------------


async def the_bytes_of_a_segment(world: World) -> None:
    _unlink(world, "seg", world.held)


async def the_keys_of_a_segment(world: World) -> None:
    _unlink(world, "keys", world.held)


async def a_key_cut_out_of_them(world: World) -> None:
    """A later generation without the held record's key, put by hand where the first was."""
    (path,) = [path for path in _files(world, "keys", world.held) if path.suffix == ".keys"]
    data = next_generation(path.read_bytes(), ulid_bytes(world.held.segment_id), [0], generation=1)
    assert data is not None
    path.chmod(0o600)
    path.write_bytes(data)


async def the_row_of_a_record(world: World) -> None:
    await world.sql("DELETE FROM record WHERE id = :id", id=world.held.id)


async def the_entry_of_a_record(world: World) -> None:
    await world.sql("DELETE FROM log_entry WHERE log_index = :it", it=world.held.log_index)


async def the_date_of_a_record(world: World) -> None:
    await world.sql("UPDATE record SET captured_at = 1 WHERE id = :id", id=world.held.id)


def _files(world: World, kind: str, row: RecordRow) -> list[Path]:
    folder = world.settings.home / "store"
    return [path for path in folder.rglob(f"{row.segment_id}.{kind}*") if path.is_file()]


def _unlink(world: World, kind: str, row: RecordRow) -> None:
    for path in _files(world, kind, row):
        path.unlink()


FOUND: dict[Way, str] = {
    the_bytes_of_a_segment: "no segment of the store holds",
    the_keys_of_a_segment: "keys",
    a_key_cut_out_of_them: "keys",
    the_row_of_a_record: "has no row in the database: it was deleted",
    the_entry_of_a_record: "has no row in the database: it was deleted",
    the_date_of_a_record: "captured_at",
}
"""What goes behind the archive's back, and what `verify --full --content` says of it."""


@pytest.mark.parametrize("way", FOUND, ids=lambda way: way.__name__)
async def test_what_goes_behind_the_archives_back_is_found(world: World, way: Way) -> None:
    await world.services.loops.catch_up()
    await way(world)

    problems = (await verified(world.services, world.time)).problems

    assert any(FOUND[way] in each.what or FOUND[way] in each.object_key for each in problems)


# --- A store that locks: nobody deletes, whoever they are. --------------------------------------


async def test_a_locked_object_is_deleted_by_nobody(tmp_path: Path) -> None:
    """On a filesystem the lock is the archive's own word; its `delete` keeps it all the same."""
    FilesystemStore.create(tmp_path / "store")
    store = FilesystemStore(tmp_path / "store", clock=system_clock)
    await _nobody_deletes(store)


@pytest.mark.integration
async def test_an_object_under_a_compliance_lock_is_deleted_by_nobody(s3_store: S3Store) -> None:
    """Not by the archive, nor by its credentials with a bypass; a marker hides no version."""
    stored = await _nobody_deletes(s3_store)
    trial = s3_store.trial()
    for bypass in (False, True):
        answer = trial.delete(stored.key, version_id=stored.version_id, bypass=bypass)
        assert not answer.accepted
    assert not trial.retain(stored.key, version_id=stored.version_id, lock=None).accepted

    s3_store._client.delete_object(**s3_store._target(stored.key, None))  # a delete marker

    assert s3_store.get(stored.key, version_id=stored.version_id) == b"kept"
    with pytest.raises(Conflict):
        s3_store.delete(stored.key, version_id=stored.version_id)


async def _nobody_deletes(store: ObjectStore) -> StoredObject:
    key = f"seg/{'0' * 26}/default/2020-01/{'0' * 26}.seg"
    lock = Lock(mode=LockMode.COMPLIANCE, until=system_clock().replace(microsecond=0) + DAY)
    stored = store.put(key, b"kept", lock=lock)
    removal = Removal(store, None, clock=system_clock)

    assert "locked until" in removal.obstacle(key)
    with pytest.raises(Conflict):
        removal.remove(key)
    ten_years_on = Removal(store, None, clock=lambda: system_clock() + TEN_YEARS)
    assert ten_years_on.obstacle(key) == ""  # by this clock nothing is in the way
    if store.enforces_locks:
        with pytest.raises(Conflict):  # and the store goes by its own
            ten_years_on.remove(key)
    assert store.get(key, version_id=stored.version_id) == b"kept"
    return stored
