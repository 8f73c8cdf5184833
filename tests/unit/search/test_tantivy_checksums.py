"""What tantivy does not notice by itself: flipped bits, shortened files, files that are gone."""

import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from search.document import document
from search.engines.tantivy import open_reader, open_writer
from search.errors import IndexDamaged


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with two segments, one of which has deletions."""
    path = tmp_path_factory.mktemp("written") / "index"
    with closing(open_writer(path)) as index:
        index.add([document(number=n, text=f"merger w{n % 7}", captured_at=n) for n in range(500)])
        index.commit(500)
        index.add([document(number=n, text="merger again", captured_at=n) for n in range(3)])
        index.commit(500)
    return path


@pytest.fixture
def path(written: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "index"
    shutil.copytree(written, copy)
    return copy


def _check(path: Path) -> None:
    with closing(open_reader(path)) as reader:
        reader.check()


def _parts(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if len(each.name) > 32 and each.stat().st_size)


def test_an_index_as_it_was_written_passes(path: Path) -> None:
    _check(path)
    assert any(part.name.endswith(".del") for part in _parts(path)), "deletions are looked at too"


def test_a_flipped_bit_in_any_file_is_noticed_before_tantivy_opens_it(path: Path) -> None:
    drawn = random.Random(5)
    for part in _parts(path):
        whole = part.read_bytes()
        body = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
        for place in {0, len(whole) - 1, *(drawn.randrange(body) for _ in range(12))}:
            flipped = bytearray(whole)
            flipped[place] ^= 1 << drawn.randrange(8)
            part.write_bytes(flipped)
            with pytest.raises(IndexDamaged):
                _check(path)
        part.write_bytes(whole)
    _check(path)


def test_a_file_that_is_gone_or_cut_short_is_noticed(path: Path) -> None:
    for part in _parts(path):
        whole = part.read_bytes()
        for harm in (part.unlink, lambda: part.write_bytes(whole[:-1])):  # noqa: B023 - used here
            harm()
            with pytest.raises(IndexDamaged):
                _check(path)
            part.write_bytes(whole)
    _check(path)
