"""Zips, tars and unpacked folders: named members, checked before any is read.

Nothing is ever unpacked to a path that an archive names: members are read as streams, so a name
such as `../../etc/passwd` has nowhere to go; it is refused all the same, because an archive that
holds one is not what it claims to be. Limits are checked on the archive's own directory before
any member is read, and again on the bytes that really come out.
"""

import io
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from archiver.capture.streams import LIMITS, Limits, bounded, open_file, readable
from archiver.errors import InvalidInput, NotFound

_NESTED = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar", ".br")
_ENCRYPTED = 0x1
_EOCD = b"PK\x05\x06"  # APPNOTE.TXT 4.3.16: end of central directory record
_EOCD64 = b"PK\x06\x06"  # 4.3.14
_IN_ZIP64 = 0xFFFFFFFF
_EOCD_REACH = 22 + 0xFFFF + 76


class Archive(Protocol):
    """Named members to be read in any order: a zip, a tar, or an unpacked folder."""

    path: Path

    def names(self) -> list[str]:
        """Return the names of all regular members, `/`-separated, sorted."""
        ...

    def size(self, name: str) -> int:
        """Return the unpacked bytes of `name`."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Return a stream of `name`. Raises `InvalidInput` for an archive in the archive."""
        ...


def is_archive(path: Path) -> bool:
    """Return whether `path` is a folder, a zip or a tar, compressed or not."""
    with readable(path.name):
        return path.is_dir() or zipfile.is_zipfile(path) or _is_tar(path)


@contextmanager
def open_archive(path: Path, limits: Limits = LIMITS) -> Iterator[Archive]:
    """Open a zip, a tar or an unpacked folder for reading by member name.

    Raises:
        NotFound: there is no such path.
        InvalidInput: none of these, damaged, encrypted, outside `limits`, or with hostile names.
    """
    if not path.exists():
        raise NotFound(f"there is no file or folder {path}")
    if path.is_dir():
        yield _Folder(path, limits)
        return
    with readable(path.name):
        kind = "zip" if zipfile.is_zipfile(path) else "tar" if _is_tar(path) else ""
    if kind == "zip":
        with _open_zip(path, limits) as archive:
            yield archive
    elif kind == "tar":
        with _open_tar(path, limits) as archive:
            yield archive
    else:
        raise InvalidInput(f"expected a zip, a tar or a folder; found {path.name}")


def member_name(name: str) -> str:
    """Return `name` if it is a plain relative path.

    Raises:
        InvalidInput: absolute, with `..`, a drive letter, a backslash or a control character.
    """
    parts = PurePosixPath(name).parts
    if (
        not parts
        or name.startswith("/")
        or ".." in parts
        or "\\" in name
        or parts[0].endswith(":")
        or any(character < " " for character in name)
    ):
        raise InvalidInput(f"the archive holds a member with the hostile name {name!r}: refused")
    return name


def files_in(folder: Path) -> list[Path]:
    """Return the files below `folder`, sorted; hidden ones are passed over, links are kept."""
    return sorted(
        path
        for path in folder.rglob("*")
        if (path.is_file() or path.is_symlink())
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _is_tar(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith((".tar", ".tar.gz", ".tgz")) and tarfile.is_tarfile(path)


class _Folder:
    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self._limits = limits

    def names(self) -> list[str]:
        return [file.relative_to(self.path).as_posix() for file in files_in(self.path)]

    def size(self, name: str) -> int:
        with readable(name):
            return (self.path / name).stat().st_size

    def open(self, name: str) -> BinaryIO:
        return open_file(self.path / member_name(name), name, self._limits)


class _Zip:
    def __init__(self, path: Path, file: zipfile.ZipFile, limits: Limits) -> None:
        self.path = path
        self._file = file
        self._limits = limits
        self._members = _checked_members(path, file, limits)

    def names(self) -> list[str]:
        return sorted(self._members)

    def size(self, name: str) -> int:
        return self._members[name].file_size

    def open(self, name: str) -> BinaryIO:
        member = self._members[name]
        _refuse_nested(self.path, name)
        with readable(f"{self.path.name}!{name}"):
            stream = self._file.open(member)
        return bounded(stream, name, packed=member.compress_size, limits=self._limits)


@contextmanager
def _open_zip(path: Path, limits: Limits) -> Iterator[_Zip]:
    with readable(path.name):
        _refuse_large_directory(path, limits)
        file = zipfile.ZipFile(path)
    with file:
        yield _Zip(path, file, limits)


def _refuse_large_directory(path: Path, limits: Limits) -> None:
    """Read the directory's size before `zipfile` builds an object for every member in it."""
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - _EOCD_REACH))
        tail = stream.read()
    at = tail.rfind(_EOCD)
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if directory == _IN_ZIP64 and (at64 := tail.rfind(_EOCD64)) >= 0:
        directory = int.from_bytes(tail[at64 + 40 : at64 + 48], "little")
    if directory > limits.directory:
        raise InvalidInput(
            f"{path.name} lists its members in {directory:,} bytes; at most {limits.directory:,}"
        )


def _checked_members(
    path: Path, file: zipfile.ZipFile, limits: Limits
) -> dict[str, zipfile.ZipInfo]:
    members = {info.filename: info for info in file.infolist() if not info.is_dir()}
    listed = sum(not info.is_dir() for info in file.infolist())
    if listed != len(members):
        raise InvalidInput(f"{path.name} holds two members of one name: refused as ambiguous")
    _refuse_excess(path, len(members), sum(i.file_size for i in members.values()), limits)
    for name, info in members.items():
        member_name(name)
        if info.flag_bits & _ENCRYPTED:
            raise InvalidInput(f"{path.name} is encrypted ({name}): decrypt it first")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InvalidInput(f"{path.name} holds a symbolic link ({name}): refused")
        if info.file_size > max(limits.ratio_from, info.compress_size * limits.ratio):
            raise InvalidInput(
                f"{path.name}!{name} unpacks {info.compress_size:,} to {info.file_size:,} bytes, "
                f"over {limits.ratio} to 1: refused as a bomb"
            )
    return members


def _refuse_excess(path: Path, members: int, unpacked: int, limits: Limits) -> None:
    if members > limits.members:
        raise InvalidInput(f"{path.name} holds {members:,} members; at most {limits.members:,}")
    if unpacked > limits.unpacked:
        raise InvalidInput(
            f"{path.name} unpacks to {unpacked:,} bytes; at most {limits.unpacked:,}"
        )


def _refuse_nested(path: Path, name: str) -> None:
    if name.lower().endswith(_NESTED):
        raise InvalidInput(
            f"{path.name}!{name} is an archive in an archive: unpack the outer one first"
        )


class _Tar:
    def __init__(self, path: Path, file: tarfile.TarFile, limits: Limits) -> None:
        self.path = path
        self._file = file
        self._members: dict[str, tarfile.TarInfo] = {}
        total = 0
        for info in file:
            if info.isdir():
                continue
            name = member_name(info.name.removeprefix("./"))
            if not info.isreg():
                raise InvalidInput(f"{path.name} holds a link or device ({name}): refused")
            total += info.size
            self._members[name] = info
            _refuse_excess(path, len(self._members), total, limits)

    def names(self) -> list[str]:
        return sorted(self._members)

    def size(self, name: str) -> int:
        return self._members[name].size

    def open(self, name: str) -> BinaryIO:
        _refuse_nested(self.path, name)
        stream = self._file.extractfile(self._members[name])
        if stream is None:
            raise InvalidInput(f"{self.path.name}!{name} is not a file")
        return cast("BinaryIO", stream)


@contextmanager
def _open_tar(path: Path, limits: Limits) -> Iterator[_Tar]:
    """Open a tar; a compressed one goes to an unnamed temporary file first, to be read by name."""
    with open_file(path, path.name, limits) as packed, tempfile.TemporaryFile() as plain:
        while block := packed.read(1 << 20):
            plain.write(block)
        plain.seek(0)
        with readable(path.name):
            archive = _Tar(path, tarfile.TarFile(fileobj=plain), limits)
        yield archive
