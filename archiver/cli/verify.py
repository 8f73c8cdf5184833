"""`muniment verify` of the archive of the settings: its store, and what widens the checks.

The arguments, and the choice between this and an audit from outside, are in `verifying`.
"""

import argparse
import secrets
from collections.abc import Awaitable, Callable

from archiver.access.rules import Permission, require
from archiver.app import Services
from archiver.assurance.report import Report
from archiver.assurance.sample import verify_sample
from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.audit.actions import Action
from archiver.cli import repairing
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output
from archiver.cli.verify_report import say_report
from archiver.cli.verifying import worker_count
from archiver.config import Settings
from archiver.errors import InvalidInput
from archiver.jobs.witnessing import read_policy
from archiver.model.actor import Actor
from archiver.preserve.keyring import open_keyring
from archiver.preserve.ledger.timestamps import read_authorities

_SEED_BITS = 32


def act(args: argparse.Namespace, output: Output) -> int:
    """Verify the archive of the settings; see `verify`."""
    return on_archive(verify)(args, output)


async def verify(opened: Opened) -> int:
    """Verify and name every problem with its object and record; end with 1 if there is one."""
    args = opened.args
    _refuse_nonsense(args)
    seed = secrets.randbits(_SEED_BITS) if args.seed is None else args.seed
    with opened.output.progress("Verifying") as show:

        def check(target: VerificationTarget) -> Awaitable[Report]:
            def progress(_phase: str, done: int, total: int) -> None:
                show(done, total)

            if args.sample is not None:
                return verify_sample(target, args.sample, seed, progress)
            return verify_full(
                target, workers=worker_count(args), content=args.content, progress=progress
            )

        report = await verify_archive(opened.services, opened.actor, check)
    repairs: Document = {}
    if args.repair:
        report, repairs = await repairing.repair_and_verify_again(
            opened, report, lambda: verify_archive(opened.services, opened.actor, check)
        )
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


async def verify_archive(
    services: Services, actor: Actor, check: Callable[[VerificationTarget], Awaitable[Report]]
) -> Report:
    """Verify an open archive by `check` and record that it was done, whatever was found.

    Raises:
        Denied: the actor may not verify.
        InvalidInput: as `check`.
        OperatorError: store or database did not answer, or a worker process died.
    """
    require(actor, Permission.VERIFY)
    report = await check(_target(services))
    await services.trail.record(
        Action.VERIFICATION_FINISHED,
        actor=actor,
        object_type="archive",
        object_id=services.archive.id,
        result="ok" if report.ok else "integrity",
        details={
            "checked": report.checked,
            "problems": len(report.problems) + report.more_problems,
            "log_size": report.size,
            "not_checked": "; ".join(report.not_checked),
        },
    )
    return report


def _target(services: Services) -> VerificationTarget:
    """Return the archive as verification sees it: its store, and what widens the checks."""
    settings, archive = services.settings, services.archive
    keyring = open_keyring(
        settings.effective_keyring_file,
        settings.keyring_secret_file,
        passphrase=settings.keyring_passphrase_file is not None,
    )
    return VerificationTarget(
        archive_id=archive.id,
        origin=archive.origin,
        vkeys=(archive.vkey,),
        store_url=settings.effective_store_url,
        policy=read_policy(settings.witness_policy_file),
        tsa_roots=_roots(settings),
        database=services.database,
        keyring=keyring,
    )


def _roots(settings: Settings) -> tuple[bytes, ...]:
    path = settings.timestamp_authorities_file
    authorities = () if path is None else read_authorities(path)
    return tuple(root for authority in authorities for root in authority.roots)
