"""The report of the fault suite: one line for each sweep, and all of them as JSON at the end."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.faults.sweep import SEED, Tally, cannot_trace, scratch, workers

Report = Callable[[Tally], None]


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Show a tally at once; at the end all of them, as JSON, also in MUNIMENT_TEST_REPORT."""
    tallies: list[Tally] = []
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(text, flush=True)

    def add(tally: Tally) -> None:
        tallies.append(tally)
        show(f"\n{tally.line()} (seed {SEED})")

    yield add
    if tallies:
        whole = {
            "seed": SEED,
            "operations": len({tally.operation for tally in tallies}),
            "tried": sum(tally.tried for tally in tallies),
            "failures": sum(len(tally.failures) for tally in tallies),
            "minutes": round(sum(tally.seconds for tally in tallies) / 60, 1),
            "sweeps": [tally.to_dict() for tally in tallies],
        }
        text = json.dumps(whole)
        show(f"\n{text}")
        if path := os.environ.get("MUNIMENT_TEST_REPORT"):
            Path(path).write_text(text + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes for trials."""
    if why := cannot_trace():
        pytest.skip(why)
    with workers() as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory."""
    with scratch() as made:
        yield made
