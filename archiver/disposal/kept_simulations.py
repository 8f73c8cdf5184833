"""Simulations kept by the digest of what was simulated, each in a file, for some days.

A number of a kept simulation opens its list without walking through the archive again: the file
holds, beside the counts, which records each of them counted. It holds no content, and losing it
costs another simulation.

A file is one line of JSON (what was simulated, and the groups of records that stand alike), then
the log indexes of each group in turn, ascending, as unsigned 64-bit numbers of this machine.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from archiver.clock import Clock, rfc3339
from archiver.disposal.simulation_result import (
    Alike,
    Group,
    Selection,
    SimulationResult,
    lines_of,
)
from archiver.disposal.simulation_walk import Member
from archiver.errors import StorageUnavailable

KEPT = timedelta(days=7)
"""How long a simulation is kept."""

_NUMBER = 8  # bytes


class KeptSimulations:
    """The kept simulations of one archive, under `folder`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def keep(self, result: SimulationResult) -> None:
        """Keep a simulation in place of an older one of the same; delete those kept long enough.

        Blocks: call it in a thread.

        Raises:
            StorageUnavailable: it cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.writelines(_written(result))
            Path(file.name).replace(self._folder / result.digest)
            self._sweep(result.digest)
        except OSError as error:
            raise StorageUnavailable(
                f"the simulation could not be kept ({self._folder}: {error.strerror}); check that "
                "the disk of MUNIMENT_HOME has room and is writable"
            ) from error

    def find(self, digest: str) -> SimulationResult | None:
        """Return the kept simulation of what has this digest, None where there is none.

        Blocks: call it in a thread.
        """
        path = self._folder / digest
        if not digest or not path.is_file():
            return None
        with suppress(ValueError, KeyError, TypeError, OSError):  # another version's, or cut short
            return _read(path.read_bytes())
        return None

    def _sweep(self, newest: str) -> None:
        oldest = (self._clock() - KEPT).timestamp()
        for path in self._folder.iterdir():
            if path.name != newest and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def members_of(
    result: SimulationResult, selection: Selection, *, after: int, limit: int
) -> tuple[Member, ...]:
    """Return up to `limit` records behind a number, in log order above the index `after`."""
    found = (
        _members(group, alike.indexes, after)
        for group, alike in result.groups.items()
        if selection.covers(group)
    )
    return tuple(islice(merge(*found), limit))


def _members(group: Group, indexes: Sequence[int], after: int) -> Iterator[Member]:
    _, _, class_before, _, class_after, _, _ = group
    for place in range(bisect_right(indexes, after), len(indexes)):
        yield Member(indexes[place], class_before, class_after)


def _written(result: SimulationResult) -> Iterable[bytes]:
    head = {
        "subject": result.subject,
        "class_code": result.class_code,
        "version": result.version,
        "digest": result.digest,
        "as_of": rfc3339(result.as_of),
        "log_size": result.log_size,
        "groups": [
            [*group, len(alike.indexes), alike.bytes] for group, alike in result.groups.items()
        ],
    }
    yield json.dumps(head, ensure_ascii=False).encode() + b"\n"
    for alike in result.groups.values():
        yield bytes(memoryview(alike.indexes))  # type: ignore[arg-type] # an array, or a view


def _read(content: bytes) -> SimulationResult:
    first, _, numbers = content.partition(b"\n")
    head: dict[str, Any] = json.loads(first)
    indexes = memoryview(numbers).cast("Q")
    groups: dict[Group, Alike] = {}
    start = 0
    for platform, account, was, year_was, becomes, year, flags, records, size in head.pop("groups"):
        end = start + int(records)
        groups[platform, account, was, year_was, becomes, year, int(flags)] = Alike(
            indexes[start:end], int(size)
        )
        start = end
    if start != len(indexes):
        raise ValueError(f"expected {start} records of {_NUMBER} bytes, found {len(numbers)} bytes")
    head["as_of"] = datetime.fromisoformat(head["as_of"])
    return SimulationResult(**head, lines=lines_of(groups), groups=groups)
