"""The index holds just what it has to, whatever happens to it, to a post or to the disk.

No post stops those behind it; what cannot be taken in is named; what is lost, damaged or too much
is noticed, told and put right; and no answer in between claims more than it covers.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from archiver.app import open_services
from archiver.audit.actions import Action
from archiver.cli.serve import _readings
from archiver.clock import system_clock
from archiver.db import records as record_rows
from archiver.db import searchable, set_aside
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Transaction
from archiver.errors import Conflict, Denied, SearchUnavailable, Stopping, StorageUnavailable
from archiver.jobs import index_comparison, index_differences
from archiver.jobs.documents import Why
from archiver.jobs.examination import examine
from archiver.jobs.finding import State
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.reindexing import Reindexing
from archiver.jobs.search_index import PATIENCE
from archiver.model.actor import Actor, Role
from archiver.preserve.reader import OpenedRecord
from search.document import Document, document
from search.engines.opening import open_writer
from search.engines.tantivy import TantivyIndex
from search.errors import IndexUnavailable
from search.generations import FolderGenerations
from tests.fakes.archive import AGENT, an_arrival, found, settings_for, stored_posts
from tests.fakes.small_archive import AUDITOR, COUNSEL, SmallArchive, arrival, small_archive

OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))
WHY = "litigation expected"


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[SmallArchive]:
    """An archive with six posts in six segments, all of a merger, indexed."""
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    async with small_archive(tmp_path / "home", url) as opened:
        for number in range(6):
            await opened.capture(arrival(f"p{number}", f"merger {number}"))
        await opened.index_all()
        yield opened


@pytest.fixture
def comparison(archive: SmallArchive) -> IndexComparison:
    """The comparison as a process runs it; ten minutes pass at each look at its stopwatch."""
    seconds = iter(range(0, 10**6, 600))
    return IndexComparison(
        index=archive.index,
        database=archive.database,
        clock=archive.clock,
        stopwatch=lambda: float(next(seconds)),
        trail=archive.trail,
    )


@pytest.fixture
def reindexing(archive: SmallArchive) -> Reindexing:
    return Reindexing(
        index=archive.index,
        database=archive.database,
        documents=archive.documents,
        clock=archive.clock,
        trail=archive.trail,
    )


async def told(archive: SmallArchive, query: str = "merger") -> tuple[int, int, int, bool]:
    """Return a count, the log size it is of, how many were set aside, and whether it is exact."""
    answer = await archive.searching.count(query, actor=COUNSEL)
    covered = answer.covered
    return answer.count, covered.log_size, covered.set_aside, covered.is_exact


async def aside(archive: SmallArchive) -> dict[int, str]:
    async with archive.database.reading() as tx:
        return await set_aside.between(tx, 0, 10**6)


async def actions(archive: SmallArchive) -> list[str]:
    return [event.action for event in await archive.events_about("system")]


def behind_its_back(archive: SmallArchive, act: Callable[[TantivyIndex], None]) -> None:
    """Change the index as no follower does, under the same watermark."""
    archive.index.close()
    with closing(open_writer(f"tantivy:{_folder(archive)}")) as index:
        assert isinstance(index, TantivyIndex)
        act(index)
        index.commit(index.watermark)


def files(archive: SmallArchive) -> list[Path]:
    """The files of the index that are not empty, locks aside."""
    return sorted(each for each in _folder(archive).iterdir() if not each.name.startswith("."))


def stored(archive: SmallArchive, object_key: str) -> Path:
    """Return the file of an object."""
    store = Path(archive.index.url.removeprefix("tantivy:")).with_name("store")
    (file,) = [each for each in store.rglob("*") if str(each).endswith(object_key)]
    return file


def generations_of(archive: SmallArchive) -> list[str]:
    """Return the names of the generations that there are on the disk."""
    return sorted(each.name for each in _folder(archive).parent.iterdir() if each.is_dir())


async def damage(archive: SmallArchive, log_index: int) -> tuple[Path, bytes]:
    """Flip a bit in the segment of a post; return the file and its true bytes."""
    async with archive.database.reading() as tx:
        (segment,) = await segment_rows.list_after(tx, log_index, 1)
    assert segment.first_index == log_index
    file = stored(archive, segment.object_key)
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(flipped)
    return file, whole


async def test_a_damaged_post_is_set_aside_named_and_stops_none_behind_it(
    archive: SmallArchive, comparison: IndexComparison
) -> None:
    file, whole = await damage(archive, 3)
    await archive.index.begin_anew("it is to read everything again")

    await archive.index_all()

    assert await aside(archive) == {3: Why.DAMAGED}
    count, _, not_taken, is_exact = await told(archive)
    assert (count, not_taken, is_exact) == (5, 1, True)
    listed = await archive.searching.not_searchable(actor=COUNSEL)
    assert [row.log_index for row in listed.records] == [3]
    assert "frame" in listed.why[3]

    file.write_bytes(whole)
    archive.clock.pass_by(timedelta(minutes=11))
    assert await comparison.act() == ""

    assert await aside(archive) == {}
    assert (await told(archive))[0] == 6, "what can be read again is found again"


async def test_a_hold_by_query_names_what_could_not_be_searched(archive: SmallArchive) -> None:
    await damage(archive, 3)
    await archive.index.begin_anew("it is to read everything again")
    await archive.index_all()
    (lost,) = [row.id for row in (await archive.searching.not_searchable(actor=COUNSEL)).records]

    async def place(**scope: object) -> tuple[int, tuple[str, ...]]:
        view = await archive.holds.place(name="H", reason=WHY, actor=COUNSEL, **scope)  # type: ignore[arg-type]
        return view.records, view.not_searched

    assert await place(query="merger") == (5, (lost,))
    assert await place(query="merger", accounts=["@acme"]) == (5, (lost,))
    assert await place(accounts=["@acme"]) == (6, ()), "an account is not asked of the index"
    events = await archive.events_about("carla")
    assert sum(lost in event.details for event in events) >= 2, "the events name it"


async def test_a_hold_names_what_is_unreadable_although_no_index_has_come_to_it(
    archive: SmallArchive,
) -> None:
    (late,) = await archive.capture(arrival("late", "merger, late"))
    assert late.log_index is not None
    await damage(archive, late.log_index)

    view = await archive.holds.place(name="H", reason=WHY, query="merger", actor=COUNSEL)

    assert (view.records, view.not_searched) == (6, (late.record_id,))


@pytest.mark.parametrize("number", [2, 5])
async def test_what_the_engine_refuses_is_found_among_the_others(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    add = TantivyIndex.add

    def refuse(self: TantivyIndex, documents: Sequence[Document]) -> None:
        if any(each.number == number for each in documents):
            raise IndexUnavailable("The engine does not take it.")
        add(self, documents)

    monkeypatch.setattr(TantivyIndex, "add", refuse)
    await archive.index.begin_anew("it is to read everything again")

    await archive.index_all()

    assert await aside(archive) == {number: Why.REFUSED}
    count, _, not_taken, is_exact = await told(archive)
    assert (count, not_taken, is_exact) == (5, 1, True)


async def test_an_engine_that_takes_nothing_is_the_operators_to_repair(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive.capture(arrival("more", "merger, more"))

    def fail(_: TantivyIndex, _watermark: int) -> None:
        raise IndexUnavailable("No space left on device.")

    with monkeypatch.context() as broken:
        broken.setattr(TantivyIndex, "commit", fail)
        with pytest.raises(SearchUnavailable, match="Nothing is lost"):
            await archive.index_all()
    assert await aside(archive) == {}, "it is not about the post"

    await archive.index_all()
    assert (await told(archive))[0] == 7


async def test_a_store_that_is_away_is_waited_for_and_an_object_it_never_gives_is_not(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, one = archive.reader.open_segment, archive.reader.open

    def give(segment: SegmentRow) -> None:
        if segment.first_index == 3:
            raise StorageUnavailable("GET: 500 Internal Server Error")

    def open_segment(segment: SegmentRow) -> Iterator[OpenedRecord]:
        give(segment)
        return opened(segment)

    def open_one(segment: SegmentRow, row: RecordRow, entry: bytes) -> OpenedRecord:
        give(segment)
        return one(segment, row, entry)

    monkeypatch.setattr(archive.reader, "open_segment", open_segment)
    monkeypatch.setattr(archive.reader, "open", open_one)
    await archive.index.begin_anew("it is to read everything again")
    for _ in range(PATIENCE):
        with pytest.raises(StorageUnavailable):
            await archive.index_all()
    assert await aside(archive) == {}

    await archive.index_all()

    assert await aside(archive) == {3: Why.UNREADABLE}


async def test_a_post_behind_the_indexs_back_is_told_at_once_and_put_right(
    archive: SmallArchive, comparison: IndexComparison
) -> None:
    behind_its_back(archive, lambda index: index.delete([2]))
    assert await told(archive) == (5, 6, 0, False), "an answer says that it is not exact"
    assert (await archive.searching.count("merger", actor=COUNSEL)).to_dict()["covered"] == {
        "log_size": 6,
        "records": 5,
        "not_searchable": 0,
        "set_aside": 0,
        "exact": False,
    }
    with pytest.raises(SearchUnavailable, match="not complete"):
        await archive.holds.place(name="H", reason=WHY, query="merger", actor=COUNSEL)

    await archive.index_all()
    assert "1 posts were missing" in await comparison.act()

    assert await told(archive) == (6, (await told(archive))[1], 0, True)
    assert (comparison.looked.missing, comparison.looked.surplus) == (1, 0)
    assert Action.INDEX_MENDED.value in await actions(archive)


async def test_one_too_few_and_one_too_many_do_not_pass_for_none(
    archive: SmallArchive, comparison: IndexComparison
) -> None:
    stranger = document(number=3, text="merger", captured_at=0).numbered(10**6)

    def exchange(index: TantivyIndex) -> None:
        index.delete([2])
        index.add([stranger])

    behind_its_back(archive, exchange)
    assert await told(archive) == (6, 6, 0, True), "the number of posts does not tell"
    await archive.index.open_writer()

    await comparison.act()

    looked = comparison.looked
    assert (looked.missing, looked.surplus) == (1, 1)
    assert (await archive.searching.ids("merger", actor=COUNSEL)).ids == tuple(
        await ids_below(archive, 6)
    )


async def test_a_difference_that_comes_later_is_found_within_so_many_looks(
    archive: SmallArchive, comparison: IndexComparison
) -> None:
    await archive.index.open_writer()
    assert await comparison.act() == ""
    event = document(number=6, text="an event of the log", captured_at=0)

    def exchange(index: TantivyIndex) -> None:
        index.delete([4])
        index.add([event])

    await archive.searching.count("merger", actor=COUNSEL)  # entry 6 is no post
    await archive.index_all()
    behind_its_back(archive, exchange)
    await archive.index.open_writer()

    for _ in range(12):  # a minute
        await comparison.act()

    assert (comparison.looked.missing, comparison.looked.surplus) == (1, 1)


async def test_records_are_read_again_where_the_index_has_changed_and_else_seldom(
    archive: SmallArchive, comparison: IndexComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (index_comparison, index_differences):
        monkeypatch.setattr(module, "RANGE", 1)
    read: list[int] = []
    between = searchable.between

    async def noted(tx: Transaction, start: int, end: int) -> list[int]:
        read.append(start)
        return await between(tx, start, end)

    monkeypatch.setattr(searchable, "between", noted)
    await archive.index.open_writer()
    await comparison.act()
    assert read == [0, 1, 2, 3, 4, 5]

    read.clear()
    for _ in range(18):  # three passes
        await comparison.act()
    assert read == [0, 1, 2], "each pass compares those again that were compared longest ago"

    def exchange(index: TantivyIndex) -> None:
        index.delete([4])
        index.add([document(number=4, text="merger", captured_at=0).numbered(10**6)])

    behind_its_back(archive, exchange)
    await archive.index.open_writer()
    for _ in range(12):
        await comparison.act()
    assert (comparison.looked.missing, comparison.looked.surplus) == (1, 1)


async def test_nothing_is_put_right_where_another_process_writes(
    archive: SmallArchive, comparison: IndexComparison
) -> None:
    archive.index.close()
    assert await comparison.act() == ""
    assert comparison.looked.at is None


async def ids_below(archive: SmallArchive, log_size: int) -> list[str]:
    async with archive.database.reading() as tx:
        return await record_rows.ids_at(tx, await searchable.between(tx, 0, log_size))


async def test_a_new_index_is_built_while_the_old_one_answers(
    archive: SmallArchive, reindexing: Reindexing
) -> None:
    old = archive.index.generations.current()
    counted: list[int] = []

    def progress(_done: int, _total: int) -> None:
        with archive.index.reader().snapshot() as snapshot:
            counted.append(snapshot.known())

    rebuilt = await reindexing.run(actor=OPERATOR, progress=progress)

    assert set(counted) == {6}, "it answers all the time"
    assert (rebuilt.records, rebuilt.set_aside, rebuilt.differed) == (6, 0, 0)
    assert archive.index.generations.current() != old
    assert (await told(archive))[0] == 6
    await archive.index_all()
    assert generations_of(archive) == ["000002"], "the old one is removed in the end"
    assert await archive.index.follow() is False


async def test_a_second_build_and_one_by_somebody_else_are_refused(
    archive: SmallArchive, reindexing: Reindexing
) -> None:
    with archive.index.generations.building(), pytest.raises(Conflict, match="being built"):
        await reindexing.run(actor=OPERATOR, progress=lambda _done, _total: None)
    with pytest.raises(Denied):
        await reindexing.run(actor=COUNSEL, progress=lambda _done, _total: None)


async def test_a_build_that_is_stopped_leaves_the_old_index_and_is_swept_away(
    archive: SmallArchive, reindexing: Reindexing
) -> None:
    old = archive.index.generations.current()

    def stop(done: int, _total: int) -> None:
        if done:
            raise Stopping("cancelled")

    with pytest.raises(Stopping):
        await reindexing.run(actor=OPERATOR, progress=stop)

    assert archive.index.generations.current() == old
    assert (await told(archive))[0] == 6
    archive.index.close()
    await archive.index.open_writer()
    assert generations_of(archive) == ["000001"]


async def test_without_room_for_two_the_old_one_stays(
    archive: SmallArchive, reindexing: Reindexing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderGenerations, "room", lambda _: 10 << 20)
    with pytest.raises(SearchUnavailable, match="64 MB for a while, and its disk has 10 MB"):
        await reindexing.run(actor=OPERATOR, progress=lambda _done, _total: None)
    assert (await told(archive))[0] == 6


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.unlink()  # another file: the old one may be mapped into this process
    path.write_bytes(content)


def _of_kind(kind: str) -> Callable[[SmallArchive], Path]:
    def choose(archive: SmallArchive) -> Path:
        return max(
            (each for each in files(archive) if each.name.endswith(kind)),
            key=lambda each: each.stat().st_size,
        )

    return choose


HARM: dict[str, Callable[[SmallArchive], object]] = {
    "a column is flipped": lambda archive: _flip(_of_kind(".fast")(archive)),
    "postings are flipped": lambda archive: _flip(_of_kind(".idx")(archive)),
    "stored texts are flipped": lambda archive: _flip(_of_kind(".store")(archive)),
    "terms are gone": lambda archive: _of_kind(".term")(archive).unlink(),
    "meta.json is cut short": lambda archive: _of_kind("meta.json")(archive).write_text("{"),
    "meta.json is gone": lambda archive: _of_kind("meta.json")(archive).unlink(),
    "the generation is gone": lambda archive: shutil.rmtree(_folder(archive)),
    "the pointer is damaged": lambda archive: _pointer(archive).write_bytes(b"\xff"),
    "the pointer names nothing": lambda archive: _pointer(archive).write_text("000777\n"),
    "everything is gone": lambda archive: shutil.rmtree(_folder(archive).parent.parent),
}


def _folder(archive: SmallArchive) -> Path:
    """Return the folder of the index, to be harmed: never any but one of this test's archive."""
    generations = archive.index.generations
    assert isinstance(generations, FolderGenerations)
    folder, home = generations.folder(), archive.home
    assert folder.is_relative_to(home), f"expected a folder in {home}, found {folder}"
    return folder


def _pointer(archive: SmallArchive) -> Path:
    return _folder(archive).parent / "current"


async def test_harm_while_nobody_looks_is_noticed_before_the_first_answer(
    archive: SmallArchive,
) -> None:
    for harm, act in HARM.items():
        archive.index.close()
        act(archive)

        with pytest.raises(SearchUnavailable):  # nothing is claimed
            await archive.searching.count("merger", actor=COUNSEL)
        await archive.index.open_writer()
        count, log_size, _, is_exact = await told(archive)
        assert (count, log_size, is_exact) == (0, 0, True), f"{harm}: it is begun anew"

        await archive.index_all()
        assert (await told(archive))[0] == 6, harm


async def test_harm_while_it_answers_is_noticed_and_put_right_by_itself(
    archive: SmallArchive, comparison: IndexComparison
) -> None:
    for harm, act in HARM.items():
        act(archive)

        await comparison.act()
        await archive.index_all()

        count, _, _, is_exact = await told(archive)
        assert (count, is_exact) == (6, True), harm


async def test_an_index_of_a_later_state_is_read_anew(archive: SmallArchive) -> None:
    archive.index.close()
    with closing(open_writer(f"tantivy:{_folder(archive)}")) as index:
        index.commit(10**6)

    await archive.index_all()

    assert (await told(archive))[0] == 6
    assert "later state" in archive.index.last_loss


async def test_an_index_of_another_archive_is_not_taken_for_ones_own(
    archive: SmallArchive,
) -> None:
    archive.index.close()
    root = _folder(archive).parent
    root.rename(theirs := root.with_name("01KZZZZZZZZZZZZZZZZZZZZZZZ"))

    with pytest.raises(SearchUnavailable):
        await archive.searching.count("merger", actor=COUNSEL)
    await archive.index_all()

    assert (await told(archive))[0] == 6
    assert any(theirs.iterdir()), "and is not removed"


async def test_a_damaged_post_raises_the_alarm_of_evidence_and_the_server_goes_on(
    tmp_path: Path,
) -> None:
    """It stopped the index for good before: now the alarm is the same, and the others are found."""
    settings = await found(settings_for(tmp_path / "home"))
    async with open_services(settings) as services:
        for content in (b"merger one", b"merger two", b"merger three"):
            await services.ingest.submit([an_arrival(content)], actor=AGENT)
        victim = (await stored_posts(services))[1]
        async with services.database.reading() as tx:
            segment = await segment_rows.get(tx, victim.segment_id)
    (file,) = [each for each in settings.home.rglob("*") if str(each).endswith(segment.object_key)]
    stored_bytes = bytearray(file.read_bytes())
    stored_bytes[len(stored_bytes) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(stored_bytes)

    async with open_services(settings) as services:
        await services.index.begin_anew("it is to read everything again")
        while await services.loops.index_once():
            pass
        await services.comparison.act()

        assert (await services.searching.count("merger", actor=COUNSEL)).count == 2
        said = (await services.health.ready())["searchable records"]
        assert said.startswith("1 stored posts are not what the log promises")
        readings = {each.name: each.read() for each in _readings(services)}
        assert (readings["posts_damaged"], readings["posts_not_searchable"]) == (1, 1)
        status = (await services.integrity.status(AUDITOR)).to_dict()
    assert status["state"] == "problem"
    index = cast("dict[str, Any]", status["index"])
    assert [each["record"] for each in index["review"]] == [victim.id]
    (finding,) = [
        each for each in await examine(settings, clock=system_clock) if each.part == "search index"
    ]
    assert (finding.state, victim.id in finding.said) == (State.PROBLEM, True)
