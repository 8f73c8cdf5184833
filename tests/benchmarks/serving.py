"""Servers as processes of their own: the product, the product ungrouped, and the bare reference."""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.archive import REPOSITORY, Archive

_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(archive: Archive, *, module: str = "archiver") -> Iterator[Server]:
    """Run the service on an archive; it is killed at the end, which is part of what is measured."""
    port = free_port()
    named = ["serve", "--port", str(port)] if module == "archiver" else [str(port)]
    with _running(["-m", module, *named], archive.environment, port) as server:
        yield server


@contextmanager
def bare() -> Iterator[Server]:
    """Run the bare reference."""
    port = free_port()
    with _running(["-m", "tests.benchmarks.bare_server", str(port)], None, port) as server:
        yield server


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    arguments: list[str], environment: dict[str, str] | None, port: int
) -> Iterator[Server]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        server = Server(process, port)
        try:
            _await_ready(server)
            yield server
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-1500:].decode(errors="replace"))
            raise
        finally:
            server.kill()


def _await_ready(server: Server) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(
        f"the server on port {server.port} was not ready within {_START_S:.0f} s "
        f"(exit code {server.process.poll()})"
    )
