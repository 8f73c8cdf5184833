"""B15: how long after its acknowledgement a post can be found, while the server is busy."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from time import perf_counter

import aiohttp

from tests.benchmarks.archive import Archive
from tests.benchmarks.outcome import Bar, Outcome, is_noisy, machine
from tests.benchmarks.posts import PostSource
from tests.benchmarks.serving import Server, serving
from tests.benchmarks.workbench import Workbench, run_benches
from tests.benchmarks.wrk import Load, LoadGenerator

_CONNECTIONS = 64
_EVERY_S = 0.1
_POLL_S = 0.1
_PATIENCE_S = 30.0
_WORD = "zzprobeword"
_PAGE = 1000


def lag(bench: Workbench) -> Sequence[Outcome]:
    """B15. Samples share one rare word, so that one query looks for all that wait."""
    folder = bench.folder("lag")
    archive = Archive.found(folder / "archive")
    token = archive.token("capture-agent", "counsel")
    generator = LoadGenerator(folder, token)
    with serving(archive) as server, ThreadPoolExecutor(1) as beside:
        load = Load(connections=_CONNECTIONS, seconds=bench.scale.lag_s)
        loading = beside.submit(generator.run, server, load)
        lags, missing = asyncio.run(_sample(server, token, bench.scale.lag_s - 1))
        run = loading.result()
    p99 = quantiles(lags, n=100, method="inclusive")[98]
    return [
        Outcome(
            name="B15 searchable after",
            what=f"seconds from a post's acknowledgement to the first search that finds it, while "
            f"{_CONNECTIONS} connections capture; polled every {_POLL_S} s",
            value={
                "lag_s": {
                    "p50": round(median(lags), 3),
                    "p99": round(p99, 3),
                    "max": round(max(lags), 3),
                    "samples": len(lags),
                },
                "captured_beside_per_s": round(run.rate, 1),
            },
            bar=Bar(floor=2.0, goal=1.0, most=True),
            judged=p99,
            machine=machine([run]),
            noisy=is_noisy([run]),
            checks={f"every sample was found within {_PATIENCE_S:.0f} s": not missing},
        )
    ]


async def _sample(server: Server, token: str, seconds: float) -> tuple[list[float], int]:
    """Return the lag of each sample found, and how many never were."""
    waiting: dict[str, float] = {}
    lags: list[float] = []
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        sending = asyncio.create_task(_send(session, seconds, waiting))
        seen: set[str] = set()
        end = perf_counter() + seconds + _PATIENCE_S
        while (not sending.done() or waiting) and perf_counter() < end:
            started = perf_counter()
            for record_id in await _found(session) - seen:
                seen.add(record_id)
                # Found before its acknowledgement was read: no lag at all.
                lags.append(max(0.0, perf_counter() - waiting.pop(record_id, perf_counter())))
            await asyncio.sleep(max(0.0, _POLL_S - (perf_counter() - started)))
        await sending
    return lags, len(waiting.keys() - seen)


async def _send(session: aiohttp.ClientSession, seconds: float, waiting: dict[str, float]) -> None:
    source, end, number = PostSource(13), perf_counter() + seconds, 0
    while perf_counter() < end:
        number += 1
        body = source.post(f"probe-{number}", extra_word=_WORD)
        kind = {"Content-Type": "application/json"}
        async with session.post("/api/v1/captures", data=body, headers=kind) as answer:
            answer.raise_for_status()
            waiting[(await answer.json())["id"]] = perf_counter()
        await asyncio.sleep(_EVERY_S)


async def _found(session: aiohttp.ClientSession) -> set[str]:
    query = {"q": _WORD, "limit": str(_PAGE)}
    async with session.get("/api/v1/search", params=query) as answer:
        answer.raise_for_status()
        return {hit["id"] for hit in (await answer.json())["hits"]}


BENCHES = {"B15": lag}

if __name__ == "__main__":
    run_benches(BENCHES, __doc__ or "")
