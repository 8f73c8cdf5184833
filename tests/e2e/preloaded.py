"""`python -m archiver` without waiting for its imports: a process that made them all, and forks.

Importing the archiver costs more than most commands do. One server per test process imports it
once; every command is a fork of it that runs `archiver/__main__.py` as `python -m` does and ends
as an interpreter ends. The server has one thread and no event loop, so nothing is lost by forking.
"""

import atexit
import functools
import importlib
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")  # by the interpreter or the C library
_LARGEST = 1 << 17


class Forked:
    """A command under way."""

    def __init__(self, server: socket.socket, pid: int) -> None:
        self._server = server
        self.pid = pid

    def wait(self, timeout_s: float | None = None) -> int:
        """Return the exit code at the command's end, negative for the signal that ended it.

        Raises:
            TimeoutError: it goes on.
        """
        self._server.settimeout(timeout_s)
        return int(_heard(self._server))


def run(words: Sequence[str], environment: Mapping[str, str], *, out: int, err: int) -> Forked:
    """Start `muniment` in this folder with exactly this environment and these two streams.

    One at a time: the one before must have ended.
    """
    fixed = {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}
    server = _server(json.dumps(fixed, sort_keys=True))
    asked = {"words": list(words), "environment": dict(environment), "folder": str(Path.cwd())}
    server.settimeout(None)
    socket.send_fds(server, [json.dumps(asked).encode()], [out, err])
    return Forked(server, int(_heard(server)))


def _heard(server: socket.socket) -> bytes:
    told = server.recv(_LARGEST)
    assert told, "the process that runs commands has ended; its stderr says why"
    return told


@functools.cache
def _server(fixed: str) -> socket.socket:
    """Return the way to a server: there is one for each set of what is read only at start."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    others = {n: value for n, value in os.environ.items() if not n.startswith(_READ_AT_START)}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.preloaded", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**others, **json.loads(fixed)},
            cwd=_ROOT,
            start_new_session=True,  # an interrupt is for the tests; it ends when they hang up
        )

    def hang_up() -> None:
        ours.close()
        process.wait()

    atexit.register(hang_up)
    return ours


def _preload() -> None:
    for name in ("archiver", "retention", "search"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    assert threading.active_count() == 1, "a fork would lose the other threads"


def _command_asked_for(client: socket.socket) -> list[str]:
    """Return, in a fresh fork for each, the words of every command asked for; then end."""
    while True:
        asked, streams, _, _ = socket.recv_fds(client, _LARGEST, 2)
        if not asked:
            sys.exit()
        pid = os.fork()
        if pid == 0:
            break
        for stream in streams:
            os.close(stream)
        client.send(str(pid).encode())
        client.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    client.close()
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    given = json.loads(asked)
    os.environ.clear()
    os.environ.update(given["environment"])
    time.tzset()
    os.chdir(given["folder"])
    words: list[str] = given["words"]
    return words


def main() -> None:
    """Serve the socket whose number is the argument; in a fork, be `python -m archiver`."""
    _preload()
    sys.argv[1:] = _command_asked_for(socket.socket(fileno=int(sys.argv[1])))
    sys.path[0] = str(Path.cwd())
    runpy.run_module("archiver", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
