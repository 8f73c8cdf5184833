"""The files that arguments name, read or written anew, with one set of words for what goes wrong.

`-` is stdin wherever a file is read.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archiver.errors import Conflict, InvalidInput, StorageUnavailable, TooLarge

_MOST_BYTES = 64 << 20
"""Read whole at most: lists of terms, drafts, keys, trust files and passwords are far smaller."""


@contextmanager
def opened_file(name: str | Path) -> Iterator[BinaryIO]:
    """Open a file to read its bytes. Raises InvalidInput: it cannot be opened."""
    if str(name) == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; errors of the block are its own
    except OSError as error:
        raise InvalidInput(
            f"{name} cannot be read: {error.strerror}; give a file that can be read"
        ) from error
    with file:
        yield file


def bytes_of(name: str | Path) -> bytes:
    """Return what a file holds.

    Raises:
        InvalidInput: it cannot be read.
        TooLarge: it holds more than 64 MiB.
    """
    with opened_file(name) as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise TooLarge(f"expected a file of at most {_MOST_BYTES >> 20} MiB, found more in {name}")
    return content


def text_of(name: str | Path) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        InvalidInput: it cannot be read, or is not UTF-8.
        TooLarge: it holds more than 64 MiB.
    """
    try:
        return bytes_of(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"expected UTF-8 in {name}, found 0x{error.object[error.start]:02x} at byte "
            f"{error.start}; give a text file"
        ) from error


def write_new(path: Path, text: str) -> None:
    """Write a new file. Raises Conflict: there is one; StorageUnavailable: it cannot be written."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except FileExistsError as error:
        raise Conflict(f"there is a file at {path}; give another name") from error
    except OSError as error:
        raise StorageUnavailable(
            f"{path} cannot be written: {error.strerror}; check the name of the file"
        ) from error
