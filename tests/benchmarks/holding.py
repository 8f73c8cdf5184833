"""B17: a hold on the hits of a query, against one raw INSERT … SELECT of as many rows.

    python -m tests.benchmarks.holding HOME [--query WORD] [--times 3]

HOME is a copy of the home of a large archive on SQLite that no server runs on: holds are placed
there and released again. Without a query it is the word whose posts are nearest to 100,000. All of
it is measured that a placement does: the query, the ids, the event with all its members, the rows,
the stored objects; and what the page shows on which a hold is released. CPU time of this process is
judged, because the machine may be shared.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from archiver import memory
from archiver.app import Services, open_services
from archiver.config import load_settings
from archiver.model.actor import Actor, Role
from search.engines.tantivy import open_reader
from search.grammar import parse
from tests.benchmarks.workbench import say

FLOOR, GOAL = 5.0, 2.0
_HITS = 100_000
_SNAPSHOT_S = 0.5
_COUNSEL = Actor(name="bench", roles=frozenset(Role), via="cli")


async def holding(home: Path, query: str, times: int) -> dict[str, Any]:
    """Return B17: seconds of CPU of each part, medians."""
    rows = [await _placed(home, query) for _ in range(times)]
    told: dict[str, Any] = {name: round(median(row[name] for row in rows), 3) for name in rows[0]}
    raw = median(_raw(home, int(told["records"])) for _ in range(times))
    after_query = told["place_cpu_s"] - told["query_cpu_s"]
    return {
        "query": query,
        **told,
        "after_query_cpu_s": round(after_query, 3),
        "snapshot_met": after_query <= _SNAPSHOT_S,
        "raw_cpu_s": round(raw, 3),
        "ratio": round(told["place_cpu_s"] / raw, 1),
        "floor": FLOOR,
        "goal": GOAL,
    }


async def _placed(home: Path, query: str) -> dict[str, float]:
    async with open_services(load_settings({"MUNIMENT_HOME": str(home)})) as services:
        asked = _queried(services, query)
        wall, cpu = perf_counter(), process_time()
        view = await services.holds.place(name="bench", reason="bench", query=query, actor=_COUNSEL)
        placed = process_time() - cpu
        wall, cpu = perf_counter() - wall, process_time()
        await services.hold_register.release_preview(view.id, actor=_COUNSEL)
        previewed = process_time() - cpu
        await services.holds.release(view.id, reason="bench", actor=_COUNSEL)
        took = {"query_cpu_s": asked, "place_cpu_s": placed, "place_wall_s": wall}
        row = {"records": view.records, **took, "releasing_cpu_s": previewed}
        say(str(row))
        return row


def _queried(services: Services, query: str) -> float:
    with services.index.reader().snapshot() as snapshot:
        cpu = process_time()
        for _ in snapshot.numbers(parse(query)):
            pass
        return process_time() - cpu


def _raw(home: Path, rows: int) -> float:
    """Insert as many rows of the same kind by one statement, and take them back."""
    with closing(sqlite3.connect(home / "archive.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        cpu = process_time()
        database.execute(
            "INSERT INTO hold_record (hold_id, log_index) SELECT id, log_index FROM "
            "(SELECT id FROM hold LIMIT 1), (SELECT log_index + 1000000000 AS log_index "
            "FROM record LIMIT ?)",
            (rows,),
        )
        took = process_time() - cpu
        database.execute("ROLLBACK")
        return took


def _usual_word(home: Path) -> str:
    pointer = next((home / "index").glob("*/current"))
    reader = open_reader(pointer.parent / pointer.read_text(encoding="ascii").strip())
    with closing(reader), reader.snapshot() as snapshot:
        words = snapshot._searcher.terms_with_prefix("text", "")
        usual = min((each for each in words if each[0].isalpha()), key=_distance)
        return str(usual[0])


def _distance(word: tuple[str, int]) -> int:
    return abs(word[1] - _HITS)


def main() -> None:
    """Print the JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, help="the home of the archive, a copy")
    parser.add_argument("--query", default="", help="what is held")
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    memory.steady()
    query = asked.query or _usual_word(asked.home)
    json.dump(asyncio.run(holding(asked.home, query, asked.times)), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
