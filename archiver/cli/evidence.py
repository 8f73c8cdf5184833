"""`muniment evidence`: make a bundle that proves records offline, and verify one.

`muniment evidence verify` opens no archive and reads no setting: it runs on any machine. It takes
certificates of destruction as well.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from archiver.assurance.certificate_verifier import is_certificate, verify_certificate
from archiver.assurance.evidence.choosing import Wanted
from archiver.assurance.evidence_verifier import report_lines, verify_bundle
from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.named_files import bytes_of, opened_file, text_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.errors import InvalidInput

_VERIFY = "verify"


def configure(parser: Parser) -> None:
    """Declare the arguments. `verify` as the first word is the other command; no id is spelt so."""
    parser.usage = (
        "%(prog)s [ID …] [--hold HOLD_ID] --out FILE [--no-events] [--checkpoint SIZE]\n"
        "       %(prog)s verify FILE [--policy FILE] [--tsa-roots FILE]"
    )
    parser.add_argument("words", nargs="*", metavar="ID", help="records, or `verify` and a file")
    made = parser.add_argument_group("making a bundle")
    made.add_argument("--hold", metavar="HOLD_ID", help="the records of this hold")
    made.add_argument("--out", type=Path, metavar="FILE", help="the zip file to write")
    made.add_argument("--no-events", action="store_true", help="leave the audit trail out")
    made.add_argument(
        "--checkpoint", type=int, metavar="SIZE", help="as of this log size (the newest)"
    )
    checked = parser.add_argument_group("verifying a bundle")
    checked.add_argument("--policy", type=Path, metavar="FILE", help="whom you trust (tlog-policy)")
    checked.add_argument(
        "--tsa-roots", type=Path, metavar="FILE", help="roots of timestamp authorities, in PEM"
    )
    parser.set_defaults(act=act)


def act(args: argparse.Namespace, output: Output) -> int:
    """Make a bundle, or verify one where the first word says so."""
    if args.words[:1] == [_VERIFY]:
        return verify(args, output)
    if args.out is None:
        raise InvalidInput("a bundle needs a file to stand in: give --out FILE")
    if args.policy or args.tsa_roots:
        raise InvalidInput("--policy and --tsa-roots belong to `muniment evidence verify FILE`")
    return on_archive(export)(args, output)


def verify(args: argparse.Namespace, output: Output) -> int:
    """Make every check on a bundle or certificate, say each, and end with 1 if one failed."""
    if len(args.words) != 2 or args.hold or args.out or args.no_events:  # noqa: PLR2004
        raise InvalidInput("expected `muniment evidence verify FILE [--policy F] [--tsa-roots F]`")
    report = _verified(
        Path(args.words[1]).absolute(),  # so that `-` is a file here: a zip is not read from stdin
        policy=text_of(args.policy) if args.policy else None,
        roots=bytes_of(args.tsa_roots) if args.tsa_roots else None,
    )

    def say(told: Output) -> None:
        for line in report_lines(report):
            told.line(line)

    output.answer(report, say)
    return OK if report["ok"] else PROBLEMS


def _verified(path: Path, *, policy: str | None, roots: bytes | None) -> dict[str, Any]:
    with opened_file(path) as file:
        start = file.read(1)
    if is_certificate(start):
        return verify_certificate(path, policy=policy)
    return verify_bundle(path, policy=policy, roots=roots)


async def export(opened: Opened) -> int:
    """Make a bundle and say what is in it."""
    args = opened.args
    wanted = Wanted(
        record_ids=tuple(args.words),
        hold_id=args.hold,
        log_size=args.checkpoint,
        with_events=not args.no_events,
    )
    parent = args.out.absolute().parent
    if not await asyncio.to_thread(parent.is_dir):
        raise InvalidInput(f"there is no folder {parent}; make it first")
    with opened.output.progress("Writing records") as show:
        exported = await opened.services.evidence.export(
            wanted, args.out, actor=opened.actor, progress=show
        )
    document = exported.to_dict()

    def say(output: Output) -> None:
        output.describe(document)
        output.line(f"\n{counted(exported.records, 'record')} in {exported.path}, verified")

    opened.output.answer(document, say)
    return OK
