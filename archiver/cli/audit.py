"""`muniment audit`: read the audit trail, export it with proofs, check an export."""

import asyncio
from pathlib import Path

from archiver.assurance.audit_export_check import check_export
from archiver.assurance.audit_filter import TrailFilter, filter_from
from archiver.cli.arguments import Parser, Subcommands, actions, add_action
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.errors import InvalidInput

_FILTERS = (
    ("actor", "who did it, exactly"),
    ("action", "what was done: hold:placed, hold:*, several with commas"),
    ("object-type", "the kind of what it was done to"),
    ("object-id", "its id, exactly"),
    ("matter", "events of the holds of this matter"),
    ("result", "how it ended: ok, not-ok, or a result as stored"),
    ("from", "a date, or a moment in RFC 3339; within"),
    ("to", "a date, within; or a moment, not within"),
    ("text", "a piece of the object's id"),
)
_COLUMNS = ("at", "sentence", "result", "id")


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="events, newest first; that is an event as well")
    _add_filters(listed)
    _add_page(listed)
    listed.set_defaults(act=on_archive(list_events))

    about = add_action(group, "about", sentence="everything about one object, newest first")
    about.add_argument("type", metavar="TYPE", help="record, person, hold, account, class, token…")
    about.add_argument("id", metavar="ID", help="its id")
    _add_page(about)
    about.set_defaults(act=on_archive(tell_about))

    shown = add_action(group, "show", sentence="one event as its record in the log holds it")
    shown.add_argument("id", metavar="ID", help="the event's id")
    shown.set_defaults(act=on_archive(show))

    exported = add_action(group, "export", sentence="write events with their proofs to a file")
    exported.add_argument("--out", required=True, metavar="FILE", help="the zip to write")
    _add_filters(exported)
    exported.set_defaults(act=on_archive(export))
    _configure_check(group)


async def list_events(opened: Opened) -> int:
    """List events."""
    args = opened.args
    page = await opened.services.audit.list(
        _filter(opened), cursor=args.cursor, limit=args.limit, actor=opened.actor
    )
    document = page.to_dict()
    opened.output.answer(document, lambda output: _say_page(output, document))
    return OK


async def tell_about(opened: Opened) -> int:
    """Tell everything about one object."""
    args = opened.args
    told = await opened.services.audit.about(
        args.type, args.id, cursor=args.cursor, limit=args.limit, actor=opened.actor
    )
    document = told.to_dict()
    opened.output.answer(document, lambda output: _say_about(output, document))
    return OK


async def show(opened: Opened) -> int:
    """Show one event."""
    detail = await opened.services.audit.show(opened.args.id, actor=opened.actor)
    document = detail.to_dict()

    def say(output: Output) -> None:
        facts = ("at", "actor", "via", "action", "object_type", "object_id", "result", "log_index")
        output.facts([(name.replace("_", " "), document[name]) for name in facts])
        output.line()
        output.line(document["event"])
        output.line()
        output.line(document["sentence"] if detail.body else document["problem"])

    opened.output.answer(document, say)
    return OK if document["ok"] else PROBLEMS


async def export(opened: Opened) -> int:
    """Export events."""
    await opened.catch_up()
    out = Path(opened.args.out)
    if await asyncio.to_thread(out.exists):
        raise InvalidInput(f"{out} is there already; choose another name")
    with opened.output.progress("Exporting") as progress:
        exported = await opened.services.audit_export.export(
            _filter(opened),
            out,
            progress=lambda _phase, done, total: progress(done, total),
            actor=opened.actor,
        )
    document = {**exported.to_dict(), "file": str(out)}

    def say(output: Output) -> None:
        output.describe(document)
        output.line(f"\n{counted(exported.events, 'event')} with proofs in {out}")

    opened.output.answer(document, say)
    return OK


def _configure_check(group: Subcommands) -> None:
    def act(args: object, output: Output) -> int:
        checked = check_export(Path(getattr(args, "file", "")), getattr(args, "vkey", ""))

        def say(output: Output) -> None:
            output.facts([("log", checked.origin), ("size of the log", checked.log_size)])
            if not checked.key_given:
                output.line("The key was the file's own: ask for the log's key another way")
            output.line(f"{counted(checked.events, 'event')} proved to be in the log, unaltered")

        output.answer(checked.to_dict(), say)
        return OK

    check = add_action(group, "check", sentence="check an export; needs no archive")
    check.add_argument("file", metavar="FILE", help="the zip")
    check.add_argument("--vkey", default="", help="the log's public key, got another way")
    check.set_defaults(act=act)


def _add_filters(parser: Parser) -> None:
    for name, what in _FILTERS:
        parser.add_argument(f"--{name}", default="", metavar="TEXT", help=what)


def _add_page(parser: Parser) -> None:
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="events, 1 to 200")
    parser.add_argument("--cursor", default="", help="from the page before")


def _filter(opened: Opened) -> TrailFilter:
    given = vars(opened.args)
    names = [name.replace("-", "_") for name, _ in _FILTERS]
    return filter_from({name: given[name] for name in names})


def _say_page(output: Output, document: Document) -> None:
    rows = [[item[column] for column in _COLUMNS] for item in document["items"]]
    output.table(_COLUMNS, rows)
    more = "" if document["total_is_exact"] else " and more"
    if document["next_cursor"]:
        output.line(f"\nOlder events: --cursor {document['next_cursor']}")
    output.line(f"{counted(document['total'], 'event')}{more}")


def _say_about(output: Output, document: Document) -> None:
    output.facts(document["facts"].items())
    if document["readers"]:
        columns = ("actor", "action", "times", "first", "last")
        output.table(columns, [[each[name] for name in columns] for each in document["readers"]])
    _say_page(output, document)
