"""Reading the trail: by filter, about one object, from its record; reading it is an event."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from archiver.access.rules import Permission, allowed
from archiver.assurance.audit_events import EventView
from archiver.assurance.audit_filter import TrailFilter, filter_from
from archiver.assurance.audit_view import AuditView
from archiver.audit.actions import Action
from archiver.db import events as event_rows
from archiver.db.events import Arm
from archiver.db.tables import event, person
from archiver.db.transaction import Database
from archiver.errors import Denied, InvalidInput, NotFound
from archiver.model.actor import Actor, LimitedRole, Role
from tests.fakes.small_archive import (
    AUDITOR,
    COUNSEL,
    START,
    SmallArchive,
    arrival,
    small_archive,
)

ADMINISTRATOR = Actor(name="ada", roles=frozenset({Role.ADMINISTRATOR}))
ANNA = "01KAM0PERSN000000000000001"


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """An open archive without posts."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


def view_of(archive: SmallArchive) -> AuditView:
    return AuditView(
        database=archive.database,
        reader=archive.reader,
        trail=archive.trail,
        clock=archive.clock,
    )


async def a_held_record(archive: SmallArchive) -> tuple[str, str]:
    """Capture a post, look at it, hold it; return the ids of record and hold."""
    (kept,) = await archive.capture(arrival("p1", "We opened a shop."))
    archive.clock.pass_by(timedelta(minutes=1))
    await archive.records.show(kept.record_id, actor=COUNSEL)
    await archive.index_all()
    archive.clock.pass_by(timedelta(minutes=1))
    hold = await archive.holds.place(
        name="Smith v. Acme",
        matter="Smith",
        reason="litigation",
        record_ids=[kept.record_id],
        actor=COUNSEL,
    )
    archive.clock.pass_by(timedelta(minutes=1))
    return kept.record_id, hold.id


def acts(events: tuple[EventView, ...]) -> list[str]:
    return [each.row.action for each in events]


class TestLists:
    async def test_the_newest_event_stands_first(self, archive: SmallArchive) -> None:
        record_id, hold_id = await a_held_record(archive)

        page = await view_of(archive).list(TrailFilter(), limit=2, actor=AUDITOR)

        assert [(each.row.action, each.row.object_id) for each in page.items] == [
            ("hold:placed", hold_id),
            ("record:viewed", record_id),
        ]
        told = page.items[0].to_dict()
        assert told["sentence"] == (
            "carla placed hold “Smith v. Acme” in matter “Smith” over 1 record, because "
            "“litigation”."
        )
        assert (told["at"], told["object_name"]) == ("2026-03-02T09:02:00.000Z", "Smith v. Acme")

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({"actor": "carla"}, ["hold:placed", "record:viewed"]),
            ({"action": "hold:placed,record:viewed"}, ["hold:placed", "record:viewed"]),
            ({"action": "hold:*"}, ["hold:placed"]),
            ({"action": "no:*"}, []),
            ({"matter": "Smith"}, ["hold:placed"]),
            ({"matter": "Jones"}, []),
            ({"object_type": "record"}, ["record:viewed"]),
            ({"from": "2026-03-02T09:02:00Z"}, ["hold:placed"]),
            ({"from": "2026-03-02T09:01:00Z", "to": "2026-03-02T09:02:00Z"}, ["record:viewed"]),
            ({"to": "2026-03-01"}, []),
            ({"result": "not-ok"}, []),
            ({"result": "ok", "actor": "carla", "action": "hold:placed"}, ["hold:placed"]),
        ],
    )
    async def test_each_filter_finds_what_it_says(
        self, archive: SmallArchive, params: dict[str, str], expected: list[str]
    ) -> None:
        await a_held_record(archive)

        page = await view_of(archive).list(filter_from(params), actor=AUDITOR)

        assert acts(page.items) == expected
        assert (page.total, page.total_is_exact) == (len(expected), True)

    async def test_an_object_is_found_by_a_piece_of_its_id(self, archive: SmallArchive) -> None:
        record_id, _ = await a_held_record(archive)
        view = view_of(archive)

        found = await view.list(TrailFilter(text=record_id[5:].lower()), actor=AUDITOR)
        percent = await view.list(TrailFilter(text="%"), actor=AUDITOR)

        assert acts(found.items) == ["record:viewed"]
        assert percent.items == ()

    async def test_a_text_is_looked_for_span_after_span(
        self, archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record_id, _ = await a_held_record(archive)
        await archive.records.show(record_id, actor=COUNSEL)
        monkeypatch.setattr(event_rows, "LOOKED_THROUGH", 2)
        view, wanted = view_of(archive), TrailFilter(text=record_id)

        page = await view.list(wanted, actor=AUDITOR)
        seen, pages = acts(page.items), 1
        while page.next_cursor:
            page = await view.list(wanted, cursor=page.next_cursor, actor=AUDITOR)
            seen, pages = [*seen, *acts(page.items)], pages + 1

        assert seen == ["record:viewed", "record:viewed"]
        assert pages > 1
        assert not page.total_is_exact

    async def test_pages_follow_each_other_without_gap_or_repetition(
        self, archive: SmallArchive
    ) -> None:
        record_id, _ = await a_held_record(archive)
        for _ in range(7):  # within one millisecond: only the ids tell them apart
            await archive.records.show(record_id, actor=COUNSEL)
        view, wanted = view_of(archive), filter_from({"action": "record:viewed"})

        seen, cursor = [], ""
        while True:
            page = await view.list(wanted, cursor=cursor, limit=3, actor=AUDITOR)
            seen += [each.row.record_id for each in page.items]
            cursor = page.next_cursor
            if not cursor:
                break

        assert len(seen) == len(set(seen)) == 8
        assert seen == sorted(seen, reverse=True)
        assert (page.total, page.total_is_exact) == (8, True)

    @pytest.mark.parametrize("cursor", ["x", "1", "1.x", "1." + "0" * 25, "9" * 40 + "." + ANNA])
    async def test_a_cursor_that_is_none_is_refused(
        self, archive: SmallArchive, cursor: str
    ) -> None:
        with pytest.raises(InvalidInput, match="cursor"):
            await view_of(archive).list(TrailFilter(), cursor=cursor, actor=AUDITOR)

    async def test_what_cannot_be_counted_exactly_says_so(
        self, archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await a_held_record(archive)
        monkeypatch.setattr("archiver.assurance.audit_view.COUNTED", 1)

        page = await view_of(archive).list(TrailFilter(), limit=1, actor=AUDITOR)

        assert (page.total, page.total_is_exact) == (1, False)


class TestWatching:
    async def test_reading_the_trail_stands_in_the_trail(self, archive: SmallArchive) -> None:
        view = view_of(archive)
        first = await view.list(filter_from({"actor": "carla"}), limit=1, actor=AUDITOR)

        again = await view.list(TrailFilter(actor="audrey"), actor=ADMINISTRATOR)

        assert first.items == ()
        assert acts(again.items) == ["audit:viewed"]
        assert again.items[0].to_dict()["sentence"] == (
            "audrey looked at the audit trail (by carla), 0 events shown."
        )

    async def test_following_is_one_event_a_minute(self, archive: SmallArchive) -> None:
        view, wanted = view_of(archive), TrailFilter(actor="carla")
        for _ in range(20):
            await view.follow(wanted, start=0, actor=AUDITOR)
            archive.clock.pass_by(timedelta(seconds=5))

        page = await view.list(TrailFilter(actor="audrey"), actor=ADMINISTRATOR)

        assert len(page.items) == 2

    async def test_who_follows_is_told_what_came_into_the_log_since(
        self, archive: SmallArchive
    ) -> None:
        view = view_of(archive)
        record_id, _ = await a_held_record(archive)
        start = (await view.list(TrailFilter(), actor=AUDITOR)).log_size
        await archive.records.show(record_id, actor=COUNSEL)
        # Committed last, and of an earlier moment than all the others.
        await archive.trail.record(Action.RECORD_VERIFIED, actor=COUNSEL, at=START)
        await archive.capture(arrival("p2", "A post is no event."))

        news = await view.follow(TrailFilter(actor="carla"), start=start, actor=AUDITOR)

        assert acts(news.items) == ["record:verified", "record:viewed"]

    async def test_everybody_sees_what_they_did_and_nothing_else(
        self, archive: SmallArchive
    ) -> None:
        await a_held_record(archive)

        mine = await view_of(archive).mine(actor=COUNSEL)
        again = await view_of(archive).mine(actor=COUNSEL)

        assert acts(mine.items) == ["hold:placed", "record:viewed"]
        assert acts(again.items)[0] == "audit:viewed"

    async def test_who_may_not_read_the_trail_is_denied(self, archive: SmallArchive) -> None:
        view = view_of(archive)
        within = Actor(
            name="mia",
            roles=frozenset(),
            limited=frozenset({LimitedRole(role=Role.AUDITOR, matter="Smith")}),
        )
        blind = [
            Actor(name=role, roles=frozenset({role}))
            for role in Role
            if not allowed(Actor(name="", roles=frozenset({role})), Permission.READ_AUDIT)
        ]

        for actor in (*blind, within):
            with pytest.raises(Denied):
                await view.list(TrailFilter(), actor=actor)
            with pytest.raises(Denied):
                await view.about("person", "x", actor=actor)
            with pytest.raises(Denied):
                await view.show(ANNA, actor=actor)
            with pytest.raises(Denied):
                await view.follow(TrailFilter(), start=0, actor=actor)
        assert len(blind) == len(Role) - 2


class TestAboutOneObject:
    async def test_a_record_is_told_with_the_holds_it_is_under(self, archive: SmallArchive) -> None:
        record_id, hold_id = await a_held_record(archive)
        await archive.holds.release(hold_id, reason="settled", actor=COUNSEL)

        told = await view_of(archive).about("record", record_id, actor=AUDITOR)

        assert [(each.row.action, each.relation) for each in told.page.items] == [
            ("hold:released", "hold"),
            ("hold:placed", "hold"),
            ("record:viewed", ""),
        ]
        assert told.facts[0] == ("captured", "2026-03-02T09:00:00.000Z")
        assert [(each.actor, each.action, each.times) for each in told.readers] == [
            ("carla", "record:viewed", 1)
        ]
        json.dumps(told.to_dict())

    async def test_a_person_is_told_by_what_they_did_and_what_was_done_to_them(
        self, archive: SmallArchive
    ) -> None:
        record_id, _ = await a_held_record(archive)
        await add_person(archive.database, "anna@example.com")
        anna = Actor(name="anna@example.com", roles=COUNSEL.roles, person_id=ANNA)
        await archive.records.show(record_id, actor=anna)
        await archive.trail.record(
            Action.PERSON_LINKED, actor=ADMINISTRATOR, object_type="person", object_id=ANNA
        )

        told = await view_of(archive).about("person", ANNA, actor=AUDITOR)

        assert [(each.row.action, each.relation) for each in told.page.items] == [
            ("person:linked", ""),
            ("record:viewed", "by"),
        ]
        assert told.name == "Anna"
        sentence = told.page.items[0].to_dict()["sentence"]
        assert sentence == "ada made a sign-in link for person “Anna”."

    async def test_reading_about_an_object_is_an_event_about_it(
        self, archive: SmallArchive
    ) -> None:
        record_id, _ = await a_held_record(archive)
        await view_of(archive).about("record", record_id, actor=AUDITOR)

        told = await view_of(archive).about("record", record_id, actor=ADMINISTRATOR)

        assert told.page.items[0].to_dict()["sentence"] == (
            f"audrey looked at the audit trail of record {record_id}, 2 events shown."
        )

    @pytest.mark.parametrize("object_type", ["record", "person", "hold", "token", "account"])
    async def test_what_is_not_there_is_not_found(
        self, archive: SmallArchive, object_type: str
    ) -> None:
        with pytest.raises(NotFound):
            await view_of(archive).about(object_type, ANNA, actor=AUDITOR)


class TestOneEvent:
    async def test_an_event_is_read_from_its_record(self, archive: SmallArchive) -> None:
        await a_held_record(archive)
        view = view_of(archive)
        newest = (await view.list(TrailFilter(), limit=1, actor=AUDITOR)).items[0]

        told = (await view.show(newest.row.record_id, actor=AUDITOR)).to_dict()

        assert (told["ok"], told["problem"], told["under_checkpoint"]) == (True, "", False)
        assert json.loads(str(told["event"]))["details"]["matter"] == "Smith"
        assert told["roles"] == ["counsel"]
        await archive.publish()
        assert (await view.show(newest.row.record_id, actor=AUDITOR)).covered

    async def test_a_row_that_says_something_else_is_told(self, archive: SmallArchive) -> None:
        await a_held_record(archive)
        view = view_of(archive)
        newest = (await view.list(TrailFilter(), limit=1, actor=AUDITOR)).items[0]
        await forge(archive.database, newest.row.record_id, actor="mallory")

        told = (await view.show(newest.row.record_id, actor=AUDITOR)).to_dict()

        assert told["ok"] is False
        assert "actor is 'mallory' and 'carla' in the record" in str(told["problem"])
        noted = (await view.list(TrailFilter(result="not-ok"), actor=AUDITOR)).items
        assert [each.row.result for each in noted] == ["integrity"]

    async def test_a_row_that_was_deleted_is_told(self, archive: SmallArchive) -> None:
        await a_held_record(archive)
        view = view_of(archive)
        newest = (await view.list(TrailFilter(), limit=1, actor=AUDITOR)).items[0]
        await forge(archive.database, newest.row.record_id)

        told = (await view.show(newest.row.record_id, actor=AUDITOR)).to_dict()

        assert (told["ok"], told["action"]) == (False, "hold:placed")

    async def test_a_record_of_a_post_is_no_event(self, archive: SmallArchive) -> None:
        record_id, _ = await a_held_record(archive)

        with pytest.raises(NotFound):
            await view_of(archive).show(record_id, actor=AUDITOR)


COMBINATIONS = [
    Arm(),
    Arm(actor="a"),
    Arm(action="record:viewed"),
    Arm(actor="a", action="record:viewed"),
    Arm(object_id="x"),
    Arm(object_id="x", actor="a"),
    Arm(matter="m"),
    Arm(matter="m", action="hold:placed"),
    Arm(holds_over=3),
    Arm(sessions_of="p"),
    Arm(result="not-ok"),
    Arm(result="integrity", actor="a"),
    Arm(result="integrity", action="record:viewed"),
    Arm(since=1, until=2),
    Arm(since=1, until=2, actor="a"),
]


@pytest.mark.parametrize("arm", COMBINATIONS, ids=str)
async def test_no_filter_reads_the_whole_table(database: Database, arm: Arm) -> None:
    plan = await explained(database, arm)

    if database.dialect == "sqlite":
        assert [
            line for line in plan if line.startswith("SCAN event") and "INDEX" not in line
        ] == []
    else:
        assert [line for line in plan if "Seq Scan on event" in line] == []


async def explained(database: Database, arm: Arm) -> list[str]:
    """How the database would read a page of these events."""
    statement = event_rows._newest([arm], None, 50)
    async with database.transaction() as tx:
        if database.dialect == "postgresql":  # an empty table is always scanned
            await tx.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
        return await tx.run_sync(
            lambda connection: [
                str(row[-1])
                for row in connection.exec_driver_sql(
                    f"{explain} "
                    + str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
                )
            ]
        )


async def add_person(database: Database, email: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            person.insert().values(
                id=ANNA,
                name="Anna",
                email=email,
                state="active",
                preferences="{}",
                created_at=0,
                created_by="ada",
                stated_at=0,
            )
        )


async def forge(database: Database, record_id: str, **values: str) -> None:
    """Alter the trail's row as somebody with the database's password could; delete it if empty."""
    async with database.transaction() as tx:
        changed = update(event).values(**values) if values else event.delete()
        await tx.execute(changed.where(event.c.record_id == record_id))
