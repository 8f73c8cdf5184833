"""`muniment doctor`: the installation's health in words; `worm` and `locks`: the store's locks."""

import argparse
import asyncio
from typing import Any

from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.keeping_locks import keep_locks
from archiver.cli.logs import log_problems
from archiver.cli.opening import Opened, on_archive, settings_of
from archiver.cli.output import Document, Output, counted
from archiver.clock import system_clock
from archiver.errors import ArchiverError
from archiver.jobs.examination import Finding, examine
from archiver.jobs.finding import State
from archiver.jobs.worm_probing import AUDIT_TRAIL, Probed, promise


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=["worm", "locks"],
        help="worm: try now whether the store keeps compliance locks; the result enters the log. "
        "locks: compare locks, holds and versions of all objects now, extend and put right",
    )
    parser.set_defaults(act=doctor)


def doctor(args: argparse.Namespace, output: Output) -> int:
    """Examine every part, or the locks alone; end with 1 if there is a problem."""
    if args.what == "worm":
        return on_archive(worm)(args, output)
    if args.what == "locks":
        return on_archive(keep_locks)(args, output)
    settings = settings_of(args)
    log_problems(settings.log_level)
    findings = asyncio.run(examine(settings, clock=system_clock))
    document = {
        "ok": all(each.state is not State.PROBLEM for each in findings),
        "parts": [_part(each) for each in findings],
    }
    output.answer(document, lambda output: _say_health(output, document))
    return OK if document["ok"] else PROBLEMS


async def worm(opened: Opened) -> int:
    """Probe the store's locks now, tell what was tried and answered, and have it signed.

    Ends with 1 where a store that claims locks did not keep them. The filesystem store claims none.
    """
    services = opened.services
    with opened.output.progress("Trying the store's locks"):
        probed = await services.worm.probe()
    claims = services.store.blocking.enforces_locks
    document = _worm_document(probed, claims=claims)
    opened.output.answer(document, lambda output: _say_worm(output, document))
    try:
        while await services.loops.integrate_once():
            pass
    except ArchiverError as error:  # the result stands in the log either way
        opened.output.note(f"not signed yet: {error}")
    return OK if probed.entry.ok or not claims else PROBLEMS


def _worm_document(probed: Probed, *, claims: bool) -> dict[str, Any]:
    checks = [
        {
            "tried": check.name,
            "expected": check.expected,
            "answered": check.found,
            "ok": check.ok,
        }
        for check in probed.entry.checks
    ]
    return {
        "worm": claims and probed.entry.ok,
        "store": probed.entry.store,
        "promise": promise(probed) if claims else AUDIT_TRAIL,
        "log_index": probed.log_index,
        "checks": checks,
    }


def _say_worm(output: Output, document: Document) -> None:
    checks = document["checks"]
    output.table(
        ["", "tried", "expected", "answered"],
        [
            ["ok" if each["ok"] else "NOT", each["tried"], each["expected"], each["answered"]]
            for each in checks
        ],
    )
    failed = sum(not each["ok"] for each in checks)
    output.line(f"\n{document['store']}: {document['promise']}")
    output.line(
        f"{counted(len(checks), 'attempt')}, {failed} not as a WORM store answers; "
        f"log entry {document['log_index']}"
    )


def _part(finding: Finding) -> dict[str, str]:
    return {
        "part": finding.part,
        "state": finding.state.value,
        "said": finding.said,
        "next": finding.todo,
    }


def _say_health(output: Output, document: Document) -> None:
    for part in document["parts"]:
        output.line(f"{part['state']:<8} {part['part']:<13} {part['said']}")
        if part["next"]:
            output.line(f"{'':<22} next: {part['next']}")
    states = [part["state"] for part in document["parts"]]
    problems, warnings = states.count(State.PROBLEM), states.count(State.WARNING)
    output.line(f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}")
