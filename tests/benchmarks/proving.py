"""B11 (its proofs) and B24: a proof from a large log, and the first post after a cold start."""

import os
import random
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from archiver.clock import system_clock
from archiver.preserve.ledger.merkle import Frontier, leaf_hashes
from archiver.preserve.ledger.proof import ConsistencyProof, InclusionProof
from archiver.preserve.ledger.tiles import TileTree, grow
from archiver.preserve.store.filesystem import FilesystemStore
from tests.benchmarks.archive import Archive
from tests.benchmarks.machine import Watch
from tests.benchmarks.outcome import Bar, Outcome, Run, is_noisy, machine, spread
from tests.benchmarks.posts import PostSource
from tests.benchmarks.serving import serving
from tests.benchmarks.workbench import Workbench, run_benches, say

_ENTRIES = 1_000_000
_BATCH = 32_768
_PROOFS = 200
_SEED = 24


def _entry(index: int) -> bytes:
    return b"%d:%s" % (index, b"." * 170)


def proofs(bench: Workbench) -> Sequence[Outcome]:
    """Inclusion and consistency proofs at a million entries, each from a cold tile cache."""
    say(f"growing a log of {_ENTRIES:,} entries")
    store, frontier = _log(bench.folder("log"))
    draw = random.Random(_SEED)
    indexes = [draw.randrange(_ENTRIES) for _ in range(_PROOFS)]
    sizes = [draw.randrange(1, _ENTRIES) for _ in range(_PROOFS)]
    roots = _roots(sizes)

    def inclusion(index: int) -> bool:
        path = TileTree(_ENTRIES, store.get).inclusion_proof(index)
        proof = InclusionProof(index=index, size=_ENTRIES, path=path)
        proof.verify(_entry(index), frontier.root())
        return True

    def consistency(size: int) -> bool:
        path = TileTree(_ENTRIES, store.get).consistency_proof(size)
        proof = ConsistencyProof(old_size=size, new_size=_ENTRIES, path=path)
        proof.verify(roots[size], frontier.root())
        return True

    return [
        _timed("B11 inclusion proof", inclusion, indexes),
        _timed("B11 consistency proof", consistency, sizes),
    ]


def _log(folder: Path) -> tuple[FilesystemStore, Frontier]:
    FilesystemStore.create(folder)
    store = FilesystemStore(folder, clock=system_clock)
    frontier = Frontier()
    for start in range(0, _ENTRIES, _BATCH):
        batch = [_entry(index) for index in range(start, min(start + _BATCH, _ENTRIES))]
        growth = grow(frontier, batch, store.get)
        for path, body in growth.objects:
            store.put(path, body)
        frontier = growth.frontier
    return store, frontier


def _roots(sizes: Sequence[int]) -> dict[int, bytes]:
    frontier, roots = Frontier(), {}
    for size in sorted(sizes):
        added = leaf_hashes([_entry(index) for index in range(frontier.size, size)])
        frontier = frontier.append(added)
        roots[size] = frontier.root()
    return roots


def _timed(name: str, prove: Callable[[int], bool], arguments: Sequence[int]) -> Outcome:
    taken = []
    with Watch(os.getpid()) as watch:
        for argument in arguments:
            started = perf_counter()
            prove(argument)
            taken.append((perf_counter() - started) * 1000)
    run = Run.of(watch, operations=len(taken), seconds=sum(taken) / 1000)
    return Outcome(
        name=name,
        what=f"median of {len(taken)} proofs of a log of {_ENTRIES:,} entries on the file system, "
        "made from a cold tile cache and verified",
        value={"ms": {"median": round(median(taken), 3), "max": round(max(taken), 3)}},
        bar=Bar(floor=5.0, goal=1.0, most=True),
        judged=median(taken),
        machine=machine([run]),
        noisy=is_noisy([run]),
        checks={"every proof verified": True},
    )


def cold_start(bench: Workbench) -> Sequence[Outcome]:
    """From the start of the process to the first accepted post, on a small and a large archive."""
    sizes = (bench.scale.small, bench.scale.large)
    archives = {size: bench.imported(size).archive for size in sizes}
    runs: dict[int, list[Run]] = {size: [] for size in sizes}
    for number in range(bench.scale.pairs):
        for size in sizes:
            runs[size].append(_first_post(archives[size], number))
    seconds = {size: [run.facts["seconds_taken"] for run in runs[size]] for size in sizes}
    small, large = (median(seconds[size]) for size in sizes)
    measured = [run for size in sizes for run in runs[size]]
    return [
        Outcome(
            name="B24 cold start",
            what=f"process start to first accepted post, {sizes[0]:,} and {sizes[1]:,} records",
            value={"seconds": {f"{size}": spread(seconds[size], 2) for size in sizes}},
            bar=Bar(floor=5.0, goal=small, most=True),
            judged=large,
            machine=machine(measured),
            noisy=is_noisy(measured),
            checks={"at most twice the small archive's": large <= 2 * small},
        )
    ]


def _first_post(archive: Archive, number: int) -> Run:
    token = archive.token("capture-agent")
    body = PostSource(number).post(f"first-{number}")
    started = perf_counter()
    with serving(archive) as server, Watch(server.process.pid) as watch:
        request = urllib.request.Request(
            f"{server.url}/api/v1/captures",
            data=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
        seconds = perf_counter() - started
    return Run.of(watch, operations=1, seconds=seconds, seconds_taken=seconds)


BENCHES = {"B11": proofs, "B24": cold_start}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
