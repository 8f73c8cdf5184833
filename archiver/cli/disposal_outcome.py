"""`muniment disposition`: execute, certificate, stop, resume."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from archiver.cli.arguments import Subcommands, add_action
from archiver.cli.named_files import write_new
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.cli.sign_in import add_person, signed_in
from archiver.disposal.certificates import CertificateView
from archiver.web.certificate_page import certificate_page


def add_actions(group: Subcommands) -> None:
    """Declare the actions."""
    executed = add_action(group, "execute", sentence="destroy an approved batch, or go on with it")
    executed.add_argument("batch", metavar="BATCH", help="the batch's id")
    executed.set_defaults(act=on_archive(execute))
    shown = add_action(group, "certificate", sentence="certificates, or the one of a batch")
    shown.add_argument("batch", nargs="?", metavar="BATCH", help="the batch's or certificate's id")
    shown.add_argument("--out", type=Path, metavar="FILE", help="write the signed JSON there")
    shown.add_argument("--html", type=Path, metavar="FILE", help="write it to be printed there")
    shown.set_defaults(act=on_archive(certificate))
    stopped = add_action(group, "stop", sentence="stop all disposal at once")
    stopped.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    stopped.set_defaults(act=on_archive(stop))
    resumed = add_action(group, "resume", sentence="let disposal go on; another person must")
    resumed.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    add_person(resumed)
    resumed.set_defaults(act=on_archive(resume))


async def execute(opened: Opened) -> int:
    """Execute a batch and say what its certificate is."""
    with opened.output.progress("Destroying records") as show:
        done = await opened.services.disposition.executions.execute(
            opened.args.batch,
            actor=opened.actor,
            progress=lambda _phase, done, total: show(done, total),
        )
    document = done.to_dict()

    def say(output: Output) -> None:
        output.describe(document)
        if done.certificate is None:
            output.line("\nNothing was destroyed; each record says why it was kept")
        else:
            output.line(
                f"\nCertificate no. {done.certificate.row.number}: `muniment disposition "
                f"certificate {done.view.id} --out FILE` writes it"
            )

    opened.output.answer(document, say)
    return 0


async def certificate(opened: Opened) -> int:
    """List certificates, or show or write one."""
    args, certificates = opened.args, opened.services.disposition.certificates
    if args.batch is None:
        found = await certificates.list(limit=1000, actor=opened.actor)
        items = [each.to_dict() for each in found]
        opened.output.answer({"items": items}, lambda output: _say_list(output, items))
        return 0
    view = await certificates.show(args.batch, actor=opened.actor)
    await asyncio.to_thread(_write, view, args.out, args.html)
    document = view.to_dict()

    def say(output: Output) -> None:
        output.describe(document)
        if args.out is not None:
            output.line(f"\n`muniment evidence verify {args.out}` checks it, without an archive")

    opened.output.answer(document, say)
    return 0


async def stop(opened: Opened) -> int:
    """Stop all disposal."""
    state = await opened.services.disposition.stop.stop(
        reason=opened.args.reason, actor=opened.actor
    )
    _answer(opened, state.to_dict())
    return 0


async def resume(opened: Opened) -> int:
    """Let disposal go on."""
    async with signed_in(opened) as person:
        state = await opened.services.disposition.stop.resume(
            reason=opened.args.reason, actor=person
        )
    _answer(opened, state.to_dict())
    return 0


def _write(view: CertificateView, out: Path | None, html: Path | None) -> None:
    if out is not None:
        write_new(out, view.row.body)
    if html is not None:
        write_new(html, certificate_page(view))


def _answer(opened: Opened, document: Document) -> None:
    opened.output.answer(document, lambda output: output.describe(document))


def _say_list(output: Output, items: Sequence[Document]) -> None:
    columns = ("number", "batch", "class", "records", "issued_at")
    output.table(columns, [[item[column] for column in columns] for item in items])
    output.line(counted(len(items), "certificate"))
