"""`muniment verify`: derive everything again from the store and name what is not as promised."""

import os

from archiver.access.rules import Permission, require
from archiver.app import Services
from archiver.assurance.report import Report
from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.audit.actions import Action
from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, Progress, counted
from archiver.model.actor import Actor
from archiver.preserve.keyring import open_keyring


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--full", action="store_true", help="everything (what is done by default)")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (one fewer than processors)"
    )
    parser.add_argument(
        "--content", action="store_true", help="also open every record and check its parts"
    )
    parser.set_defaults(act=on_archive(verify))


async def verify(opened: Opened) -> int:
    """Verify and name every problem with its object and record; end with 1 if there is one."""
    args = opened.args
    workers = max(1, (os.cpu_count() or 1) - 1) if args.workers is None else args.workers
    with opened.output.progress("Verifying") as show:
        report = await verify_archive(
            opened.services, opened.actor, workers=workers, content=args.content, show=show
        )
    document = report.to_dict()
    opened.output.answer(document, lambda output: say_report(output, document))
    return OK if report.ok else PROBLEMS


async def verify_archive(
    services: Services, actor: Actor, *, workers: int, content: bool, show: Progress
) -> Report:
    """Verify an open archive and record that it was done, whatever was found.

    Raises:
        Denied: the actor may not verify.
        InvalidInput: no workers.
        OperatorError: store or database did not answer, or a worker process died.
    """
    require(actor, Permission.VERIFY)
    report = await verify_full(
        _target(services),
        workers=workers,
        content=content,
        progress=lambda _phase, done, total: show(done, total),
    )
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
            "content": content,
        },
    )
    return report


def _target(services: Services) -> VerificationTarget:
    """Return the archive as verification sees it: its store, and what widens the checks."""
    settings, archive = services.settings, services.archive
    return VerificationTarget(
        archive_id=archive.id,
        origin=archive.origin,
        vkey=archive.vkey,
        store_url=settings.effective_store_url,
        database=services.database,
        keyring=open_keyring(
            settings.effective_keyring_file,
            settings.keyring_secret_file,
            passphrase=settings.keyring_passphrase_file is not None,
        ),
    )


def say_report(output: Output, report: Document) -> None:
    """Say each problem, then what was left out, then the sum."""
    for kind, found in (("PROBLEM", report["problems"]), ("warning", report["warnings"])):
        for one in found:
            named = "  ".join(name for name in (one["object"], one["record"]) if name)
            output.line(f"{kind}  {named or 'archive'}: {one['what']}")
    for left_out in report["not_checked"]:
        output.line(f"not checked: {left_out}")
    checkpoint = report["checkpoint"]
    state = "Verified" if report["ok"] else "NOT as promised"
    problems = len(report["problems"]) + report["more_problems"]
    output.line(
        f"{state}: {counted(report['checked'], 'record')} and the log of "
        f"{checkpoint['size']:,} entries, root {checkpoint['root'][:8]}…{checkpoint['root'][-4:]}, "
        f"in {report['seconds']} s; {counted(problems, 'problem')}"
    )
