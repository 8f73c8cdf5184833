"""B8 and B9: verifying a whole archive, against one hash of as many bytes and against itself."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from tests.benchmarks.archive import Archive, measured
from tests.benchmarks.outcome import Bar, Outcome, Run, interleaved, ratio_outcome
from tests.benchmarks.workbench import Workbench, run_benches

_MB = 1_000_000


def full(bench: Workbench) -> Sequence[Outcome]:
    """B8: bytes verified a second with one worker, all phases, process start included."""
    archive = bench.imported(bench.scale.large).archive
    stored = archive.stored_bytes(".seg")
    reports: list[bool] = []
    product, reference = interleaved(
        bench.scale.pairs,
        lambda _: _verify(archive, 1, stored, reports),
        lambda _: _hash(stored),
    )
    return [
        ratio_outcome(
            "B8 full verification",
            f"`muniment verify --full --workers 1` of {stored / 1e9:.2f} GB of segments "
            f"({bench.scale.large:,} records): ciphertext, log and database compared; against one "
            "hashlib SHA-256 of as many bytes in memory",
            unit="MB/s of segments",
            product=product,
            reference=reference,
            bar=Bar(floor=0.35, goal=0.49),
            checks={"the archive verified": all(reports)},
            notes=()
            if stored >= 10**9
            else (f"the bar is stated for 1 GB or more; this was {stored / 1e9:.2f} GB",),
        )
    ]


def two_workers(bench: Workbench) -> Sequence[Outcome]:
    """B9: two worker processes against one."""
    archive = bench.imported(bench.scale.large).archive
    stored = archive.stored_bytes(".seg")
    reports: list[bool] = []
    product, reference = interleaved(
        bench.scale.pairs,
        lambda _: _verify(archive, 2, stored, reports),
        lambda _: _verify(archive, 1, stored, reports),
    )
    return [
        ratio_outcome(
            "B9 verification, two workers",
            "`muniment verify --full` with two worker processes against one",
            unit="MB/s of segments",
            product=product,
            reference=reference,
            bar=Bar(floor=1.7, goal=1.9),
            checks={"the archive verified": all(reports)},
        )
    ]


def _verify(archive: Archive, workers: int, stored: int, reports: list[bool]) -> Run:
    report, run = archive.command(
        "verify", "--full", "--workers", str(workers), operations=stored / _MB
    )
    reports.append(bool(report["ok"]))
    # What is judged has the start of the process in it; on a small archive that is most of it.
    after_start = {"mb_per_s_after_start": stored / _MB / report["seconds"]}
    return replace(run, facts={**run.facts, **after_start})


def _hash(size: int) -> Run:
    line = [sys.executable, "-m", "tests.benchmarks.hashing", str(size)]
    return measured(line, dict(os.environ), operations=size / _MB)[1]


BENCHES = {"B8": full, "B9": two_workers}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
