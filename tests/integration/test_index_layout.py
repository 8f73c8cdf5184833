"""A release that lays the index out otherwise: the first start after it builds the index anew."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from archiver.audit.actions import Action
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.reindexing import Reindexing
from archiver.jobs.search_index import SearchIndex
from archiver.model.actor import Actor, Role
from archiver.model.post import Change
from search.document import Document
from search.engines.tantivy import schema as tantivy_schema
from search.engines.tantivy import snapshot as tantivy_snapshot
from search.engines.whoosh import catalogue
from search.errors import IndexOutdated
from search.grammar import parse
from search.matcher import values
from search.query import FieldName
from tests.fakes.small_archive import SmallArchive, arrival, small_archive

OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))
BEFORE = {"tantivy": ("layout-6", "layout-5"), "whoosh": ("layout-2", "layout-1")}
"""What each engine's layout is called now, and was while no document said whether it has words."""


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[SmallArchive]:
    """Two posts with words, a picture alone, signs alone, and a deletion."""
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    async with small_archive(tmp_path / "home", url) as opened:
        for each in (
            arrival("words", "the merger"),
            arrival("face", "🎉"),
            arrival("picture", "", media=b"film"),
            arrival("signs", "… —"),
            arrival("words", "", change=Change.DELETED),
        ):
            await opened.capture(each)
        yield opened


def an_index(archive: SmallArchive, engine: str) -> SearchIndex:
    return SearchIndex(
        f"{engine}:{archive.home / f'{engine}-index'}",
        archive_id=archive.archive.id,
        database=archive.database,
        documents=archive.documents,
        clock=archive.clock,
        probe=archive.store.blocking.probe,
    )


async def follow(index: SearchIndex) -> None:
    await index.open_writer()
    while await index.follow():
        pass


def count(index: SearchIndex, query: str) -> int:
    with index.reader().snapshot() as snapshot:
        return snapshot.count(parse(query))


def values_before(document: Document, name: FieldName) -> tuple[str, ...]:
    return tuple(each for each in values(document, name) if (name, each) != (FieldName.HAS, "text"))


async def build_as_before(archive: SmallArchive, engine: str) -> None:
    """Index everything as the release before did."""
    now, then = BEFORE[engine]
    index = an_index(archive, engine)
    with pytest.MonkeyPatch.context() as older:
        older.setattr(f"search.engines.{engine}.schema.values", values_before)
        layout = tantivy_schema.LAYOUT.replace(now, then)
        older.setattr(tantivy_schema, "LAYOUT", layout)
        older.setattr(tantivy_snapshot, "LAYOUT", layout)
        await follow(index)
        assert (count(index, "merger"), count(index, "has:text")) == (1, 0)
        index.close()
    if engine == "whoosh":  # the layout is bound where its catalogue is declared
        at = Path(str(index.generations.current()).removeprefix("whoosh:")) / catalogue.NAME
        told = catalogue.decoded(at.read_bytes(), at)
        layout = told.layout.replace(now, then)
        at.write_bytes(msgspec.structs.replace(told, layout=layout).encoded())


@pytest.mark.parametrize("engine", sorted(BEFORE))
async def test_the_first_start_builds_an_index_of_the_layout_before_anew(
    archive: SmallArchive, engine: str
) -> None:
    await build_as_before(archive, engine)
    index = an_index(archive, engine)
    now, then = BEFORE[engine]

    with pytest.raises(IndexOutdated, match=f"Expected {now} .* found {then} ") as caught:
        count(index, "NOT has:text")  # no answer rather than one that finds every post
    await follow(index)

    assert {query: count(index, query) for query in ("merger", "has:text", "NOT has:text")} == {
        "merger": 1,
        "has:text": 2,
        "NOT has:text": 3,
    }
    assert count(index, "has:media AND NOT has:text") == 1
    assert (index.losses, index.last_layout) == (1, caught.value.layout)
    index.close()
    again = an_index(archive, engine)
    await follow(again)
    assert (again.losses, count(again, "NOT has:text")) == (0, 3)
    again.close()


async def test_it_is_told_once_and_no_change_of_the_analyzer_is_looked_for(
    archive: SmallArchive,
) -> None:
    await build_as_before(archive, "tantivy")
    index = an_index(archive, "tantivy")
    await follow(index)
    comparison = IndexComparison(
        index=index,
        database=archive.database,
        clock=archive.clock,
        stopwatch=lambda: 0.0,
        trail=archive.trail,
    )
    for _ in range(2):
        await comparison.act()
    reindexing = Reindexing(
        index=index,
        database=archive.database,
        documents=archive.documents,
        clock=archive.clock,
        trail=archive.trail,
    )

    rebuilt = await reindexing.run(actor=OPERATOR, progress=lambda _done, _total: None)

    assert rebuilt.change is None
    told = [
        json.loads(each.details)
        for each in await archive.events_about("system")
        if each.action == Action.INDEX_LOST
    ]
    assert [each["layout"].partition(" ")[0] for each in told] == ["layout-5"]
    index.close()
