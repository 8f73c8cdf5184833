"""One generation answers; what is named wrongly or not at all is never any folder."""

import socket
from pathlib import Path

import pytest

from search.errors import IndexBusy, IndexMissing, IndexUnavailable
from search.generations import FolderGenerations, generations

ARCHIVE = "01KAM0000000000000000000AA"


@pytest.fixture
def folders(tmp_path: Path) -> FolderGenerations:
    found = generations(f"tantivy:{tmp_path / 'index'}", ARCHIVE)
    assert isinstance(found, FolderGenerations)
    return found


def _build(folders: FolderGenerations) -> Path:
    with folders.building() as url:
        folder = Path(url.removeprefix("tantivy:"))
        folder.mkdir()
        (folder / "file").write_text("words")
        folders.switch(url)
    return folder


def test_there_is_none_until_one_was_switched_to(folders: FolderGenerations) -> None:
    with folders.building() as url:
        assert folders.current() is None
        folders.switch(url)
    assert folders.current() == url


@pytest.mark.parametrize("name", [b"", b"\n", b".", b"..", b"/", b"1", b"../../000001", b"\xff\0"])
def test_a_damaged_pointer_names_no_folder_at_all(
    folders: FolderGenerations, tmp_path: Path, name: bytes
) -> None:
    folder = _build(folders)
    (folder.parent / "current").write_bytes(name)

    assert folders.current() is None
    with pytest.raises(IndexMissing):
        folders.folder()
    assert folders.size() == 0
    assert folders.sweep() == 0, "of what nobody can name nothing is removed"
    assert (folder / "file").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["index"]


def test_only_what_does_not_answer_is_swept_and_nothing_else_is(folders: FolderGenerations) -> None:
    old, new = _build(folders), _build(folders)
    (new.parent / "notes").mkdir()

    assert folders.sweep() == 1

    assert not old.exists()
    assert (folders.folder(), (new / "file").exists()) == (new, True)
    assert (new.parent / "notes").exists()


def test_one_is_built_at_a_time_and_is_not_swept_meanwhile(folders: FolderGenerations) -> None:
    _build(folders)
    with folders.building() as url:
        begun = Path(url.removeprefix("tantivy:"))
        begun.mkdir()
        with pytest.raises(IndexBusy, match="built"), folders.building():
            pass
        assert folders.sweep() == 0
        assert begun.exists()


def test_what_names_no_place_is_refused_when_it_is_given() -> None:
    for url in ("lucene:/x", "tantivy:", "opensearch+https://search.example:9200/a/b"):
        with pytest.raises(IndexUnavailable, match="Expected"):
            generations(url, ARCHIVE)


def test_of_a_server_that_does_not_answer_nobody_can_say_which_generation_it_is() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = generations(f"opensearch+http://127.0.0.1:{free.getsockname()[1]}/a", ARCHIVE)
        with pytest.raises(IndexUnavailable, match="cannot be reached"):
            found.current()
        with pytest.raises(IndexUnavailable, match="cannot be reached"), found.building():
            pass
        assert (found.sweep(), found.size(), found.room()) == (0, 0, None)
