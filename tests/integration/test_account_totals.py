"""Totals are followed from the log: each record counted once, whatever happens on the way."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from archiver.db import account_totals as rows
from archiver.db import accounts as account_rows
from archiver.db import followers as follower_rows
from archiver.db.tables import account_month, account_total, class_total, follower, record
from archiver.db.transaction import Connection
from archiver.errors import DatabaseUnavailable
from archiver.jobs.account_totals import AccountTotals
from archiver.model.post import Change
from tests.fakes.small_archive import AUDITOR, SmallArchive, arrival, small_archive

Totals = dict[str, list[tuple[object, ...]]]


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path, database_url) as opened:
        yield opened


async def totals(archive: SmallArchive) -> Totals:
    """Every row of every table of totals."""
    found = {}
    async with archive.database.reading() as tx:
        for table in (account_total, account_month, class_total):
            ordered = await tx.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in ordered]
    return found


async def counted_anew(archive: SmallArchive) -> Totals:
    """What the totals should be, counted from the records without the follower."""
    by_account: dict[tuple[str, str], list[int]] = {}
    by_month: dict[tuple[str, str, str], int] = {}
    by_class: dict[str, int] = {}
    async with archive.database.reading() as tx:
        for row in await tx.execute(select(record).where(record.c.duplicate_of.is_(None))):
            by_class[row.class_code] = by_class.get(row.class_code, 0) + 1
            if row.entry_type != "rec":
                continue
            moment = datetime.fromtimestamp((row.posted_at or row.captured_at) / 1000, UTC)
            place = (row.platform, row.account)
            by_account.setdefault(place, []).append(row.captured_at)
            month = (*place, f"{moment:%Y-%m}")
            by_month[month] = by_month.get(month, 0) + 1
    assert by_account
    return {
        "account_total": [
            (*place, len(at), min(at), max(at)) for place, at in sorted(by_account.items())
        ],
        "account_month": [(*month, count) for month, count in sorted(by_month.items())],
        "class_total": sorted(by_class.items()),
    }


async def filled(archive: SmallArchive) -> None:
    """Posts of two accounts, over some days and months, with an event among them."""
    for number in range(9):
        account = "@acme" if number % 3 else "@other"
        posted = datetime(2026, 1 + number % 3, 28, 23, 59, 59, 999_000, tzinfo=UTC)
        await archive.capture(
            arrival(f"{number}", f"text {number}", account=account, posted_at=posted)
        )
        archive.clock.pass_by(timedelta(hours=30))
    await archive.filing.why(await first_record(archive), actor=AUDITOR)
    await archive.capture(arrival("0", "", account="@other", change=Change.DELETED, posted_at=None))


async def first_record(archive: SmallArchive) -> str:
    async with archive.database.reading() as tx:
        return str((await tx.execute(select(record.c.id).limit(1))).scalar_one())


async def test_totals_are_those_of_the_records(archive: SmallArchive) -> None:
    await filled(archive)
    await AccountTotals(database=archive.database, clock=archive.clock).catch_up()
    assert await totals(archive) == await counted_anew(archive)


@pytest.mark.parametrize("batch", [1, 2, 5])
async def test_the_size_of_batches_changes_nothing(archive: SmallArchive, batch: int) -> None:
    follower_of = AccountTotals(database=archive.database, clock=archive.clock, batch=batch)
    await archive.capture(arrival("early", "one"))
    await follower_of.catch_up()
    await filled(archive)
    await follower_of.catch_up()
    assert await totals(archive) == await counted_anew(archive)


async def test_replayed_from_the_beginning_they_are_the_same(archive: SmallArchive) -> None:
    follower_of = AccountTotals(database=archive.database, clock=archive.clock, batch=4)
    await filled(archive)
    await follower_of.catch_up()
    before = await totals(archive)
    await follower_of.reset()
    assert not any((await totals(archive)).values())
    await follower_of.catch_up()
    assert await totals(archive) == before


async def test_a_crash_before_the_commit_counts_nothing_and_after_it_nothing_twice(
    archive: SmallArchive,
) -> None:
    await filled(archive)
    follower_of = AccountTotals(database=archive.database, clock=archive.clock, batch=3)
    await follower_of.follow()
    counted = await totals(archive)

    def counted_and_lost(connection: Connection) -> None:
        assert rows.advance(connection, 3, 6, 1)
        raise DatabaseUnavailable("the power went")

    with pytest.raises(DatabaseUnavailable, match="the power went"):
        await archive.database.run(counted_and_lost, writes=True)
    assert await totals(archive) == counted

    await follower_of.catch_up()
    assert await totals(archive) == await counted_anew(archive)


async def test_two_processes_count_a_batch_once(archive: SmallArchive) -> None:
    await filled(archive)
    mine = AccountTotals(database=archive.database, clock=archive.clock)
    async with archive.database.reading() as tx:
        start = await follower_rows.position(tx, rows.FOLLOWER)
    await mine.catch_up()  # meanwhile, the other one has read `start` as well
    async with archive.database.transaction() as tx:
        assert not await tx.run_sync(lambda connection: rows.advance(connection, start, 5, 1))
    assert await totals(archive) == await counted_anew(archive)


async def test_a_post_that_two_servers_stored_is_one_record(archive: SmallArchive) -> None:
    await archive.capture(arrival("1", "one"), arrival("2", "two"))
    first = await first_record(archive)
    async with archive.database.transaction() as tx:
        await tx.execute(
            update(record)
            .where(record.c.id != first, record.c.entry_type == "rec")
            .values(duplicate_of=first, content_key=None)
        )
    await AccountTotals(database=archive.database, clock=archive.clock).catch_up()
    ((_, _, records, _, _),) = (await totals(archive))["account_total"]
    assert records == 1


@pytest.mark.parametrize(
    ("posted", "month"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "1969-12"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "9999-12"),
    ],
)
async def test_a_platforms_nonsense_of_a_date_stops_nothing(
    archive: SmallArchive, posted: datetime, month: str
) -> None:
    await archive.capture(arrival("1", "one", posted_at=posted))
    await AccountTotals(database=archive.database, clock=archive.clock).catch_up()
    async with archive.database.reading() as tx:
        assert await account_rows.months(tx, "mastodon", "@acme") == [(month, 1)]


async def test_an_account_nobody_registered_is_listed(archive: SmallArchive) -> None:
    await archive.capture(arrival("1", "one"), arrival("2", "two", account="@other"))
    await AccountTotals(database=archive.database, clock=archive.clock).catch_up()
    async with archive.database.reading() as tx:
        found = await account_rows.not_registered(tx, 10)
        assert sorted((each.handle, each.records) for each in found) == [
            ("@acme", 1),
            ("@other", 1),
        ]
        assert await account_rows.count_not_registered(tx) == 2


async def test_the_watermark_stands_where_the_log_ends(archive: SmallArchive) -> None:
    await filled(archive)
    await AccountTotals(database=archive.database, clock=archive.clock).catch_up()
    async with archive.database.reading() as tx:
        at = await follower_rows.position(tx, rows.FOLLOWER)
    assert at == (await archive.log_state()).next_index


async def test_another_followers_watermark_is_left_alone(archive: SmallArchive) -> None:
    async with archive.database.transaction() as tx:
        await tx.execute(insert(follower).values(name="other", position=7, updated_at=1))
    mine = AccountTotals(database=archive.database, clock=archive.clock)
    await filled(archive)
    await mine.catch_up()
    await mine.reset()
    async with archive.database.reading() as tx:
        assert await follower_rows.position(tx, "other") == 7
        assert (await tx.execute(select(func.count()).select_from(follower))).scalar_one() == 1
