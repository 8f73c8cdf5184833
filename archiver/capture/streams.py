"""Byte streams of files on their way in: plain or gzip, and never more than they may be."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from archiver.errors import InvalidInput

READ_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,  # zipfile: a compression or version it does not know
    UnicodeDecodeError,  # zipfile: a member name that is not the UTF-8 it claims to be
    struct.error,  # zipfile: an extra field cut short
)
"""What reading a damaged container raises; `readable` turns each into `InvalidInput`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a container may hold. Sizes are bytes after unpacking.

    `ratio` is unpacked over packed size and counts above `ratio_from` only: short repetitive files
    compress well and harm nobody. DEFLATE reaches 1,032 at most (RFC 1951).
    """

    members: int = 200_000
    directory: int = 64 << 20
    unpacked: int = 64 << 30
    ratio: int = 200
    ratio_from: int = 16 << 20
    item: int = 16 << 20
    media: int = 64 << 20


LIMITS = Limits()


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn the errors of damaged or unreadable containers into `InvalidInput` about `name`."""
    try:
        yield
    except READ_ERRORS as error:
        raise InvalidInput(
            f"{name} cannot be read: {str(error) or type(error).__name__}"
        ) from error


class _Bounded(io.RawIOBase):
    """A stream that ends in `InvalidInput` where it unpacks to more than it may."""

    def __init__(self, stream: IO[bytes], name: str, *, packed: int, limits: Limits) -> None:
        self._stream = stream
        self._name = name
        self._most = min(limits.unpacked, max(limits.ratio_from, packed * limits.ratio))
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        with readable(self._name):
            block = self._stream.read(len(buffer))
        self._count += len(block)
        if self._count > self._most:
            raise InvalidInput(
                f"{self._name} unpacks to more than {self._most:,} bytes: refused as a bomb"
            )
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._stream.close()
        super().close()


def bounded(stream: IO[bytes], name: str, *, packed: int, limits: Limits) -> BinaryIO:
    """Return `stream`, unpacked from `packed` bytes, buffered and held to `limits`.

    Reading raises `InvalidInput` when it is damaged or gives more than `limits` allow.
    """
    raw = _Bounded(stream, name, packed=packed, limits=limits)
    return io.BufferedReader(raw, buffer_size=1 << 18)


def open_file(path: Path, name: str, limits: Limits) -> BinaryIO:
    """Open a plain or gzip file; which of the two, its first two bytes say (RFC 1952).

    Raises:
        InvalidInput: a symbolic link, or not readable.
    """
    if path.is_symlink():
        raise InvalidInput(f"{name} is a symbolic link: links are not followed")
    with readable(name):
        with path.open("rb") as start:
            packed = start.read(2) == b"\x1f\x8b"
        if not packed:
            return path.open("rb")
        stream = cast("IO[bytes]", gzip.GzipFile(path))
        return bounded(stream, name, packed=path.stat().st_size, limits=limits)
