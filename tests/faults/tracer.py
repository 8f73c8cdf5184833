"""Stops a child process at the N-th system call that could change something, and does it a harm.

What `strace -f -e inject=…:when=N` does, but for one count over all threads and kinds of call:
strace counts each thread by itself, so that a program with a pool of threads is never stopped at
most of its calls. Of the calls only those count that create, change, sync or remove a file, or send
to the one socket that is watched; writes to pipes and event descriptors are no state.

ptrace(2) needs no privilege for one's own children. Faking an error needs to know the registers of
the machine and works on x86-64 only.
"""

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

CALLS = {
    "x86_64": {
        1: "write", 18: "pwrite64", 20: "writev", 296: "pwritev", 74: "fsync", 75: "fdatasync",
        77: "ftruncate", 285: "fallocate", 82: "rename", 264: "renameat", 316: "renameat2",
        86: "link", 265: "linkat", 87: "unlink", 263: "unlinkat", 2: "open", 257: "openat",
        83: "mkdir", 258: "mkdirat", 44: "sendto",
    },
    "aarch64": {
        64: "write", 68: "pwrite64", 66: "writev", 70: "pwritev", 82: "fsync", 83: "fdatasync",
        46: "ftruncate", 47: "fallocate", 38: "renameat", 276: "renameat2", 37: "linkat",
        35: "unlinkat", 56: "openat", 34: "mkdirat", 206: "sendto",
    },
}.get(platform.machine(), {})  # fmt: skip

WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate"})
SYNCS = frozenset({"fsync", "fdatasync"})
CREATES = frozenset({"open", "openat", "mkdir", "mkdirat", "link", "linkat"})
ALL_CALLS = frozenset(CALLS.values())

_TRACEME, _POKEUSER, _CONT_TO_CALL, _SETOPTIONS, _CALL_INFO = 0, 6, 24, 0x4200, 0x420E
_OPTIONS = 0x1 | 0x2 | 0x4 | 0x8 | 0x100000  # mark calls; follow fork, vfork, clone; die with us
_WALL = 0x40000000
_RAX, _ORIG_RAX = 10 * 8, 15 * 8  # offsets in struct user of x86-64
_ENTRY, _EXIT = 1, 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


class Harm(StrEnum):
    """What befalls the process at its N-th call."""

    KILL = "SIGKILL instead of the call"
    ERROR = "the call fails once"
    ERRORS = "this call and all later ones fail"
    ACT = "somebody acts just before the call, then SIGKILL"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Harm the process at the `number`-th of `calls` (0: never, only count)."""

    number: int
    harm: Harm = Harm.KILL
    calls: frozenset[str] = ALL_CALLS
    errno: int = 0
    act: Callable[[], None] = lambda: None
    watched_socket: int = -1
    under: str = "/"


@dataclass(kw_only=True)
class Ended:
    """How the traced process ended: its exit code, minus the signal that killed it."""

    code: int = 0
    count: int = 0
    harmed_at: str = ""
    seen: list[str] = field(default_factory=list)


def run_traced(main: Callable[[], int], plan: Plan) -> Ended:
    """Run `main` in a forked child to its end, harmed as planned.

    Call it in a process that has one thread and no other children.
    """
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            _ptrace(_TRACEME, 0)
            signal.raise_signal(signal.SIGSTOP)
            code = main()
        finally:
            os._exit(code)
    return _Tracer(pid, plan).run()


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    result: int = _libc.ptrace(request, pid, address, data)
    if result == -1 and (number := ctypes.get_errno()):
        raise OSError(number, os.strerror(number))
    return result


class _Tracer:
    def __init__(self, pid: int, plan: Plan) -> None:
        self._pid = pid
        self._plan = plan
        self._ended = Ended()
        self._known = {pid}
        self._failing: set[int] = set()
        self._info = ctypes.create_string_buffer(88)

    def run(self) -> Ended:
        os.waitpid(self._pid, 0)
        _ptrace(_SETOPTIONS, self._pid, 0, _OPTIONS)
        _ptrace(_CONT_TO_CALL, self._pid)
        while True:
            pid, status = os.waitpid(-1, _WALL)
            if not os.WIFSTOPPED(status):
                self._known.discard(pid)
                if pid == self._pid:
                    self._ended.code = os.waitstatus_to_exitcode(status)
                    self._end_descendants()
                    return self._ended
                continue
            with suppress(ProcessLookupError):  # killed meanwhile
                _ptrace(_CONT_TO_CALL, pid, 0, self._stopped(pid, status))

    def _end_descendants(self) -> None:
        for pid in self._known:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-1, _WALL)

    def _stopped(self, pid: int, status: int) -> int:
        """Handle one stop; return the signal to deliver."""
        sent = os.WSTOPSIG(status)
        if sent == signal.SIGTRAP | 0x80:
            self._call(pid)
            return 0
        if status >> 16:  # a fork or clone is told of; the new one stops by itself
            return 0
        if pid not in self._known:
            self._known.add(pid)
            return 0 if sent == signal.SIGSTOP else sent
        return sent

    def _call(self, pid: int) -> None:
        _ptrace(_CALL_INFO, pid, len(self._info), ctypes.addressof(self._info))
        kind = self._info.raw[0]
        if kind == _EXIT and pid in self._failing:
            self._failing.discard(pid)
            _ptrace(_POKEUSER, pid, _RAX, -self._plan.errno)
        if kind != _ENTRY:
            return
        number, *arguments = struct.unpack_from("<7Q", self._info.raw, 24)
        name = CALLS.get(number)
        if name is None or name not in self._plan.calls or not self._changes(pid, name, arguments):
            return
        self._ended.count += 1
        self._ended.seen.append(name)
        harm, due = self._plan.harm, self._plan.number
        if self._ended.count == due or (harm is Harm.ERRORS and self._ended.count > due > 0):
            self._ended.harmed_at = self._ended.harmed_at or name
            self._do(harm, pid)

    def _do(self, harm: Harm, pid: int) -> None:
        if harm in (Harm.ERROR, Harm.ERRORS):
            _ptrace(_POKEUSER, pid, _ORIG_RAX, -1)
            self._failing.add(pid)
            return
        if harm is Harm.ACT:
            self._plan.act()
        os.kill(self._pid, signal.SIGKILL)

    def _changes(self, pid: int, name: str, arguments: list[int]) -> bool:
        """Whether the call can change what a later process finds, or what somebody was told."""
        if name == "sendto":
            return arguments[0] == self._plan.watched_socket
        if name in {"open", "openat"}:
            return bool(arguments[2 if name == "openat" else 1] & os.O_CREAT)
        if name in WRITES:
            try:
                target = str(Path(f"/proc/{pid}/fd/{arguments[0]}").readlink())
            except OSError:
                return False
            return target.startswith(self._plan.under)
        return True
