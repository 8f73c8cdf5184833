"""What the machine did while something was measured: CPU, memory, and load that is not ours.

Read from Linux's /proc. Load is counted like the kernel's load average (threads that run, want to
run or wait for the disk), but sampled, so that our own threads can be left out of it.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

NOISY_LOAD = 1.0
"""Foreign load above which a run neither passes nor fails (performance-and-faults, noise rule)."""

_EVERY_S = 0.1
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WAITING = frozenset("RD")
_HEX = frozenset("0123456789abcdef")  # what a mapping's first line begins with


class _Process(NamedTuple):
    cpu_s: float
    rss: int
    waiting: int


class Watch:
    """Samples this process's tree, and of it the tree under `pid`, until left.

    `cpu_s` is the CPU time spent under `pid` since the watch began, dead children included up to
    their last sample. `peak_tree` is the largest sum of resident sizes, shared pages counted once
    for each process; `peak_main` is the largest of the first process alone. Both in bytes.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._foreign: list[int] = []
        self._steal = _steal()
        self.peak_tree = self.peak_main = 0
        self.steal_percent = 0.0

    def __enter__(self) -> Self:
        self._first = {pid: seen.cpu_s for pid, seen in _tree(self._pid)}
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()
        (steal, total), (steal_before, total_before) = _steal(), self._steal
        self.steal_percent = 100 * (steal - steal_before) / max(1, total - total_before)

    @property
    def cpu_s(self) -> float:
        return sum(spent - self._first.get(pid, 0.0) for pid, spent in self._last.items())

    @property
    def foreign_load(self) -> float:
        return sum(self._foreign) / max(1, len(self._foreign))

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self._sample()

    def _sample(self) -> None:
        everything = _load_now()
        ours = sum(seen.waiting for _, seen in _tree(os.getpid()))
        self._foreign.append(max(0, everything - ours))
        tree = 0
        for pid, seen in _tree(self._pid):
            self._last[pid] = seen.cpu_s
            tree += seen.rss
            if pid == self._pid:
                self.peak_main = max(self.peak_main, seen.rss, _high_water(pid))
        self.peak_tree = max(self.peak_tree, self.peak_main, tree)


def await_quiet(pid: int, *, share: float = 0.05, longest_s: float = 60.0) -> float:
    """Wait until the tree under `pid` uses less than `share` of a core; return the CPU it used."""
    before = start = cpu_spent_s(pid)
    pause = threading.Event()
    for _ in range(int(longest_s)):
        pause.wait(1.0)
        now = cpu_spent_s(pid)
        if now - before < share:
            return now - start
        before = now
    raise TimeoutError(f"process {pid} was still busy after {longest_s:.0f} s")


def cpu_spent_s(pid: int) -> float:
    """Return the seconds of CPU that the tree under `pid` has used."""
    return sum(seen.cpu_s for _, seen in _tree(pid))


def resident(pid: int) -> dict[str, float]:
    """Return the resident megabytes of a process now, its own memory and mapped files apart.

    Of the mapped files (the search index, the code) the kernel takes pages back when others need
    memory; `index` is the share of the index's files.
    """
    facts = dict(line.split(":", 1) for line in _read(f"/proc/{pid}/status").splitlines())
    mapped, index = _read(f"/proc/{pid}/smaps").splitlines(), 0
    is_index = False
    for line in mapped:
        if line[:1] in _HEX:
            is_index = "/index/" in line
        elif is_index and line.startswith("Rss:"):
            index += int(line.split()[1])
    megabytes = {
        "anonymous_mb": int(facts["RssAnon"].split()[0]),
        "mapped_files_mb": int(facts["RssFile"].split()[0]),
        "index_mb": index,
        "peak_mb": int(facts["VmHWM"].split()[0]),
    }
    return {name: round(kilobytes / 1024, 1) for name, kilobytes in megabytes.items()}


def _tree(pid: int) -> Iterator[tuple[int, _Process]]:
    pids = [pid]
    for each in pids:
        try:
            tasks = [task.name for task in os.scandir(f"/proc/{each}/task")]
            for task in tasks:
                pids.extend(map(int, _read(f"/proc/{each}/task/{task}/children").split()))
            yield each, _process(each, tasks)
        except OSError:  # it has ended meanwhile
            continue


def _process(pid: int, tasks: list[str]) -> _Process:
    fields = _fields(f"/proc/{pid}/stat")
    states = [_fields(f"/proc/{pid}/task/{task}/stat")[0] for task in tasks]
    return _Process(
        (int(fields[11]) + int(fields[12])) * _TICK_S,
        int(fields[21]) * _PAGE,
        sum(state in _WAITING for state in states),
    )


def _fields(path: str) -> list[str]:
    return _read(path).rpartition(") ")[2].split()


def _high_water(pid: int) -> int:
    lines = _read(f"/proc/{pid}/status").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _load_now() -> int:
    facts = dict(line.split(" ", 1) for line in _read("/proc/stat").splitlines())
    return int(facts["procs_running"]) + int(facts["procs_blocked"])


def _steal() -> tuple[int, int]:
    ticks = [int(field) for field in _read("/proc/stat").split("\n", 1)[0].split()[1:9]]
    return ticks[7], sum(ticks)


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")
