"""A whole archive on the filesystem store and SQLite, driven through its command line."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from archiver.app import open_services
from archiver.config import load_settings
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from retention.templates import AUDIT_CLASS
from tests.benchmarks.machine import Watch
from tests.benchmarks.outcome import Run

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an archive holds once it was opened again, orphans adopted."""

    posts: int
    sequenced: int
    published: int
    indexed: int

    @property
    def complete(self) -> bool:
        """Whether all that is sequenced is under a checkpoint and in the search index."""
        return self.sequenced == self.published == self.indexed


class Archive:
    """An archive in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @classmethod
    def found(cls, home: Path) -> "Archive":
        """Create one."""
        made = cls(home)
        made.command("init")
        return made

    def token(self, *roles: str) -> str:
        """Return the secret of a new token."""
        made, _ = self.command("token", "create", "bench", "--role", *roles)
        return str(made["secret"])

    def command(self, *arguments: str, operations: float = 1) -> tuple[dict[str, Any], Run]:
        """Run a command to its end; return its JSON answer, and its wall time as a rate.

        Raises:
            RuntimeError: it did not end with 0.
        """
        line = [sys.executable, "-m", "archiver", *arguments, "--json"]
        answer, run = measured(line, self.environment, operations=operations)
        return json.loads(answer), run

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which commands find this archive."""
        return {**os.environ, "MUNIMENT_HOME": str(self.home)}

    def contents(self) -> Contents:
        """Open the archive, which adopts what a crash left, and count."""
        return asyncio.run(self._contents())

    async def _contents(self) -> Contents:
        async with open_services(load_settings({"MUNIMENT_HOME": str(self.home)})) as services:
            async with services.database.reading() as tx:
                state = await ledger_rows.state(tx)
                posts = await record_rows.count_posts(tx, state.next_index, AUDIT_CLASS)
            return Contents(
                posts=posts,
                sequenced=state.next_index,
                published=state.size,
                indexed=services.index.watermark,
            )

    def stored_bytes(self, suffix: str) -> int:
        """Return the bytes of the store's objects whose names end so."""
        return sum(file.stat().st_size for file in self.home.rglob(f"*{suffix}") if file.is_file())


def measured(
    line: list[str], environment: dict[str, str], *, operations: float
) -> tuple[bytes, Run]:
    """Run a process to its end; return what it wrote and the run.

    Raises:
        RuntimeError: it did not end with 0.
    """
    with tempfile.TemporaryFile() as written, tempfile.TemporaryFile() as problems:
        started = perf_counter()
        process = subprocess.Popen(
            line, cwd=REPOSITORY, env=environment, stdout=written, stderr=problems
        )
        with Watch(process.pid) as watch:
            code = process.wait()
            seconds = perf_counter() - started
        problems.seek(0)
        if code:
            told = problems.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(line[:6])} … ended with {code}: {told}")
        written.seek(0)
        return written.read(), Run.of(
            watch, operations=operations, seconds=seconds, seconds_taken=seconds
        )
