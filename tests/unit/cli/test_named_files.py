"""Files that arguments name: whatever is wrong with one is said in words, never with a trace."""

import io
import sys
from pathlib import Path

import pytest

from archiver.cli.named_files import bytes_of, text_of, write_new
from archiver.errors import Conflict, InvalidInput, StorageUnavailable, TooLarge


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InvalidInput, match=f"{path} cannot be read: {why}"):
            bytes_of(path)


def test_what_is_no_text_is_refused_with_its_first_wrong_byte(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"a\xff\xd8")

    with pytest.raises(InvalidInput, match=r"expected UTF-8 in .* found 0xff at byte 1"):
        text_of(path)


def test_a_dash_is_stdin_and_a_byte_order_mark_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfcovid\n")))

    assert text_of("-") == "covid\n"


def test_a_file_over_the_limit_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)  # a hole: it takes no disk

    with pytest.raises(TooLarge, match="at most 64 MiB"):
        bytes_of(path)


def test_a_written_file_is_new_or_the_reason_is_told(tmp_path: Path) -> None:
    write_new(tmp_path / "new", "é\n")

    assert (tmp_path / "new").read_bytes() == "é\n".encode()
    with pytest.raises(Conflict, match="there is a file at"):
        write_new(tmp_path / "new", "other")
    with pytest.raises(StorageUnavailable, match="No such file or directory"):
        write_new(tmp_path / "no" / "folder", "")
