"""One job while it runs: what its work is given, and the file it may leave.

Work tells how far it is by `progress`, as often as it likes and from any thread; the same call is
where it learns that it shall stop.
"""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from archiver.clock import Clock, to_millis
from archiver.db.jobs import Beat
from archiver.errors import NotFound, Stopping, StorageUnavailable
from archiver.model.actor import Actor

MOST_LINES = 200
"""A job keeps no more lines than these; the oldest go first."""

_BLOCK = 1 << 20


class Halt(StrEnum):
    """Why a job shall stop before its end."""

    CANCELLED = "cancelled"
    STOPPING = "stopping"  # the process ends
    LOST = "lost"  # this process was taken for dead: the job is no longer its own


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file a job left, as its result tells it. `name` is for the download, never a path."""

    name: str
    media_type: str
    size: int
    sha256: str

    def to_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
        }


class WorkFiles:
    """The folders of jobs under `root`, one each, named by its id."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, job_id: str) -> Path:
        """Return the job's folder, made if need be; only this user may read it.

        Raises:
            StorageUnavailable: it cannot be made.
        """
        path = self._root / job_id
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _unwritable(path, error) from error
        return path

    def result(self, job_id: str) -> Path:
        """Return where the job's file lies.

        Raises:
            NotFound: there is none, or not any more.
        """
        path = self._root / job_id / "result"
        if not path.is_file():
            raise NotFound(
                "the file of this job is not here: it was kept for seven days, records were "
                "destroyed since, or another process without this folder made it; start the job "
                "again"
            )
        return path

    def all(self) -> list[str]:
        """Return the ids of the jobs that have a folder."""
        if not self._root.is_dir():
            return []
        return sorted(path.name for path in self._root.iterdir() if path.is_dir())

    def remove(self, job_id: str) -> None:
        """Delete a job's folder, if it is there."""
        shutil.rmtree(self._root / job_id, ignore_errors=True)


class Run:
    """A running job, as its work sees it."""

    def __init__(
        self,
        *,
        job_id: str,
        arguments: Mapping[str, Any],
        actor: Actor,
        clock: Clock,
        files: WorkFiles,
    ) -> None:
        self.id = job_id
        self.arguments = arguments
        self.actor = actor
        self.file: KeptFile | None = None
        self.halt: Halt | None = None
        self.told = asyncio.Event()
        self._clock = clock
        self._files = files
        self._phase = ""
        self._done = 0
        self._total: int | None = None
        self._lines: list[tuple[int, str]] = []

    def progress(self, phase: str, done: int, total: int | None = None) -> None:
        """Tell how far the job is: a phase in words, how much of it is done, of how much.

        Written to the database at most once a second, by the runner; may be called from any thread.

        Raises:
            Stopping: the job was cancelled, or the process ends. Work lets it pass.
        """
        if phase != self._phase:
            self.say(phase)
        self._phase, self._done, self._total = phase, done, total
        self.check()

    def say(self, line: str) -> None:
        """Add a line to the job's log, with the moment. It holds no content."""
        self._lines = [*self._lines[1 - MOST_LINES :], (to_millis(self._clock()), line)]

    def stop(self, why: Halt) -> None:
        """Tell the work to stop; the first reason stays."""
        self.halt = self.halt or why
        self.told.set()

    def cancelled(self) -> bool:
        """Return whether the job shall stop."""
        return self.halt is not None

    def check(self) -> None:
        """Pass unless the job shall stop.

        Raises:
            Stopping: it shall.
        """
        if self.halt is not None:
            raise Stopping(
                f"the job was told to stop ({self.halt}); start it again if it is needed"
            )

    @property
    def folder(self) -> Path:
        """A folder of the job's own; deleted with the job's file."""
        return self._files.folder(self.id)

    @property
    def result_path(self) -> Path:
        """Where the job writes the one file it leaves; `keep` says then what it is."""
        return self.folder / "result"

    def keep(self, name: str, media_type: str) -> KeptFile:
        """Keep what was written to `result_path` for seven days, to be fetched under `name`.

        Reads the whole file, for its hash: call it in a thread.

        Raises:
            StorageUnavailable: it cannot be read.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self.result_path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
        except OSError as error:
            raise _unwritable(self.result_path, error) from error
        self.file = KeptFile(name=name, media_type=media_type, size=size, sha256=digest.hexdigest())
        return self.file

    def beat(self) -> Beat:
        """Return how far the job is, for the database."""
        lines = json.dumps(self._lines, ensure_ascii=False)
        return Beat(phase=self._phase, done=self._done, total=self._total, lines=lines)


def lines_of(text: str) -> Sequence[tuple[int, str]]:
    """Return the lines of a job's row: moments in milliseconds, and words."""
    return [(int(at), str(words)) for at, words in json.loads(text)]


def _unwritable(path: Path, error: OSError) -> StorageUnavailable:
    return StorageUnavailable(
        f"the folder of the job could not be used ({path}: {error.strerror}); check that the disk "
        "of MUNIMENT_HOME has room and is writable"
    )
