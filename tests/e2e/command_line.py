"""The command line as scripts use it: another process, its exit code, its two streams."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests.e2e import preloaded

_PATIENCE_S = 600  # for a command that hangs, not for a machine that is slow


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """`muniment` on one home; `search_url` names another engine than the default."""

    home: Path
    search_url: str = ""

    def __call__(self, *words: str, expect: int = 0) -> Ended:
        """Run a command to its end; it must end with the code expected."""
        with _stream() as out, _stream() as err:
            running = preloaded.run(
                words,
                {**self.environment(), "PYTHONFAULTHANDLER": "1"},
                out=out.fileno(),
                err=err.fileno(),
            )
            try:
                code = running.wait(_PATIENCE_S)
            except TimeoutError:
                os.kill(running.pid, signal.SIGABRT)  # faulthandler says where each thread stands
                running.wait()
                told = f"{_read(out)}\n{_read(err)}"
                raise AssertionError(f"{words} did not end in {_PATIENCE_S} s\n{told}") from None
            ended = Ended(code, _read(out), _read(err))
        assert ended.code == expect, f"{words}\n{ended.out}\n{ended.err}"
        return ended

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that goes on, in an interpreter of its own."""
        return subprocess.Popen(
            self.words(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment(),
        )

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "archiver", *words]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MUNIMENT_")}
        return {**kept, "MUNIMENT_HOME": str(self.home), "MUNIMENT_SEARCH_URL": self.search_url}


def _stream() -> IO[str]:
    return TemporaryFile("w+", encoding="utf-8")


def _read(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()
