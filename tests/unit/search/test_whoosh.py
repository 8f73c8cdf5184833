"""What is particular to the Whoosh engine: damage, durability, merging, the library's faults."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.document import document
from search.engines import whoosh
from search.engines.whoosh import catalogue, directory
from search.errors import IndexBusy, IndexDamaged, IndexOutdated, IndexUnavailable, RebuildNeeded
from search.grammar import parse
from search.index import Index, Reader
from search.query import And, Fuzzy, Near, Not, Numbers, Or, Phrase, Query, Term

ROOT = Path(__file__).parents[3]


def _fill(index: Index, posts: int = 300, *, start: int = 0) -> None:
    numbers = range(start, posts)
    index.add([document(number=n, text=f"common word{n}", captured_at=n) for n in numbers])
    index.commit(posts)


def _count(reader: Reader, text: str = "common") -> int:
    with reader.snapshot() as snapshot:
        return snapshot.count(parse(text))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory with an index of 300 posts in two segments that nobody has open."""
    place = tmp_path / "index"
    with closing(whoosh.open_writer(place)) as index:
        _fill(index, posts=200)
        _fill(index, start=200)
        assert len(list(place.glob("*.segment"))) == 2
    return place


def _use(path: Path) -> int:
    with closing(whoosh.open_reader(path)) as reader:
        return _count(reader)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _grown(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("kind", ["*.segment", "catalogue.json"])
@pytest.mark.parametrize("harm", [_cut, _grown, _emptied, Path.unlink])
def test_a_damaged_file_is_reported_as_damage_and_the_index_can_be_rebuilt(
    path: Path, kind: str, harm: Callable[[Path], None]
) -> None:
    harm(next(path.glob(kind)))
    for opener in (whoosh.open_reader, whoosh.open_writer):
        with pytest.raises(IndexDamaged):
            opener(path)
    with closing(whoosh.open_writer(path, anew=True)) as index:
        assert index.watermark == 0
        _fill(index)
        assert _count(index) == 300
    assert _use(path) == 300


def test_every_flipped_bit_is_noticed(path: Path) -> None:
    rng = random.Random(9)
    for file in (*path.glob("*.segment"), path / "catalogue.json"):
        intact = file.read_bytes()
        for position in {0, len(intact) - 1, *rng.sample(range(len(intact)), k=40)}:
            flipped = bytearray(intact)
            flipped[position] ^= 1 << rng.randrange(8)
            file.write_bytes(flipped)
            with pytest.raises(IndexDamaged):
                whoosh.open_reader(path)
        file.write_bytes(intact)
    assert _use(path) == 300


def test_damage_behind_an_open_index_changes_no_answer_and_a_check_finds_it(path: Path) -> None:
    with closing(whoosh.open_reader(path)) as reader:
        reader.check()
        _cut(next(path.glob("*.segment")))
        assert _count(reader) == 300
        with pytest.raises(IndexDamaged, match="cut short or changed"):
            reader.check()


@given(body=st.binary(max_size=60) | st.recursive(st.none(), st.lists).map(repr).map(str.encode))
def test_garbage_under_a_right_digest_is_damage(body: bytes) -> None:
    content = catalogue.digest(body).encode() + b"\n" + body
    with pytest.raises(RebuildNeeded):
        catalogue.decoded(content, Path("index"))
    with pytest.raises(IndexDamaged):
        catalogue.decoded(body, Path("index"))


@pytest.mark.parametrize("opener", [whoosh.open_reader, whoosh.open_writer])
def test_an_index_of_another_analyzer_or_library_is_outdated(
    path: Path, opener: Callable[[Path], Reader]
) -> None:
    other = catalogue.Catalogue(layout="layout-1 of another analyzer")
    (path / catalogue.NAME).write_bytes(other.encoded())
    with pytest.raises(IndexOutdated, match="another analyzer"):
        opener(path)


def test_an_index_being_written_is_not_cleared(path: Path) -> None:
    with closing(whoosh.open_writer(path)) as index:
        with pytest.raises(IndexBusy, match="another process"):
            whoosh.open_writer(path, anew=True)
        assert _count(index) == 300


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    letters = tmp_path / "letters.txt"
    letters.write_text("not ours")
    for anew in (False, True):
        with pytest.raises(IndexUnavailable, match="directory of its own"):
            whoosh.open_writer(tmp_path, anew=anew)
    assert letters.read_text() == "not ours"
    with pytest.raises(IndexUnavailable, match="cannot be used"):
        whoosh.open_writer(letters / "index")


def test_what_an_unfinished_commit_left_counts_for_nothing_and_is_cleared_away(path: Path) -> None:
    stray = path / "0123456789abcdef.segment"
    shutil.copy(next(path.glob("*.segment")), stray)
    (path / "catalogue.json.new").write_bytes(b"half")
    assert _use(path) == 300
    with closing(whoosh.open_writer(path)) as index:
        index.commit(300)
        assert _count(index) == 300
    assert not stray.exists()
    assert not (path / "catalogue.json.new").exists()


def test_a_commit_is_on_the_disk_before_it_is_named_and_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoosh flushes nothing; a commit must outlive a loss of power on return."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(opened: int) -> None:
        done.append("sync " + Path(f"/proc/self/fd/{opened}").readlink().name)
        sync(opened)

    def replaced(new: Path, old: Path) -> Path:
        done.append("replace " + old.name)
        return replace(new, old)

    with closing(whoosh.open_writer(tmp_path / "index")) as index:
        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(Path, "replace", replaced)
        _fill(index, posts=3)
    (segment,) = (tmp_path / "index").glob("*.segment")
    assert done == [
        f"sync {segment.name}",
        "sync catalogue.json.new",
        "sync index",
        "replace catalogue.json",
        "sync index",
    ]


@pytest.mark.parametrize("failing", range(4))
def test_a_commit_that_fails_leaves_the_one_before_and_can_be_done_again(
    path: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(whoosh.open_writer(path)) as index:
        index.add([document(number=300, text="common", captured_at=0)])
        calls = iter(range(failing + 1))

        def full(_: int) -> None:
            if next(calls) == failing:
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            with pytest.raises(IndexUnavailable, match="No space left"):
                index.commit(301)
        if failing < 3:  # the last is after the catalogue was replaced: either is right then
            assert (_use(path), _count(index), index.watermark) == (300, 300, 300)
        index.commit(301)
        assert (_use(path), _count(index), index.watermark) == (301, 301, 301)


def test_a_reader_counts_exactly_through_commits_that_merge(tmp_path: Path) -> None:
    """`Searcher.refresh` counted merged documents twice: 2,500 hits where 1,300 exist."""
    expected: set[int] = set()
    with (
        closing(whoosh.open_writer(tmp_path)) as index,
        closing(whoosh.open_reader(tmp_path)) as reader,
    ):
        for commit in range(60):
            numbers = range(20 * commit, 20 * commit + 20)
            index.add([document(number=n, text="common", captured_at=n) for n in numbers])
            index.delete([20 * commit - 3])
            index.commit(numbers[-1] + 1)
            expected |= set(numbers)
            expected -= {20 * commit - 3}
            with reader.snapshot() as snapshot:
                assert snapshot.count(parse("common")) == len(expected)
                assert list(snapshot.all_numbers()) == [sorted(expected)]
        assert len(list(tmp_path.glob("*.segment"))) < 20


def test_what_is_mostly_deleted_is_written_anew_without_it(path: Path) -> None:
    with closing(whoosh.open_writer(path)) as index:
        index.delete(range(299))
        index.commit(300)
        (segment,) = path.glob("*.segment")
        assert b"word298" not in segment.read_bytes()
        assert (_count(index), _count(index, "word299")) == (1, 1)
        index.delete([299])
        index.commit(300)
        assert list(path.glob("*.segment")) == []


def test_a_reader_looks_again_where_a_commit_removed_a_file_under_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = directory._content

    def removed_meanwhile(place: Path, entry: catalogue.Entry) -> bytes:
        monkeypatch.setattr(directory, "_content", read)
        with closing(whoosh.open_writer(place)) as index:
            index.delete(range(250))  # one segment goes, the other is written anew
            index.commit(300)
        return read(place, entry)

    monkeypatch.setattr(directory, "_content", removed_meanwhile)
    assert _use(path) == 50


_NEAR = Near(Term("nuclear"), Term("plant"), 3)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(Fuzzy("nuclear"), [0, 1, 2], id="FuzzyTerm knows no swapped letters"),
        pytest.param(And((_NEAR, Term("old"))), [2], id="SpanNear under AND raises"),
        pytest.param(Or((_NEAR, Term("unclear"))), [0, 1, 2], id="SpanNear under OR raises"),
        pytest.param(Not(_NEAR), [0, 3], id="SpanNear under NOT"),
        pytest.param(Near(Term("plant"), Term("plant"), 9), [3], id="one position is not two"),
        pytest.param(Phrase(("plant", "a")), [3], id="a short word is a word"),
    ],
)
def test_the_defects_of_the_library_are_not_met(
    tmp_path: Path, query: Query, expected: list[int]
) -> None:
    texts = ["unclear", "a nuclear plant", "old plants: plant nuclear", "plant a plant"]
    with closing(whoosh.open_writer(tmp_path)) as index:
        index.add([document(number=n, text=text, captured_at=0) for n, text in enumerate(texts)])
        index.commit(4)
        with index.snapshot() as snapshot:
            assert list(snapshot.numbers(query)) == [expected]


def test_a_list_of_50_000_words_and_a_matter_of_100_000_records_are_searched(path: Path) -> None:
    with closing(whoosh.open_reader(path)) as reader, reader.snapshot() as snapshot:
        words: list[Any] = [Term(f"word{n}") for n in range(100, 50_100)]
        assert snapshot.count(Or(tuple(words))) == 200
        assert snapshot.count(Numbers(frozenset(range(100, 100_100)))) == 200


WRITE_FOREVER = """
import sys
from pathlib import Path
from search.document import document
from search.engines import whoosh

index = whoosh.open_writer(Path(sys.argv[1]))
size = index.watermark
while True:
    # Replays the last ten, as a follower does that is unsure how far it came.
    batch = range(max(0, size - 10), size + 50)
    index.add([document(number=n, text=f"common word{n}", captured_at=n) for n in batch])
    size += 50
    index.commit(size)
    print(size, flush=True)
"""


@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="few"), pytest.param(60, marks=pytest.mark.faults, id="many")]
)
def test_a_killed_writer_leaves_exactly_what_its_last_commit_said(
    tmp_path: Path, kills: int
) -> None:
    rng = random.Random(kills)
    acknowledged = 0
    for _ in range(kills):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOREVER, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            for _ in range(rng.randrange(1, 12)):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
        with closing(whoosh.open_writer(tmp_path)) as index:
            assert index.watermark >= acknowledged
            with index.snapshot() as snapshot:
                numbers = [n for chunk in snapshot.all_numbers() for n in chunk]
            assert numbers == list(range(index.watermark))
            assert _count(index) == index.watermark
            index.check()


def test_an_index_copied_elsewhere_still_answers(path: Path, tmp_path: Path) -> None:
    shutil.copytree(path, tmp_path / "copy")
    with closing(whoosh.open_reader(tmp_path / "copy")) as reader:
        assert _count(reader, "word299") == 1


def test_a_lock_that_cannot_be_made_is_neither_damage_nor_another_process(path: Path) -> None:
    lock = path / ".whoosh-writer.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    with pytest.raises(IndexUnavailable) as refusal:
        whoosh.open_writer(path)
    assert type(refusal.value) is IndexUnavailable
