"""B21: peak memory of import and verification; ten times the records must not need more."""

from collections.abc import Sequence

from tests.benchmarks.outcome import Bar, Outcome, Run, is_noisy, machine
from tests.benchmarks.workbench import Workbench, run_benches

_MB = 1024 * 1024
_MOST_MB = 256.0
_GOAL_MB = 128.0
_MOST_GROWTH = 1.15


def memory(bench: Workbench) -> Sequence[Outcome]:
    """B21, for import and for verification."""
    sizes = (bench.scale.small, bench.scale.large)
    imports = [bench.imported(size).run for size in sizes]
    verifications = [
        bench.imported(size).archive.command("verify", "--full", "--workers", "1", operations=size)[
            1
        ]
        for size in sizes
    ]
    return [
        _outcome("import", sizes, imports),
        _outcome("verification", sizes, verifications),
    ]


def _outcome(name: str, sizes: tuple[int, int], runs: Sequence[Run]) -> Outcome:
    small, large = runs
    growth = large.peak_tree / small.peak_tree
    peak = max(run.peak_tree for run in runs) / _MB
    return Outcome(
        name=f"B21 memory of {name}",
        what=f"largest resident size of the process tree, {sizes[0]:,} and {sizes[1]:,} records",
        value={
            "peak_rss_mb": {
                f"{size}": {
                    "process_tree": round(run.peak_tree / _MB, 1),
                    "main_process": round(run.peak_main / _MB, 1),
                }
                for size, run in zip(sizes, runs, strict=True)
            },
            "growth": round(growth, 3),
            "records_per_s": {
                f"{size}": round(run.rate, 1) for size, run in zip(sizes, runs, strict=True)
            },
            "cpu_us_per_record": {
                f"{size}": round(run.cpu_us, 1) for size, run in zip(sizes, runs, strict=True)
            },
        },
        bar=Bar(floor=_MOST_MB, goal=_GOAL_MB, most=True),
        judged=peak,
        machine=machine(runs),
        noisy=is_noisy(runs),
        checks={f"grows by at most {_MOST_GROWTH}": growth <= _MOST_GROWTH},
        notes=("resident pages that processes share are counted in each of them",),
    )


BENCHES = {"B21": memory}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
