"""`muniment import`: read posts from files and keep them; what is stored already is found.

Large inputs are decoded and sealed in worker processes (performance: sealing is two thirds of an
import), small ones in this one, where starting processes would cost more than they save.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from archiver.capture.fields import FIELDS, FieldMap, parse_field_map
from archiver.capture.importers import AUTO, FORMATS, ImportOptions, chunks
from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output
from archiver.errors import InvalidInput, NotFound, Stopping

SMALL_BYTES = 8 * 1024 * 1024
"""Inputs up to this size are prepared in this process."""

_FORMATS = (AUTO, *FORMATS)
_SHOWN_REFUSALS = 20


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files or folders to read")
    parser.add_argument(
        "--format", default=AUTO, choices=_FORMATS, metavar="F", help=", ".join(_FORMATS)
    )
    parser.add_argument("--account", default="", metavar="A", help="business account of the posts")
    parser.add_argument("--platform", default="", metavar="P", help="platform, with --map")
    parser.add_argument(
        "--map",
        dest="fields",
        action="extend",
        nargs="+",
        default=[],
        metavar="FIELD=PATH",
        help=f"where a field stands in the file; FIELD is one of {', '.join(FIELDS)}",
    )
    parser.add_argument("--zone", metavar="Z", help="IANA time zone of times that name none")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="worker processes (one fewer than processors)"
    )
    parser.set_defaults(act=on_archive(import_files))


async def import_files(opened: Opened) -> int:
    """Import, then bring all of it under a checkpoint and into the index.

    Ends with 1 if a line was refused: a script must not take a partial import for a whole one.
    """
    args, output = opened.args, opened.output
    options = ImportOptions(
        platform=args.platform,
        account=args.account,
        fields=parse_field_map(args.fields) if args.fields else FieldMap(),
        zone=_zone(args.zone),
    )
    paths = [Path(path) for path in args.paths]
    workers = _worker_count(args.workers, paths)
    await opened.services.worm.require_for_capture()
    with output.progress("Importing") as show, _executor(workers) as executor:
        try:
            report = await opened.services.importing.run(
                chunks(args.format, paths, options),
                source=" ".join(args.paths),
                actor=opened.actor,
                executor=executor,
                workers=max(1, workers),
                progress=lambda report: show(report.read, None),
            )
        except BrokenProcessPool as error:
            raise Stopping(
                "a worker process died, most likely for want of memory; run the import again, with "
                "fewer --workers: what is stored already is found"
            ) from error
    await opened.catch_up()
    document = report.to_dict()
    output.answer(document, lambda output: _say(output, document))
    return PROBLEMS if report.refused else OK


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"expected an IANA time zone like Europe/Berlin, found {name!r}", pointer="zone"
        ) from error


def _worker_count(asked: int | None, paths: list[Path]) -> int:
    """Return how many worker processes to start; 0 prepares in this process."""
    if asked is not None:
        if asked < 1:
            raise InvalidInput(f"expected --workers of 1 or more, found {asked}")
        return asked
    if sum(_bytes_at(path) for path in paths) <= SMALL_BYTES:
        return 0
    return max(1, (os.cpu_count() or 1) - 1)


def _bytes_at(path: Path) -> int:
    if not path.exists():
        raise NotFound(f"expected a file or folder to import at {path}, found nothing")
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


@contextmanager
def _executor(workers: int) -> Iterator[Executor]:
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
    finally:
        executor.shutdown(cancel_futures=True)


def _say(output: Output, report: Document) -> None:
    refused = report["refused"]
    for refusal in refused[:_SHOWN_REFUSALS]:
        output.line(f"line {refusal['line']}: {refusal['reason']}")
    if len(refused) > _SHOWN_REFUSALS:
        output.line(f"and {len(refused) - _SHOWN_REFUSALS:,} more; see --json")
    output.line(
        f"{report['read']:,} read: {report['captured']:,} captured, {report['unchanged']:,} "
        f"unchanged, {len(refused):,} refused"
    )
