"""What is particular to the tantivy engine: damage, versions, rebuilding and sudden death."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from search.document import document
from search.engines import tantivy
from search.engines.tantivy import schema
from search.errors import IndexDamaged, IndexOutdated, IndexUnavailable, RebuildNeeded
from search.grammar import parse
from search.index import Index, Reader

if TYPE_CHECKING:
    from tantivy import IndexWriter

ROOT = Path(__file__).parents[3]


def _fill(index: Index, posts: int = 300) -> None:
    index.add([document(number=n, text=f"common word{n}", captured_at=n) for n in range(posts)])
    index.commit(posts)


def _count(reader: Reader, text: str = "common") -> int:
    with reader.snapshot() as snapshot:
        return snapshot.count(parse(text))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory with an index of 300 posts that nobody has open."""
    directory = tmp_path / "index"
    with closing(tantivy.open_writer(directory)) as index:
        _fill(index)
    return directory


def _use(path: Path) -> None:
    with closing(tantivy.open_reader(path)) as reader:
        _count(reader)
        _count(reader, '"common word7"')


@pytest.mark.parametrize("file", [".term", ".idx", ".pos", ".fast", ".store", "meta.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "overwritten"])
def test_a_damaged_file_is_reported_as_damage_and_the_index_can_be_rebuilt(
    path: Path, file: str, damage: str
) -> None:
    for victim in [entry for entry in path.iterdir() if entry.name.endswith(file)]:
        match damage:
            case "cut":
                victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
            case "gone":
                victim.unlink()
            case _:
                victim.write_bytes(b"\xff" * victim.stat().st_size)
    expected = IndexUnavailable if (file, damage) == ("meta.json", "gone") else IndexDamaged
    with pytest.raises(expected):
        _use(path)
    try:
        tantivy.open_writer(path).close()
    except RebuildNeeded:
        with closing(tantivy.open_writer(path, anew=True)) as index:
            assert index.watermark == 0
            _fill(index)
            assert _count(index) == 300
    else:  # only a phrase needs the positions
        assert file == ".pos"
        assert damage == "gone"


def test_flipped_bits_never_end_in_anything_but_damage_or_an_answer(
    path: Path, tmp_path: Path
) -> None:
    reported = 0
    for entry in [entry for entry in path.iterdir() if entry.suffix]:
        intact = entry.read_bytes()
        for position in range(0, len(intact), max(1, len(intact) // 12)):
            flipped = bytearray(intact)
            flipped[position] ^= 0x10
            copy = tmp_path / f"{entry.name}-{position}"  # a mapped file must not be written over
            shutil.copytree(path, copy)
            (copy / entry.name).write_bytes(flipped)
            try:
                _use(copy)
            except RebuildNeeded:
                reported += 1
    assert reported > 10


@pytest.mark.parametrize("opener", [tantivy.open_reader, tantivy.open_writer])
def test_an_index_of_another_analyzer_version_is_outdated(
    path: Path, opener: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(opener)
    monkeypatch.setattr("search.engines.tantivy.snapshot.LAYOUT", "layout-1 another analyzer")
    with pytest.raises(IndexOutdated, match="another analyzer") as caught:
        opener(path)
    assert schema.LAYOUT in str(caught.value)


def test_an_index_being_written_is_not_cleared(path: Path) -> None:
    with closing(tantivy.open_writer(path)) as index:
        with pytest.raises(IndexUnavailable, match="being written"):
            tantivy.open_writer(path, anew=True)
        assert _count(index) == 300


def test_a_reader_sees_an_index_rebuilt_under_it(path: Path) -> None:
    with closing(tantivy.open_reader(path)) as reader:
        with closing(tantivy.open_writer(path, anew=True)) as index:
            assert _count(reader) == 0
            _fill(index, posts=5)
        assert _count(reader) == 5


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    letters = tmp_path / "letters.txt"
    letters.write_text("not ours")
    for anew in (False, True):
        with pytest.raises(IndexUnavailable, match="directory of its own"):
            tantivy.open_writer(tmp_path, anew=anew)
    assert letters.read_text() == "not ours"
    with pytest.raises(IndexUnavailable, match="cannot be used"):
        tantivy.open_writer(letters / "index")


def test_an_index_killed_while_it_was_created_is_built_anew(tmp_path: Path) -> None:
    (tmp_path / ".tmpAbC123").write_bytes(b"{}")
    with pytest.raises(IndexDamaged):
        tantivy.open_writer(tmp_path)
    with closing(tantivy.open_writer(tmp_path, anew=True)) as index:
        assert index.watermark == 0


def test_a_tokenizer_is_registered_on_every_open_so_that_phrases_are_found(path: Path) -> None:
    with closing(tantivy.open_writer(path)) as index:
        index.add([document(number=300, text="common word300", captured_at=0)])
        index.commit(301)
        assert _count(index, '"common word300"') == 1


WRITE_FOREVER = """
import sys
from pathlib import Path
from search.document import document
from search.engines import tantivy

index = tantivy.open_writer(Path(sys.argv[1]))
size = index.watermark
while True:
    # Replays the last ten, as a follower does that is unsure how far it came.
    batch = range(max(0, size - 10), size + 50)
    index.add([document(number=n, text=f"common word{n}", captured_at=n) for n in batch])
    size += 50
    index.commit(size)
    print(size, flush=True)
"""


def test_a_killed_writer_leaves_exactly_what_its_last_commit_said(tmp_path: Path) -> None:
    acknowledged = 0
    for lines in (1, 4, 9, 13):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOREVER, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
        with closing(tantivy.open_writer(tmp_path)) as index:
            assert index.watermark >= acknowledged
            with index.snapshot() as snapshot:
                numbers = [n for chunk in snapshot.all_numbers() for n in chunk]
            assert numbers == list(range(index.watermark))
            assert _count(index) == index.watermark


def test_a_commit_that_failed_before_its_last_step_does_not_stop_the_next_one(
    path: Path, tmp_path: Path
) -> None:
    """Killed after the list of deletions was written and before `meta.json` was renamed."""
    shutil.copytree(path, tmp_path / "killed")
    with closing(tantivy.open_writer(path)) as index:
        index.commit(301)
    written = [file for file in path.iterdir() if not (tmp_path / "killed" / file.name).exists()]
    assert any(file.suffix == ".del" for file in written)
    for file in (*written, path / ".managed.json"):
        shutil.copy(file, tmp_path / "killed")
    with closing(tantivy.open_writer(tmp_path / "killed")) as index:
        assert index.watermark == 300
        index.commit(301)
        assert _count(index) == 300


def test_an_index_copied_elsewhere_still_answers(path: Path, tmp_path: Path) -> None:
    shutil.copytree(path, tmp_path / "copy")
    with closing(tantivy.open_reader(tmp_path / "copy")) as reader:
        assert _count(reader, "word299") == 1


@pytest.mark.parametrize("lock", [".tantivy-meta.lock", ".tantivy-writer.lock"])
def test_a_lock_that_cannot_be_made_is_neither_damage_nor_another_process(
    path: Path, lock: str
) -> None:
    """On a full disk the lock's file cannot be made; that must not get the index thrown away."""
    (path / lock).unlink(missing_ok=True)
    (path / lock).mkdir()
    with pytest.raises(IndexUnavailable) as refusal:
        tantivy.open_writer(path)
    assert type(refusal.value) is IndexUnavailable
    (path / lock).rmdir()
    with closing(tantivy.open_writer(path)) as index:
        assert _count(index) == 300


def test_an_index_whose_writing_failed_can_be_closed_and_opened_again(path: Path) -> None:
    """Its threads die of a full disk, and tantivy tells it once more when they are waited for."""

    class Failed:
        def wait_merging_threads(self) -> None:
            raise ValueError("An error occurred in a thread")

    index = tantivy.open_writer(path)
    assert index._writer is not None
    index._writer.wait_merging_threads()
    index._writer = cast("IndexWriter", Failed())
    index.close()
    with closing(tantivy.open_writer(path)) as again:
        assert _count(again) == 300
