"""Kept simulations on disk: found again, swept when old, and never half a file."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.disposal.kept_simulations import KEPT, KeptSimulations, members_of
from archiver.disposal.simulation_result import (
    Category,
    Selection,
    SimulationResult,
    Tally,
    flags_of,
    lines_of,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LONGER = flags_of(10, 20, lock_until=0, held=False, now=5)


def result(digest: str) -> SimulationResult:
    """Five records of two accounts, all kept longer."""
    tally = Tally()
    for index in range(5):
        account = "@odd" if index % 2 else "@even"
        tally.add(("x", account, "a", "2026", "b", "2030", LONGER), index, 7)
    groups = tally.groups()
    return SimulationResult(
        subject="schedule",
        class_code="a",
        version=2,
        digest=digest,
        as_of=NOW,
        log_size=5,
        lines=lines_of(groups),
        groups=groups,
    )


def test_a_list_is_in_log_order_across_groups_and_goes_on_where_a_page_ended(
    tmp_path: Path,
) -> None:
    kept = KeptSimulations(tmp_path / "simulations", lambda: NOW)
    kept.keep(result("d" * 64))
    found = kept.find("d" * 64)
    assert found is not None
    every = Selection(category=Category.LONGER)
    first = members_of(found, every, after=-1, limit=3)
    rest = members_of(found, every, after=first[-1].log_index, limit=3)
    assert [member.log_index for member in (*first, *rest)] == [0, 1, 2, 3, 4]
    odd = Selection(category=Category.LONGER, account="@odd")
    assert [member.log_index for member in members_of(found, odd, after=-1, limit=9)] == [1, 3]
    assert members_of(found, Selection(category=Category.SHORTER), after=-1, limit=9) == ()


def test_a_file_cut_short_or_of_another_version_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    kept = KeptSimulations(tmp_path, lambda: NOW)
    kept.keep(result("d" * 64))
    path = tmp_path / ("d" * 64)
    whole = path.read_bytes()
    for content in (whole[:-8], whole[:-3], b"", b"{}\n", b"\xff\n", whole + b"12345678"):
        path.write_bytes(content)
        assert kept.find("d" * 64) is None
    assert kept.find("") is None
    assert kept.find("e" * 64) is None


def test_what_was_kept_long_enough_goes_when_another_is_kept(tmp_path: Path) -> None:
    KeptSimulations(tmp_path, lambda: NOW).keep(result("d" * 64))
    old = (NOW - KEPT - timedelta(seconds=1)).timestamp()
    os.utime(tmp_path / ("d" * 64), (old, old))
    KeptSimulations(tmp_path, lambda: NOW).keep(result("e" * 64))
    assert [path.name for path in tmp_path.iterdir()] == ["e" * 64]
