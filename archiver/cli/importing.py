"""`muniment import`: read posts from files and keep them; what is stored already is found."""

from pathlib import Path

from archiver.capture.fields import FIELDS
from archiver.capture.import_request import (
    FORMAT_NAMES,
    ImportRequest,
    import_executor,
    worker_count,
)
from archiver.capture.importers import AUTO, chunks
from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output

_SHOWN_REFUSALS = 20


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files or folders to read")
    parser.add_argument(
        "--format", default=AUTO, choices=FORMAT_NAMES, metavar="F", help=", ".join(FORMAT_NAMES)
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
    request = ImportRequest(
        format=args.format,
        platform=args.platform,
        account=args.account,
        fields=tuple(args.fields),
        zone=args.zone or "",
    )
    options = request.options()
    paths = [Path(path) for path in args.paths]
    workers = worker_count(args.workers, paths)
    await opened.services.worm.require_for_capture()
    with output.progress("Importing") as show, import_executor(workers) as executor:
        report = await opened.services.importing.run(
            chunks(request.format, paths, options),
            source=" ".join(args.paths),
            actor=opened.actor,
            executor=executor,
            workers=max(1, workers),
            progress=lambda report: show(report.read, None),
        )
    await opened.catch_up()
    document = report.to_dict()
    output.answer(document, lambda output: _say(output, document))
    return PROBLEMS if report.refused else OK


def _say(output: Output, report: Document) -> None:
    refused = report["refused"]
    for refusal in refused[:_SHOWN_REFUSALS]:
        output.line(refusal["reason"])
    if len(refused) > _SHOWN_REFUSALS:
        output.line(f"and {len(refused) - _SHOWN_REFUSALS:,} more; see --json")
    output.line(
        f"{report['read']:,} read: {report['captured']:,} captured, {report['unchanged']:,} "
        f"unchanged, {len(refused):,} refused"
    )
