"""The command line as scripts use it: another process, its exit code, its two streams."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATIENCE_S = 180


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
    """`muniment` on one home."""

    home: Path

    def __call__(self, *words: str, expect: int = 0) -> Ended:
        """Run a command to its end; it must end with the code expected."""
        done = subprocess.run(
            self.words(*words),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
            env=self.environment(),
        )
        assert done.returncode == expect, f"{words}\n{done.stdout}\n{done.stderr}"
        return Ended(done.returncode, done.stdout, done.stderr)

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
        return {**kept, "MUNIMENT_HOME": str(self.home)}
