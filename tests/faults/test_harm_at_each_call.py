"""Each operation killed, without power or failed by the disk, at its first, second … system call.

`make test-faults` tries every call of every operation; the suite of every day a few by the seed.
"""

import errno
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults import power
from tests.faults.conftest import Report
from tests.faults.operations import OPERATIONS
from tests.faults.sweep import Tally, sample, sweep
from tests.faults.tracer import ALL_CALLS, CREATES, SYNCS, WRITES, Harm
from tests.faults.trial import Trial, prepare


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of harm, and the calls it befalls."""

    name: str
    harm: Harm
    calls: frozenset[str]
    errno: int = 0


KINDS = (
    Kind(name="kill", harm=Harm.KILL, calls=ALL_CALLS),
    Kind(name="power cut at a sync", harm=Harm.ACT, calls=SYNCS),
    Kind(name="EIO once at a sync", harm=Harm.ERROR, calls=SYNCS, errno=errno.EIO),
    Kind(name="EIO from a sync on", harm=Harm.ERRORS, calls=SYNCS, errno=errno.EIO),
    Kind(name="disk full once", harm=Harm.ERROR, calls=WRITES | CREATES, errno=errno.ENOSPC),
    Kind(
        name="disk full from then on", harm=Harm.ERRORS, calls=WRITES | CREATES, errno=errno.ENOSPC
    ),
)
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
EACH_OPERATION = pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])


def _trial(name: str, kind: Kind, pool: ProcessPoolExecutor, folder: Path) -> Trial:
    if kind.harm is Harm.ACT and (why := power.cannot_cut()):
        pytest.skip(why)
    return Trial(
        operation=name,
        pristine=pool.submit(
            prepare, name, folder / "pristine", on_image=kind.harm is Harm.ACT
        ).result(),
        number=0,
        harm=kind.harm,
        calls=kind.calls,
        errno=kind.errno,
    )


@pytest.mark.e2e
@EACH_KIND
def test_a_capture_harmed_at_some_calls_keeps_every_promise(
    kind: Kind, pool: ProcessPoolExecutor, folder: Path
) -> None:
    tally = Tally(operation="capture a post", harm=kind.name)
    sample(pool, _trial(tally.operation, kind, pool, folder), tally, 2)
    tally.require_kept()


@pytest.mark.faults
@EACH_OPERATION
@EACH_KIND
def test_an_operation_harmed_at_any_call_keeps_every_promise(
    name: str, kind: Kind, pool: ProcessPoolExecutor, folder: Path, report: Report
) -> None:
    tally = Tally(operation=name, harm=kind.name)
    sweep(pool, _trial(name, kind, pool, folder), tally)
    report(tally)
    assert tally.complete, "the sweep never ran without harm"
    tally.require_kept()
