"""B16: after harm to the index, how long until it is told, and until answers are exact again.

    python -m tests.benchmarks.completeness HOME [--faults exchanged flipped …] [--idle 120]

HOME is the home of a large archive, or a copy of one: its index is harmed, and repaired by the
server itself. Of each fault it is told how many seconds passed until `/metrics` said so (the bar is
60), until a search gave the exact number again, and what the server worked for both. While nothing
is harmed, it is told what watching costs: the share of a core that an idle server takes.

* **exchanged**: one post is taken out of the index and another put in, so that the number of posts
  is the same; done before the server starts, for only one process may write an index
* **flipped**: one bit of the largest file of a kind
* **removed**: such a file is removed
* **everything**: the whole index is removed
"""

import argparse
import json
import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

from search.document import document
from search.engines.tantivy import open_writer
from tests.benchmarks.archive import Archive
from tests.benchmarks.machine import cpu_spent_s, resident
from tests.benchmarks.pages import Visitor
from tests.benchmarks.serving import Server, serving
from tests.benchmarks.workbench import say

BAR_S = 60.0
_POLL_S = 0.5
_LONGEST_S = 3_600.0
_ALARMS = ("index_missing_posts", "index_surplus_posts", "index_losses")

_pause = threading.Event()


def completeness(home: Path, faults: list[str], idle_s: float) -> dict[str, Any]:
    """Return B16: of each fault when it was told and repaired, and what an idle server takes."""
    archive = Archive(home)
    token = archive.token("counsel", "operator", "auditor")
    told: dict[str, Any] = {}
    for fault in faults:
        told[fault] = _trial(archive, token, fault)
        say(f"{fault}: {told[fault]}")
    with serving(archive) as server:
        visitor = Visitor(server, token)
        _until(lambda: _metric(visitor, "index_compared_log_size") > 0)
        posts = _count(visitor)["covered"]["records"]
        idle = _idle(server, idle_s)
    return {
        "records": posts,
        "faults": told,
        "idle": idle,
        "met": all(each["told_after_s"] <= BAR_S for each in told.values()),
    }


def _trial(archive: Archive, token: str, fault: str) -> dict[str, Any]:
    with serving(archive) as server:  # what a trial before has begun is finished first
        before = _exact(Visitor(server, token))
    folder = _folder(archive.home)
    if fault == "exchanged":
        _exchange(folder)
    with serving(archive) as server:
        visitor = Visitor(server, token)
        if fault != "exchanged":
            _until(lambda: _metric(visitor, "index_compared_log_size") > 0)
            _HARMS[fault](folder)
        began, busy = perf_counter(), cpu_spent_s(server.process.pid)
        _until(lambda: any(_metric(visitor, name) for name in _ALARMS))
        told_after = perf_counter() - began
        # Until another takes over, answers may still come from files that are mapped, and be right.
        is_new = fault != "exchanged"
        _until(lambda: (_folder(archive.home) != folder) is is_new and _counted(visitor) == before)
        return {
            "told_after_s": round(told_after, 1),
            "exact_after_s": round(perf_counter() - began, 1),
            "cpu_s": round(cpu_spent_s(server.process.pid) - busy, 1),
        }


def _exchange(folder: Path) -> None:
    """Take a post in the middle out, and put one in where the log has none."""
    with closing(open_writer(folder)) as index:
        with index.snapshot() as snapshot:
            number = snapshot.watermark // 2
            while not snapshot.between(number, number + 1):
                number += 1
        index.delete([number])
        index.add([document(number=2**40, text="stranger", captured_at=0)])
        index.commit(index.watermark)


def _flip(folder: Path) -> None:
    path = _largest(folder, ".idx")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    beside = path.with_name("harmed")
    beside.write_bytes(content)
    beside.replace(path)  # the old one may be mapped into the server


_HARMS: dict[str, Callable[[Path], object]] = {
    "flipped": _flip,
    "removed": lambda folder: _largest(folder, ".term").unlink(),
    "everything": shutil.rmtree,
}


def _folder(home: Path) -> Path:
    pointer = next((home / "index").glob("*/current"))
    return pointer.parent / pointer.read_text(encoding="ascii").strip()


def _largest(folder: Path, kind: str) -> Path:
    return max(folder.glob(f"*{kind}"), key=lambda path: path.stat().st_size)


def _idle(server: Server, seconds: float) -> dict[str, Any]:
    before = cpu_spent_s(server.process.pid)
    _pause.wait(seconds)
    spent = cpu_spent_s(server.process.pid) - before
    return {
        "seconds": seconds,
        "percent_of_a_core": round(100 * spent / seconds, 2),
        "resident": resident(server.process.pid),
    }


def _count(visitor: Visitor) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(visitor.get("/api/v1/search?q=is:created&limit=1"))
    return answer


def _counted(visitor: Visitor) -> int | None:
    """Return how many posts a search finds, None while it says that it is not exact or not now."""
    try:
        answer = _count(visitor)
    except RuntimeError:
        return None
    return int(answer["count"]) if answer["covered"]["exact"] else None


def _exact(visitor: Visitor) -> int:
    _until(lambda: _counted(visitor) is not None)
    return int(_count(visitor)["count"])


def _metric(visitor: Visitor, name: str) -> float:
    lines = visitor.get("/metrics").decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"muniment_{name} "))


def _until(holds: Callable[[], bool]) -> None:
    began = perf_counter()
    while not holds():
        if perf_counter() - began > _LONGEST_S:
            raise TimeoutError("the index did not become whole again")
        _pause.wait(_POLL_S)


def main() -> None:
    """Print the JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, help="the home of the archive; its index is harmed")
    kinds = ["exchanged", *_HARMS]
    parser.add_argument("--faults", nargs="*", choices=kinds, default=kinds)
    parser.add_argument("--idle", type=float, default=120, help="seconds an idle server is watched")
    asked = parser.parse_args()
    json.dump(completeness(asked.home, asked.faults, asked.idle), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
