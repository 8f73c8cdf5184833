"""The checksums of a tantivy index: what it writes with every file, and does not read on opening.

Each file of a segment ends with a footer: JSON with the CRC-32 of what stands before it, the length
of that JSON and a magic number, both as four bytes, little-endian (tantivy 0.27,
`directory/footer.rs`; its `validate_checksum` is not offered to Python). A flipped bit in a column
or a list of postings changes answers without any error, and one in a length can end the process. So
files are compared before tantivy opens them, and again while they are open.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from search.errors import IndexDamaged

_MAGIC = 1337
_TAIL = struct.Struct("<II")  # length of the footer's JSON, magic number
_KINDS = ("fast", "fieldnorm", "idx", "pos", "store", "term")
_BLOCK = 1 << 20
_MOST_FOOTER = 50_000  # what tantivy itself accepts


def check_files(path: Path) -> None:
    """Compare every file that the index in `path` consists of with its checksum.

    Raises:
        IndexDamaged: a file is missing, cut short or altered; the message names the first.
    """
    segments = _segments(path)
    try:
        for name in _names(segments):
            _check(path / name)
    except OSError as error:
        # A merge replaces files at any time: missing is what the newest `meta.json` still names.
        if _segments(path) == segments:
            raise IndexDamaged(
                f"A file of the index {path} is gone or unreadable: {error}."
            ) from error
        check_files(path)


def committed_files(path: Path) -> frozenset[str]:
    """Return the names of the files that the last commit consists of. Raises IndexDamaged."""
    return frozenset(_names(_segments(path)))


def _segments(path: Path) -> dict[str, int | None]:
    """Return the segments of the last commit, each with the stamp of its deletions."""
    try:
        meta = json.loads((path / "meta.json").read_bytes())
        return {
            each["segment_id"].replace("-", ""): (each["deletes"] or {}).get("opstamp")
            for each in meta["segments"]
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise IndexDamaged(f"{path / 'meta.json'} cannot be read: {error}.") from error


def _names(segments: dict[str, int | None]) -> Iterator[str]:
    for segment, deleted in sorted(segments.items()):
        yield from (f"{segment}.{kind}" for kind in _KINDS)
        if deleted is not None:
            yield f"{segment}.{deleted}.del"


def _check(path: Path) -> None:
    """Compare one file with its checksum."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL.size))
        tail = file.read()
        length, magic = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, 0)
        body = size - _TAIL.size - length
        if magic != _MAGIC or length > _MOST_FOOTER or body < 0:
            raise IndexDamaged(f"The index file {path} has no footer: cut short or altered.")
        file.seek(body)
        expected = _expected(path, file.read(length))
        file.seek(0)
        found, left = 0, body
        while left:
            block = file.read(min(_BLOCK, left))
            if not block:
                raise IndexDamaged(f"The index file {path} was cut short while it was read.")
            found, left = zlib.crc32(block, found), left - len(block)
    if found != expected:
        raise IndexDamaged(
            f"The index file {path} was altered: expected CRC-32 {expected:08x}, found {found:08x}."
        )


def _expected(path: Path, footer: bytes) -> int:
    try:
        return int(json.loads(footer)["crc"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IndexDamaged(f"The footer of the index file {path} cannot be read.") from error
