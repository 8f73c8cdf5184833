"""How long each page of a large archive takes: `python -m tests.benchmarks.pages HOME`.

Takes an archive that is there (`muniment import` makes one), serves it, and asks for every page in
turn, one request at a time, as a token that may see everything. Times are the client's on the same
machine, so a little more than the server's own; `cpu_ms` is what the server worked for each.
Budget: p95 of 100 ms at a million records.
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import quote

from tests.benchmarks.archive import Archive
from tests.benchmarks.machine import Watch, cpu_spent_s
from tests.benchmarks.outcome import Run, machine
from tests.benchmarks.serving import Server, serving
from tests.benchmarks.workbench import say

BUDGET_MS = 100.0
_ROLES = ("administrator", "counsel", "records-manager", "auditor", "operator")
_SEED = 4


class Visitor:
    """Asks a server for pages."""

    def __init__(self, server: Server, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
        self._pid = server.process.pid
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> bytes:
        """Return what the server answers, over one connection that is kept, as browsers keep it.

        Raises:
            RuntimeError: it answers anything but 200.
        """
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
        return body

    def timed(self, path: str, times: int) -> dict[str, Any]:
        """Return how long a page takes, in milliseconds, and how large it is."""
        body = self.get(path)
        busy = cpu_spent_s(self._pid)
        taken = []
        for _ in range(times):
            started = perf_counter()
            body = self.get(path)
            taken.append(1000 * (perf_counter() - started))
        busy = cpu_spent_s(self._pid) - busy
        taken.sort()
        return {
            "page": path,
            "cpu_ms": round(1000 * busy / times, 1),
            "median_ms": round(median(taken), 1),
            "p95_ms": round(taken[min(len(taken) - 1, int(0.95 * len(taken)))], 1),
            "bytes": len(body),
            "gzipped": len(gzip.compress(body)),
        }


def words_of(visitor: Visitor) -> tuple[str, str, str]:
    """Return words of the newest post: a frequent one, a middling one and a rare one."""
    hits = json.loads(visitor.get("/api/v1/search?q=is:created&limit=1"))["hits"]
    words = sorted(set(hits[0]["text"].split()))
    draw = random.Random(_SEED).sample(words, min(len(words), 12))
    counted = sorted((_count(visitor, word), word) for word in draw)
    return counted[-1][1], counted[len(counted) // 2][1], counted[0][1]


def pages(visitor: Visitor, hold: str) -> Iterator[str]:
    """Yield the address of every page, and of several kinds of search."""
    often, middling, rare = words_of(visitor)
    record = json.loads(visitor.get(f"/api/v1/search?q={quote(middling)}&limit=1"))["hits"][0]["id"]
    for query in (
        "",
        often,
        middling,
        rare,
        f"{often} AND {middling}",
        f"{often} AND NOT {middling}",
        f'"{often} {middling}"',
        f"{middling} AND after:2026-01-01",
        f"{often} AND account:@branch7",
    ):
        yield f"/search?q={quote(query)}"
    yield f"/search/preview/{record}"
    for tab in ("post", "thread", "versions", "media", "metadata", "custody", "raw"):
        yield f"/records/{record}?tab={tab}"
    yield from ("/", "/accounts", "/classes", "/classes/default", "/classes/rules")
    yield from ("/holds", f"/holds/{hold}", f"/holds/{hold}/release", "/jobs", "/imports")
    yield from ("/integrity", "/audit", f"/audit/about/record/{record}", "/settings", "/people")
    yield from ("/me/activity", "/help", "/help/counsel", "/help/api", "/about", "/style")


def _count(visitor: Visitor, query: str) -> int:
    answer = json.loads(visitor.get(f"/api/v1/search?q={quote(query)}&limit=1"))
    return int(answer["count"])


def _hold(archive: Archive) -> str:
    held = archive.command("hold", "list")[0]["items"]
    if not held:
        say("placing a hold on one account's posts")
        name = ("--name", "bench", "--reason", "bench", "--account", "@branch7")
        return str(archive.command("hold", "place", *name)[0]["id"])
    return str(held[0]["id"])


def measure(home: Path, times: int) -> dict[str, Any]:
    """Serve the archive in `home` and return the times of its pages."""
    archive = Archive(home)
    hold = _hold(archive)
    token = archive.token(*_ROLES)
    with serving(archive) as server, Watch(server.process.pid) as watch:
        visitor = Visitor(server, token)
        records = json.loads(visitor.get("/api/v1/search?q=is:created&limit=1"))["covered"]
        rows = []
        for page in pages(visitor, hold):
            rows.append(visitor.timed(page, times))
            say(f"{rows[-1]['cpu_ms']:8.1f} {rows[-1]['p95_ms']:8.1f} ms  {page}")
    run = Run.of(watch, operations=len(rows) * times, seconds=1.0)
    over = [row["page"] for row in rows if row["p95_ms"] > BUDGET_MS]
    return {
        "machine": machine([run]),
        "records": records["records"],
        "times": times,
        "over_budget": over,
        "pages": rows,
    }


def main() -> None:
    """Print the JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, help="the home of the archive")
    parser.add_argument("--times", type=int, default=40, help="requests for each page (40)")
    args = parser.parse_args()
    json.dump(measure(args.home, args.times), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
