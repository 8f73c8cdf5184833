"""Settings of this process's memory, made once at start. They change no result, only the footprint.

Measured with 103,252 posts imported: glibc keeps an arena per thread and lets its mmap threshold
grow, so buffers of a few megabytes freed in one thread are not reused by the next, and resident
memory grew to 390 MB while 125 MB were live. Two arenas and a fixed threshold hold it at 196 MB.
Posts are many small, short-lived objects that never form cycles: collecting cycles less often took
a fifth off the write path. Modules last as long as the process: to walk through their objects when
they are made and again on the way out was a third of what a short command took.
"""

import ctypes
import gc
import importlib
from types import ModuleType

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_THRESHOLD_BYTES = 128 * 1024
_ARENAS = 2
_OBJECTS_BEFORE_COLLECTION = 50_000


def steady() -> None:
    """Keep the heap from fragmenting and cycles from being sought all the time.

    Does nothing about the heap where the C library is not glibc.
    """
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 20)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for option, value in (
        (_M_ARENA_MAX, _ARENAS),
        (_M_MMAP_THRESHOLD, _THRESHOLD_BYTES),
        (_M_TRIM_THRESHOLD, _THRESHOLD_BYTES),
    ):
        mallopt(option, value)


def lasting(name: str) -> ModuleType:
    """Import a module and all it needs, which the collector need never look at.

    Raises:
        ImportError: as `importlib.import_module`.
    """
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def leave() -> None:
    """Spare the interpreter, on its way out, the search for cycles: the process takes them along.

    What must be closed is closed by now; files and locks never wait for the collector here.
    """
    gc.freeze()
