"""Whatever came into force or was stated, refiled records end when the engine says."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from archiver.clock import from_millis, to_millis
from archiver.db import refiling as rows
from archiver.db.facts import facts_of
from archiver.db.refiling import Changed, Scope
from archiver.db.tables import record
from archiver.db.transaction import Connection, Database
from retention.decisions import retain_until
from retention.ends import Ends
from retention.schedules import Schedule
from tests.fakes.filed_rows import FiledRows
from tests.fakes.random_archives import CLASSES, RandomArchive, archives, schedules_of, written

REFILING = "r".rjust(26, "0")
at_random = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
End = tuple[int, datetime | None]


def in_force(*schedules: Schedule) -> rows.InForce:
    return {each.class_code: (each.version, Ends(each)) for each in schedules}


async def ends_in(database: Database) -> dict[int, End]:
    """Version and end of every record, as its row says."""
    async with database.reading() as tx:
        found = await tx.execute(select(record))
        return {
            row.log_index: (
                row.schedule_version,
                None if row.retain_until is None else from_millis(row.retain_until),
            )
            for row in found
        }


async def ends_by_engine(database: Database, schedules: Mapping[str, Schedule]) -> dict[int, End]:
    """The same, from the engine, asked for one record after the other."""
    async with database.reading() as tx:
        found = {row.log_index: row.class_code for row in await tx.execute(select(record))}
        facts = await facts_of(tx, sorted(found))
    return {
        index: (schedules[code].version, retain_until(facts[index], schedules[code]).until)
        for index, code in found.items()
    }


async def follow_all(database: Database, schedules: rows.InForce, *, page: int) -> None:
    await database.run(lambda sync: rows.begin(sync, schedules, 0), writes=True)
    start = 0
    while start < 10:
        end = start + page
        step = partial(rows.follow, start=start, end=end, in_force=schedules, now=0)
        assert await database.run(step, writes=True)
        start = end


@at_random
@given(archive=archives, page=st.integers(1, 10))
async def test_followed_from_the_beginning_every_record_ends_as_the_engine_says(
    migrated_sqlite: Path, archive: RandomArchive, page: int
) -> None:
    async with written(archive, migrated_sqlite) as database:
        await follow_all(database, in_force(*archive.schedules), page=page)

        by_class = {each.class_code: each for each in archive.schedules}
        assert await ends_in(database) == await ends_by_engine(database, by_class)


@at_random
@given(
    archive=archives, new=schedules_of("default", 2), page=st.integers(1, 9), again=st.booleans()
)
async def test_a_class_is_refiled_in_pages_of_any_size_each_done_once_or_twice(
    migrated_sqlite: Path,
    archive: RandomArchive,
    new: Schedule,
    page: int,
    again: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    old, other = archive.schedules
    now = to_millis(archive.now)
    async with written(archive, migrated_sqlite) as database:
        await follow_all(database, in_force(old, other), page=10)
        before = await ends_in(database)
        scope = Scope(class_code=CLASSES[0], version=2)
        await database.run(
            lambda sync: rows.ask(sync, REFILING, "version 2", scope, 1), writes=True
        )
        schedules = in_force(new, other)

        while not (row := (await database.run(rows.pending, writes=False))[0]).done:
            for _ in range(1 + again):
                step = partial(rows.advance, row=row, in_force=schedules, now=now, limit=page)
                await database.run(step, writes=True)

        after = await ends_in(database)
        by_class = {"default": new, other.class_code: other}
        assert after == await ends_by_engine(database, by_class)
        changed = Changed(row.records, row.longer, row.shorter, row.due)
        assert changed == counted(before, after, archive)


def counted(before: dict[int, End], after: dict[int, End], archive: RandomArchive) -> Changed:
    """What a refiling of the first class changed."""
    never = datetime.max.replace(tzinfo=archive.now.tzinfo)
    pairs = [
        (before[index][1] or never, after[index][1] or never)
        for index, post in enumerate(archive.posts)
        if post.class_code == CLASSES[0]
    ]
    return Changed(
        records=len(pairs),
        longer=sum(new > old for old, new in pairs),
        shorter=sum(new < old for old, new in pairs),
        due=sum(new <= archive.now < old for old, new in pairs),
    )


@at_random
@given(archive=archives, later=archives)
async def test_what_is_stated_of_accounts_and_posts_is_refiled(
    migrated_sqlite: Path, archive: RandomArchive, later: RandomArchive
) -> None:
    """Events are stated after the records were filed without them, and some withdrawn."""
    schedules = in_force(*archive.schedules)
    async with written(archive, migrated_sqlite) as database:
        await follow_all(database, schedules, page=10)

        def state(sync: Connection) -> None:
            state_late(sync, later)

        await database.run(state, writes=True)
        while not (row := (await database.run(rows.pending, writes=False))[0]).done:
            step = partial(rows.advance, row=row, in_force=schedules, now=0, limit=2)
            await database.run(step, writes=True)

        by_class = {each.class_code: each for each in archive.schedules}
        assert await ends_in(database) == await ends_by_engine(database, by_class)


def state_late(connection: Connection, later: RandomArchive) -> None:
    """State the events of another archive of this one's accounts and posts."""
    events = FiledRows(connection, first_id=1000)
    ids = [row.duplicate_of or row.id for row in connection.execute(select(record))]
    accounts, posts = set(), set()
    for each in later.events:
        if each.post is None:
            accounts.add(("example", each.account))
            about = {"platform": "example", "account": each.account}
        else:
            posts.add(ids[each.post % len(ids)])
            about = {"record_id": ids[each.post % len(ids)]}
        events.an_event(each.name, each.happened_at, in_force=each.in_force, **about)
    scope = Scope(accounts=tuple(sorted(accounts)), record_ids=tuple(sorted(posts)))
    rows.ask(connection, REFILING, "events", scope, 1)
