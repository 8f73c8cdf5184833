"""B8 to B10: verifying a whole archive, against one hash of as many bytes, itself, and borg.

B8 and B9 are the audit from outside, with the store and a policy file: ciphertext, log, tree and
checkpoint signatures (level A). What comparing the database adds stands beside B8 and is not
judged. restic is not measured: of the two backup programs borg is the one that B5 uses.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace

from tests.benchmarks.archive import Archive, measured
from tests.benchmarks.outcome import Bar, Outcome, Run, interleaved, ratio_outcome, spread
from tests.benchmarks.posts import write_files
from tests.benchmarks.workbench import Workbench, run_benches, say

_MB = 1_000_000
_STATED_FOR = 10**9


def full(bench: Workbench) -> Sequence[Outcome]:
    """B8: bytes verified a second with one worker, all phases, process start included."""
    archive = bench.imported(bench.scale.large).archive
    stored = archive.stored_bytes(".seg")
    audit = Audit(bench, archive)
    product, reference = interleaved(
        bench.scale.pairs, lambda _: audit.outside(1, stored), lambda _: _hash(stored)
    )
    inside = [audit.inside(1, stored) for _ in range(bench.scale.pairs)]
    judged = ratio_outcome(
        "B8 full verification",
        f"`muniment verify --full --from --policy --workers 1` of {stored / 1e9:.2f} GB of "
        f"segments ({bench.scale.large:,} records), level A: ciphertext, log, tree, checkpoint "
        "signatures; against one hashlib SHA-256 of as many bytes in memory. `inside` is the same "
        "with every database row compared",
        unit="MB/s of segments",
        product=product,
        reference=reference,
        bar=Bar(floor=0.35, goal=0.49),
        checks={"the archive verified": audit.ok},
        notes=_notes(stored),
    )
    beside = {
        "rate": spread([run.rate for run in inside], 1),
        "ratio": spread([a.rate / b.rate for a, b in zip(inside, reference, strict=True)], 4),
    }
    return [replace(judged, value={**judged.value, "inside": beside})]


def two_workers(bench: Workbench) -> Sequence[Outcome]:
    """B9: two worker processes against one."""
    archive = bench.imported(bench.scale.large).archive
    stored = archive.stored_bytes(".seg")
    audit = Audit(bench, archive)
    product, reference = interleaved(
        bench.scale.pairs, lambda _: audit.outside(2, stored), lambda _: audit.outside(1, stored)
    )
    return [
        ratio_outcome(
            "B9 verification, two workers",
            "`muniment verify --full --from --policy` with two worker processes against one",
            unit="MB/s of segments",
            product=product,
            reference=reference,
            bar=Bar(floor=1.7, goal=1.9),
            checks={"the archive verified": audit.ok},
            notes=_notes(stored),
        )
    ]


def against_borg(bench: Workbench) -> Sequence[Outcome]:
    """B10: the same posts verified by `borg check --verify-data`. Without borg there is none."""
    if shutil.which("borg") is None:
        say("B10 is left out: it needs borg (apt-get install borgbackup)")
        return []
    posts = bench.scale.large
    archive = bench.imported(posts).archive
    content = bench.ndjson(posts).stat().st_size
    audit = Audit(bench, archive)
    borg = _borg_of(bench, posts)
    product, reference = interleaved(
        bench.scale.pairs,
        lambda _: audit.outside(1, content),
        lambda _: measured(["borg", "check", "--verify-data"], borg, operations=content / _MB)[1],
    )
    return [
        ratio_outcome(
            "B10 full verification against borg",
            f"`muniment verify --full --from --policy --workers 1` of {posts:,} posts, level A; "
            "against `borg check --verify-data` of the same posts as files, which opens and "
            "decompresses every chunk and has no log",
            unit="MB/s of posts",
            product=product,
            reference=reference,
            bar=Bar(floor=1.5, goal=3),
            checks={"the archive verified": audit.ok},
            notes=_notes(content),
        )
    ]


class Audit:
    """Verifications of one archive, and whether all of them found it in order."""

    def __init__(self, bench: Workbench, archive: Archive) -> None:
        self._archive = archive
        self._policy = bench.folder("policy") / "policy"
        stated, _ = archive.command("log", "policy")
        self._policy.write_text(stated["policy"], encoding="utf-8")
        self.ok = True

    def outside(self, workers: int, size: int) -> Run:
        """Verify by the store and a policy; the rate is of `size` bytes."""
        store = f"file:{self._archive.home / 'store'}"
        return self._verify(workers, size, "--from", store, "--policy", str(self._policy))

    def inside(self, workers: int, size: int) -> Run:
        """Verify with the archive's settings, so that the database is compared as well."""
        return self._verify(workers, size)

    def _verify(self, workers: int, size: int, *arguments: str) -> Run:
        report, run = self._archive.command(
            "verify", "--full", "--workers", str(workers), *arguments, operations=size / _MB
        )
        self.ok = self.ok and bool(report["ok"])
        # What is judged has the start of the process in it; on a small archive that is much of it.
        # All objects are verified, not the segments alone by whose bytes the rate is given.
        more = {
            "mb_per_s_after_start": size / _MB / report["seconds"],
            "mb_of_all_objects": report["bytes"] / _MB,
        }
        return replace(run, facts={**run.facts, **more})


def _notes(size: int) -> tuple[str, ...]:
    if size >= _STATED_FOR:
        return ()
    return (f"the bar is stated for 1 GB or more; this was {size / 1e9:.2f} GB",)


def _hash(size: int) -> Run:
    line = [sys.executable, "-m", "tests.benchmarks.hashing", str(size)]
    return measured(line, dict(os.environ), operations=size / _MB)[1]


def _borg_of(bench: Workbench, posts: int) -> dict[str, str]:
    """Return the environment in which borg finds a repository of that many posts, a file each."""
    say(f"writing {posts:,} files, and a borg repository of them")
    files = write_files(bench.folder("files"), posts)
    folder = bench.folder("borg")
    environment = {
        **os.environ,
        "BORG_BASE_DIR": str(folder),
        "BORG_PASSPHRASE": "benchmark",
        "BORG_REPO": str(folder / "repository"),
    }
    measured(["borg", "init", "-e", "repokey"], environment, operations=1)
    measured(["borg", "create", "::posts", str(files)], environment, operations=posts)
    shutil.rmtree(files)
    return environment


BENCHES = {"B8": full, "B9": two_workers, "B10": against_borg}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
