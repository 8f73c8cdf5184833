"""`muniment replicate`: bring the second copy up, and with `--full` compare every object."""

import argparse

from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive, settings_of
from archiver.cli.output import Output
from archiver.cli.repairing import second_of
from archiver.clock import system_clock
from archiver.errors import ConfigurationError
from archiver.preserve.store.opening import open_store


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--full",
        action="store_true",
        help="read and compare every object of both stores, and put the copy right",
    )
    parser.add_argument(
        "--create", action="store_true", help="make the second store first: folder or bucket"
    )
    parser.set_defaults(act=_act)


def _act(args: argparse.Namespace, output: Output) -> int:
    """Make the second store where that is asked for, then copy."""
    if args.create:
        url = settings_of(args).second_store_url
        if not url:
            raise ConfigurationError(
                "no setting names a second store; set MUNIMENT_SECOND_STORE_URL"
            )
        store = open_store(url, clock=system_clock, create=True)
        store.probe()
        store.close()
    return on_archive(replicate)(args, output)


async def replicate(opened: Opened) -> int:
    """Copy all that is signed by now; end with 1 if the first store was found damaged."""
    second = second_of(opened.services)
    await opened.services.loops.catch_up()
    with opened.output.progress("Copying") as show:
        size = await second.replication.catch_up(show)
    document: dict[str, object] = {
        "second_store": second.copies.second().url,
        "log_size": size,
        "compared": 0,
        "found": {},
    }
    if opened.args.full:
        with opened.output.progress("Comparing") as show:
            found = await second.replication.compare(show, read_all=True)
        document["compared"] = second.replication.compared
        document["found"] = found
        size = await second.replication.catch_up()  # repairs of the copy are in the log as well
        document["log_size"] = size
    document["damaged"] = second.copies.damaged
    opened.output.answer(document, lambda output: _say(output, document))
    return PROBLEMS if second.copies.damaged else OK


def _say(output: Output, document: dict[str, object]) -> None:
    output.describe(document)
    if document["damaged"]:
        output.line(
            f"{document['damaged']} objects of the first store are lost or altered; run "
            "`muniment verify --full --repair`"
        )
    output.line(f"The second copy has the log up to {document['log_size']:,} entries")
