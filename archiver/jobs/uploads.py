"""Files that were sent to be imported, until they are.

A file's name is what people are shown, and never a path: on disk it is `content` and at most an
ending we chose, in a folder named by the upload's id. Nobody but who sent it sees what is in it.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archiver.clock import from_millis, to_millis
from archiver.errors import InvalidInput, NotFound, StorageUnavailable, TooLarge
from archiver.ids import ulid_bytes

_MB = 1024 * 1024
_ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip", ".gz", ".csv", ".json", ".jsonl", ".ndjson", ".xml")
_MOST_NAME = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_IMPORT_IT = (
    "import it with `muniment import` on the server, split it, or raise MUNIMENT_IMPORT_LIMIT_MB"
)
_LOOK_EVERY = 64 * _MB  # bytes between looks at the room on the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it was received."""

    id: str
    name: str
    size: int
    sha256: str
    sent_by: str
    at: datetime
    path: Path


class Uploads:
    """The folder of uploads under `root`; `most` is the largest file taken, in bytes.

    `advice` is what somebody with a larger one is told.
    """

    def __init__(
        self,
        root: Path,
        *,
        most: int,
        require_room: Callable[[], None],
        advice: str = _IMPORT_IT,
    ) -> None:
        self.most = most
        self._advice = advice
        self._root = root
        self._require_room = require_room

    def receive(self, upload_id: str, name: str) -> "Receiving":
        """Begin to take a file; write its bytes to what is returned, and finish it.

        Raises:
            InvalidInput: it has no name.
            StorageUnavailable: there is no room.
        """
        shown = shown_name(name)
        self._require_room()
        folder = self._root / upload_id
        with _writing():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        return Receiving(self, folder, upload_id, shown)

    def get(self, upload_id: str, *, sent_by: str) -> Upload:
        """Return a file that was received whole, to who sent it.

        Raises:
            NotFound: there is none, not any more, or somebody else sent it.
        """
        missing = NotFound("this file is not here any more, or was never sent; send it again")
        try:
            ulid_bytes(upload_id)
            told = json.loads((self._root / upload_id / "about.json").read_bytes())
        except (OSError, ValueError, InvalidInput) as error:
            raise missing from error
        if told["sent_by"] != sent_by:
            raise missing
        return Upload(
            id=upload_id,
            name=told["name"],
            size=told["size"],
            sha256=told["sha256"],
            sent_by=told["sent_by"],
            at=from_millis(told["at"]),
            path=self._root / upload_id / told["file"],
        )

    def remove(self, upload_id: str) -> None:
        """Delete a file, if it is there."""
        shutil.rmtree(self._root / upload_id, ignore_errors=True)

    def older_than(self, moment: datetime) -> list[str]:
        """Return the uploads begun before a moment: their ids say when."""
        if not self._root.is_dir():
            return []
        millis = to_millis(moment)
        return sorted(
            path.name
            for path in self._root.iterdir()
            if path.is_dir() and _begun(path.name) < millis
        )

    def require_fits(self, size: int) -> None:
        """Pass if a file of so many bytes is taken. Raises TooLarge."""
        if size > self.most:
            raise TooLarge(
                f"expected a file of at most {self.most // _MB:,} MB, found a larger one; "
                f"{self._advice}"
            )

    def require_room(self) -> None:
        """Pass while there is room. Raises StorageUnavailable."""
        self._require_room()


class Receiving:
    """A file on its way in. Blocking; call it in a thread."""

    def __init__(self, uploads: Uploads, folder: Path, upload_id: str, name: str) -> None:
        self.id = upload_id
        self._uploads = uploads
        self._folder = folder
        self._name = name
        self._file_name = "content" + _ending(name)
        self._size = 0
        self._looked_at = 0
        self._digest = hashlib.sha256()
        with _writing():
            self._file = (folder / self._file_name).open("xb")

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            TooLarge: they are more than a file may have.
            StorageUnavailable: there is no room.
        """
        self._size += len(data)
        self._uploads.require_fits(self._size)
        if self._size - self._looked_at >= _LOOK_EVERY:
            self._uploads.require_room()
            self._looked_at = self._size
        self._digest.update(data)
        with _writing():
            self._file.write(data)

    def finish(self, *, sent_by: str, at: datetime) -> Upload:
        """Return the file, now that all of it is here.

        Raises:
            InvalidInput: it is empty.
            StorageUnavailable: it could not be kept.
        """
        if not self._size:
            raise InvalidInput("expected a file, found an empty one", pointer="file")
        told = {
            "name": self._name,
            "file": self._file_name,
            "size": self._size,
            "sha256": self._digest.hexdigest(),
            "sent_by": sent_by,
            "at": to_millis(at),
        }
        with _writing():
            self._file.close()
            (self._folder / "about.json").write_text(json.dumps(told), encoding="utf-8")
        return self._uploads.get(self.id, sent_by=sent_by)

    def drop(self) -> None:
        """Forget a file that did not come whole."""
        self._file.close()
        self._uploads.remove(self.id)


def shown_name(name: str) -> str:
    """Return a sent name as people are shown it: its last part, without what does not print.

    Raises:
        InvalidInput: nothing is left of it.
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = _CONTROL.sub("", last).strip()[-_MOST_NAME:]
    if not shown.strip("."):
        raise InvalidInput("expected a file with a name, found none; choose a file", pointer="file")
    return shown


def _ending(name: str) -> str:
    lower = name.lower()
    return next((ending for ending in _ENDINGS if lower.endswith(ending)), "")


def _begun(upload_id: str) -> int:
    try:
        return int.from_bytes(ulid_bytes(upload_id)[:6], "big")
    except InvalidInput:
        return 0


@contextmanager
def _writing() -> Iterator[None]:
    """Turn what a full or missing disk raises into an error of ours."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"the file could not be kept ({error.strerror}); check that the disk of MUNIMENT_HOME "
            "has room and is writable"
        ) from error
