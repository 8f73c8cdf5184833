"""One trial: a fresh copy of a prepared archive, one operation, one harm, one check.

`try_once` runs in a worker that has imported everything and forks for each step, so a trial costs
no interpreter start, and nothing of one trial is left in memory for the next.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import traceback
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from archiver.app import open_services
from archiver.audit import trail
from archiver.capture import ingest
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.errors import ArchiverError
from archiver.preserve.store.filesystem import FilesystemStore
from tests.fakes.archive import found_whole, settings_for
from tests.fakes.disposal import NINE_YEARS
from tests.faults import power
from tests.faults.invariants import Promises, require_invariants
from tests.faults.operations import BY_NAME, Operation
from tests.faults.tracer import Ended, Harm, Plan, run_traced

IMAGE = "disk"
_COPY = "copy"
_PATIENCE_S = 600  # for a process that hangs, not for a machine that is slow
_CALLER_S = 1.0  # of a caller whose commit never comes; what it gave up on is judged all the same
_FAILED, _CRASHED = 4, 70


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One harm to one operation."""

    operation: str
    pristine: Path
    number: int
    harm: Harm = Harm.KILL
    calls: frozenset[str]
    errno: int = 0

    @property
    def command(self) -> str:
        """What repeats it alone."""
        calls = ",".join(sorted(self.calls))
        return (
            f'python -m tests.faults.sweep "{self.operation}" --harm {self.harm.name} '
            f"--number {self.number} --errno {self.errno} --calls {calls}"
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial went. `failure` is empty, or what was not as promised and how to see it again."""

    number: int
    harmed_at: str
    acknowledged: bool
    reopened_s: float
    failure: str


def prepare(operation_name: str, folder: Path, *, on_image: bool = False) -> Path:
    """Found an archive and do what comes before the operation; return its pristine folder.

    `on_image`: as a disk whose power can be cut.
    """
    folder.mkdir(parents=True, exist_ok=True)
    promises = Promises()

    async def work() -> None:
        operation = BY_NAME[operation_name]
        began = _nine_years_ago if operation.long_ago else system_clock
        await found_whole(settings_for(folder / "home"), clock=began)
        if operation.second_copy:
            FilesystemStore.create(folder / "home" / _COPY)
        for act, clock in ((operation.long_ago, began), (operation.prepare, system_clock)):
            if act is not None:
                settings = settings_of(folder, operation)
                settings = settings.model_copy(update={"clock_confirmed": clock()})
                async with open_services(settings, clock=clock) as services:
                    await act(services, promises.hear)

    _in_a_child(lambda: (asyncio.run(work()), msgspec.to_builtins(promises))[1], folder / "said")
    if on_image:
        power.make_image(folder / "home", folder / IMAGE)
        shutil.rmtree(folder / "home")
        (folder / "home").mkdir()
    return folder


def try_once(trial: Trial) -> Outcome:
    """Do the operation under its harm, then check every invariant."""
    folder = trial.pristine.with_name(f"{trial.pristine.name}-{os.getpid()}-{trial.number}")
    # Not copytree: images are sparse.
    subprocess.run(["cp", "-a", "--sparse=always", trial.pristine, folder], check=True)
    try:
        promises = msgspec.convert(json.loads((folder / "said").read_text()), Promises)
        return _try_in(folder, trial, promises)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_in(folder: Path, trial: Trial, promises: Promises) -> Outcome:
    known = set(promises.posts)
    image = folder / IMAGE
    disk = partial(power.mounted, image, folder / "home") if image.exists() else nullcontext
    with disk():
        ended, printed = _harmed(folder, BY_NAME[trial.operation], trial, promises)
    with disk():
        failure, reopened_s = _judged(folder, trial, promises, ended, printed)
    return Outcome(
        number=trial.number,
        harmed_at=ended.harmed_at,
        acknowledged=bool(set(promises.posts) - known),
        reopened_s=reopened_s,
        failure=failure,
    )


def _judged(
    folder: Path, trial: Trial, promises: Promises, ended: Ended, printed: str
) -> tuple[str, float]:
    """Return what was not as promised, and how long reopening took."""
    operation = BY_NAME[trial.operation]
    failure, reopened_s = "", 0.0
    killed = trial.harm in (Harm.KILL, Harm.ACT)
    # Under a harm that lets the process live, callers give up soon: on a slow machine unharmed too.
    expected = ({-signal.SIGKILL} if ended.harmed_at else {0}) if killed else {0, _FAILED}
    if ended.code not in expected:
        failure = f"the process ended with {ended.code}: {printed[-4000:]} {promises.errors}"
    elif power.was_not_cut(folder / "home"):
        failure = "the power was not cut: what was not synced is there"
    else:
        try:
            reopened_s = check(folder, promises, operation, printed)
        except AssertionError as error:
            failure = str(error)
    if failure:
        failure = (
            f"{operation.name}, {trial.harm} at call {trial.number} ({ended.harmed_at}): "
            f"{failure}\nagain: {trial.command}"
        )
    return failure, reopened_s


def settings_of(folder: Path, operation: Operation) -> Settings:
    """Return the settings of the archive of a trial.

    Where years pass in a moment the log has no locks: nobody was there to extend them.
    """
    settings = settings_for(folder / "home")
    changes: dict[str, str] = {"log_lock": "none"} if operation.long_ago else {}
    if operation.second_copy:
        changes["second_store_url"] = f"file:{folder / 'home' / _COPY}"
    return settings.model_copy(update=changes)


def _nine_years_ago() -> datetime:
    return system_clock() - NINE_YEARS


def check(folder: Path, promises: Promises, operation: Operation, printed: str) -> float:
    """Check the invariants in a process of its own; return how long reopening took.

    Raises:
        AssertionError: what does not hold, with the traceback of the checking process.
    """

    async def work() -> float:
        settings = settings_of(folder, operation)
        if operation.finish is not None:
            async with open_services(settings) as services:
                await operation.finish(services, promises.hear)
        return await require_invariants(settings, promises, operation.sends, printed)

    seconds: float = _in_a_child(lambda: asyncio.run(work()), folder / "checked")
    return seconds


def _harmed(
    folder: Path, operation: Operation, trial: Trial, promises: Promises
) -> tuple[Ended, str]:
    """Run the operation to its end or its harm; note what was said before."""
    ours, theirs = socket.socketpair()
    output = folder / "output"
    plan = Plan(
        number=trial.number,
        harm=trial.harm,
        calls=trial.calls,
        errno=trial.errno,
        act=partial(power.cut, folder / "home"),
        watched_socket=theirs.fileno(),
        under=str(folder / "home"),
    )
    with output.open("ab") as printing:
        life = partial(operate, folder, operation, theirs, printing.fileno(), trial.harm)
        ended = run_traced(life, plan)
    theirs.close()
    with ours, ours.makefile("rb") as lines:
        for line in lines:
            promises.hear(json.loads(line))
    return ended, output.read_text(errors="replace")


def operate(
    folder: Path, operation: Operation, client: socket.socket, output: int, harm: Harm
) -> int:
    """The life of the process: open the archive, act, and say to the client what is promised."""
    signal.alarm(_PATIENCE_S)
    os.dup2(output, 1)
    os.dup2(output, 2)
    lives_on = harm in (Harm.ERROR, Harm.ERRORS)
    ingest.PATIENCE_S = trail.PATIENCE_S = _CALLER_S if lives_on else _PATIENCE_S

    def say(said: dict[str, Any]) -> None:
        client.send(json.dumps(said).encode() + b"\n")

    async def live() -> int:
        try:
            async with open_services(settings_of(folder, operation)) as services:
                await operation.act(services, say)
        except ArchiverError as error:
            say({"error": f"{type(error).__name__}: {error}"})
            return _FAILED
        return 0

    return _run(live())


def _run(life: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(life)
    except BaseException:  # noqa: BLE001 - whatever it is, it is shown and is a failure
        os.write(2, traceback.format_exc().encode())
        return _CRASHED


def _in_a_child(work: Callable[[], Any], answer: Path) -> Any:
    """Return what `work` returns, as JSON, from a forked child."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(_PATIENCE_S)
        code = 0
        try:
            answer.write_text(json.dumps(work()))
        except BaseException:  # noqa: BLE001 - it is told to the parent
            answer.write_text(traceback.format_exc())
            code = 1
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    text = answer.read_text() if answer.exists() else ""
    if status:
        raise AssertionError(f"ended with {os.waitstatus_to_exitcode(status)}: {text[-2000:]}")
    return json.loads(text)
