"""Posts are refused while there is still room for audit entries, holds and releases.

Reading, searching and holding leave entries in the log; were posts to take the last byte, a full
disk would stop those as well, just when somebody looks into it (performance-and-faults, rule 15).
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from archiver.errors import StorageUnavailable

_LARGEST_SHARE = 20  # of a small disk no more than a twentieth is kept free
_MB = 1024 * 1024


class Usage(Protocol):
    """What `shutil.disk_usage` returns."""

    @property
    def total(self) -> int:
        """Bytes of the disk."""

    @property
    def free(self) -> int:
        """Bytes this process may still write."""


class DiskReserve:
    """The last bytes of the disks under `folders`, which posts may not have."""

    def __init__(
        self,
        folders: Iterable[Path],
        reserve: int,
        *,
        measure: Callable[[Path], Usage] = shutil.disk_usage,
    ) -> None:
        self._folders = tuple(folders)
        self._reserve = reserve
        self._measure = measure

    def require_room(self) -> None:
        """Check that there is room for posts. Two system calls, no input or output.

        Raises:
            StorageUnavailable: there is none, or a folder is gone; nothing was stored.
        """
        for folder in self._folders:
            try:
                disk = self._measure(folder)
            except OSError as error:
                raise StorageUnavailable(
                    f"the room on the disk of {folder} is not known ({error.strerror}); is it "
                    "mounted?"
                ) from error
            kept = min(self._reserve, disk.total // _LARGEST_SHARE)
            if disk.free < kept:
                raise StorageUnavailable(
                    f"the disk of {folder} has room for {disk.free / _MB:.1f} MB, and the last "
                    f"{kept / _MB:.1f} MB are kept for audit entries, holds and releases: no posts "
                    "are taken. Free space or enlarge it; no restart is needed"
                )
