"""Which records may be proposed for disposal: all that nothing keeps, and no other."""

from datetime import UTC, datetime, timedelta

import pytest

from archiver.clock import to_millis
from archiver.db.different import different
from archiver.db.due import DueRow, due
from archiver.db.home import disposal_figures
from archiver.db.plan_report import records_of
from archiver.db.tables import a_post, record
from archiver.db.transaction import Connection, Database
from tests.fakes.filed_rows import FiledRows

NOW = datetime(2032, 3, 1, tzinfo=UTC)
CAPTURED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONE_MS = timedelta(milliseconds=1)


class Written:
    """The log indexes of one archive's rows, by what keeps them."""

    def __init__(self, connection: Connection) -> None:
        rows = FiledRows(connection)
        unlocked = rows.a_segment()
        lock_ended = rows.a_segment(lock_until=NOW)
        locked = rows.a_segment(lock_until=NOW + ONE_MS)

        def post(place: str = unlocked, *, until: datetime | None = NOW, **given: object) -> int:
            return rows.a_post(place, captured_at=CAPTURED, retain_until=until, **given)

        self.ended = post(id="e".rjust(26, "0"), account="shop")
        rows.a_blob("e".rjust(26, "0"), size=70_000)
        rows.a_blob("e".rjust(26, "0"), size=5_000)
        self.lock_ended = post(lock_ended)
        self.in_released_hold, self.in_closed_batch = post(), post()
        rows.a_hold([self.in_released_hold], state="released")
        rows.a_batch([self.in_closed_batch], state="done", member="kept")
        rows.a_batch([self.in_closed_batch], state="cancelled")
        self.ends_next = post(until=NOW + ONE_MS)
        self.kept = [post(until=None), post(locked), post(), post(), post(), post()]
        post(entry_type="aud")
        rows.a_hold(self.kept[2:3])
        rows.a_hold(self.kept[2:3], state="released")
        rows.a_batch(self.kept[3:4], state="formed")
        rows.a_batch(self.kept[4:5], state="reviewed", member="excluded")
        rows.a_batch(self.kept[5:6], state="executing", member="condemned")
        self.due = [self.ended, self.lock_ended, self.in_released_hold, self.in_closed_batch]


@pytest.fixture
async def written(database: Database) -> Written:
    async with database.transaction() as tx:
        return await tx.run_sync(Written)


async def found(database: Database, *, at: datetime = NOW, limit: int = 2) -> list[DueRow]:
    """What is due, read in pages."""
    rows: list[DueRow] = []
    after: DueRow | None = None
    async with database.reading() as tx:
        while page := await due(tx, at=to_millis(at), after=after, limit=limit):
            rows += page
            after = page[-1]
    return rows


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_only_what_nothing_keeps_is_due(
    database: Database, written: Written, limit: int
) -> None:
    assert [row.log_index for row in await found(database, limit=limit)] == written.due


async def test_nothing_is_due_a_moment_before_its_retention_and_its_lock_have_ended(
    database: Database, written: Written
) -> None:
    assert await found(database, at=NOW - ONE_MS) == []
    later = [row.log_index for row in await found(database, at=NOW + ONE_MS)]
    assert later == [*written.due, written.kept[1], written.ends_next]  # by their ends


async def test_a_row_says_what_batches_are_made_of(database: Database, written: Written) -> None:
    first, *_ = await found(database)

    assert first == DueRow(
        log_index=written.ended,
        retain_until=to_millis(NOW),
        class_code="default",
        schedule_version=1,
        platform="example",
        account="shop",
        period="2032-02",  # its last moment is in February
        size=1000 + written.ended + 75_000,
    )


async def test_what_ended_first_comes_first(database: Database) -> None:
    def write(connection: Connection) -> None:
        rows = FiledRows(connection)
        place = rows.a_segment()
        for days in (3, 1, 2):
            rows.a_post(place, captured_at=CAPTURED, retain_until=NOW - timedelta(days=days))

    async with database.transaction() as tx:
        await tx.run_sync(write)

    assert [row.log_index for row in await found(database)] == [0, 2, 1]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("most", [1, 100])
async def test_held_records_that_are_due_are_counted_alike_from_either_side(
    database: Database, most: int
) -> None:
    async with database.reading() as tx:
        figures = await disposal_figures(tx, now=to_millis(NOW), most=most)
        before = await disposal_figures(tx, now=to_millis(NOW - ONE_MS), most=most)

    assert (before.held, figures.held) == (0, 1)


async def test_a_class_is_listed_in_log_order_across_its_versions(database: Database) -> None:
    def write(connection: Connection) -> None:
        rows = FiledRows(connection)
        place = rows.a_segment()
        for version in (2, 1, 2, 1):
            rows.a_post(place, captured_at=CAPTURED, schedule_version=version)
        rows.a_post(place, captured_at=CAPTURED, class_code="other")

    async with database.transaction() as tx:
        await tx.run_sync(write)
        pages = [
            await records_of(tx, "default", version, after=after, limit=3)
            for version, after in ((0, -1), (0, 2), (2, -1))
        ]
        codes = await tx.execute(different(record.c.class_code, a_post))

        assert [[row.log_index for row in page] for page in pages] == [[0, 1, 2], [3], [0, 2]]
        assert list(codes.scalars()) == ["default", "other"]
