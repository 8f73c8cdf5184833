"""Retention events: stated late, corrected, withdrawn, imported; each refiles what it concerns."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from archiver.audit.actions import Action
from archiver.capture.accounts import Accounts
from archiver.clock import from_millis, to_millis
from archiver.db import file_plan as file_plan_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.disposal_tables import retention_event
from archiver.disposal.event_import import BadLine, EventImport
from archiver.disposal.refiling import Refiling
from archiver.disposal.retention_events import RetentionEvents
from archiver.disposal.stated_events import NewEvent
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.ids import Ulids
from archiver.model.actor import Actor, Role
from archiver.model.post import Change
from archiver.preserve.event_effects import Effect, effect_of
from archiver.preserve.event_record import parse_event
from retention.decisions import State
from retention.periods import Period
from retention.schedules import Mark, Schedule, Term, Trigger
from tests.fakes.small_archive import COUNSEL, START, SmallArchive, arrival, small_archive

MANAGER = Actor(name="rita", roles=frozenset({Role.RECORDS_MANAGER}))
OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))
LONG_AGO = datetime(2019, 6, 3, 12, tzinfo=UTC)
SIX_YEARS_ON = datetime(2025, 6, 4, tzinfo=UTC)


def term(trigger: str, years: int) -> Term:
    return Term(
        id=trigger,
        citation="17 CFR 240.17a-4(c)",
        trigger=Trigger.parse(trigger),
        period=Period(years=years),
        mark=Mark.CONFIRMED,
    )


class Work:
    """The use cases on one small archive, and what tests ask of it all the time."""

    def __init__(self, archive: SmallArchive) -> None:
        parts = {
            "database": archive.database,
            "trail": archive.trail,
            "clock": archive.clock,
            "ulids": Ulids(),
        }
        self.archive = archive
        self.events = RetentionEvents(**parts)  # type: ignore[arg-type]
        self.refiling = Refiling(**parts, page=2)  # type: ignore[arg-type]
        self.accounts = Accounts(**parts, plan=archive.plan)  # type: ignore[arg-type]
        self.imports = EventImport(events=self.events, zone=ZoneInfo("Europe/Berlin"))

    async def adopt(self, *terms: Term) -> None:
        """Bring another version of the default schedule into force now."""
        async with self.archive.database.transaction() as tx:
            (newest, *_) = await file_plan_rows.list_schedules(tx, "default")
            newest.pop("in_force_from")
            before = Schedule.from_dict(newest)
            after = replace(before, version=before.version + 1, terms=terms)
            now = to_millis(self.archive.clock())
            await file_plan_rows.add_schedule(tx, "default", after.version, after.to_dict(), now)

    async def until(self, record_id: str) -> datetime | None:
        """What the record's row says, once all is refiled."""
        await self.refiling.finish()
        async with self.archive.database.reading() as tx:
            row = await record_rows.get(tx, record_id)
        return None if row.retain_until is None else from_millis(row.retain_until)

    async def posted(self, post_id: str, change: Change = Change.CREATED) -> str:
        """Capture a version of a post; return its record id."""
        content = f"{post_id} {change} {self.archive.clock()}"
        (outcome,) = await self.archive.capture(arrival(post_id, content, change=change))
        return outcome.record_id


@pytest.fixture
async def work(tmp_path: Path, database_url: str) -> AsyncIterator[Work]:
    async with small_archive(tmp_path / "home", database_url) as archive:
        yield Work(archive)


def closed(**given: object) -> NewEvent:
    account = arrival("p", "").post
    return NewEvent(
        **{  # type: ignore[arg-type]
            "name": "account_closed",
            "happened_at": LONG_AGO,
            "platform": account.platform,
            "account": account.account,
            **given,
        }
    )


class TestStating:
    async def test_a_late_event_ends_the_waiting_and_says_of_how_many(self, work: Work) -> None:
        await work.adopt(term("event:account_closed", 6))
        records = [await work.posted(f"p{number}") for number in range(3)]
        assert [await work.until(each) for each in records] == [None] * 3
        why = await work.archive.filing.why(records[0], actor=COUNSEL)
        assert why.state == State.AWAITING_EVENT

        view = await work.events.state(closed(), actor=MANAGER)
        (done,) = await work.refiling.finish()

        assert view.warnings == ()
        assert [await work.until(each) for each in records] == [SIX_YEARS_ON] * 3
        assert (done.records, done.longer, done.shorter, done.due) == (3, 0, 3, 3)
        why = await work.archive.filing.why(records[0], actor=COUNSEL)
        assert any("2019-06-03" in reason.text for reason in why.reasons)
        assert any(reason.citation == "17 CFR 240.17a-4(c)" for reason in why.reasons)
        told, act = await work.archive.events_about(done.id)
        assert (told.action, act.action) == (Action.RECORDS_REFILED, Action.RETENTION_STATED)
        assert json.loads(told.details)["shorter"] == 3

    async def test_a_corrected_event_counts_from_its_new_date_and_the_old_one_stays_on_record(
        self, work: Work
    ) -> None:
        await work.adopt(term("event:account_closed", 6))
        record_id = await work.posted("p")
        first = await work.events.state(closed(), actor=MANAGER)
        assert await work.until(record_id) == SIX_YEARS_ON

        second = await work.events.correct(
            first.row.id,
            happened_at=LONG_AGO + timedelta(days=365 * 10),
            reason="the form says 2029",
            actor=MANAGER,
        )

        assert second.row.corrects == first.row.id
        assert "ahead" in second.warnings[0]
        assert await work.until(record_id) == datetime(2035, 6, 1, tzinfo=UTC)
        assert not (await work.events.show(first.row.id, actor=COUNSEL)).row.in_force
        with pytest.raises(Conflict):
            await work.events.withdraw(first.row.id, reason="again", actor=MANAGER)

        await work.events.withdraw(second.row.id, reason="another account", actor=MANAGER)
        assert await work.until(record_id) is None

    async def test_an_event_of_one_record_concerns_no_other(self, work: Work) -> None:
        await work.adopt(term("event:case_closed", 6))
        one, other = await work.posted("p1"), await work.posted("p2")

        await work.events.state(
            closed(name="case_closed", platform="", account="", record_id=one), actor=MANAGER
        )

        assert await work.until(one) == SIX_YEARS_ON
        assert await work.until(other) is None

    async def test_what_is_captured_after_the_event_was_stated_counts_from_it_too(
        self, work: Work
    ) -> None:
        await work.adopt(term("event:account_closed", 6), term("captured", 1))
        await work.events.state(closed(), actor=MANAGER)
        await work.refiling.finish()

        record_id = await work.posted("late")

        assert await work.until(record_id) == datetime(2027, 3, 3, tzinfo=UTC)

    async def test_the_same_said_twice_is_one_statement(self, work: Work) -> None:
        first = await work.events.state(closed(), actor=MANAGER)
        again = await work.events.state(closed(), actor=MANAGER)

        assert again.row == first.row
        assert again.warnings == ("it was stated already",)
        listed = await work.events.list(actor=COUNSEL)
        assert [view.row.id for view in listed.items] == [first.row.id]

    async def test_a_name_no_schedule_awaits_is_taken_with_a_warning(self, work: Work) -> None:
        view = await work.events.state(closed(name="coffee_spilt"), actor=MANAGER)

        assert "no schedule in force counts from coffee_spilt" in view.warnings[0]

    @pytest.mark.parametrize(
        ("given", "pointer"),
        [
            ({"name": "Account closed"}, "/name"),
            ({"account": ""}, "/account"),
            ({"platform": ""}, "/platform"),
            ({"record_id": "01J00000000000000000000000"}, "/record_id"),
            (
                {"platform": "", "account": "", "record_id": "01J00000000000000000000000"},
                "/record_id",
            ),
            ({"happened_at": datetime(1969, 1, 1, tzinfo=UTC)}, "/happened_at"),
            ({"happened_at": START + timedelta(days=366 * 51)}, "/happened_at"),
            ({"note": "a\0b"}, "/note"),
        ],
    )
    async def test_what_is_not_well_formed_is_refused_by_field(
        self, work: Work, given: dict[str, object], pointer: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            await work.events.state(closed(**given), actor=MANAGER)

        assert refused.value.pointer == pointer

    async def test_only_who_edits_the_file_plan_states_events(self, work: Work) -> None:
        for actor in (COUNSEL, OPERATOR):
            with pytest.raises(Denied):
                await work.events.state(closed(), actor=actor)
        with pytest.raises(NotFound):
            await work.events.show("01J00000000000000000000000", actor=COUNSEL)


class TestRefiling:
    async def test_a_version_that_comes_into_force_moves_every_record_of_its_class(
        self, work: Work
    ) -> None:
        records = [await work.posted(f"p{number}") for number in range(5)]
        before = await work.until(records[0])
        await work.adopt(term("captured", 30))

        (done,) = await work.refiling.finish()

        assert (done.records, done.longer, done.shorter) == (5, 5, 0)
        assert before != await work.until(records[0]) == datetime(2056, 3, 3, tzinfo=UTC)
        async with work.archive.database.reading() as tx:
            assert (await record_rows.get(tx, records[4])).schedule_version == 2
        assert await work.refiling.finish() == ()

    async def test_a_version_of_days_to_come_changes_nothing_before(self, work: Work) -> None:
        record_id = await work.posted("p")
        before = await work.until(record_id)
        work.archive.clock.pass_by(timedelta(days=30))
        await work.adopt(term("captured", 30))
        work.archive.clock.pass_by(-timedelta(days=30))
        assert await work.until(record_id) == before

        work.archive.clock.pass_by(timedelta(days=30))

        assert await work.until(record_id) == datetime(2056, 3, 3, tzinfo=UTC)

    async def test_a_later_version_of_a_post_ends_the_one_before(self, work: Work) -> None:
        await work.adopt(term("superseded", 3))
        first = await work.posted("p")
        assert await work.until(first) is None

        work.archive.clock.pass_by(timedelta(days=10))
        second = await work.posted("p", Change.EDITED)

        assert await work.until(first) == datetime(2029, 3, 13, tzinfo=UTC)
        assert await work.until(second) is None


class TestAccounts:
    async def test_closing_an_account_states_it_and_reopening_takes_it_back(
        self, work: Work
    ) -> None:
        await work.adopt(term("event:account_closed", 6))
        record_id = await work.posted("p")
        about = closed()
        account = await work.accounts.register(
            platform=about.platform, handle=about.account, actor=OPERATOR
        )

        await work.accounts.close(account.id, reason="left", closed_at=LONG_AGO, actor=OPERATOR)
        assert await work.until(record_id) == SIX_YEARS_ON
        (view,) = (await work.events.list(actor=COUNSEL)).items
        assert (view.row.source, view.row.name) == ("register", "account_closed")

        await work.accounts.reopen(account.id, reason="came back", actor=OPERATOR)
        assert await work.until(record_id) is None
        with pytest.raises(InvalidInput):
            await work.accounts.close(
                account.id,
                reason="soon",
                closed_at=work.archive.clock() + timedelta(days=1),
                actor=OPERATOR,
            )


async def test_a_day_stated_in_auckland_is_no_day_shorter_where_a_schedule_counts_in_samoa(
    work: Work,
) -> None:
    """The row, the explanation, and the same day stated once more agree; a correction counts."""
    await work.adopt(replace(term("event:account_closed", 6), zone="Pacific/Pago_Pago"))
    record_id = await work.posted("p")
    place = f"{closed().platform},{closed().account}"
    lines = [
        b"name,happened_at,platform,account\n",
        f"account_closed,2019-01-31,{place}\n".encode(),
    ]
    imports = EventImport(events=work.events, zone=ZoneInfo("Pacific/Auckland"))
    six_years_on = datetime(2025, 2, 1, 11, tzinfo=UTC)  # midnight there

    found = await imports.run(lines, actor=MANAGER, report=lambda _bad: None)

    assert (found.stated, found.known) == (1, 0)
    assert await work.until(record_id) == six_years_on
    why = await work.archive.filing.why(record_id, actor=COUNSEL)
    told = "Event account_closed on 2019-01-31; kept 6 years"
    assert any(told in reason.text for reason in why.reasons)
    again = await imports.run(lines, actor=MANAGER, report=lambda _bad: None)
    assert (again.stated, again.known) == (0, 1)

    (view,) = (await work.events.list(actor=COUNSEL)).items
    assert view.to_dict()["day"] == "2019-01-31"
    moment = await work.events.correct(
        view.row.id, happened_at=view.happened_at, reason="its hour is known", actor=MANAGER
    )
    assert moment.row.day == ""
    # At the end of that day in Auckland it was still the day before in Samoa.
    assert await work.until(record_id) == six_years_on - timedelta(days=1)


class TestImporting:
    async def test_each_bad_line_is_reported_and_costs_no_other(self, work: Work) -> None:
        account = closed()
        place = f"{account.platform},{account.account}"
        lines = [
            b"\xef\xbb\xbfname,happened_at,platform,account,note\r\n",
            f"account_closed,2019-06-03,{place},first\r\n".encode(),
            f"Account closed,2019-06-03,{place},\r\n".encode(),
            f'case_closed,2020-01-01,{place},"of two\r\n'.encode(),
            b'lines"\r\n',
            b"case_closed,yesterday,x,y,\r\n",
            b"\r\n",
            b"case_closed,2020-01-01,x\r\n",
            b"case_closed,2020-01-01,x,\xff\xfe,\r\n",
            f"account_closed,2019-06-03,{place},again\r\n".encode(),
        ]
        bad: list[BadLine] = []

        found = await work.imports.run(lines, actor=MANAGER, report=bad.append)

        assert [each.line for each in bad] == [3, 4, 6, 8, 9]
        assert (found.stated, found.known, found.refused) == (1, 1, 5)  # one line stood twice
        assert found.unawaited == ()  # a shipped class awaits it
        (view,) = (await work.events.list(actor=COUNSEL)).items
        assert from_millis(view.row.happened_at) == datetime(
            2019, 6, 3, 21, 59, 59, 999_000, tzinfo=UTC
        )

        again = await work.imports.run(lines, actor=MANAGER, report=lambda _bad: None)
        assert (again.stated, again.known) == (0, 2)

    async def test_a_quotation_mark_that_is_not_closed_names_all_lines_it_takes(
        self, work: Work
    ) -> None:
        lines = [
            b"name,happened_at,platform,account,note\n",
            b'account_closed,2019-06-03,x,a,"not closed\n',
            b"account_closed,2019-06-04,x,b,\n",
            b"account_closed,2019-06-05,x,c,\n",
        ]
        bad: list[BadLine] = []
        await work.imports.run(lines, actor=MANAGER, report=bad.append)
        assert [each.line for each in bad] == [2]
        assert "lines 2 to 4 are in one pair of quotation marks" in bad[0].reason

    async def test_an_account_that_nobody_knows_is_told(self, work: Work) -> None:
        await work.accounts.register(platform="x", handle="@acme", actor=OPERATOR)
        lines = [
            b"name,happened_at,platform,account\n",
            b"account_closed,2019-06-03,x,@acme\n",
            b"account_closed,2019-06-03,x,@amce\n",
            b"account_closed,2019-06-03,y,@acme\n",
        ]
        looked = await work.imports.look(lines, actor=MANAGER, report=lambda _bad: None)
        found = await work.imports.run(lines, actor=MANAGER, report=lambda _bad: None)
        assert looked.outcome == found
        assert (found.stated, found.unknown_accounts) == (3, ("@amce on x", "@acme on y"))

        known = await work.events.state(closed(platform="x", account="@acme"), actor=MANAGER)
        misspelt = await work.events.state(closed(platform="x", account="@ACME"), actor=MANAGER)
        assert not any("misspelt" in each for each in known.warnings)
        assert any("names @ACME on x" in each for each in misspelt.warnings)

    async def test_a_file_of_other_columns_is_refused_whole(self, work: Work) -> None:
        for first in (b"", b"name\n", b"name,happened_at,wrong\n", b"name,name,happened_at\n"):
            with pytest.raises(InvalidInput):
                await work.imports.run([first], actor=MANAGER, report=lambda _bad: None)


async def test_the_stored_events_alone_give_the_statements_in_whatever_order(work: Work) -> None:
    """As after a crash, and as a recovery does."""
    first = await work.events.state(closed(), actor=MANAGER)
    second = await work.events.correct(
        first.row.id, happened_at=LONG_AGO + timedelta(days=1), reason="r", actor=MANAGER
    )
    await work.events.withdraw(second.row.id, reason="r", actor=MANAGER)
    await work.events.state(closed(name="case_closed"), actor=MANAGER)
    await work.refiling.finish()
    expected = await rows_of(work)
    effects = [effect async for effect in stored_effects(work.archive)]
    assert len(effects) == 4 + 4  # each statement, and each refiling

    for order in (effects, list(reversed(effects))):
        async with work.archive.database.transaction() as tx:
            await tx.execute(delete(retention_event))
            for effect in order:
                await tx.run_sync(effect.apply)
        assert await rows_of(work) == expected


async def rows_of(work: Work) -> list[tuple[object, ...]]:
    """Every statement there is."""
    async with work.archive.database.reading() as tx:
        found = await tx.execute(select(retention_event).order_by(retention_event.c.id))
        return [tuple(row) for row in found]


async def stored_effects(archive: SmallArchive) -> AsyncIterator[Effect]:
    """The effects of all stored events about retention, oldest first, read from the store."""
    async with archive.database.reading() as tx:
        size = (await ledger_rows.state(tx)).next_index
        rows = await record_rows.list_range(tx, 0, size)
        entries = await ledger_rows.entries(tx, 0, size)
        segments = await segment_rows.get_many(tx, {row.segment_id for row in rows})
    for row in rows:
        opened = archive.reader.open(segments[row.segment_id], row, entries[row.log_index])
        parts = {
            part.name: archive.reader.part(opened, number).content
            for number, part in enumerate(opened.manifest.parts)
        }
        if row.entry_type == "aud":
            body = parse_event(parts["event.json"])
            if body.action.startswith(("retention:", "records:")):
                effect = effect_of(body, parts.get)
                assert effect is not None
                yield effect
