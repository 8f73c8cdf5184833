"""`muniment verify` of the archive of the settings: its store, and what widens the checks.

The arguments, and the choice between this and an audit from outside, are in `verifying`.
"""

import argparse
import secrets
from collections.abc import Awaitable

from archiver.assurance.report import Report
from archiver.cli import repairing
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output
from archiver.cli.verify_report import say_report
from archiver.cli.verifying import worker_count
from archiver.errors import InvalidInput
from archiver.jobs.verifying import Extent

_SEED_BITS = 32


def act(args: argparse.Namespace, output: Output) -> int:
    """Verify the archive of the settings; see `verify`."""
    return on_archive(verify)(args, output)


async def verify(opened: Opened) -> int:
    """Verify and name every problem with its object and record; end with 1 if there is one."""
    args = opened.args
    _refuse_nonsense(args)
    seed = secrets.randbits(_SEED_BITS) if args.seed is None else args.seed
    extent = Extent(
        percent=args.sample, seed=seed, workers=worker_count(args), content=args.content
    )
    with opened.output.progress("Verifying") as show:

        def verified() -> Awaitable[Report]:
            return opened.services.verifying.run(
                extent, actor=opened.actor, progress=lambda _phase, done, total: show(done, total)
            )

        report = await verified()
    repairs: Document = {}
    if args.repair:
        report, repairs = await repairing.repair_and_verify_again(opened, report, verified)
    document = report.to_dict() | dict(repairs)
    if args.sample is not None:
        document["sample"] = {"percent": args.sample, "seed": seed}

    def say(output: Output) -> None:
        if repairs:
            repairing.say_repairs(output, repairs)
        say_report(output, document)

    opened.output.answer(document, say)
    return OK if report.ok else PROBLEMS


def _refuse_nonsense(args: argparse.Namespace) -> None:
    if args.sample is None and args.seed is not None:
        raise InvalidInput("--seed draws a sample: give --sample too")
    if args.sample is not None and args.workers is not None:
        raise InvalidInput("a sample is verified in one process: leave out --workers")
