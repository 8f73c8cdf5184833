"""Writing a bundle: a zip file that its members determine to the last byte, and its seal.

Members are stored without compression, because a compressor's output differs by version and the
verifier rebuilds the file from its members to compare. Bytes go out as they come; what is needed
at the end (hashes, the zip directory) waits in temporary files, so memory stays flat.
"""

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, BinaryIO, Self

from archiver.assurance.evidence_verifier import (
    LARGEST_MEMBER,
    MANIFEST,
    SEAL,
    SEAL_LINE,
    central_header,
    end_records,
    local_header,
)
from archiver.errors import TooLarge
from archiver.preserve.ledger.note import Signer, encode_base64, sign_note

_IN_MEMORY = 1 << 20
_CHUNK = 1 << 20


def spool() -> IO[bytes]:
    """Return a file for bytes that are needed later; over 1 MB it is on disk. Close it."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)


class BundleWriter:
    """Writes members in the order they are added; `seal` ends the bundle. A context manager."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._directory = spool()
        self._hashes = spool()
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.close()
        self._hashes.close()

    @property
    def sha256(self) -> str:
        """SHA-256 of all bytes written so far, in hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def size(self) -> int:
        """How many bytes were written so far."""
        return self._size

    def add(self, name: str, content: bytes) -> None:
        """Write a member. Raises TooLarge: zip without extra fields cannot say its size."""
        self._start(name, zlib.crc32(content), len(content))
        self._write(content)
        self._list(name, hashlib.sha256(content).hexdigest())

    def add_spooled(self, name: str, content: IO[bytes]) -> None:
        """Write a member from a file, read from its start twice. Raises as `add`."""
        content.seek(0)
        crc, size, sha256 = 0, 0, hashlib.sha256()
        while chunk := content.read(_CHUNK):
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            sha256.update(chunk)
        self._start(name, crc, size)
        content.seek(0)
        while chunk := content.read(_CHUNK):
            self._write(chunk)
        self._list(name, sha256.hexdigest())

    def seal(self, origin: str, log_size: int, signers: Sequence[Signer]) -> None:
        """Write the list of hashes, the note by which the log's keys sign it, and the directory."""
        self._hashes.seek(0)
        digest = hashlib.sha256()
        while chunk := self._hashes.read(_CHUNK):
            digest.update(chunk)
        with spool() as listed:
            self._hashes.seek(0)
            shutil.copyfileobj(self._hashes, listed)
            self.add_spooled(MANIFEST, listed)
        text = f"{SEAL_LINE}\n{origin}\n{log_size}\n{encode_base64(digest.digest())}\n"
        self.add(SEAL, sign_note(text, signers))
        self._end()

    def _start(self, name: str, crc: int, size: int) -> None:
        if size > LARGEST_MEMBER:
            raise TooLarge(f"{name} has {size:,} bytes; a bundle holds files under 4 GiB")
        self._directory.write(central_header(name, crc, size, self._size))
        self._count += 1
        self._write(local_header(name, crc, size))

    def _list(self, name: str, sha256: str) -> None:
        self._hashes.write(f"{sha256}  {name}\n".encode("ascii"))

    def _end(self) -> None:
        offset, size = self._size, self._directory.tell()
        self._directory.seek(0)
        while chunk := self._directory.read(_CHUNK):
            self._write(chunk)
        self._write(end_records(self._count, size, offset))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self._size += len(data)


Progress = Callable[[int, int], None]
"""Told how many records are written, and of how many."""


def records_in(path: Path) -> frozenset[str]:
    """Return the ids of the records whose files stand in a bundle; of none where it is no zip."""
    try:
        with zipfile.ZipFile(path) as bundle:
            names = bundle.namelist()
    except (zipfile.BadZipFile, OSError):
        return frozenset()
    return frozenset(name.split("/")[1] for name in names if name.startswith("records/"))
