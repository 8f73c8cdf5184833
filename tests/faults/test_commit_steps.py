"""A commit that failed or was killed at any step is followed by the very same one, and that holds.

`make test-faults` tries every system call of a commit, the suite of every day some by the seed.
"""

import errno
import multiprocessing
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import pytest

from tests.faults.commit_trial import Outcome, Trial, prepare, try_once
from tests.faults.sweep import SEED, cannot_trace, scratch
from tests.faults.tracer import ALL_CALLS, CREATES, SYNCS, WRITES, Harm

SAMPLE = 3
_ENDLESS = 5_000


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of harm, and the calls it befalls."""

    name: str
    harm: Harm
    calls: frozenset[str] = ALL_CALLS
    errno: int = 0


KINDS = (
    Kind(name="kill", harm=Harm.KILL),
    Kind(name="one call fails", harm=Harm.ERROR, errno=errno.EIO),
    Kind(name="syncs fail", harm=Harm.ERRORS, calls=SYNCS, errno=errno.EIO),
    Kind(name="disk full", harm=Harm.ERRORS, calls=WRITES | CREATES, errno=errno.ENOSPC),
)
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture(scope="module")
def alone() -> Iterator[ProcessPoolExecutor]:
    """A process of one thread, and without what pytest has in memory."""
    if why := cannot_trace():
        pytest.skip(why)
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        yield pool


@pytest.fixture(scope="module", params=["tantivy", "whoosh"])
def begun(request: pytest.FixtureRequest, alone: ProcessPoolExecutor) -> Iterator[Trial]:
    """What the trials of an engine begin with."""
    with scratch() as folder:
        alone.submit(prepare, request.param, folder).result()
        yield Trial(engine=request.param, folder=folder, number=_ENDLESS)


def _of_kind(trial: Trial, kind: Kind) -> Trial:
    return replace(trial, harm=kind.harm, calls=kind.calls, errno=kind.errno)


@EACH_KIND
def test_a_commit_harmed_at_some_steps_is_made_again(
    alone: ProcessPoolExecutor, begun: Trial, kind: Kind
) -> None:
    trial = _of_kind(begun, kind)
    drawn = random.Random(f"{SEED} {trial.engine} {kind.name}")
    print(f"MUNIMENT_TEST_SEED={SEED}")
    for number in drawn.sample(range(1, 40), SAMPLE):
        outcome = alone.submit(try_once, replace(trial, number=number)).result()
        assert outcome.failure == ""


@pytest.mark.faults
@EACH_KIND
@pytest.mark.parametrize("is_first", [False, True], ids=["later", "first"])
def test_a_commit_harmed_at_any_step_is_made_again(
    alone: ProcessPoolExecutor,
    begun: Trial,
    kind: Kind,
    is_first: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    trial = replace(_of_kind(begun, kind), is_first=is_first)
    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1].harmed_at:
        number = len(outcomes) + 1
        outcomes.append(alone.submit(try_once, replace(trial, number=number)).result())
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    print(f"{trial.engine}, {kind.name}: {len(outcomes)} steps, {len(failures)} failures")
    assert failures == []
    assert outcomes[-1].is_acknowledged
