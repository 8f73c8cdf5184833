"""Intermediate bytes on disk: hashes of a large archive do not fit the memory budget."""

import os
import tempfile


class Spool:
    """An append-only temporary file without a name; it vanishes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="muniment-verify-", buffering=0)  # noqa: SIM115 - closed by `close`
        self.size = 0

    def append(self, data: bytes) -> int:
        """Add bytes and return where they begin."""
        start = self.size
        view = memoryview(data)
        while view:
            view = view[os.pwrite(self._file.fileno(), view, self.size + len(data) - len(view)) :]
        self.size += len(data)
        return start

    def read(self, start: int, length: int) -> bytes:
        """Return bytes that were added; fewer only beyond the end."""
        return os.pread(self._file.fileno(), length, start)

    def close(self) -> None:
        """Free the space."""
        self._file.close()
