"""What a benchmark says: medians of interleaved pairs against bars, as JSON."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.machine import NOISY_LOAD, Watch

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measurement: how many operations a second, and what they took."""

    rate: float
    cpu_us: float
    foreign_load: float
    steal_percent: float
    peak_tree: int = 0
    peak_main: int = 0
    facts: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, watch: Watch, *, operations: float, seconds: float, **facts: float) -> "Run":
        """Return the run that `watch` saw."""
        return cls(
            rate=operations / seconds,
            cpu_us=watch.cpu_s / max(1, operations) * 1e6,
            foreign_load=watch.foreign_load,
            steal_percent=watch.steal_percent,
            peak_tree=watch.peak_tree,
            peak_main=watch.peak_main,
            facts=facts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What must be reached, and what is aimed at. `most`: smaller is better."""

    floor: float
    goal: float
    most: bool = False

    def met(self, value: float, bar: float) -> bool:
        """Whether `value` is at least as good as `bar`."""
        return value <= bar if self.most else value >= bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer of one benchmark. A false check fails it, however noisy the machine was."""

    name: str
    what: str
    value: dict[str, object]
    bar: Bar
    judged: float
    machine: dict[str, object]
    noisy: bool
    checks: dict[str, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`pass`, `fail` or `noisy`."""
        if not all(self.checks.values()):
            return "fail"
        if self.noisy:
            return "noisy"
        return "pass" if self.bar.met(self.judged, self.bar.floor) else "fail"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "what": self.what,
            **self.value,
            "floor": self.bar.floor,
            "goal": self.bar.goal,
            "better": "smaller" if self.bar.most else "larger",
            "floor_met": self.bar.met(self.judged, self.bar.floor),
            "goal_met": self.bar.met(self.judged, self.bar.goal),
            "verdict": self.verdict,
            "checks": self.checks,
            **self.machine,
            "notes": list(self.notes),
        }


def interleaved(
    pairs: int, product: Callable[[int], Run], reference: Callable[[int], Run]
) -> tuple[list[Run], list[Run]]:
    """Measure A-B-A-B, so that both see the same machine; return the runs of each."""
    ours, theirs = [], []
    for number in range(pairs):
        ours.append(product(number))
        theirs.append(reference(number))
    return ours, theirs


def ratio_outcome(
    name: str,
    what: str,
    *,
    unit: str,
    product: Sequence[Run],
    reference: Sequence[Run],
    bar: Bar,
    checks: dict[str, bool] | None = None,
    notes: tuple[str, ...] = (),
) -> Outcome:
    """Return the outcome of pairs: the median of their ratios is judged."""
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(product, reference, strict=True)]
    return Outcome(
        name=name,
        what=what,
        value={
            "ratio": spread(ratios, 4),
            "unit": unit,
            "product": _side(product),
            "reference": _side(reference),
        },
        bar=bar,
        judged=median(ratios),
        machine=machine([*product, *reference]),
        noisy=is_noisy([*product, *reference]),
        checks=checks or {},
        notes=notes,
    )


def is_noisy(runs: Sequence[Run]) -> bool:
    """Whether more load than the rule allows was not ours."""
    return sum(run.foreign_load for run in runs) / len(runs) > NOISY_LOAD


def machine(runs: Sequence[Run]) -> dict[str, object]:
    """Return what else the machine did during the runs."""
    foreign = [run.foreign_load for run in runs]
    return {
        "noisy": is_noisy(runs),
        "foreign_load": spread(foreign, 2),
        "load_average_1m": round(os.getloadavg()[0], 2),
        "steal_percent": spread([run.steal_percent for run in runs], 2),
        "cores": os.cpu_count(),
    }


def spread(values: Sequence[float], digits: int) -> dict[str, object]:
    """Return median, least, most and all values."""
    return {
        "median": round(median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
        "all": [round(value, digits) for value in values],
    }


def _side(runs: Sequence[Run]) -> dict[str, object]:
    facts = {name: spread([run.facts[name] for run in runs], 2) for name in runs[0].facts}
    return {
        "rate": spread([run.rate for run in runs], 1),
        "cpu_us_per_operation": spread([run.cpu_us for run in runs], 1),
        "peak_rss_mb": {
            "process_tree": round(max(run.peak_tree for run in runs) / _MB, 1),
            "main_process": round(max(run.peak_main for run in runs) / _MB, 1),
        },
        **facts,
    }
