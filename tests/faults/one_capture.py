"""Capture one post in one life of a process that has a clock of its own, and say so.

`python -m tests.faults.one_capture HOME` captures the post "one", waits until it is published and
prints its record id once it is acknowledged.
"""

import asyncio
import sys
from pathlib import Path

from tests.fakes.archive import AGENT, an_arrival, publish, serving, settings_for


async def _capture(home: Path) -> None:
    async with serving(settings_for(home)) as services:
        (outcome,) = await services.ingest.submit([an_arrival(b"one")], actor=AGENT)
        print(outcome.record_id, flush=True)
        await publish(services)


if __name__ == "__main__":
    asyncio.run(_capture(Path(sys.argv[1])))
