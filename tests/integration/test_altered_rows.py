"""Rows changed behind the archive's back are found by a full verification, and named.

One archive that holds, released, reclassified, stated and lengthened its schedule is built once;
each test gets a copy of its folder and changes rows by SQL, as somebody with the file could.
"""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import pytest

from archiver.app import Services, open_services
from archiver.assurance import head
from archiver.assurance.report import Report
from archiver.assurance.verification import verify_full
from archiver.disposal.stated_events import NewEvent
from archiver.model.actor import Actor, Role
from archiver.preserve.ledger.entry import hold_entry, members_digest
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.disposal import MANAGER, Time, opened
from tests.fakes.disposal_people import ADA, RITA

OFFICER = Actor(name="otto", roles=frozenset(Role))
BROKER = "us-sec-17a4-comms"


class Built(NamedTuple):
    """The archive: three posts under hold `a`, two under `b`, one under the released hold `c`.

    `until` is when the posts' retention ended when they were captured.
    """

    home: Path
    now: datetime
    posts: tuple[str, ...]
    until: int
    a: str
    b: str
    c: str
    frozen: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return asyncio.run(_build(tmp_path_factory.mktemp("built") / "home"))


async def _build(home: Path) -> Built:
    time = Time(datetime(2025, 3, 4, tzinfo=UTC))
    settings = await found_whole(settings_for(home), clock=time)
    async with opened(settings, time) as services:
        await services.ingest.submit([an_arrival(b"post %d" % n) for n in range(8)], actor=AGENT)
        await services.loops.catch_up()
        rows = await stored_posts(services)
        posts = tuple(row.id for row in rows)
        place = services.holds.place
        holds = [
            await place(name=name, matter="24-1", reason="suit", record_ids=ids, actor=OFFICER)
            for name, ids in (("A", posts[:3]), ("B", posts[3:5]), ("C", posts[5:6]))
        ]
        await services.holds.release(holds[2].id, reason="settled", actor=OFFICER)
        frozen = await services.frozen_sets.freeze("", name="All", actor=OFFICER)
        await services.frozen_sets.freeze("nothing", name="None", actor=OFFICER)
        await _file(services, time, posts)
        await services.loops.catch_up()
        until = rows[0].retain_until or 0
        a, b, c = (hold.id for hold in holds)
        return Built(home, time.now, posts, until, a, b, c, frozen.id)


async def _file(services: Services, time: Time, posts: tuple[str, ...]) -> None:
    """Lengthen the schedule, put two posts into another class, state that an account closed."""
    drafts, life = services.plan.drafts, services.plan.life
    draft = await drafts.make("default", reason="counsel asks", actor=RITA)
    body = json.loads(draft.row.body)
    for term in body["terms"]:
        term["period"] = "P20Y"
    await drafts.edit(draft.row.id, body=body, actor=RITA)
    await life.submit(draft.row.id, actor=RITA)
    await life.approve(draft.row.id, reason="seen", actor=ADA)
    time.pass_by(timedelta(days=1))
    await services.plan.reclassifying.reclassify(
        BROKER, record_ids=posts[6:], reason="a broker's", actor=MANAGER
    )
    event = NewEvent(
        name="account_closed",
        happened_at=datetime(2025, 1, 1, tzinfo=UTC),
        platform="example",
        account="acme",
    )
    await services.keeping.events.state(event, actor=MANAGER)
    await services.keeping.refiling.finish()


class IsBuilt(Protocol):
    """An archive that was built: where it is and when; its other fields are words of tests."""

    @property
    def home(self) -> Path:
        """Its folder."""

    @property
    def now(self) -> datetime:
        """The moment of its last act."""

    def _asdict(self) -> dict[str, Any]:
        """Its fields."""


BuiltT = TypeVar("BuiltT", bound=IsBuilt)


@dataclass
class Copy(Generic[BuiltT]):
    """A copy of an archive that a test may change."""

    built: BuiltT
    home: Path

    @property
    def words(self) -> dict[str, object]:
        """What the names in statements and in words stand for."""
        return {**self.built._asdict(), "nobody": members_digest(()).hex()}

    def sql(self, *statements: str) -> None:
        """Change rows without the rules that keep them as they are."""
        with closing(sqlite3.connect(self.home / "archive.db")) as connection:
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in found.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement.format(**self.words))
            connection.commit()

    async def verified(self, *, content: bool = True) -> Report:
        time = Time(self.built.now)
        settings = settings_for(self.home).model_copy(
            update={"clock_confirmed": time.now, "log_lock": "none"}
        )
        async with open_services(settings, clock=time, stopwatch=time.seconds) as services:
            await services.loops.catch_up()
            target = replace(services.verifying.target(), clock=time)
            return await verify_full(target, workers=1, content=content)


@pytest.fixture
def copy(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy[Built]:
    monkeypatch.setattr(head, "PUBLICATION_S", 0.0)
    shutil.copytree(built.home, tmp_path / "home")
    return Copy(built, tmp_path / "home")


async def test_what_people_did_is_no_problem(copy: Copy[Built]) -> None:
    report = await copy.verified()
    assert report.problems == ()
    assert dict(report.counts)["holds"] == 3
    assert not [each for each in report.not_checked if "newest version" in each]


class Change(NamedTuple):
    """What is changed by SQL, the words that name it, and the table that they are about."""

    words: str
    statements: tuple[str, ...]
    table: str = "database:hold"


MEMBER_OF_A = "(SELECT min(log_index) FROM hold_record WHERE hold_id = '{a}')"
MEMBER_OF_B = "(SELECT min(log_index) FROM hold_record WHERE hold_id = '{b}')"
OTHER = "(SELECT log_index FROM record WHERE id = '{posts[7]}')"
NOBODY = "00000000000000000000000000"
MEMBERS = "database:hold_record"

HOLDS: dict[str, tuple[Change, ...]] = {
    "states": (
        Change(
            "hold {a}: expected state 'active' as in the log, found 'released'",
            ("UPDATE hold SET state = 'released', released_at = placed_at WHERE id = '{a}'",),
        ),
        Change(
            "hold {c}: expected state 'released' as in the log, found 'active'",
            ("UPDATE hold SET state = 'active', released_at = NULL WHERE id = '{c}'",),
        ),
        Change(
            "hold {b}: expected placed_at ",
            ("UPDATE hold SET placed_at = placed_at - 1 WHERE id = '{b}'",),
        ),
    ),
    "rows": (
        Change(
            "hold {a}: expected it active over 3 records, found no row",
            ("DELETE FROM hold_record WHERE hold_id = '{a}'", "DELETE FROM hold WHERE id = '{a}'"),
        ),
        Change(
            f"hold {NOBODY}: expected no such hold, as the log has none",
            (
                (
                    f"INSERT INTO hold SELECT '{NOBODY}', name, matter, reason, scope, state, "
                    "log_size, records, members_sha256, placed_at, placed_by, NULL, NULL, NULL "
                    "FROM hold WHERE id = '{b}'"
                ),
            ),
        ),
        Change(
            "hold {c}: expected records 1 as in the log, found 0",
            (
                "DELETE FROM hold_record WHERE hold_id = '{c}'",
                "UPDATE hold SET records = 0, members_sha256 = x'{nobody}' WHERE id = '{c}'",
            ),
        ),
    ),
    "members": (
        Change(
            "hold {a}: expected the 3 records that the log says, found 4",
            (f"INSERT INTO hold_record VALUES ('{{a}}', {OTHER})",),
            MEMBERS,
        ),
        Change(
            "hold {b}: expected the 2 records that the log says, found 1",
            (f"DELETE FROM hold_record WHERE log_index = {MEMBER_OF_B}",),
            MEMBERS,
        ),
    ),
    "members of two holds exchanged": (
        Change(
            "hold {a}: expected the 3 records that the log says, found 3, among them others",
            (
                f"UPDATE hold_record SET hold_id = 'x' WHERE log_index = {MEMBER_OF_A}",
                f"UPDATE hold_record SET hold_id = '{{a}}' WHERE log_index = {MEMBER_OF_B}",
                "UPDATE hold_record SET hold_id = '{b}' WHERE hold_id = 'x'",
            ),
            MEMBERS,
        ),
        Change(
            "hold {b}: expected the 2 records that the log says, found 2, among them others",
            (),
            MEMBERS,
        ),
    ),
}


def require_found(report: Report, copy: Copy[BuiltT], changes: tuple[Change, ...]) -> None:
    for each in changes:
        words = each.words.format(**copy.words)
        assert any(
            words in problem.what and problem.object_key == each.table
            for problem in report.problems
        ), (words, report.problems)


@pytest.mark.parametrize("kind", HOLDS)
async def test_a_hold_that_was_changed_is_found_without_opening_content(
    copy: Copy[Built], kind: str
) -> None:
    copy.sql(*(statement for each in HOLDS[kind] for statement in each.statements))

    report = await copy.verified(content=False)

    require_found(report, copy, HOLDS[kind])
    assert {each.object_key for each in report.problems} <= {"database:hold", MEMBERS}
    assert "muniment disposition stop" in report.problems[0].what


async def test_the_record_that_was_taken_out_of_a_hold_is_named(copy: Copy[Built]) -> None:
    copy.sql(f"UPDATE hold_record SET log_index = {OTHER} WHERE log_index = {MEMBER_OF_A}")
    report = await copy.verified()
    named = {each.record_id: each.what for each in report.problems if each.record_id}
    assert set(named) == {copy.built.posts[0], copy.built.posts[7]}
    assert "found it taken out" in named[copy.built.posts[0]]
    assert "found it put in" in named[copy.built.posts[7]]


RECORD, SCHEDULE, EVENT = "database:record", "database:schedule", "database:retention_event"
SETS = "database:frozen_set"

TERMS: dict[str, tuple[Change, ...]] = {
    "who did it, and where records are": (
        Change(
            "hold {a}: its name, matter in the database is not what its event says",
            ("UPDATE hold SET matter = '99-9', name = 'Z' WHERE id = '{a}'",),
        ),
        Change(
            "hold {c}: its released_by in the database",
            ("UPDATE hold SET released_by = 'nobody' WHERE id = '{c}'",),
        ),
        Change(
            "expected it in the class it was captured in, as no event moved it",
            ("UPDATE record SET rule = 'reclassified' WHERE id = '{posts[0]}'",),
            RECORD,
        ),
        Change(
            "expected it in us-sec-17a4-comms, found it reclassified to default",
            (
                (
                    "UPDATE record SET class_code = 'default', schedule_version = 2 "
                    "WHERE id = '{posts[7]}'"
                ),
            ),
            RECORD,
        ),
        Change(
            "expected it in us-sec-17a4-comms, where an event put it, found it not",
            (
                (
                    "UPDATE record SET rule = (SELECT rule FROM record WHERE id = '{posts[1]}'), "
                    "class_code = 'default', schedule_version = 2, retain_until = "
                    "(SELECT retain_until FROM record WHERE id = '{posts[1]}') "
                    "WHERE id = '{posts[6]}'"
                ),
            ),
            RECORD,
        ),
        Change(
            "the database's schedule_version is not what",
            (
                (
                    "UPDATE record SET schedule_version = 1, retain_until = {until} "
                    "WHERE id = '{posts[2]}'"
                ),
            ),
            RECORD,
        ),
        Change(
            "the database's schedule_version, retain_until is not what",
            ("UPDATE record SET retain_until = retain_until - 1 WHERE id = '{posts[3]}'",),
            RECORD,
        ),
    ),
    "which records a set has": (
        Change(
            "frozen set {frozen}: its name, members in the database is not what its event says",
            (
                "UPDATE frozen_set SET name = 'Some' WHERE id = '{frozen}'",
                (
                    "UPDATE frozen_members SET log_indexes = substr(log_indexes, 2) "
                    "WHERE set_id = '{frozen}'"
                ),
            ),
            SETS,
        ),
        Change(
            ": expected it as its event says, found none",
            (
                "DELETE FROM frozen_members WHERE set_id <> '{frozen}'",
                "DELETE FROM frozen_set WHERE id <> '{frozen}'",
            ),
            SETS,
        ),
        Change(
            f"frozen set {NOBODY}: expected the event that froze it, found none",
            (
                (
                    f"INSERT INTO frozen_set SELECT '{NOBODY}', name, matter, query, normalised, "
                    "options, expansions, within, engine, analyzer, log_size, records, "
                    "members_sha256, frozen_at, frozen_by FROM frozen_set WHERE id = '{frozen}'"
                ),
            ),
            SETS,
        ),
    ),
    "what is there no more": (
        Change(
            "schedule default: expected version 2 as its event states it, found it deleted",
            ("DELETE FROM schedule WHERE class_code = 'default' AND version = 2",),
            SCHEDULE,
        ),
        Change(
            "expected it as its event states it, found it no row in force",
            ("DELETE FROM retention_event",),
            EVENT,
        ),
        Change(
            "the event has no row in the readable audit trail",
            ("DELETE FROM event WHERE action = 'retention:stated'",),
            "database:event",
        ),
    ),
    "what says something else": (
        Change(
            "schedule default: expected version 2 as its event states it, found it altered",
            ("UPDATE schedule SET body = replace(body, 'P20Y', 'P1D')",),
            SCHEDULE,
        ),
        Change(
            "expected it as its event states it, found it altered",
            ("UPDATE retention_event SET name = 'contract_ended'",),
            EVENT,
        ),
        Change(
            "the database's action is not what the stored record says",
            ("UPDATE event SET action = 'searched' WHERE action = 'retention:stated'",),
            "database:event",
        ),
    ),
    "what nobody stated": (
        Change(
            "schedule default: expected version 3 as its event states it, found it not stated by",
            (
                (
                    "INSERT INTO schedule SELECT class_code, 3, body, in_force_from + 1 "
                    "FROM schedule WHERE class_code = 'default' AND version = 2"
                ),
            ),
            SCHEDULE,
        ),
        Change(
            "expected none in force, as no event states it, found one",
            (
                (
                    f"INSERT INTO retention_event SELECT '{NOBODY}', name, platform, account, "
                    "record_id, happened_at, note, source, corrects, in_force, stated_by, "
                    "stated_at, day FROM retention_event"
                ),
            ),
            EVENT,
        ),
    ),
}


@pytest.mark.parametrize("kind", TERMS)
async def test_what_no_stored_event_states_is_found_by_content(
    copy: Copy[Built], kind: str
) -> None:
    copy.sql(*(statement for each in TERMS[kind] for statement in each.statements))
    require_found(await copy.verified(), copy, TERMS[kind])


async def test_a_release_that_nobody_made_is_found_though_the_log_states_it(
    copy: Copy[Built],
) -> None:
    """Whoever writes an entry into the table of entries has it signed by the archive itself."""
    a = copy.built.a
    entry = hold_entry(a, on=False, count=3, members_sha256=bytes(32), ts_ms=1)
    copy.sql(
        "INSERT INTO log_entry SELECT next_index, x'" + entry.hex() + "' FROM log_state",
        "UPDATE log_state SET next_index = next_index + 1",
        "UPDATE hold SET state = 'released', released_at = 1 WHERE id = '{a}'",
    )

    report = await copy.verified()

    assert any(
        f"hold {a}: the log states that it was released, expected the event" in each.what
        for each in report.problems
    )
