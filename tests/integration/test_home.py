"""The figures of the page one lands on are right, and one's own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from archiver.access.home import MOST_CHANGES, Home
from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db.tables import job, person, session, token
from archiver.model.actor import Actor, LimitedRole, Role
from tests.fakes.small_archive import START, SmallArchive, small_archive

NOW = to_millis(START)
DAY = 86_400_000
ADA = Actor(name="ada", roles=frozenset({Role.ADMINISTRATOR}), person_id="P" * 26)
COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL}))
OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def home(archive: SmallArchive) -> Home:
    return Home(database=archive.database, clock=archive.clock)


async def add_person(archive: SmallArchive, number: int, state: str, locked: int | None) -> None:
    async with archive.database.transaction() as tx:
        await tx.execute(
            insert(person).values(
                id=f"{number:0>26}",
                name="N",
                email=f"{number}@example.com",
                state=state,
                preferences="{}",
                created_at=NOW,
                created_by="test",
                failures=0,
                locked_until=locked,
                stated_at=NOW,
            )
        )


async def searched(archive: SmallArchive, actor: Actor, query: str, count: int) -> None:
    archive.clock.pass_by(timedelta(minutes=1))
    await archive.trail.record(
        Action.SEARCH_RUN,
        actor=actor,
        object_type="query",
        details={"query": query, "count": count},
    )


async def test_searches_are_ones_own_newest_first_and_each_once(
    archive: SmallArchive, home: Home
) -> None:
    for query, count in (("merger", 1), ("fees", 2), ("merger", 3), (" ", 9)):
        await searched(archive, COUNSEL, query, count)
    await searched(archive, Actor(name="other", roles=COUNSEL.roles), "secret", 4)
    found = (await home.show(actor=COUNSEL)).searches
    assert [(each.query, each.count) for each in found or ()] == [("merger", 3), ("fees", 2)]
    assert (await home.show(actor=OPERATOR)).searches is None


async def test_changes_are_those_of_others_since_the_sign_in_before(
    archive: SmallArchive, home: Home
) -> None:
    await searched(archive, COUNSEL, "before", 1)
    await add_person(archive, 1, "active", None)
    archive.clock.pass_by(timedelta(hours=1))
    first = to_millis(archive.clock())
    async with archive.database.transaction() as tx:
        for number, started in ((1, first), (2, first + 2 * DAY)):
            await tx.execute(
                insert(session).values(
                    id=f"{number:0>26}",
                    sha256=bytes([number]) * 32,
                    person_id=f"{1:0>26}",
                    method="password",
                    started_at=started,
                    seen_at=started,
                    expires_at=started + DAY,
                    confirmed_at=started,
                    address="",
                    agent="",
                )
            )
    ada = Actor(name="ada", roles=ADA.roles, person_id=f"{1:0>26}")
    await searched(archive, COUNSEL, "after", 1)
    await searched(archive, ada, "mine", 1)
    changes = (await home.show(session_id=f"{2:0>26}", actor=ada)).changes
    assert changes is not None
    assert (changes.events, changes.since, changes.at_least) == (
        1,
        "2026-03-02T10:01:00.000Z",
        False,
    )
    unknown = (await home.show(session_id=f"{1:0>26}", actor=ada)).changes
    assert unknown is not None
    assert unknown.since == ""
    assert unknown.events < MOST_CHANGES


async def test_access_is_counted_for_who_manages_it(archive: SmallArchive, home: Home) -> None:
    for number, (state, locked) in enumerate(
        [("invited", None), ("invited", None), ("active", NOW + DAY), ("active", NOW - DAY)], 1
    ):
        await add_person(archive, number, state, locked)
    async with archive.database.transaction() as tx:
        for number, (expires, revoked) in enumerate(
            [(NOW + DAY, None), (NOW + 60 * DAY, None), (NOW - DAY, None), (NOW + DAY, NOW)]
        ):
            await tx.execute(
                insert(token).values(
                    id=f"T{number:0>25}",
                    name="t",
                    sha256=bytes([number]) * 32,
                    roles="auditor",
                    created_at=NOW,
                    expires_at=expires,
                    revoked_at=revoked,
                )
            )
    await archive.trail.record(Action.GLASS_BROKEN, actor=OPERATOR, details={"reason": "outage"})
    panel = (await home.show(actor=ADA)).access
    assert panel is not None
    figures = panel.figures
    assert (figures.invited, figures.locked, figures.expiring) == (2, 1, 1)
    assert panel.glass_broken == 1
    assert (await home.show(actor=COUNSEL)).access is None


async def test_failed_jobs_of_late_are_counted(archive: SmallArchive, home: Home) -> None:
    async with archive.database.transaction() as tx:
        for number, (state, at) in enumerate(
            [("failed", NOW), ("failed", NOW - 30 * DAY), ("done", NOW)]
        ):
            await tx.execute(
                insert(job).values(
                    **{column.name: "" for column in job.c if not column.nullable}
                    | {
                        "id": f"J{number:0>25}",
                        "arguments": "{}",
                        "result": "{}",
                        "state": state,
                        "created_at": at,
                        "done": 0,
                    }
                )
            )
    assert (await home.show(actor=OPERATOR)).failed_jobs == 1


async def test_who_is_limited_gets_no_figure_of_the_whole(home: Home) -> None:
    held = frozenset(
        {
            LimitedRole(role=role, unit="Treasury")
            for role in (Role.ADMINISTRATOR, Role.OPERATOR, Role.AUDITOR)
        }
    )
    found = await home.show(actor=Actor(name="lou", roles=frozenset(), limited=held))
    assert (found.changes, found.access, found.failed_jobs) == (None, None, None)
