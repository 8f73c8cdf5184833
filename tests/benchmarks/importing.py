"""B5: importing posts until they are searchable and under a checkpoint, against `borg create`.

borg stores the same posts, a file each, compressed (lz4), encrypted and deduplicated, and indexes
nothing. Founding an archive and creating a repository are not timed; starting the processes is.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.archive import Archive, measured
from tests.benchmarks.outcome import Bar, Outcome, Run, interleaved, ratio_outcome
from tests.benchmarks.posts import write_files
from tests.benchmarks.workbench import Workbench, import_posts, run_benches, say


def imports(bench: Workbench) -> Sequence[Outcome]:
    """B5."""
    if shutil.which("borg") is None:
        raise RuntimeError("B5 needs borg: apt-get install borgbackup")
    posts = bench.scale.import_posts
    ndjson = bench.ndjson(posts)
    say(f"writing {posts:,} files")
    files = write_files(bench.folder("files"), posts)
    complete = []

    def ours(number: int) -> Run:
        archive = Archive.found(bench.folder(f"import-{number}"))
        run = import_posts(archive, ndjson, posts)
        contents = archive.contents()
        complete.append(contents.complete and contents.posts == posts)
        shutil.rmtree(archive.home)
        return run

    def theirs(number: int) -> Run:
        return _borg(bench.folder(f"borg-{number}"), files, posts)

    product, reference = interleaved(bench.scale.pairs, ours, theirs)
    return [
        ratio_outcome(
            "B5 import",
            f"`muniment import` of {posts:,} posts (NDJSON, two years of history) until searchable "
            "and under a checkpoint, both cores; against `borg create` of the same posts as files",
            unit="posts/s",
            product=product,
            reference=reference,
            bar=Bar(floor=0.7, goal=2),
            checks={"all posts are stored, published and indexed": all(complete)},
        )
    ]


def _borg(folder: Path, files: Path, posts: int) -> Run:
    environment = {
        **os.environ,
        "BORG_BASE_DIR": str(folder),
        "BORG_PASSPHRASE": "benchmark",
        "BORG_REPO": str(folder / "repository"),
    }
    measured(["borg", "init", "-e", "repokey"], environment, operations=1)
    run = measured(["borg", "create", "::posts", str(files)], environment, operations=posts)[1]
    shutil.rmtree(folder)
    return run


BENCHES = {"B5": imports}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
