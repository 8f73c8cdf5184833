"""Where a run of benchmarks works: its scale, scratch folder, and archives that several use."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.archive import Archive
from tests.benchmarks.outcome import Outcome, Run
from tests.benchmarks.posts import write_ndjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured."""

    name: str
    pairs: int
    load_s: float
    lag_s: float
    import_posts: int
    small: int
    large: int


QUICK = Scale(
    name="quick", pairs=3, load_s=3, lag_s=12, import_posts=10_000, small=10_000, large=100_000
)
FULL = Scale(
    name="full",
    pairs=5,
    load_s=6,
    lag_s=60,
    import_posts=100_000,
    small=100_000,
    large=1_000_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An archive filled by one import, and the run of that import."""

    archive: Archive
    run: Run


class Workbench:
    """A scratch folder. An archive of a size is filled once and then only read."""

    def __init__(self, scale: Scale, scratch: Path) -> None:
        self.scale = scale
        self.scratch = scratch
        self._imported: dict[int, Imported] = {}
        self._folders = 0

    def folder(self, name: str) -> Path:
        """Return a new folder."""
        self._folders += 1
        made = self.scratch / f"{self._folders:03d}-{name}"
        made.mkdir(parents=True)
        return made

    def ndjson(self, posts: int) -> Path:
        """Return a file of that many posts, the same each time."""
        path = self.scratch / f"posts-{posts}.ndjson"
        if not path.exists():
            say(f"writing {posts:,} posts")
            write_ndjson(path, posts)
        return path

    def imported(self, posts: int) -> Imported:
        """Return an archive of that many posts."""
        if posts not in self._imported:
            archive = Archive.found(self.folder(f"archive-{posts}"))
            say(f"importing {posts:,} posts")
            self._imported[posts] = Imported(
                archive=archive, run=import_posts(archive, self.ndjson(posts), posts)
            )
        return self._imported[posts]


def import_posts(archive: Archive, path: Path, posts: int) -> Run:
    """Import a file; return the run.

    Raises:
        RuntimeError: not every post was captured.
    """
    report, run = archive.command("import", str(path), "--format", "ndjson", operations=posts)
    if report["captured"] != posts:
        raise RuntimeError(f"{posts} posts were to be captured, {report['captured']} were")
    return run


Bench = Callable[[Workbench], Sequence[Outcome]]


def say(text: str) -> None:
    """Tell how far the run is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run_benches(benches: Mapping[str, Bench], description: str) -> None:
    """Run what the command line names, and write one JSON document."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(benches))
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="minutes, 3 pairs (default)")
    extent.add_argument("--full", action="store_true", help="up to an hour, 5 pairs, 1 M records")
    parser.add_argument("--scratch", type=Path, help="folder to work in; on the disk to measure")
    args = parser.parse_args()
    unknown = set(args.names) - set(benches)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    scale = FULL if args.full else QUICK
    with _scratch(args.scratch) as scratch:
        bench = Workbench(scale, scratch)
        outcomes: list[Outcome] = []
        for name in args.names or benches:
            say(f"== {name}")
            for outcome in benches[name](bench):
                say(f"{outcome.name}: {outcome.judged:.4g} {outcome.verdict}")
                outcomes.append(outcome)
    document = {"scale": scale.name, "benches": [outcome.to_dict() for outcome in outcomes]}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


@contextmanager
def _scratch(chosen: Path | None) -> Iterator[Path]:
    # A folder below the one chosen, so that nothing of the operator's is ever removed.
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="muniment-bench-", dir=chosen) as made:
        yield Path(made)
