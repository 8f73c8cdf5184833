"""Imports the modules named on its command line and tells, as JSON, what that did.

Run as a process of its own with an empty environment: `import_probe.py ROOT MODULE…`. Effects are
opening a file for writing, making or removing files and folders, starting processes,
opening sockets; and, from our own modules, reading the environment.
"""

import importlib
import json
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_EFFECTS = {
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.putenv",
    "subprocess.Popen",
    "socket.connect",  # only that: urllib3 opens and closes a socket to learn whether there is IPv6
    "sqlite3.connect",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OURS = ("archiver", "retention", "search")
_READING = ("os", "collections.abc", "_collections_abc", __name__)

effects: list[str] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EFFECTS:
        effects.append(f"{event} {arguments}")
    elif event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING and path != os.devnull:
            effects.append(f"open {path!r} for writing")


def _watch_environment() -> None:
    environ = type(os.environ)
    read = environ.__getitem__

    def watched(self: "os._Environ[str]", name: str) -> str:
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_globals.get("__name__") in _READING:
            frame = frame.f_back
        reader = "" if frame is None else str(frame.f_globals.get("__name__"))
        if reader.partition(".")[0] in _OURS:
            effects.append(f"{reader} reads {name} from the environment")
        return read(self, name)

    environ.__getitem__ = watched  # type: ignore[method-assign] # watching is the purpose


def main() -> None:
    root, *names = sys.argv[1:]
    sys.path.insert(0, root)
    _watch_environment()
    sys.addaudithook(_audit)
    for name in names:
        importlib.import_module(name)
    seen = {
        "imported": len(names),
        "effects": list(effects),
        "threads": [thread.name for thread in threading.enumerate()],
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
