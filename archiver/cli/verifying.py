"""`muniment verify`: derive everything again from the store and name what is not as promised."""

import argparse
import os

from archiver.cli import verify_outside
from archiver.cli.arguments import Parser
from archiver.cli.output import Output
from archiver.errors import InvalidInput


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--full", action="store_true", help="everything: the default")
    extent.add_argument("--sample", type=float, metavar="P", help="P per cent, drawn by a seed")
    parser.add_argument("--seed", type=int, metavar="N", help="draw the sample of this seed again")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (one fewer than processors)"
    )
    parser.add_argument(
        "--content", action="store_true", help="also open every record; a sample always does"
    )
    verify_outside.configure(parser)
    parser.add_argument(
        "--repair",
        action="store_true",
        help="put back from the second copy what is lost or altered, then verify again",
    )
    parser.set_defaults(act=_act)


def _act(args: argparse.Namespace, output: Output) -> int:
    """Verify the archive of the settings, or with `--from` the one in that store."""
    _refuse_repair_elsewhere(args)
    if args.store is not None:
        return verify_outside.act(args, output, worker_count(args))
    verify_outside.refuse_without_store(args)
    # Only the inside run needs the application: it would take most of an audit's start.
    from archiver.cli import verify  # noqa: PLC0415

    return verify.act(args, output)


def _refuse_repair_elsewhere(args: argparse.Namespace) -> None:
    if args.repair and (args.store is not None or args.sample is not None):
        raise InvalidInput(
            "--repair puts right what a full verification of the archive itself has found; leave "
            "out --from and --sample"
        )


def worker_count(args: argparse.Namespace) -> int:
    """Return how many processes are asked for: one fewer than processors where none is said."""
    if args.workers is None:
        return max(1, (os.cpu_count() or 1) - 1)
    return int(args.workers)
