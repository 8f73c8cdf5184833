"""`muniment terms`: search term reports over frozen sets."""

from argparse import Namespace
from pathlib import Path

from archiver.cli.arguments import Parser, Subcommands, actions, add_action, words_of
from archiver.cli.named_files import text_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.errors import InvalidInput
from archiver.legal.term_comparison import Change, Comparison
from archiver.legal.term_files import Table, report_csv, report_xlsx
from archiver.legal.term_report import TermReport
from archiver.legal.term_reports import Wanted
from archiver.legal.understanding import Syntax


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    _configure_report(group)
    linted = add_action(group, "lint", sentence="how the terms of a list would be understood")
    _terms_options(linted)
    linted.set_defaults(act=on_archive(lint))
    listed = add_action(group, "list", sentence="all search term reports, the newest first")
    listed.add_argument("--set", dest="set_id", default="", metavar="ID", help="over this set only")
    listed.set_defaults(act=on_archive(list_all))
    shown = add_action(group, "show", sentence="one report")
    shown.add_argument("id", metavar="ID", help="the report's id")
    shown.set_defaults(act=on_archive(show))
    compared = add_action(group, "diff", sentence="how a report differs from an earlier one")
    compared.add_argument("id", metavar="ID", help="the later report")
    compared.add_argument("earlier", metavar="EARLIER", help="the earlier report")
    compared.add_argument(
        "--ids", action="store_true", help="the record ids that were gained and lost as well"
    )
    compared.set_defaults(act=on_archive(diff))
    exported = add_action(group, "export", sentence="write a report to a file")
    exported.add_argument("id", metavar="ID", help="the report's id")
    _out_options(exported, required=True)
    exported.set_defaults(act=on_archive(export))


def _configure_report(group: Subcommands) -> None:
    report = add_action(group, "report", sentence="count what each term of a list hits")
    _terms_options(report)
    over = report.add_mutually_exclusive_group()
    over.add_argument("--set", dest="set_id", default="", metavar="ID", help="in this frozen set")
    over.add_argument(
        "--query", default="", metavar="Q", help="in what this finds, which is frozen first"
    )
    report.add_argument("--name", default="", help="what the report is called")
    report.add_argument("--matter", default="", help="the matter it belongs to")
    _out_options(report, required=False)
    report.set_defaults(act=on_archive(make))


def _terms_options(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="the terms, one a line, in UTF-8; - is stdin")
    parser.add_argument(
        "--syntax",
        choices=words_of(Syntax),
        default=Syntax.MUNIMENT,
        help="the language the terms are written in",
    )
    parser.add_argument(
        "--stem", action="store_true", help="plain words find their other English forms too"
    )
    parser.add_argument(
        "--zone", default="", metavar="ZONE", help="of days and months (the archive's)"
    )


def _out_options(parser: Parser, *, required: bool) -> None:
    parser.add_argument(
        "--out", required=required, metavar="FILE", help="write it there, as .csv or .xlsx"
    )
    parser.add_argument(
        "--table", choices=words_of(Table), default=Table.TERMS, help="the table a .csv holds"
    )


async def make(opened: Opened) -> int:
    """Make a report, say it, and write it where a file is named."""
    args, output = opened.args, opened.output
    if args.out:
        _form(args.out)  # so that a wrong name is known before the work is done
    with output.progress("Counting terms") as show_progress:
        report = await opened.services.term_reports.make(
            _wanted(args),
            actor=opened.actor,
            progress=lambda _phase, done, total: show_progress(done, total),
        )
    if args.out:
        _write(report, args)
    _answer(output, report)
    return 1 if report.errors else 0


async def lint(opened: Opened) -> int:
    """Say how each term would be understood; nothing is counted."""
    terms = opened.services.term_reports.read(_wanted(opened.args))
    items = [
        {
            "position": term.position,
            "term": term.text,
            "normalised": term.normalised,
            "error": term.error,
            "notes": list(term.notes),
        }
        for term in terms
    ]

    def say(output: Output) -> None:
        for term in terms:
            output.line(f"{term.position}. {term.text}")
            output.line(f"   {term.error or term.normalised}".replace("\n", "\n   "))
            for note in term.notes:
                output.line(f"   note: {note}")
        broken = sum(bool(term.error) for term in terms)
        output.line(f"{counted(len(terms), 'term')}, {broken} that cannot be read")

    opened.output.answer({"items": items}, say)
    return 1 if any(term.error for term in terms) else 0


async def list_all(opened: Opened) -> int:
    """List the reports."""
    entries = await opened.services.term_reports.entries(
        set_id=opened.args.set_id, actor=opened.actor
    )
    items = [entry.to_dict() for entry in entries]

    def say(output: Output) -> None:
        columns = ("id", "name", "matter", "set_id", "terms", "documents", "hits", "made_at")
        output.table(columns, [[item[column] for column in columns] for item in items])
        output.line(counted(len(items), "report"))

    opened.output.answer({"items": items}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show one report."""
    report = await opened.services.term_reports.show(opened.args.id, actor=opened.actor)
    _answer(opened.output, report)
    return 0


async def diff(opened: Opened) -> int:
    """Compare two reports."""
    reports, args = opened.services.term_reports, opened.args
    found = await reports.compare(args.id, args.earlier, actor=opened.actor)
    document = found.to_dict()
    if args.ids:
        document["gained_ids"] = await reports.ids(found.gained)
        document["lost_ids"] = await reports.ids(found.lost)
    opened.output.answer(document, lambda output: _say_diff(output, found, document))
    return 0


async def export(opened: Opened) -> int:
    """Write a report to a file."""
    form = _form(opened.args.out)
    report = await opened.services.term_reports.export(
        opened.args.id, form=form, actor=opened.actor
    )
    _write(report, opened.args)
    document: Document = {"id": report.id, "file": opened.args.out, "format": form}
    opened.output.answer(document, lambda output: output.line(f"Written to {opened.args.out}"))
    return 0


def _wanted(args: Namespace) -> Wanted:
    named = {name: getattr(args, name, "") for name in ("set_id", "query", "name", "matter")}
    return Wanted(
        terms=text_of(args.file),
        syntax=str(args.syntax),
        stem=args.stem,
        zone=args.zone,
        **named,
    )


def _form(out: str) -> str:
    form = Path(out).suffix.lower().removeprefix(".")
    if form not in {"csv", "xlsx"}:
        raise InvalidInput(f"expected a file whose name ends in .csv or .xlsx, found {out}")
    return form


def _write(report: TermReport, args: Namespace) -> None:
    form = _form(args.out)
    content = report_xlsx(report) if form == "xlsx" else b"".join(report_csv(report, args.table))
    try:
        Path(args.out).write_bytes(content)
    except OSError as error:
        raise InvalidInput(
            f"the report is kept, but {args.out} cannot be written: {error.strerror}; write it "
            f"with `muniment terms export {report.id} --out FILE`"
        ) from error


def _answer(output: Output, report: TermReport) -> None:
    output.answer(report.to_dict(), lambda said: _say(said, report))


def _say(output: Output, report: TermReport) -> None:
    rows = [
        (term.position, term.text, "error", "", "")
        if term.error
        else (term.position, term.text, term.documents, term.family, term.unique)
        for term in report.terms
    ]
    total = ("", "any of the terms", report.total.documents, report.total.family, "")
    columns = ("No.", "Term", "Documents", "With family", "Unique")
    output.table(columns, [*rows, total])
    for term in report.terms:
        if term.error:
            output.line(f"Term {term.position} was not counted: {term.error}")
        for note in term.notes:
            output.line(f"Term {term.position}: {note}")
    searched = counted(report.documents, "document")
    output.line(
        f"Report {report.id}: {counted(report.total.documents, 'document')} of {searched} hit by "
        f"{counted(len(report.terms), 'term')} ({report.errors} not counted), in set "
        f"{report.set.id} at log size {report.set.log_size:,}; {report.not_searchable:,} posts "
        "cannot be searched"
    )
    if report.without_words is not None:
        output.line(
            f"Without words, so that no word of a term can hit them (NOT has:text): "
            f"{counted(report.without_words, 'document')} of the set"
        )


def _say_diff(output: Output, found: Comparison, document: Document) -> None:
    rows = [
        (
            each.change.value,
            each.text,
            "" if each.before is None else each.before.documents,
            "" if each.after is None else each.after.documents,
            each.gained,
            each.lost,
            "" if each.before is None else each.before.unique,
            "" if each.after is None else each.after.unique,
        )
        for each in found.terms
    ]
    columns = (
        "Change",
        "Term",
        "Before",
        "After",
        "Gained",
        "Lost",
        "Unique before",
        "Unique after",
    )
    output.table(columns, rows)
    for name in ("gained_ids", "lost_ids"):
        for record_id in document.get(name, ()):
            output.line(f"{name.removesuffix('_ids')} {record_id}")
    if not found.same_set:
        output.line("The two reports counted different sets: documents may differ by that alone.")
    changes = ", ".join(f"{found.count(change)} {change.value}" for change in Change)
    output.line(
        f"Terms: {changes}; {counted(len(found.gained), 'document')} gained, "
        f"{len(found.lost):,} lost"
    )
