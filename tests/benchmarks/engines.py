"""The embedded engines beside each other: indexing, queries by kind, memory, at 10,000 and 100,000.

Posts are the real ones of `MUNIMENT_TEST_DATA` (members of Congress on X), else made ones. Each
engine indexes the same documents in commits of 5,000, then in some of 100; then a process of its
own, which has seen no document, asks. No query is asked twice, and every count must be equal
between the engines. CPU time stands beside wall time: the machine may be shared.
`recommended_ceiling` is how many posts the engine is meant for at most (ADR 0032), null for no such
number.

    python -m tests.benchmarks.engines [--sizes 10000 100000] [--queries 40] [--scratch FOLDER]
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from search.engines.opening import ceiling, engine_name, open_reader, open_writer
from search.index import Snapshot
from search.query import DateName, FieldName, Query
from tests.benchmarks.engine_queries import FIRST_DAY, TWEETS, Kinds, posts, queries

ENGINES = ("tantivy", "whoosh")
_BATCH = 5_000
_SMALL, _SMALL_COMMITS = 100, 20
_MONTH = 30 * 86_400_000


def main() -> int:
    """Measure, and print one JSON document; 1 where the engines disagree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        step, url = asked.step
        print(json.dumps({"index": _index, "ask": _ask}[step](url, asked.scratch)))
        return 0
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        sizes = {size: _compared(size, asked.queries, Path(folder)) for size in asked.sizes}
        answer = {
            "posts": "members of Congress on X, 2020" if TWEETS else "made, PostSource(1)",
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "sizes": sizes,
        }
    print(json.dumps(answer, indent=1))
    return 0 if all(each["counts_are_equal"] for each in sizes.values()) else 1


def _compared(size: int, many: int, folder: Path) -> dict[str, Any]:
    documents = list(islice(posts(), size + _SMALL * _SMALL_COMMITS))
    (folder / "posts").write_bytes(pickle.dumps(documents))
    (folder / "queries").write_bytes(pickle.dumps(queries(documents[:size], many)))
    told: dict[str, Any] = {}
    for engine in ENGINES:
        url = f"{engine}:{folder / f'{engine}-{size}'}"
        measured = _step("index", url, folder) | _step("ask", url, folder)
        told[engine_name(url)] = {"recommended_ceiling": ceiling(url)} | measured
    sums = [each.pop("counts") for each in told.values()]
    return {"counts_are_equal": all(each == sums[0] for each in sums), "engines": told}


def _step(step: str, url: str, folder: Path) -> dict[str, Any]:
    print(f"{step} {url}", file=sys.stderr)
    command = [sys.executable, "-m", __spec__.name, "--step", step, url, "--scratch", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _index(url: str, folder: Path) -> dict[str, Any]:
    documents = pickle.loads((folder / "posts").read_bytes())
    size = len(documents) - _SMALL * _SMALL_COMMITS
    before = _peak_mb(anew=True)
    with closing(open_writer(url)) as index:

        def commit(part: range) -> None:
            index.add(documents[part.start : part.stop])
            index.commit(part.stop)

        big = [_timed(commit, range(n, min(n + _BATCH, size))) for n in range(0, size, _BATCH)]
        small = [_timed(commit, range(n, n + _SMALL)) for n in range(size, len(documents), _SMALL)]
    on_disk = sum(each.stat().st_size for each in Path(url.partition(":")[2]).iterdir())
    return {
        "indexed_per_s": {
            "wall": round(size / sum(each.wall for each in big)),
            "cpu": round(size / sum(each.cpu for each in big)),
        },
        "commit_of_5000_ms": _spread(big),
        "commit_of_100_ms": _spread(small),
        "index_mb": round(on_disk / 2**20, 1),
        "indexing_extra_peak_mb": _peak_mb() - before,
    }


def _ask(url: str, folder: Path) -> dict[str, Any]:
    kinds: Kinds = pickle.loads((folder / "queries").read_bytes())
    before = _peak_mb(anew=True)
    opening = _timed(open_reader, url)
    told: dict[str, Any] = {}
    counts: dict[str, int] = {}
    with closing(opening.answer) as reader:
        for kind, asked in kinds.items():
            with reader.snapshot() as snapshot:
                spent = [_timed(_QUESTIONS.get(kind, _count), snapshot, each) for each in asked]
            counts[kind] = sum(each.answer for each in spent)
            # The first of a kind may find nothing decoded yet.
            told[kind] = {"first": round(spent[0].wall * 1000, 2), **_spread(spent[1:])}
    return {
        "open_ms": round(opening.wall * 1000, 1),
        "asking_peak_mb": _peak_mb(),
        "asking_peak_before_opening_mb": before,
        "queries_ms": told,
        "counts": counts,
    }


def _count(snapshot: Snapshot, query: Query) -> int:
    return snapshot.count(query)


def _newest(snapshot: Snapshot, query: Query) -> int:
    snapshot.page(query, limit=50)
    return snapshot.count(query)


def _counted(snapshot: Snapshot, query: Query) -> int:
    edges = range(FIRST_DAY, FIRST_DAY + 13 * _MONTH, _MONTH)
    told = snapshot.facets(query, [FieldName.FROM, FieldName.PLATFORM], limit=10)
    values = sum(count for facet in told.values() for _, count in facet.values)
    return values + sum(snapshot.histogram(query, DateName.POSTED, edges))


def _numbers(snapshot: Snapshot, query: Query) -> int:
    return sum(map(sum, snapshot.numbers(query)))


_QUESTIONS: dict[str, Callable[[Snapshot, Query], int]] = {
    "term, dates and platform, newest 50": _newest,
    "facets and months": _counted,
    "all numbers of a tenth": _numbers,
}


class _Spent(NamedTuple):
    """What a call answered, and the seconds it took by the clock and of the processor."""

    answer: Any
    wall: float
    cpu: float


def _timed(act: Callable[..., object], *arguments: object) -> _Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = act(*arguments)
    return _Spent(answer, time.perf_counter() - wall, time.process_time() - cpu)


def _spread(spent: Sequence[_Spent]) -> dict[str, dict[str, float]]:
    seconds = {"wall": [each.wall for each in spent], "cpu": [each.cpu for each in spent]}
    return {
        clock: {
            "median": round(median(each) * 1000, 2),
            "p95": round(sorted(each)[int(0.95 * len(each))] * 1000, 2),
        }
        for clock, each in seconds.items()
    }


def _peak_mb(*, anew: bool = False) -> int:
    """Return the largest resident size since `anew` was last asked for, in MiB."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main())
