"""Random small archives as rows: versions of posts, copies, events, holds, locks, two classes.

What a simulation or a refiling says of them is compared with the retention engine, asked for one
record after the other.
"""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from archiver.clock import from_millis, to_millis
from archiver.db.transaction import Connection, Database, open_database
from retention.facts import EARLIEST
from retention.schedules import Schedule
from tests.fakes.filed_rows import FiledRows
from tests.unit.retention.samples import schedules

START = datetime(2020, 1, 1, tzinfo=UTC)
CLASSES = ("default", "public-posts")
ACCOUNTS = ("acme", "shop")
EVENTS = ("account_closed", "last_use")

# Years in which terms, locks and the moment of asking meet.
moments = st.datetimes(
    min_value=datetime(2015, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2045, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: from_millis(to_millis(moment)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One record to write."""

    number: int
    account: str
    class_code: str
    posted_at: datetime | None
    captured_at: datetime
    edited_at: datetime | None
    is_copy: bool
    lock_until: datetime | None
    held: bool
    media: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A retention event to write: of an account, or of the record at `post` where not None."""

    name: str
    account: str
    post: int | None
    happened_at: datetime
    in_force: bool
    is_day: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomArchive:
    """What is written, and the moment at which it is asked."""

    schedules: Sequence[Schedule]
    posts: Sequence[Post]
    events: Sequence[Stated]
    now: datetime

    def write(self, connection: Connection) -> FiledRows:
        """Write all of it into an empty database."""
        rows = FiledRows(connection)
        rows.a_log(len(self.posts))
        for each in self.schedules:
            rows.a_class(each, in_force_from=[EARLIEST])
        first: dict[tuple[int, str], str] = {}
        ids: list[str] = []
        held: list[int] = []
        for post in self.posts:
            record_id = rows.new_id()
            original = first.setdefault((post.number, post.account), record_id)
            is_copy = post.is_copy and original != record_id
            index = rows.a_post(
                rows.a_segment(lock_until=post.lock_until),
                id=record_id,
                duplicate_of=original if is_copy else None,
                post_id=f"p{post.number}",
                account=post.account,
                class_code=post.class_code,
                posted_at=post.posted_at,
                captured_at=post.captured_at,
                edited_at=post.edited_at,
            )
            ids.append(original if is_copy else record_id)
            if post.media:
                rows.a_blob(record_id, size=post.media)
            if post.held:
                held.append(index)
        rows.a_hold(held)
        rows.a_hold(range(len(self.posts)), state="released")
        for event in self.events:
            if event.post is None:
                about = {"platform": "example", "account": event.account}
            else:
                about = {"record_id": ids[event.post % len(ids)]}
            day = event.happened_at.date().isoformat() if event.is_day else ""
            rows.an_event(event.name, event.happened_at, day=day, in_force=event.in_force, **about)
        return rows


@asynccontextmanager
async def written(archive: RandomArchive, migrated: Path) -> AsyncIterator[Database]:
    """A database of its own that holds an archive; `migrated` is an empty one to copy."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        shutil.copyfile(migrated, path)
        database = open_database(f"sqlite:///{path}")
        try:
            async with database.transaction() as tx:
                await tx.run_sync(archive.write)
            yield database
        finally:
            await database.close()


def schedules_of(code: str, version: int = 1) -> st.SearchStrategy[Schedule]:
    """Any schedule of a class."""
    return schedules.map(lambda each: replace(each, class_code=code, version=version))


posts = st.builds(
    Post,
    number=st.integers(0, 3),
    account=st.sampled_from(ACCOUNTS),
    class_code=st.sampled_from(CLASSES),
    posted_at=st.one_of(st.none(), moments, st.just(EARLIEST - timedelta(days=9))),
    captured_at=moments,
    edited_at=st.one_of(st.none(), moments),
    is_copy=st.booleans(),
    lock_until=st.one_of(st.none(), moments),
    held=st.booleans(),
    media=st.sampled_from([0, 0, 5000]),
)
stated = st.builds(
    Stated,
    name=st.sampled_from(EVENTS),
    account=st.sampled_from(ACCOUNTS),
    post=st.one_of(st.none(), st.integers(0, 9)),
    happened_at=moments,
    in_force=st.booleans(),
    is_day=st.booleans(),
)
archives = st.builds(
    RandomArchive,
    schedules=st.tuples(*map(schedules_of, CLASSES)),
    posts=st.lists(posts, min_size=1, max_size=8),
    events=st.lists(stated, max_size=4),
    now=moments,
)
