"""B1, B2 and B4: durable capture over HTTP, in posts a second against a bare aiohttp POST."""

from collections.abc import Sequence
from contextlib import ExitStack

from tests.benchmarks.archive import Archive
from tests.benchmarks.outcome import Bar, Outcome, Run, interleaved, ratio_outcome
from tests.benchmarks.recovering import all_recovered, kill_under_load
from tests.benchmarks.serving import Server, bare, serving
from tests.benchmarks.workbench import Workbench, run_benches, say
from tests.benchmarks.wrk import Load, LoadGenerator

_MANY = 256
_FEW = 64
_WARM_S = 2
_POSTS_A_REQUEST = 100


class _Stand:
    """A served archive with its load generator, counting what it acknowledged."""

    def __init__(self, bench: Workbench, name: str, stack: ExitStack, module: str) -> None:
        folder = bench.folder(name)
        self.archive = Archive.found(folder / "archive")
        self.token = self.archive.token("capture-agent")
        self.generator = LoadGenerator(folder, self.token)
        self.server = stack.enter_context(serving(self.archive, module=module))
        self.acknowledged = self.unanswered = 0

    def load(self, load: Load) -> Run:
        """Load the archive's server; posts under way at the end may be stored without an answer."""
        run = self.generator.run(self.server, load)
        self.acknowledged += int(run.facts["acknowledged"])
        self.unanswered += load.connections * load.batch
        return run

    def load_other(self, server: Server, load: Load) -> Run:
        """Load another server with the same posts."""
        return self.generator.run(server, load)

    def crash_and_recover(self) -> dict[str, bool]:
        """Kill the server under load, open the archive again and compare with what was answered."""
        killed = kill_under_load(self.server, self.token)
        recovered = all_recovered(self.archive, killed)
        stored = self.archive.contents().posts
        least = self.acknowledged + len(killed)
        say(f"{least:,} acknowledged, {stored:,} stored after kill -9")
        return {
            "acknowledged posts have their bytes after kill -9": recovered,
            "no acknowledged post is missing": stored >= least,
            "nothing was stored twice": stored <= least + self.unanswered + 2 * _FEW,
        }


def single(bench: Workbench) -> Sequence[Outcome]:
    """B1: one post a request, at 64 and at 256 connections."""
    with ExitStack() as stack:
        stand = _Stand(bench, "single", stack, "archiver")
        reference = stack.enter_context(bare())
        measured = []
        for connections in (_FEW, _MANY):
            load = Load(connections=connections, seconds=bench.scale.load_s)
            _warm(stand, reference, connections)
            measured.append((connections, *_pairs(bench, stand, reference, load, load)))
        checks = stand.crash_and_recover()
    return [
        ratio_outcome(
            f"B1 capture, {connections} connections",
            "durable capture of one post a request: authentication, validation, segment, keys, "
            "rows, log entry, receipt; integrator and index running; against a bare aiohttp POST",
            unit="posts/s; reference: requests/s",
            product=ours,
            reference=theirs,
            bar=Bar(floor=0.15, goal=0.30),
            checks=checks,
            notes=() if connections == _MANY else ("the bar is stated for 256 connections",),
        )
        for connections, ours, theirs in measured
    ]


def grouped(bench: Workbench) -> Sequence[Outcome]:
    """B2: the same handler with and without group commit."""
    load = Load(connections=_FEW, seconds=bench.scale.load_s)
    with ExitStack() as stack:
        stand = _Stand(bench, "grouped", stack, "archiver")
        alone = _Stand(bench, "ungrouped", stack, "tests.benchmarks.ungrouped_server")
        stand.load(Load(connections=_FEW, seconds=_WARM_S))
        ours, theirs = interleaved(
            bench.scale.pairs, lambda _: stand.load(load), lambda _: alone.load(load)
        )
        checks = stand.crash_and_recover()
    return [
        ratio_outcome(
            "B2 group commit",
            "capture at 64 connections against the same service with one segment (two objects and "
            "their folder synced) and one transaction for each post, one after the other",
            unit="posts/s",
            product=ours,
            reference=theirs,
            bar=Bar(floor=4, goal=10),
            checks=checks,
        )
    ]


def batches(bench: Workbench) -> Sequence[Outcome]:
    """B4: 100 posts a request."""
    load = Load(connections=8, seconds=bench.scale.load_s, batch=_POSTS_A_REQUEST)
    with ExitStack() as stack:
        stand = _Stand(bench, "batches", stack, "archiver")
        reference = stack.enter_context(bare())
        _warm(stand, reference, _FEW)
        one = Load(connections=_FEW, seconds=bench.scale.load_s)
        ours, theirs = _pairs(bench, stand, reference, load, one)
        checks = stand.crash_and_recover()
    return [
        ratio_outcome(
            "B4 batch capture",
            "durable capture of NDJSON batches of 100 posts, 8 connections, in posts a second; "
            "against bare aiohttp POSTs of one post each, 64 connections, in requests a second",
            unit="posts/s; reference: requests/s",
            product=ours,
            reference=theirs,
            bar=Bar(floor=0.30, goal=0.60),
            checks=checks,
        )
    ]


def _warm(stand: _Stand, reference: Server, connections: int) -> None:
    for server in (stand.server, reference):
        if server is stand.server:
            stand.load(Load(connections=connections, seconds=_WARM_S))
        else:
            stand.load_other(server, Load(connections=connections, seconds=_WARM_S))


def _pairs(
    bench: Workbench, stand: _Stand, reference: Server, ours: Load, theirs: Load
) -> tuple[list[Run], list[Run]]:
    return interleaved(
        bench.scale.pairs,
        lambda _: stand.load(ours),
        lambda _: stand.load_other(reference, theirs),
    )


BENCHES = {"B1": single, "B2": grouped, "B4": batches}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
