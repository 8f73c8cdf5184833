"""`muniment disposition`: propose, transfer, confirm, approve, withdraw, cancel."""

import asyncio
import hashlib
from pathlib import Path

from archiver.cli.arguments import Parser, Subcommands, add_action
from archiver.cli.named_files import opened_file
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.cli.sign_in import add_person, signed_in
from archiver.errors import InvalidInput
from archiver.model.actor import Actor


def add_actions(group: Subcommands) -> None:
    """Declare the actions."""
    proposed = _of_batch(group, "propose", "say that a batch was reviewed; ask for approval")
    proposed.set_defaults(act=on_archive(propose))
    _add_transfer(group)
    approved = _of_batch(group, "approve", "approve the disposal of exactly N records")
    approved.add_argument(
        "--records", type=int, required=True, metavar="N", help="how many, typed by you"
    )
    approved.add_argument(
        "--dry-run", action="store_true", help="say what it would do; nothing is approved"
    )
    add_person(approved)
    approved.set_defaults(act=on_archive(approve))
    withdrawn = _of_batch(group, "withdraw", "take your approval back")
    add_person(withdrawn)
    withdrawn.set_defaults(act=on_archive(withdraw))
    cancelled = _of_batch(group, "cancel", "give a batch up; its records come up again")
    cancelled.set_defaults(act=on_archive(cancel))


def _add_transfer(group: Subcommands) -> None:
    made = add_action(
        group, "transfer", sentence="write the package that a batch is handed over as"
    )
    made.add_argument("batch", metavar="BATCH", help="the batch's id")
    made.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    made.set_defaults(act=on_archive(transfer))
    confirmed = add_action(group, "confirm", sentence="take the receiver's word for the package")
    confirmed.add_argument("batch", metavar="BATCH", help="the batch's id")
    confirmed.add_argument("--receiver", required=True, help="who received it")
    held = confirmed.add_mutually_exclusive_group(required=True)
    held.add_argument("--sha256", default="", metavar="HEX", help="of what the receiver holds")
    held.add_argument("--file", type=Path, metavar="FILE", help="what the receiver sent back")
    add_person(confirmed, required=False)
    confirmed.set_defaults(act=on_archive(confirm))


def _of_batch(group: Subcommands, name: str, sentence: str) -> Parser:
    action = add_action(group, name, sentence=sentence)
    action.add_argument("batch", metavar="BATCH", help="the batch's id")
    action.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    return action


async def propose(opened: Opened) -> int:
    """Propose a batch."""
    args = opened.args
    view = await opened.services.disposition.approvals.propose(
        args.batch, reason=args.reason, actor=opened.actor
    )
    _answer(opened, view.to_dict())
    return 0


async def transfer(opened: Opened) -> int:
    """Write the package of a transfer."""
    args = opened.args
    parent = args.out.absolute().parent
    if not await asyncio.to_thread(parent.is_dir):
        raise InvalidInput(f"there is no folder {parent}; make it first")
    with opened.output.progress("Writing records") as show:
        packed = await opened.services.disposition.transfers.export(
            args.batch, args.out, actor=opened.actor, progress=show
        )
    document: Document = {"file": str(args.out), **packed._asdict()}

    def say(output: Output) -> None:
        output.describe(document)
        output.line(
            f"\n{counted(packed.records, 'record')}. When the receiver holds the file, "
            "`muniment disposition confirm` takes the SHA-256 they state"
        )

    opened.output.answer(document, say)
    return 0


async def confirm(opened: Opened) -> int:
    """Note that the receiver holds the package; with the two-person rule a person has to."""
    args = opened.args
    sha256 = args.sha256 or await asyncio.to_thread(_sha256, args.file)

    async def confirmed(actor: Actor) -> int:
        view = await opened.services.disposition.transfers.confirm(
            args.batch, sha256=sha256, receiver=args.receiver, actor=actor
        )
        _answer(opened, view.to_dict())
        return 0

    if not args.person:
        return await confirmed(opened.actor)
    async with signed_in(opened) as person:
        return await confirmed(person)


async def approve(opened: Opened) -> int:
    """Approve a batch, or say what that would do."""
    args, approvals = opened.args, opened.services.disposition.approvals
    async with signed_in(opened) as person:
        if args.dry_run:
            preview = await approvals.preview(args.batch, actor=person)
            _answer(opened, preview.to_dict())
            return 0
        view = await approvals.approve(
            args.batch, records=args.records, reason=args.reason, actor=person
        )
    _answer(opened, view.to_dict())
    return 0


async def withdraw(opened: Opened) -> int:
    """Take an approval back."""
    args = opened.args
    async with signed_in(opened) as person:
        view = await opened.services.disposition.approvals.withdraw(
            args.batch, reason=args.reason, actor=person
        )
    _answer(opened, view.to_dict())
    return 0


async def cancel(opened: Opened) -> int:
    """Give a batch up."""
    args = opened.args
    view = await opened.services.disposition.batches.cancel(
        args.batch, reason=args.reason, actor=opened.actor
    )
    _answer(opened, view.to_dict())
    return 0


def _answer(opened: Opened, document: Document) -> None:
    opened.output.answer(document, lambda output: output.describe(document))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with opened_file(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
