"""One commit of an engine that keeps its index in a folder, harmed at its N-th system call.

Then the index is opened again and the very same commit is made again, as the follower of the log
does: it holds what it held before the harmed one or what it was to hold, and takes the rest. What
the harmed one left on the disk must not stand in the way, at whichever step it ended.

Runs in a process that has one thread, and forks for each step.
"""

import os
import shutil
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from search.document import Document, document
from search.engines.opening import open_reader, open_writer
from search.errors import IndexUnavailable, RebuildNeeded
from search.grammar import parse
from search.index import Index, Reader
from tests.faults.tracer import ALL_CALLS, Ended, Harm, Plan, run_traced

Held = tuple[int, tuple[int, ...], int, int]
"""Watermark, numbers, and how many documents have the old and the new words."""

NOTHING: Held = (0, (), 0, 0)
OLD: Held = (64, tuple(range(64)), 64, 0)
NEW: Held = (84, tuple(n for n in range(84) if n != 3), 53, 30)

_COMMITTED, _REFUSED = b"+", b"-"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One harm: to the commit that follows on others, or to the first one, which creates."""

    engine: str
    folder: Path
    number: int
    is_first: bool = False
    harm: Harm = Harm.KILL
    calls: frozenset[str] = ALL_CALLS
    errno: int = 0

    @property
    def pristine(self) -> Path:
        """The folder that is copied for each trial."""
        return self.folder / ("nothing" if self.is_first else "old")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Where a trial was harmed, "" if nowhere, and what was not as promised, "" if all was."""

    harmed_at: str
    is_acknowledged: bool
    failure: str


def prepare(engine: str, folder: Path) -> None:
    """Make what trials begin with: no index, and one of eight segments, so that more are merged."""
    (folder / "nothing").mkdir(parents=True)

    _, told = _in_a_child(lambda _: build(f"{engine}:{folder / 'old'}"))
    assert told == "", told


def build(url: str) -> str:
    """Make the index that the harmed commit follows on."""
    with closing(open_writer(url)) as index:
        for start in range(0, 64, 8):
            index.add(posts(start, start + 8, "old"))
            index.commit(start + 8)
    return ""


def try_once(trial: Trial) -> Outcome:
    """Harm a commit, open the index again, and make the same commit."""
    place = trial.folder / f"{trial.number}"
    shutil.copytree(trial.pristine, place)
    url = f"{trial.engine}:{place}"
    plan = Plan(
        number=trial.number,
        harm=trial.harm,
        calls=trial.calls,
        errno=trial.errno,
        under=str(place),
    )
    try:
        ended, told = _in_a_child(
            lambda say: _commit_until_taken(url, say, is_first=trial.is_first), plan
        )
        failure = told.lstrip((_COMMITTED + _REFUSED).decode())
        acknowledged = _COMMITTED.decode() in told.removesuffix(failure)
        if trial.harm is Harm.ERROR and not acknowledged:
            failure = failure or "one error stopped the commit that was made after it as well"
        if not failure:
            before = NEW if acknowledged else None
            _, failure = _in_a_child(lambda _: judged(url, before, is_first=trial.is_first))
        if failure:
            failure = f"{trial}: harmed at {ended.seen[: trial.number]}: {failure}"
        return Outcome(harmed_at=ended.harmed_at, is_acknowledged=acknowledged, failure=failure)
    finally:
        shutil.rmtree(place)


def _commit_until_taken(url: str, say: Callable[[bytes], object], *, is_first: bool) -> str:
    """Commit; where that is refused, open the index again and commit the same, as is done later."""
    for _ in range(2):
        try:
            with closing(opened(url, is_first=is_first)) as index:
                change(index)
                say(_COMMITTED)
        except IndexUnavailable:
            say(_REFUSED)
        except RebuildNeeded:  # what was only half created
            if not is_first:
                raise
            say(_REFUSED)
        else:
            return ""
    return ""


def opened(url: str, *, is_first: bool) -> Index:
    """Open the index; what was never committed to may be begun anew."""
    try:
        return open_writer(url)
    except RebuildNeeded:
        if not is_first:
            raise
        return open_writer(url, anew=True)


def judged(url: str, before: Held | None, *, is_first: bool) -> str:
    """Open the index again and make the same commit; return what was not as promised, or "".

    `before` is what it has to hold until then, None: what it held before the harm or after it.
    """
    with closing(opened(url, is_first=is_first)) as index:
        held = held_by(index)
        if held not in ((before,) if before else (NOTHING if is_first else OLD, NEW)):
            return f"opened again it held {held}"
        change(index)
        index.check()
        if (held := held_by(index)) != NEW:
            return f"after the same commit it held {held}"
    with closing(open_reader(url)) as reader:
        return "" if held_by(reader) == NEW else f"a reader was told {held_by(reader)}"


def change(index: Index) -> None:
    """Make the harmed commit: it removes, replaces and adds."""
    if index.watermark == 0:
        index.add(posts(0, 64, "old"))
    index.delete([3])
    index.add(posts(10, 20, "new"))
    index.add(posts(64, 84, "new"))
    index.commit(84)


def posts(start: int, end: int, word: str) -> list[Document]:
    """Return documents that have a word."""
    return [document(number=n, text=f"{word} words {n}", captured_at=n) for n in range(start, end)]


def held_by(reader: Reader) -> Held:
    """Return what an index holds, counted in three ways."""
    with reader.snapshot() as snapshot:
        numbers = tuple(number for chunk in snapshot.all_numbers() for number in chunk)
        old, new = (snapshot.count(parse(word)) for word in ("old", "new"))
        return snapshot.watermark, numbers, old, new


def _in_a_child(
    work: Callable[[Callable[[bytes], object]], str], plan: Plan | None = None
) -> tuple[Ended, str]:
    """Do `work` in a fork; return how it ended and what it said, at last its failure."""
    reading, writing = os.pipe()

    def main() -> int:
        try:
            failure = work(lambda said: os.write(writing, said))
        except BaseException:  # noqa: BLE001 - of a process that ends here nothing else is heard
            failure = traceback.format_exc()
        os.write(writing, failure.encode())
        return 0

    ended = run_traced(main, plan) if plan else _run(main)
    os.close(writing)
    with open(reading, "rb") as said:  # noqa: PTH123 - a descriptor
        return ended, said.read().decode()


def _run(main: Callable[[], int]) -> Ended:
    pid = os.fork()
    if pid == 0:
        os._exit(main())
    _, status = os.waitpid(pid, 0)
    return Ended(code=os.waitstatus_to_exitcode(status))
