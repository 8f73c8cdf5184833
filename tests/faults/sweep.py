"""Harm an operation at its first, second, third … call, until a run meets no harm.

SQLite's exhaustive crash test over the table of operations. Trials run side by side on the
processors there are, each in a worker that has everything imported.

`python -m tests.faults.sweep "capture a post" --harm KILL --number 17` repeats one trial.

| environment | means | default |
|---|---|---|
| MUNIMENT_TEST_SEED | which calls a sample takes | random, printed |
| MUNIMENT_TEST_STRIDE | every how-many-th call a sweep takes | 1 |
| MUNIMENT_TEST_WORKERS | trials at once | the processors |
"""

import argparse
import errno
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.faults.operations import BY_NAME
from tests.faults.tracer import ALL_CALLS, CALLS, Harm
from tests.faults.trial import Outcome, Trial, prepare, try_once

SEED = int(os.environ.get("MUNIMENT_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
STRIDE = int(os.environ.get("MUNIMENT_TEST_STRIDE", "1"))
WORKERS = int(os.environ.get("MUNIMENT_TEST_WORKERS", "0")) or len(os.sched_getaffinity(0))
MEMORY = Path("/dev/shm")
_ENDLESS = 5000


@dataclass(kw_only=True)
class Tally:
    """What a sweep over one operation met."""

    operation: str
    harm: str
    tried: int = 0
    harmed: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    slowest_reopening_s: float = 0.0
    seconds: float = 0.0
    complete: bool = False
    failures: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one trial."""
        self.tried += 1
        if outcome.harmed_at:
            self.harmed[outcome.harmed_at] += 1
        self.acknowledged += outcome.acknowledged
        self.slowest_reopening_s = max(self.slowest_reopening_s, outcome.reopened_s)
        if outcome.failure:
            self.failures.append(outcome.failure)

    def require_kept(self) -> None:
        """Raise AssertionError with the first promises not kept; each says how to see it again."""
        some = "\n\n".join(self.failures[:3])
        assert not self.failures, f"seed {SEED}: {len(self.failures)} of {self.tried}\n{some}"

    def line(self) -> str:
        """One line for people."""
        calls = ", ".join(f"{name} {count}" for name, count in self.harmed.most_common())
        return (
            f"{self.operation}: {self.harm}: {self.tried} tried, {sum(self.harmed.values())} "
            f"harmed ({calls}), {len(self.failures)} failures, slowest reopening "
            f"{self.slowest_reopening_s:.2f} s, {self.seconds / 60:.1f} min"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the same as JSON."""
        return {
            "operation": self.operation,
            "harm": self.harm,
            "tried": self.tried,
            "harmed": dict(self.harmed),
            "complete": self.complete,
            "acknowledged": self.acknowledged,
            "slowest_reopening_s": round(self.slowest_reopening_s, 3),
            "minutes": round(self.seconds / 60, 2),
            "failures": self.failures,
        }


def cannot_trace() -> str:
    """Return why system calls cannot be harmed here, or nothing."""
    if sys.platform != "linux" or not CALLS:
        return "system calls are traced on Linux on x86-64 and arm64 only"
    return ""


@contextmanager
def workers(count: int = WORKERS) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose processes have everything imported and no threads of pytest's."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.trial"])
    with ProcessPoolExecutor(count, context) as pool:
        yield pool


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder in memory where there is one: the disk is no part of what is asked."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def sweep(pool: ProcessPoolExecutor, trial: Trial, tally: Tally, *, count: int = WORKERS) -> Tally:
    """Try numbers in order, `count` at once, until one run meets no harm."""
    began = time.perf_counter()
    numbers = iter(range(1, _ENDLESS, STRIDE))
    waiting: list[Future[Outcome]] = []
    while not tally.complete:
        while len(waiting) < count + 1:
            waiting.append(pool.submit(try_once, replace(trial, number=next(numbers))))
        outcome = waiting.pop(0).result()
        tally.add(outcome)
        tally.complete = not outcome.harmed_at
    for left in waiting:
        tally.add(left.result())
    tally.seconds = time.perf_counter() - began
    return tally


def sample(pool: ProcessPoolExecutor, trial: Trial, tally: Tally, size: int) -> Tally:
    """Try a run without harm to count the calls, then `size` numbers by the seed."""
    began = time.perf_counter()
    whole = pool.submit(try_once, replace(trial, number=_ENDLESS)).result()
    tally.add(whole)
    chosen = random.Random(f"{SEED} {trial.operation}").sample(range(1, 100), size)
    for outcome in pool.map(try_once, [replace(trial, number=number) for number in chosen]):
        tally.add(outcome)
    tally.seconds = time.perf_counter() - began
    return tally


def main(arguments: list[str]) -> int:
    """Repeat one trial, or sweep one operation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("operation", choices=sorted(BY_NAME))
    parser.add_argument("--harm", choices=[harm.name for harm in Harm], default="KILL")
    parser.add_argument("--number", type=int, default=0, help="0: all")
    parser.add_argument("--errno", type=int, default=errno.EIO)
    parser.add_argument("--calls", default=",".join(sorted(ALL_CALLS)))
    given = parser.parse_args(arguments)
    with scratch() as folder, workers() as pool:
        trial = Trial(
            operation=given.operation,
            pristine=pool.submit(
                prepare,
                given.operation,
                folder / "pristine",
                on_image=given.harm == Harm.ACT.name,
            ).result(),
            number=given.number,
            harm=Harm[given.harm],
            calls=frozenset(given.calls.split(",")),
            errno=given.errno,
        )
        tally = Tally(operation=given.operation, harm=trial.harm)
        if given.number:
            tally.add(pool.submit(try_once, trial).result())
        else:
            sweep(pool, trial, tally)
    print(*tally.failures, tally.line(), sep="\n")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
