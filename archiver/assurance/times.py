"""The times that entries claim, against their order in the log, the timestamps and the store.

An entry's `ts` is the moment its record was captured (`sealing.seal`), by the archive's own clock;
its place in the log is given when its segment is sequenced. In between lie seconds, while the
database is away perhaps minutes, and after a crash as long as it takes until the server starts
again and adopts the segment. So three things hold:

* No entry is later than a timestamp that covers it, but for what clocks may differ (`SKEW`).
* No segment says that it was written later than the store received it, but for `SKEW`.
* An entry earlier by more than `DELAY` than entries before it, or than a timestamp before it,
  was adopted: then the store's own time of its segment is as early. If the store received the
  segment later than it claims, it was dated back, or the archive's clock was set back.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from archiver.assurance.inspection import Inspection
from archiver.assurance.join import Catalogue, KnownSegment
from archiver.assurance.log_check import CheckedLog, entries_at
from archiver.assurance.log_scan import MOMENTS, moment_of
from archiver.assurance.report import Findings
from archiver.assurance.stamps import SKEW, Stamp
from archiver.assurance.workers import batches, read_together
from archiver.clock import from_millis, rfc3339
from archiver.preserve.ledger.tiles import TILE_WIDTH
from archiver.preserve.object_keys import log_prefix

DELAY = timedelta(hours=1)
"""The longest innocent way from capture to the log, but for segments that a crash left."""

_SKEW_MS = SKEW // timedelta(milliseconds=1)
_DELAY_MS = DELAY // timedelta(milliseconds=1)
_NEVER = 2**62
_LAST_MS = 253_402_300_799_999
_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """An entry outside its bounds: `bound_ms` is what it contradicts, beneath or above."""

    index: int
    ts_ms: int
    bound_ms: int
    entry: bytes

    @property
    def is_late(self) -> bool:
        """Whether it claims to be later than a timestamp that covers it."""
        return self.ts_ms > self.bound_ms


def check_times(
    run: Inspection, log: CheckedLog, catalogue: Catalogue, stamps: Sequence[Stamp]
) -> None:
    """Compare the claimed time of every signed entry with what encloses it.

    `stamps` are verified, by size. Only bundles with an entry out of bounds are read again.
    """
    findings = run.findings
    _check_receiving(catalogue, findings)
    placed = sorted(
        (one for one in catalogue.segments if one.first_index >= 0),
        key=lambda one: one.first_index,
    )
    firsts = [one.first_index for one in placed]
    doubts: dict[str, list[_Doubt]] = {}
    segments: dict[str, KnownSegment] = {}
    for doubt in _doubts(run, log, stamps):
        at = bisect_right(firsts, doubt.index) - 1
        segment = placed[at] if at >= 0 else None
        if segment is not None and doubt.index < segment.first_index + segment.records:
            segments[segment.object.key] = segment
            doubts.setdefault(segment.object.key, []).append(doubt)
        else:
            doubts.setdefault(log_prefix(run.archive_id), []).append(doubt)
    for key, found in doubts.items():
        _judge(key, segments.get(key), found, findings)
    findings.proven.append(
        "times rise along the log: no entry is more than an hour older than one before it, save "
        "what the problems and warnings name"
        + (
            "; none claims to be later than a timestamp over it (within two minutes)"
            if stamps
            else ""
        )
    )


def _check_receiving(catalogue: Catalogue, findings: Findings) -> None:
    for segment in catalogue.segments:
        received = segment.object.modified_ms
        if received and segment.created_at > received + _SKEW_MS:
            findings.problem(
                f"it says it was written {_said(segment.created_at)}, but the store received it "
                f"{_said(received)} already: the archive's clock was ahead, and the times of its "
                "records are wrong",
                object_key=segment.object.key,
            )


def _doubts(run: Inspection, log: CheckedLog, stamps: Sequence[Stamp]) -> Iterator[_Doubt]:
    """Yield the entries out of bounds, in log order."""
    bounds = _Bounds(stamps)

    def read(suspect: tuple[int, int]) -> dict[int, bytes]:
        start = suspect[0] * TILE_WIDTH
        return entries_at(run.store, run.archive_id, log.size, start, start + TILE_WIDTH)

    for some in batches(_suspects(log, bounds), _BATCH):
        for (_, newest), entries in zip(some, read_together(run.store, read, some), strict=True):
            yield from _doubts_in(entries, newest, bounds)


def _suspects(log: CheckedLog, bounds: "_Bounds") -> Iterator[tuple[int, int]]:
    """Yield the bundles that may hold an entry out of bounds, with the newest `ts` before each."""
    newest = 0
    for n, (least, greatest, fall) in enumerate(batches(log.moments, MOMENTS)):
        start, end = n * TILE_WIDTH, min((n + 1) * TILE_WIDTH, log.size)
        floor = max(newest, bounds.not_before(end - 1)) - _DELAY_MS
        is_above = greatest > bounds.not_after(start) + _SKEW_MS
        if greatest and (least < floor or fall > _DELAY_MS or is_above):
            yield n, newest
        newest = max(newest, greatest)


def _doubts_in(entries: dict[int, bytes], newest: int, bounds: "_Bounds") -> Iterator[_Doubt]:
    for index, entry in sorted(entries.items()):
        ts_ms = moment_of(entry)
        floor, ceiling = max(newest, bounds.not_before(index)), bounds.not_after(index)
        if ts_ms > ceiling + _SKEW_MS:
            yield _Doubt(index=index, ts_ms=ts_ms, bound_ms=ceiling, entry=entry)
        elif ts_ms < floor - _DELAY_MS:
            yield _Doubt(index=index, ts_ms=ts_ms, bound_ms=floor, entry=entry)
        newest = max(newest, ts_ms)


class _Bounds:
    """What verified timestamps say of an index: their sizes split the log into stretches."""

    def __init__(self, stamps: Sequence[Stamp]) -> None:
        self._sizes = [one.size for one in stamps]
        times = [one.time_ms for one in stamps]
        self._before = [0, *accumulate(times, max)]
        self._after = [*reversed(list(accumulate(reversed(times), min))), _NEVER]

    def not_before(self, index: int) -> int:
        """Return the latest time of a timestamp that does not cover `index`; 0 for none."""
        return self._before[bisect_right(self._sizes, index)]

    def not_after(self, index: int) -> int:
        """Return the earliest time of a timestamp that covers `index`."""
        return self._after[bisect_right(self._sizes, index)]


def _judge(
    key: str, segment: KnownSegment | None, doubts: Sequence[_Doubt], findings: Findings
) -> None:
    """Say what the doubts about one segment, or about entries without one, come to."""
    late = [doubt for doubt in doubts if doubt.is_late]
    early = [doubt for doubt in doubts if not doubt.is_late]
    if late:
        one = late[0]
        findings.problem(
            f"{_counted(late)} {_said(one.ts_ms)}, later than {_said(one.bound_ms)}, by when a "
            "timestamp proves it was in the log: the archive's clock was ahead",
            object_key=key,
            record_id=_id_of(one.entry),
        )
    if not early:
        return
    one = early[0]
    what = (
        f"{_counted(early)} {_said(one.ts_ms)}, though what came into the log before it is of "
        f"{_said(one.bound_ms)}"
    )
    received = segment.object.modified_ms if segment else 0
    if segment is None or received <= one.ts_ms + _DELAY_MS:
        findings.warn(
            f"{what}: it waited that long, as after a crash (the store received it then), or the "
            "clocks of archive and store were set back together",
            object_key=key,
        )
    else:
        findings.problem(
            f"{what}, and the store received it {_said(received)}: it was dated back, or the "
            "archive's clock was set back. A copy of the store that did not keep the objects' "
            "times looks the same: then ask the original",
            object_key=key,
            record_id=_id_of(one.entry),
        )


def _counted(doubts: Sequence[_Doubt]) -> str:
    first = f"entry {doubts[0].index} of the log"
    more = f" and {len(doubts) - 1} more of this object" if len(doubts) > 1 else ""
    return f"{first}{more} claims" if not more else f"{first}{more} claim"


def _id_of(entry: bytes) -> str:
    return entry[23:49].decode("ascii", "replace") if entry[12:15] in {b"rec", b"aud"} else ""


def _said(millis: int) -> str:
    return rfc3339(from_millis(max(0, min(millis, _LAST_MS))))
