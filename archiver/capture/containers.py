"""What an import is given, as streams of posts: files, folders, `.gz`, `.zip` and `.tar`.

`streams` holds the limits on bytes, `archives` those on zips and tars.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archiver.capture.archives import files_in, is_archive, open_archive
from archiver.capture.streams import LIMITS, Limits, open_file
from archiver.errors import NotFound


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of posts. `name` is what people are shown: `export.zip!outbox.json`."""

    name: str
    open: Callable[[], BinaryIO]


def sources(paths: Iterable[Path], limits: Limits = LIMITS) -> Iterator[Source]:
    """Yield the streams in `paths`, in order; a folder gives its files sorted by name.

    `.gz` is unpacked as it is read; every member of a zip or tar is a stream. Hidden files are
    passed over. Symbolic links inside folders are not followed: opening one is refused. Open each
    source before asking for the next: its archive is closed after that.

    Raises:
        NotFound: a path does not exist.
        InvalidInput: a zip or tar is damaged, encrypted, or outside `limits`.
    """
    for path in paths:
        if not path.exists():
            raise NotFound(f"there is no file or folder {path}")
        if path.is_dir():
            for file in files_in(path):
                yield from _sources_of_file(
                    file, f"{path.name}/{file.relative_to(path).as_posix()}", limits
                )
        else:
            yield from _sources_of_file(path, path.name, limits)


def _sources_of_file(path: Path, name: str, limits: Limits) -> Iterator[Source]:
    if path.is_symlink() or not is_archive(path):
        yield Source(name, lambda: open_file(path, name, limits))
        return
    with open_archive(path, limits) as archive:
        for member in archive.names():
            yield Source(f"{name}!{member}", lambda member=member: archive.open(member))  # type: ignore[misc]
