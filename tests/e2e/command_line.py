"""The command line as scripts use it: another process, its exit code, its two streams."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        running = subprocess.Popen(
            self.words(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment(), "PYTHONFAULTHANDLER": "1"},
        )
        try:
            out, err = running.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGABRT)  # faulthandler says where each thread stands
            out, err = running.communicate()
            raise AssertionError(f"{words} did not end in {_PATIENCE_S} s\n{out}\n{err}") from None
        assert running.returncode == expect, f"{words}\n{out}\n{err}"
        return Ended(running.returncode, out, err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that goes on."""
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
