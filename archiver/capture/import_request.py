"""What is asked of an import, and what it is done with: the same from every face.

Large inputs are decoded and sealed in worker processes (performance: sealing is two thirds of an
import), small ones in this one, where starting processes would cost more than they save.
"""

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from archiver.capture.fields import FieldMap, parse_field_map, parse_zone
from archiver.capture.importers import AUTO, FORMATS, ImportOptions
from archiver.errors import InvalidInput, NotFound, Stopping

SMALL_BYTES = 8 * 1024 * 1024
"""Inputs up to this size are prepared in this process."""

FORMAT_NAMES = (AUTO, *FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """How files are to be read. `fields` are `field=path` assignments, `zone` a name or ""."""

    format: str = AUTO
    platform: str = ""
    account: str = ""
    fields: tuple[str, ...] = ()
    zone: str = ""

    def options(self) -> ImportOptions:
        """Return what importers are told.

        Raises:
            InvalidInput: no such format, field or zone; `pointer` names which.
        """
        if self.format not in FORMAT_NAMES:
            raise InvalidInput(
                f"expected a format of {', '.join(FORMAT_NAMES)}; found {self.format[:40]!r}",
                pointer="format",
            )
        return ImportOptions(
            platform=self.platform,
            account=self.account,
            fields=parse_field_map(self.fields) if self.fields else FieldMap(),
            zone=parse_zone(self.zone) if self.zone else None,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the request for JSON."""
        return {
            "format": self.format,
            "platform": self.platform,
            "account": self.account,
            "fields": list(self.fields),
            "zone": self.zone,
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """Return the request that `to_dict` gave."""
        return cls(
            format=told["format"],
            platform=told["platform"],
            account=told["account"],
            fields=tuple(told["fields"]),
            zone=told["zone"],
        )


def worker_count(asked: int | None, paths: list[Path]) -> int:
    """Return how many worker processes to start; 0 prepares in this process.

    Raises:
        InvalidInput: fewer than one is asked for.
        NotFound: there is nothing at a path.
    """
    if asked is not None:
        if asked < 1:
            raise InvalidInput(f"expected --workers of 1 or more, found {asked}")
        return asked
    if sum(_bytes_at(path) for path in paths) <= SMALL_BYTES:
        return 0
    return max(1, (os.cpu_count() or 1) - 1)


@contextmanager
def import_executor(workers: int) -> Iterator[Executor]:
    """Yield what prepares an import's chunks: that many processes, or with 0 a thread.

    Raises:
        Stopping: a worker process died.
    """
    executor: Executor
    if workers == 0:
        executor = ThreadPoolExecutor(1, thread_name_prefix="import")
    else:
        # Never fork: this process has threads (store, database), whose locks a fork would copy.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["archiver.capture.importing"])
        executor = ProcessPoolExecutor(workers, mp_context=context)
    try:
        yield executor
    except BrokenProcessPool as error:
        raise Stopping(
            "a worker process died, most likely for want of memory; run the import again, with "
            "fewer --workers: what is stored already is found"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _bytes_at(path: Path) -> int:
    if not path.exists():
        raise NotFound(f"expected a file or folder to import at {path}, found nothing")
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
