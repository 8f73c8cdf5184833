"""`muniment event`: what happened, and when, that retention counts from."""

from archiver.cli.arguments import Parser, Subcommands, actions, add_action
from archiver.cli.exits import PROBLEMS
from archiver.cli.named_files import opened_file
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.db.refiling import RefilingRow
from archiver.disposal.event_import import COLUMNS, BadLine
from archiver.disposal.stated_events import EventView, NewEvent, when_of_text

_ON = "the day, such as 2026-03-31, or a moment with its offset"
_MOST_SAID = 20
_COLUMNS = ("id", "name", "about", "happened_at", "in_force", "source", "stated_by")


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    added = add_action(group, "add", sentence="state that something happened")
    added.add_argument("name", metavar="NAME", help="such as account_closed or employee_left")
    added.add_argument("--on", required=True, metavar="DAY", help=_ON)
    about = added.add_mutually_exclusive_group(required=True)
    about.add_argument(
        "--account", nargs=2, metavar=("PLATFORM", "HANDLE"), help="the account it happened to"
    )
    about.add_argument("--record", default="", metavar="ID", help="the one record it happened to")
    added.add_argument("--note", default="", help="where it is known from")
    added.set_defaults(act=on_archive(add))

    imported = add_action(group, "import", sentence="state the events of a CSV file")
    imported.add_argument("file", metavar="FILE", help=f"columns {', '.join(COLUMNS)}; - is stdin")
    imported.set_defaults(act=on_archive(import_file))
    _declare_reading(group)
    _declare_changing(group)


def _declare_reading(group: Subcommands) -> None:
    listed = add_action(group, "list", sentence="what was stated, the newest first")
    listed.add_argument("--account", default="", metavar="HANDLE", help="only of this account")
    listed.add_argument("--record", default="", metavar="ID", help="only of this record")
    listed.add_argument("--name", default="", help="only events of this name")
    listed.add_argument("--in-force", action="store_true", help="only what is in force")
    listed.set_defaults(act=on_archive(list_all))

    shown = add_action(group, "show", sentence="one statement")
    shown.add_argument("id", metavar="ID", help="the statement's id")
    shown.set_defaults(act=on_archive(show))


def _declare_changing(group: Subcommands) -> None:
    corrected = add_action(group, "correct", sentence="state another date for an event")
    corrected.add_argument("id", metavar="ID", help="the statement's id")
    corrected.add_argument("--on", required=True, metavar="DAY", help=_ON)
    corrected.add_argument("--note", help="where it is known from; as before unless given")
    corrected.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    corrected.set_defaults(act=on_archive(correct))

    withdrawn = add_action(group, "withdraw", sentence="take a statement back")
    withdrawn.add_argument("id", metavar="ID", help="the statement's id")
    withdrawn.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    withdrawn.set_defaults(act=on_archive(withdraw))


async def add(opened: Opened) -> int:
    """State an event."""
    args, keeping = opened.args, opened.services.keeping
    platform, account = args.account or ("", "")
    when = when_of_text(args.on, keeping.zone)
    event = NewEvent(
        name=args.name,
        happened_at=when.at,
        day=when.day,
        platform=platform,
        account=account,
        record_id=args.record,
        note=args.note,
    )
    return await _answer(opened, await keeping.events.state(event, actor=opened.actor))


async def correct(opened: Opened) -> int:
    """Correct an event."""
    args, keeping = opened.args, opened.services.keeping
    when = when_of_text(args.on, keeping.zone)
    view = await keeping.events.correct(
        args.id,
        happened_at=when.at,
        day=when.day,
        note=args.note,
        reason=args.reason,
        actor=opened.actor,
    )
    return await _answer(opened, view)


async def withdraw(opened: Opened) -> int:
    """Withdraw an event."""
    args, events = opened.args, opened.services.keeping.events
    return await _answer(
        opened, await events.withdraw(args.id, reason=args.reason, actor=opened.actor)
    )


async def import_file(opened: Opened) -> int:
    """State the events of a file; bad lines are told, and make the command end with PROBLEMS."""
    bad: list[BadLine] = []
    keeping = opened.services.keeping
    with opened_file(opened.args.file) as lines:
        found = await keeping.event_import.run(lines, actor=opened.actor, report=bad.append)
    refiled = await keeping.refiling.finish()

    def say(output: Output) -> None:
        for each in bad:
            output.line(f"line {each.line}: {each.reason}")
        output.line(
            f"{counted(found.stated, 'event')} stated, {found.known:,} stood already, "
            f"{counted(found.refused, 'line')} refused"
        )
        for name in found.unawaited:
            output.line(f"no schedule in force counts from {name}")
        for account in found.unknown_accounts[:_MOST_SAID]:
            output.line(f"neither the register nor a capture names {account}; is it misspelt?")
        if more := len(found.unknown_accounts[_MOST_SAID:]):
            output.line(f"nor {counted(more, 'other account')}; --json names them all")
        _say_refiled(output, refiled)

    told = [{"line": each.line, "reason": each.reason} for each in bad]
    opened.output.answer({**found.to_dict(), "bad_lines": told, "refiled": _refiled(refiled)}, say)
    return PROBLEMS if bad else 0


async def list_all(opened: Opened) -> int:
    """List statements, page after page."""
    args, events = opened.args, opened.services.keeping.events
    items: list[Document] = []
    cursor = ""
    while True:
        found = await events.list(
            account=args.account,
            record_id=args.record,
            name=args.name,
            in_force_only=args.in_force,
            limit=200,
            cursor=cursor,
            actor=opened.actor,
        )
        items += [view.to_dict() for view in found.items]
        if not (cursor := found.next_cursor):
            break

    def say(output: Output) -> None:
        told = [{**item, "about": _about(item)} for item in items]
        output.table(_COLUMNS, [[item[column] for column in _COLUMNS] for item in told])
        output.line(counted(len(items), "statement"))

    opened.output.answer({"items": items}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show one statement."""
    view = await opened.services.keeping.events.show(opened.args.id, actor=opened.actor)
    document = view.to_dict()
    opened.output.answer(document, lambda output: output.describe(document))
    return 0


async def _answer(opened: Opened, view: EventView) -> int:
    """Tell a statement, and what it did to the records it concerns."""
    refiled = await opened.services.keeping.refiling.finish()
    document: Document = {**view.to_dict(), "refiled": _refiled(refiled)}

    def say(output: Output) -> None:
        output.describe(view.to_dict())
        _say_refiled(output, refiled)

    opened.output.answer(document, say)
    return 0


def _refiled(rows: tuple[RefilingRow, ...]) -> list[Document]:
    names = ("cause", "records", "longer", "shorter", "due")
    return [{name: getattr(row, name) for name in names} for row in rows]


def _say_refiled(output: Output, rows: tuple[RefilingRow, ...]) -> None:
    for row in rows:
        output.line(
            f"After {row.cause}: of {counted(row.records, 'record')}, {row.longer:,} are kept "
            f"longer, {row.shorter:,} shorter, {row.due:,} are due now"
        )


def _about(item: Document) -> str:
    return str(item["record_id"] or f"{item['account']} on {item['platform']}")
