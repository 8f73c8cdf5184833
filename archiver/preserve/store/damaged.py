"""Damaged bytes that were replaced, kept as older versions of their object: they are evidence.

Object `seg/a/b.seg` whose bytes were replaced by `restore` leaves them at
`.damaged/seg/a/b.seg/<version id>`, where listing finds them as S3 finds older versions. They go
when that version is deleted, which the object's own lock and hold forbid as long as they bind.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from archiver.preserve.store import StoredObject
from archiver.preserve.store.disk import Disk, link, walk
from archiver.preserve.store.sidecar import version_of

DAMAGED = ".damaged"
"""Folder of replaced bytes. Object names never begin with a dot, so no object is in it."""

UNREADABLE = "unreadable"
"""The version id of bytes that the disk does not give any more."""

_is_version = re.compile(rf"[0-9a-f]{{32}}|{UNREADABLE}").fullmatch


class DamagedVersions:
    """The replaced bytes of one filesystem store."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root = root / DAMAGED
        self._disk = disk

    def keep(self, path: Path, key: str, content: bytes | None) -> None:
        """Keep the file at `path`, durably, before another takes its name; None: unreadable."""
        version_id = UNREADABLE if content is None else version_of(hashlib.sha256(content).digest())
        folder = self._root / key
        self._disk.make_folder(folder)
        link(path, folder / version_id)
        self._disk.sync_folder(folder)

    def path(self, key: str, version_id: str) -> Path:
        """Return the file of a version that `find` has found."""
        return self._root / key / version_id

    def find(self, key: str, version_id: str) -> StoredObject | None:
        """Describe a version, None where it is none of these."""
        path = self.path(key, version_id)
        if not _is_version(version_id) or not path.is_file():
            return None
        return _described(path, key, version_id)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the versions under `prefix`, by key."""
        # A version's name is one level below its key, so a key that only begins with the prefix
        # is found by its folder; most stores have none of these at all.
        if not self._root.is_dir():
            return
        for name in walk(self._root, "", after="", ignoring="\0"):
            key, _, version_id = name.rpartition("/")
            if key.startswith(prefix):
                yield _described(self._root / name, key, version_id)

    def delete(self, key: str, version_id: str) -> None:
        """Remove a version for good."""
        if self.find(key, version_id) is not None:
            path = self.path(key, version_id)
            path.unlink(missing_ok=True)
            self._disk.sync_folder(path.parent)


def _described(path: Path, key: str, version_id: str) -> StoredObject:
    status = os.stat(path)  # noqa: PTH116 - one system call, as in the store itself
    return StoredObject(
        key=key,
        version_id=version_id,
        size=status.st_size,
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
        is_latest=False,
    )
