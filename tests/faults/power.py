"""A disk whose power can be cut: an ext4 image on a loop mount, and FS_IOC_SHUTDOWN.

What was not synced is lost, names included, and the journal is left as it is; deterministic, unlike
pulling a plug (performance-and-faults 6.2). Needs root and a kernel that allows loop mounts.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2
_SIZE = 48 * 1024 * 1024
UNSYNCED = "unsynced"
"""A file made just before the power goes; that it is gone shows that it really went."""


def make_image(content: Path, image: Path) -> None:
    """Make a file system of the files in `content`."""
    with image.open("wb") as file:
        file.truncate(_SIZE)
    _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    with TemporaryDirectory() as folder, mounted(image, Path(folder)) as root:
        shutil.copytree(content, root, dirs_exist_ok=True)


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount an image at `folder`."""
    _run("mount", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        _run("umount", folder)


def cut(mount: Path) -> None:
    """Cut the power of the disk mounted there."""
    (mount / UNSYNCED).write_bytes(b"x")
    folder = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
    finally:
        os.close(folder)


def was_not_cut(mount: Path) -> bool:
    """Return whether what was never synced is there after all.

    The name alone may be: a sync of another thread, just before the cut, commits all names, but
    what stands in a file that nobody synced has no block on the disk yet (delayed allocation).
    """
    unsynced = mount / UNSYNCED
    return unsynced.exists() and unsynced.stat().st_size > 0


@cache
def cannot_cut() -> str:
    """Return why power cannot be cut here, or nothing."""
    with TemporaryDirectory() as folder:
        (root := Path(folder, "mount")).mkdir()
        try:
            make_image(root, Path(folder, "image"))
            with mounted(Path(folder, "image"), root):
                cut(root)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"power cannot be cut: needs root, mkfs.ext4 and loop mounts ({error})"
    return ""


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)
