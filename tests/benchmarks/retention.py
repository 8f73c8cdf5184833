"""B18: simulating a schedule over a large archive, and sweeping it for what is due.

    python -m tests.benchmarks.retention DATABASE [--sizes 10000 100000 1000000] [--brute]

DATABASE is a copy of the SQLite database of a large archive, migrated; it is changed: every tenth
record is made due, and locks are taken off. For each size the log is taken to end
there. The reference is one raw anti-join and a batched delete of what it finds, rolled back.
`--brute` then makes posts, holds, locks and closed accounts of every kind, refiles all of it, and
asks the retention engine about each record of the largest size, one after the other: every end and
every number of the simulation must be equal. CPU time is judged, because the machine may be shared.
"""

import argparse
import asyncio
import json
import math
import resource
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Self

from archiver.clock import from_millis, to_millis
from archiver.db.due import DueRow, due
from archiver.db.facts import facts_of_rows
from archiver.db.refiling import FOLLOWER
from archiver.db.transaction import Database, open_database
from archiver.disposal.refiling import Refiling
from archiver.disposal.simulation import Simulation
from archiver.disposal.simulation_result import Category
from retention.decisions import Keep, State, retain_until
from retention.periods import Period
from retention.schedules import Schedule, Term, Trigger

_TIMES, _EXPONENT, _MOST_MB = 5.0, 1.1, 256.0
_PAGE = 10_000
_LONG_AGO_MS = 1_600_000_000_000
_NOT_HELD = (
    "NOT EXISTS (SELECT 1 FROM hold_record m JOIN hold h ON h.id = m.hold_id "
    "WHERE m.log_index = r.log_index AND h.state = 'active')"
)


def main() -> int:
    """Run the benchmark and print its JSON."""
    parser = argparse.ArgumentParser(description="B18: simulation and sweep")
    parser.add_argument("database", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--brute", action="store_true")
    args = parser.parse_args()
    now = prepare(args.database)
    answer = asyncio.run(measured(args.database, sorted(args.sizes), now))
    if args.brute:
        vary(args.database, now)
        answer["brute"] = asyncio.run(brute(args.database, max(args.sizes), now))
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    return 0 if answer["met"] and answer.get("brute", _EQUAL).items() >= _EQUAL.items() else 1


def prepare(path: Path) -> datetime:
    """Make every tenth record due, and return the moment at which it is."""
    with sqlite3.connect(path) as raw:
        raw.execute(
            "UPDATE record SET retain_until = ? WHERE entry_type = 'rec' AND log_index % 10 = 3",
            (_LONG_AGO_MS,),
        )
        raw.execute("UPDATE segment SET lock_mode = 'none'")
        (latest,) = raw.execute("SELECT max(captured_at) FROM record").fetchone()
    return from_millis(latest) + timedelta(days=1)


async def measured(path: Path, sizes: Sequence[int], now: datetime) -> dict[str, Any]:
    """Return what each size took, and what that is worth."""
    found = [await one_size(path, size, now) for size in sizes]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = {name: [each[name]["cpu_s"] for each in found] for name in ("simulation", "sweep")}
    exponents = {name: exponent(sizes, taken) for name, taken in times.items()}
    largest = found[-1]
    ours = largest["simulation"]["cpu_s"] + largest["sweep"]["cpu_s"]
    ratio = ours / largest["reference"]["cpu_s"]
    return {
        "name": "B18 simulation and sweep",
        "sizes": dict(zip(map(str, sizes), found, strict=True)),
        "ratio": round(ratio, 2),
        "bar": _TIMES,
        "exponents": exponents,
        "peak_rss_mb": round(peak_mb, 1),
        "met": (ratio <= _TIMES and max(exponents.values()) <= _EXPONENT and peak_mb <= _MOST_MB),
    }


async def one_size(path: Path, size: int, now: datetime) -> dict[str, Any]:
    """Measure one size: simulation, sweep, reference."""
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE log_state SET next_index = ?", (size,))
    database = open_database(f"sqlite:///{path}")
    try:
        async with Timed() as simulated:
            result = await simulation_on(database, now).of_schedule(proposed(path))
        async with Timed() as swept:
            indexes = await sweep(database, size, now)
    finally:
        await database.close()
    async with Timed() as reference:
        raw_rows = raw_sweep(path, size, to_millis(now))
    if len(indexes) != raw_rows:
        raise SystemExit(f"the sweep found {len(indexes)} records, the raw anti-join {raw_rows}")
    say(f"{size:,}: simulation {simulated.cpu_s:.2f} s, sweep {swept.cpu_s:.2f} s of CPU")
    return {
        "simulation": simulated.told(),
        "sweep": swept.told(),
        "reference": reference.told(),
        "due": raw_rows,
        "total": result.total.to_dict(),
    }


def simulation_on(database: Database, now: datetime) -> Simulation:
    """Return simulations that record no event: nobody is asking."""
    return Simulation(database=database, clock=lambda: now, trail=None)  # type: ignore[arg-type]


def proposed(path: Path) -> Schedule:
    """Return the schedule in force of class default, with its periods cut to one year."""
    before = in_force(path)
    terms = tuple(replace(term, period=Period(years=1)) for term in before.terms)
    return replace(before, version=before.version + 1, terms=terms)


def in_force(path: Path) -> Schedule:
    """Return the newest schedule of class default."""
    with sqlite3.connect(path) as raw:
        (body,) = raw.execute(
            "SELECT body FROM schedule WHERE class_code = 'default' ORDER BY version DESC"
        ).fetchone()
    return Schedule.from_dict(json.loads(body))


async def sweep(database: Database, size: int, now: datetime) -> list[int]:
    """Return the log indexes that are due, found page after page as batches are formed."""
    indexes: list[int] = []
    after: DueRow | None = None
    while True:
        async with database.reading() as tx:
            page = await due(tx, at=to_millis(now), after=after, limit=_PAGE)
        indexes += [row.log_index for row in page if row.log_index < size]
        if len(page) < _PAGE:
            return sorted(indexes)
        after = page[-1]


def raw_sweep(path: Path, size: int, now: int) -> int:
    """Find what is due by one raw anti-join, delete it in batches, and take that back."""
    raw = sqlite3.connect(path, isolation_level=None)
    try:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("BEGIN")
        rows = raw.execute(
            "SELECT r.log_index FROM record r JOIN segment s ON s.id = r.segment_id "
            "WHERE r.retain_until <= ? AND r.entry_type = 'rec' AND r.log_index < ? "
            f"AND (s.lock_mode = 'none' OR s.lock_until <= ?) AND {_NOT_HELD}",
            (now, size, now),
        ).fetchall()
        for start in range(0, len(rows), _PAGE):
            raw.executemany("DELETE FROM record WHERE log_index = ?", rows[start : start + _PAGE])
        raw.execute("ROLLBACK")
    finally:
        raw.close()
    return len(rows)


def vary(path: Path, now: datetime) -> None:
    """Make the archive as varied as one that has been used for ten years, and unfile it.

    Posts are spread over eleven years, some without a date; every third segment is locked, for up
    to three years more or less than now; every eleventh record is held; every other account closed.
    """
    day, end = 86_400_000, to_millis(now)
    with sqlite3.connect(path) as raw:
        raw.execute(
            "UPDATE record SET captured_at = ? - (log_index * 7919 % 4000) * ?, posted_at = "
            "CASE WHEN log_index % 17 = 0 THEN NULL "
            "ELSE ? - (log_index * 7919 % 4000 + log_index % 3 * 200) * ? END "
            "WHERE entry_type = 'rec'",
            (end, day, end, day),
        )
        raw.execute(
            "UPDATE segment SET lock_mode = 'compliance', "
            "lock_until = ? + (first_index * 31 % 2200 - 1100) * ? WHERE rowid % 3 = 0",
            (end, day),
        )
        raw.execute(
            "INSERT INTO hold (id, name, matter, reason, scope, state, log_size, records, "
            "members_sha256, placed_at, placed_by) "
            "VALUES (?, 'varied', 'm', 'r', '{}', 'active', 0, 0, x'00', 0, 'bench')",
            (_HOLD_ID,),
        )
        raw.execute(
            "INSERT INTO hold_record (hold_id, log_index) "
            "SELECT ?, log_index FROM record WHERE entry_type = 'rec' AND log_index % 11 = 0",
            (_HOLD_ID,),
        )
        accounts = raw.execute(
            "SELECT DISTINCT platform, account FROM record WHERE entry_type = 'rec' ORDER BY 1, 2"
        ).fetchall()
        raw.executemany(
            "INSERT INTO retention_event (id, name, platform, account, record_id, happened_at, "
            "note, source, corrects, in_force, stated_by, stated_at) "
            "VALUES (?, 'account_closed', ?, ?, '', ?, '', 'csv', '', 1, 'bench', 0)",
            [
                (f"{number:026}", *account, end - number * 37 % 3000 * day)
                for number, account in enumerate(accounts)
                if number % 2
            ],
        )
        raw.execute("DELETE FROM follower WHERE name = ?", (FOLLOWER,))


async def brute(path: Path, size: int, now: datetime) -> dict[str, Any]:
    """Refile everything, and compare every end and every total with the engine's answers."""
    database = open_database(f"sqlite:///{path}")
    before = in_force(path)
    after = replace(before, version=before.version + 1, terms=varied_terms(before))
    found: dict[str, int] = {}
    wrong = judged = 0
    try:
        async with Timed() as refiled:
            await refiling_on(database, now).finish()
        result = await simulation_on(database, now).of_schedule(after)
        for start in range(0, size, _PAGE):
            indexes = range(start, min(size, start + _PAGE))
            rows = rows_in(path, indexes)
            facts = await database.run(partial(facts_of_rows, log_indexes=indexes), writes=False)
            for index, of in facts.items():
                code, until, lock_until, held = rows[index]
                if code != before.class_code:
                    continue
                judged += 1
                keeps = retain_until(of, before), retain_until(of, after)
                wrong += until != millis(keeps[0])
                for category in categories(keeps, lock_until, held=held, now=now):
                    found[category] = found.get(category, 0) + 1
            say(f"engine: {indexes.stop:,} records")
    finally:
        await database.close()
    counted = {name.value: count.records for name, count in result.total.found.items()}
    return {
        "equal": counted == found,
        "wrong_ends": wrong,
        "judged": judged,
        "simulated": counted,
        "one_by_one": found,
        "refiling": refiled.told(),
        "refiled_per_cpu_s": round(size / refiled.cpu_s),
    }


_EQUAL = {"equal": True, "wrong_ends": 0}
_HOLD_ID = "0" * 26


def varied_terms(before: Schedule) -> tuple[Term, ...]:
    """Return terms that end sooner for some posts, later for others, and await for the rest."""
    shorter = tuple(replace(term, period=Period(years=2)) for term in before.terms)
    closed = replace(
        before.terms[0],
        id="closed",
        trigger=Trigger.parse("event:account_closed"),
        period=Period(years=4),
    )
    return (*shorter, closed)


def refiling_on(database: Database, now: datetime) -> Refiling:
    """Return a refiling that records no event: nothing of it is news."""
    unneeded: Any = None
    return Refiling(database=database, clock=lambda: now, trail=unneeded, ulids=unneeded)


def rows_in(path: Path, indexes: range) -> dict[int, tuple[str, int | None, int, bool]]:
    """Return class, end, end of the lock (0: none) and whether it is held, of each record."""
    with sqlite3.connect(path) as raw:
        return {
            index: (code, until, lock_until, bool(held))
            for index, code, until, lock_until, held in raw.execute(
                "SELECT r.log_index, r.class_code, r.retain_until, "
                "CASE s.lock_mode WHEN 'none' THEN 0 ELSE s.lock_until END, "
                f"NOT ({_NOT_HELD}) FROM record r JOIN segment s ON s.id = r.segment_id "
                "WHERE r.log_index >= ? AND r.log_index < ?",
                (indexes.start, indexes.stop),
            )
        }


def millis(keep: Keep) -> int | None:
    """Return an end as the database has it."""
    return None if keep.until is None else to_millis(keep.until)


def categories(
    keeps: tuple[Keep, Keep], lock_until: int, *, held: bool, now: datetime
) -> Iterator[str]:
    """Yield the categories of a record as the words of `Category` say, from the engine's ends."""
    order = [State.RETAIN, State.AWAITING_EVENT, State.PERMANENT]
    old, new = ((order.index(keep.kind), keep.until) for keep in keeps)
    if new != old:
        yield Category.LONGER if new > old else Category.SHORTER
    was_over, is_over = (keep.until is not None and keep.until <= now for keep in keeps)
    locked_until = from_millis(lock_until)
    is_locked = locked_until > now
    if held and is_over:
        yield Category.HELD
    if not held and was_over != is_over and not is_locked:
        yield Category.NEWLY_DUE if is_over else Category.NO_LONGER_DUE
    end = keeps[1].until
    if not held and end is not None and (is_over or new < old) and locked_until > max(end, now):
        yield Category.LOCKED
    if keeps[1].kind is State.AWAITING_EVENT:
        yield Category.AWAITING


class Timed:
    """Measures the time that is spent within."""

    async def __aenter__(self) -> Self:
        self._wall, self._cpu = perf_counter(), process_time()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.wall_s, self.cpu_s = perf_counter() - self._wall, process_time() - self._cpu

    def told(self) -> dict[str, float]:
        """Return it for JSON."""
        return {"wall_s": round(self.wall_s, 3), "cpu_s": round(self.cpu_s, 3)}


def exponent(sizes: Sequence[int], taken: Sequence[float]) -> float:
    """Return how time grows with size: the slope of a line through the logarithms."""
    if len(sizes) == 1:
        return 0.0
    pairs = zip(sizes, taken, strict=True)
    points = [(math.log(size), math.log(max(time, 1e-6))) for size, time in pairs]
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    rise = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return round(rise / sum((x - middle_x) ** 2 for x, _ in points), 3)


def say(line: str) -> None:
    """Tell how far it is, beside the answer."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
