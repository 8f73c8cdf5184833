"""A real witness: `muniment witness serve` in a process of its own, over loopback."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from archiver.clock import system_clock
from archiver.preserve.ledger.witness_state import WitnessState, create_witness, open_witness


@dataclass
class WitnessServer:
    """One witness and its folder; it can be stopped and started, and keeps its address."""

    folder: Path
    name: str
    vkey: str = ""
    port: int = 0
    _process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.vkey = str(create_witness(self.folder, f"witness.example/{self.name}", os.urandom))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def policy_line(self) -> str:
        return f"witness {self.name} {self.vkey} {self.url}"

    def watch(self, vkey: str) -> None:
        """Believe a log's key; only while it does not serve."""
        with open_witness(self.folder, clock=system_clock) as witness:
            witness.watch(vkey)

    def sizes(self) -> dict[str, int]:
        """The size it remembers of each log."""
        witness = WitnessState(self.folder, clock=system_clock)
        return {origin: log.head.size for origin, log in witness.logs.items()}

    def start(self) -> None:
        """Serve; returns when it listens."""
        command = [sys.executable, "-m", "archiver", "witness", "serve", "--json"]
        self._process = subprocess.Popen(
            [*command, "--state", str(self.folder), "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("MUNIMENT_")},
        )
        assert self._process.stdout is not None
        told = ""
        while line := self._process.stdout.readline():
            told += line
            if line.startswith("}"):
                break
        self.port = int(json.loads(told)["url"].rpartition(":")[2])

    def stop(self) -> None:
        """End it as an operator does, if it serves."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate()
            assert self._process.returncode == 0
            self._process = None

    def kill(self) -> None:
        """End it as a power cut does to a process."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        self._process = None
