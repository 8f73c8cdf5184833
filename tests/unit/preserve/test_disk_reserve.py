"""The last of a disk is kept for what is said about the records, not for more records."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.errors import StorageUnavailable
from archiver.preserve.disk_reserve import DiskReserve

GB = 1024**3
HOME, STORE = Path("home"), Path("store")


@dataclass
class Disk:
    total: int
    free: int


@pytest.mark.parametrize(
    ("total", "free", "room"),
    [
        (100 * GB, GB, True),
        (100 * GB, GB - 1, False),
        (2 * GB, GB // 9, True),
        (2 * GB, GB // 11, False),
        (100 * GB, 0, False),
    ],
)
def test_posts_are_refused_before_the_reserve_is_touched(
    total: int, free: int, *, room: bool
) -> None:
    disks = {HOME: Disk(100 * GB, 50 * GB), STORE: Disk(total, free)}
    reserve = DiskReserve((HOME, STORE), GB, measure=disks.__getitem__)
    if room:
        reserve.require_room()
        return
    with pytest.raises(StorageUnavailable, match=r"disk of store .* no restart") as refusal:
        reserve.require_room()
    assert not refusal.value.ambiguous


def test_a_disk_that_cannot_be_measured_takes_no_posts() -> None:
    def gone(_folder: Path) -> Disk:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    with pytest.raises(StorageUnavailable, match="mounted"):
        DiskReserve((HOME,), GB, measure=gone).require_room()


def test_a_real_disk_is_measured(tmp_path: Path) -> None:
    DiskReserve((tmp_path,), 0).require_room()
