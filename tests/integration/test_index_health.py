"""What the index's keepers say: an engine that is too small, and posts that failed for a reason."""

import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.db.searchable import Place
from archiver.db.transaction import Database
from archiver.errors import StorageUnavailable
from archiver.jobs import documents as documents_module
from archiver.jobs.documents import Documents, Unread, Why
from archiver.jobs.finding import State
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.index_examination import look_at_index
from archiver.jobs.index_health import index_health, look_at_ceiling
from archiver.preserve.reader import OpenedRecord
from search.document import Document
from search.engines import opening
from tests.fakes.small_archive import SmallArchive, arrival, small_archive


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[SmallArchive]:
    """Three posts, indexed."""
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    async with small_archive(tmp_path / "home", url) as opened:
        for number in range(3):
            await opened.capture(arrival(f"p{number}", f"merger {number}"))
        await opened.index_all()
        yield opened


async def crowded(database: Database, url: str) -> str:
    async with database.reading() as tx:
        return await look_at_ceiling(tx, url)


async def test_an_archive_larger_than_its_engine_is_meant_for_is_told_and_nothing_refused(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_CEILINGS", {"whoosh": 2, "tantivy": 3})
    assert await crowded(archive.database, archive.index.url) == "", "three are not too many"
    said = await crowded(archive.database, "whoosh:/anywhere")
    assert said.startswith("3 posts are more than the 2 that whoosh3 ")

    monkeypatch.setattr(opening, "_CEILINGS", {"tantivy": 2})
    comparison = IndexComparison(
        index=archive.index,
        database=archive.database,
        clock=archive.clock,
        stopwatch=lambda: 0.0,
        trail=archive.trail,
    )
    health = await index_health(archive.database, archive.index, comparison)
    found = await look_at_index(archive.database, archive.index.url, archive.archive.id)

    assert "more than the 2 that tantivy" in health.crowded
    assert found[0] is State.WARNING
    assert health.crowded in found[1]
    assert "tantivy:FOLDER" in found[2]


def test_whoosh_is_meant_for_fifty_thousand_posts_and_tantivy_for_any_number() -> None:
    assert opening.ceiling("whoosh:/a") == 50_000
    assert opening.ceiling("tantivy:/a") is None


@pytest.mark.parametrize(
    "failure", [MemoryError(), OSError(errno.EMFILE, "Too many open files"), RuntimeError("thread")]
)
async def test_what_fails_for_want_of_memory_or_handles_is_tried_again_and_not_set_aside(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    documents = Documents(archive.database, archive.reader)
    failing(monkeypatch, 1, failure)

    with pytest.raises(StorageUnavailable, match="want of something on this machine"):
        await documents.read_each(0, 3)
    impatient = await documents.read_each(0, 3, patient=False)

    assert [each.number for each in impatient.documents] == [0, 2]
    assert [(each.log_index, each.why) for each in impatient.unread] == [(1, Why.UNREADABLE)]


@pytest.mark.parametrize("failure", [ValueError("words of the post"), RecursionError(), KeyError()])
async def test_what_a_content_trips_is_set_aside_at_once(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    failing(monkeypatch, 1, failure)

    read = await Documents(archive.database, archive.reader).read_each(0, 3)

    assert [each.number for each in read.documents] == [0, 2]
    reason = f"the analyzer failed on it ({type(failure).__name__})"
    assert read.unread == (Unread(1, Why.REFUSED, reason),)


def failing(monkeypatch: pytest.MonkeyPatch, number: int, failure: Exception) -> None:
    """Let the post at a log index fail to become a document."""
    describe = documents_module.describe

    def fails(place: Place, opened: OpenedRecord) -> Document:
        if place.log_index == number:
            raise failure
        return describe(place, opened)

    monkeypatch.setattr(documents_module, "describe", fails)
