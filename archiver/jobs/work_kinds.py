"""The jobs of an archive, put together: the use cases, the runner, and the kinds there are."""

from dataclasses import dataclass
from pathlib import Path

from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.transaction import Database
from archiver.ids import Ulids
from archiver.jobs.loops import Loops
from archiver.jobs.work import Kind, Work
from archiver.jobs.work_run import WorkFiles
from archiver.jobs.work_runner import Runner

WORK_FOLDER = "work"
"""The folder, in the home, of the files that jobs leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The use cases of jobs, and what runs them."""

    work: Work
    runner: Runner


def open_work(
    *,
    home: Path,
    database: Database,
    clock: Clock,
    ulids: Ulids,
    trail: Trail,
    loops: Loops,
    kinds: tuple[Kind, ...],
) -> Jobs:
    """Return the jobs of an archive; their chores are added to the loops."""
    files = WorkFiles(home / WORK_FOLDER)
    work = Work(database=database, clock=clock, ulids=ulids, trail=trail, files=files)
    work.register(*kinds)
    runner = Runner(
        name=ulids.one(clock()), database=database, kinds=work.kinds, clock=clock, files=files
    )
    work.news = runner.notify
    loops.chores = (*loops.chores, *runner.chores)
    return Jobs(work=work, runner=runner)
