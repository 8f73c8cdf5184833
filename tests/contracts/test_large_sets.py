"""Large sets of records: counted, named and compared exactly, on both databases, without a scan."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from sqlalchemy import event, insert, select

from archiver.db import hold_overlaps, refiling
from archiver.db import holds as hold_rows
from archiver.db import records as record_rows
from archiver.db.hold_overlaps import Overlap
from archiver.db.holds import ACTIVE, RELEASED, HoldRow
from archiver.db.number_lists import listed
from archiver.db.tables import record, segment
from archiver.db.transaction import Database, Transaction
from tests.contracts.test_database_contract import a_row_of

EVENTS = "events"
EDGES = (0, 7, 30, 31, 90, 120)
"""Where segments begin; the one from 31 holds events."""


def is_post(index: int) -> bool:
    return not 31 <= index < 90


def is_there(index: int) -> bool:
    return index % 11 != 5  # the others were destroyed


def is_copy(index: int) -> bool:
    return index % 13 == 4


@pytest.fixture(autouse=True)
async def filled(database: Database) -> None:
    """A log of 120 records in five segments, one of them of events."""
    async with database.transaction() as tx:
        for start, end in pairwise(EDGES):
            gone = sum(not is_there(index) for index in range(start, end))
            await tx.execute(
                insert(segment),
                a_row_of(segment)
                | {"id": f"{start:026}", "first_index": start, "records": end - start}
                | {"class_code": "default" if is_post(start) else EVENTS, "destroyed": gone},
            )
            rows = [_record(index, start) for index in range(start, end) if is_there(index)]
            await tx.execute(insert(record), rows)


def _record(index: int, first: int) -> dict[str, object]:
    copies = f"{0:026}" if is_copy(index) and is_post(index) else None
    named = {"id": f"{1000 - index:026}", "segment_id": f"{first:026}", "duplicate_of": copies}
    whose = {"entry_type": "rec", "platform": "x", "account": f"a{index % 3}"}
    return a_row_of(record) | named | whose | {"log_index": index}


async def place(tx: Transaction, hold_id: str, members: set[int], *, state: str = ACTIVE) -> None:
    row = HoldRow(
        id=hold_id,
        name=f"of {hold_id}",
        matter="",
        reason="r",
        scope="{}",
        state=state,
        log_size=200,
        records=len(members),
        members_sha256=b"",
        placed_at=0,
        placed_by="carla",
    )
    await tx.run_sync(lambda connection: hold_rows.insert_whole(connection, row, sorted(members)))


async def test_the_posts_below_every_log_size_are_counted(database: Database) -> None:
    async with database.reading() as tx:
        for size in range(EDGES[-1] + 3):
            posts = [n for n in range(min(size, EDGES[-1])) if is_post(n) and is_there(n)]
            expected = sum(not is_copy(n) for n in posts)
            assert await record_rows.count_posts(tx, size, EVENTS) == expected, size


async def test_counting_posts_never_walks_through_the_records(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL knows how many rows a table has, and plans with it")
    async with database.reading() as tx:
        with _statements(database) as statements:
            await record_rows.count_posts(tx, 20, EVENTS)
        steps = await _plan(tx, statements)
    of_records = [step for step in steps if " record" in step]
    assert len(of_records) >= 2
    bounded = ("rowid>? AND rowid<?", "ix_record_duplicate_of")
    assert all(any(part in step for part in bounded) for step in of_records), of_records


async def test_following_the_log_finds_earlier_versions_by_their_post(database: Database) -> None:
    """By their account it took three seconds for each thousand of a million records."""
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL knows how many rows a table has, and plans with it")
    async with database.reading() as tx:
        with _statements(database) as statements:
            found = await tx.run_sync(lambda c: refiling._earlier_versions(c, 7, 30))
        steps = await _plan(tx, statements)
    assert found == [index for index in range(7) if is_there(index)]
    assert any("ix_record_platform_post_id (platform=? AND post_id=?)" in step for step in steps)


Seen = list[tuple[str, tuple[object, ...]]]


async def _plan(tx: Transaction, statements: Seen) -> list[str]:
    """The steps by which SQLite answers these statements."""
    return [
        str(step[-1])
        for sql, values in statements
        for step in await tx.run_sync(
            lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)  # noqa: B023 - at once
        )
    ]


@contextmanager
def _statements(database: Database) -> Iterator[Seen]:
    seen: Seen = []

    def note(_c: object, _cursor: object, sql: str, values: tuple[object, ...], *_: object) -> None:
        seen.append((sql, values))

    engine = database._reading.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_list_of_numbers_is_one_parameter_however_long(database: Database) -> None:
    numbers = [0, 2**53, *range(70_000)]
    async with database.reading() as tx:
        rows = listed(tx.dialect, numbers).subquery()
        found = (await tx.execute(select(rows))).scalars().all()
        assert sorted(found) == sorted(numbers)
        assert (await tx.execute(listed(tx.dialect, []))).all() == []


async def test_records_are_named_in_the_order_of_the_log(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_rows, "_IDS_AT_ONCE", 7)
    wanted = [index for index in range(0, 120, 2) if is_there(index)]
    async with database.reading() as tx:
        ids = await record_rows.ids_at(tx, wanted)
        assert ids == [f"{1000 - index:026}" for index in wanted]
        assert await record_rows.ids_at(tx, []) == []


async def test_records_are_named_at_once_in_the_order_of_their_ids(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_rows, "AT_ONCE", 7)
    asked = list(range(0, 120, 2))  # destroyed ones as well
    async with database.reading() as tx:
        ids = await record_rows.ids_among(tx, asked)
        assert ids == sorted(f"{1000 - index:026}" for index in asked if is_there(index))
        assert await record_rows.ids_among(tx, [5, 16]) == []
        assert await record_rows.ids_among(tx, []) == []


async def test_overlaps_of_holds_are_those_of_their_members(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold_rows, "AT_ONCE", 7)
    monkeypatch.setattr(hold_overlaps, "AT_ONCE", 7)
    rng = random.Random(3)
    sets = {f"{n:026}": set(rng.sample(range(120), rng.randrange(1, 100))) for n in range(6)}
    sets["F" * 26] = {500}  # shares nothing with any
    released = f"{5:026}"
    async with database.transaction() as tx:
        for name, members in sets.items():
            await place(tx, name, members, state=RELEASED if name == released else ACTIVE)
    async with database.reading() as tx:
        for name, members in sets.items():
            assert await hold_rows.member_indexes(tx, [name]) == members
            others = {
                other: len(members & theirs)
                for other, theirs in sets.items()
                if other not in {name, released} and members & theirs
            }
            assert await hold_overlaps.overlaps(tx, name) == _most_first(others)
            union = set().union(*(sets[other] for other in others))
            among = others if name == released else others | {name: len(members)}
            held = len(members & union if name == released else members)
            expected = (held, _most_first(among))
            assert await hold_overlaps.held_among(tx, sorted(members)) == expected
            alone = [index for index in members - union if index < EDGES[-1] and is_there(index)]
            freed = await hold_overlaps.freed_by(tx, name, 0, others)
            assert freed == hold_overlaps.Freed(due=0, later=0, undated=len(alone))
        assert await hold_overlaps.held_among(tx, []) == (0, [])


def _most_first(shared: dict[str, int]) -> list[Overlap]:
    ordered = sorted(shared.items(), key=lambda each: (-each[1], each[0]))
    return [Overlap(hold_id, f"of {hold_id}", "", records) for hold_id, records in ordered]


async def test_records_are_counted_by_the_account_they_are_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold_rows, "AT_ONCE", 7)
    asked = list(range(1, 120, 2))
    async with database.reading() as tx:
        found = await hold_rows.accounts_among(tx, asked)
    assert found == Counter(("x", f"a{index % 3}") for index in asked if is_there(index))
