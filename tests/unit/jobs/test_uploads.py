"""A file that was sent: its name is words, its size has a limit, and only its sender sees it."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import InvalidInput, NotFound, StorageUnavailable, TooLarge
from archiver.ids import Ulids
from archiver.jobs.uploads import Upload, Uploads, shown_name

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
CONTENT = b'{"id": 1}\n' * 100


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", most=10_000, require_room=lambda: None)


def sent(uploads: Uploads, name: str = "posts.ndjson", *, by: str = "P-omar") -> Upload:
    receiving = uploads.receive(Ulids().one(NOW), name)
    receiving.write(CONTENT[:7])
    receiving.write(CONTENT[7:])
    return receiving.finish(sent_by=by, at=NOW)


def test_a_file_comes_back_whole_with_its_hash(uploads: Uploads) -> None:
    upload = uploads.get(sent(uploads).id, sent_by="P-omar")

    assert upload.path.read_bytes() == CONTENT
    assert (upload.size, upload.sha256) == (len(CONTENT), sha256(CONTENT).hexdigest())
    assert (upload.name, upload.at) == ("posts.ndjson", NOW)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..\\..\\windows\\system.ini",
        "C:\\autoexec.bat",
        "a\x00b.zip",
        "about.json",
        ".hidden",
        "x" * 5_000 + ".zip",
        "\u202egnp.exe",
        "con",
        "a/../../b.tar.gz",
    ],
)
def test_no_name_leads_out_of_the_folder_or_is_a_path(
    uploads: Uploads, tmp_path: Path, name: str
) -> None:
    upload = sent(uploads, name)

    assert upload.path.parent == tmp_path / "uploads" / upload.id
    assert upload.path.stem.partition(".")[0] == "content"
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {upload.path.parent}


@given(st.text())
def test_a_shown_name_is_a_line_without_separators(name: str) -> None:
    try:
        shown = shown_name(name)
    except InvalidInput:
        return

    assert shown
    assert len(shown) <= 200
    assert not set(shown) & set("/\\\x00\n\r\u202e")


@pytest.mark.parametrize("name", ["", "  ", "..", "/", "\x00"])
def test_a_file_without_a_name_is_refused(uploads: Uploads, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        sent(uploads, name)


def test_a_file_is_cut_off_where_it_grows_too_large(uploads: Uploads) -> None:
    receiving = uploads.receive(Ulids().one(NOW), "large.zip")
    receiving.write(bytes(9_999))

    with pytest.raises(TooLarge, match="MUNIMENT_IMPORT_LIMIT_MB"):
        receiving.write(bytes(2))
    receiving.drop()


def test_a_file_that_did_not_come_whole_is_none(uploads: Uploads) -> None:
    receiving = uploads.receive(Ulids().one(NOW), "half.zip")
    receiving.write(b"half")

    with pytest.raises(NotFound):
        uploads.get(receiving.id, sent_by="P-omar")
    receiving.drop()
    assert uploads.older_than(NOW + timedelta(days=1)) == []


def test_an_empty_file_is_refused(uploads: Uploads) -> None:
    receiving = uploads.receive(Ulids().one(NOW), "empty.zip")

    with pytest.raises(InvalidInput, match="empty"):
        receiving.finish(sent_by="P-omar", at=NOW)
    receiving.drop()


def test_only_the_sender_sees_a_file(uploads: Uploads) -> None:
    upload = sent(uploads)

    with pytest.raises(NotFound):
        uploads.get(upload.id, sent_by="P-vera")


@pytest.mark.parametrize("upload_id", ["", "..", "../uploads", "01KAM0NBDYKN0WS00000000001", "%2e"])
def test_an_id_that_is_none_is_not_found(uploads: Uploads, upload_id: str) -> None:
    with pytest.raises(NotFound):
        uploads.get(upload_id, sent_by="P-omar")


def test_no_file_is_begun_without_room(tmp_path: Path) -> None:
    def full() -> None:
        raise StorageUnavailable("the disk is full")

    uploads = Uploads(tmp_path / "uploads", most=10, require_room=full)

    with pytest.raises(StorageUnavailable):
        uploads.receive(Ulids().one(NOW), "posts.zip")
    assert not (tmp_path / "uploads").exists()


def test_old_files_are_found_by_their_ids(uploads: Uploads) -> None:
    upload = sent(uploads)

    assert uploads.older_than(NOW) == []
    assert uploads.older_than(NOW + timedelta(seconds=1)) == [upload.id]
    uploads.remove(upload.id)
    assert uploads.older_than(NOW + timedelta(seconds=1)) == []
