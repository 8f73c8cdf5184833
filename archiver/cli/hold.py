"""`muniment hold`: place, list, show and release legal holds."""

from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.errors import InvalidInput

_NAMED = 20


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    placed = add_action(group, "place", sentence="hold what the scope covers, at once")
    placed.add_argument("--name", required=True, help="what the hold is called")
    placed.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    placed.add_argument("--matter", default="", help="the matter it belongs to")
    scope = placed.add_argument_group("scope: what meets all that is given is held")
    scope.add_argument("--query", metavar="Q", help="records this query finds")
    scope.add_argument(
        "--saved", default="", metavar="ID[@V]", help="a saved search in place of a query"
    )
    scope.add_argument(
        "--set", dest="set_id", default="", metavar="ID", help="a frozen set, whole and alone"
    )
    for option, name, sentence in (
        ("--account", "accounts", "records of these accounts"),
        ("--record", "record_ids", "these records, by id"),
    ):
        scope.add_argument(
            option,
            dest=name,
            action="extend",
            nargs="+",
            default=[],
            metavar=option[2].upper(),
            help=sentence,
        )
    placed.add_argument(
        "--dry-run", action="store_true", help="say what would be held; nothing is placed"
    )
    placed.set_defaults(act=on_archive(place))

    listed = add_action(group, "list", sentence="all holds, released ones included")
    listed.set_defaults(act=on_archive(list_all))

    shown = add_action(group, "show", sentence="one hold with its scope and counts")
    shown.add_argument("id", metavar="ID", help="the hold's id")
    shown.set_defaults(act=on_archive(show))

    released = add_action(group, "release", sentence="release a hold; nothing is disposed of")
    released.add_argument("id", metavar="ID", help="the hold's id")
    released.add_argument("--reason", required=True, help="why; it stands in the audit trail")
    released.set_defaults(act=on_archive(release))


async def place(opened: Opened) -> int:
    """Place the hold, or say what it would cover."""
    args, holds = opened.args, opened.services.holds
    named = (args.saved, args.set_id, args.accounts, args.record_ids)
    if args.query is None and not any(named):
        raise InvalidInput(
            "a hold needs a scope: give --query, --saved, --set, --account or --record"
        )
    act = holds.preview if args.dry_run else holds.place
    view = await act(
        name=args.name,
        matter=args.matter,
        reason=args.reason,
        query=args.query,
        saved=args.saved,
        set_id=args.set_id,
        accounts=args.accounts,
        record_ids=args.record_ids,
        actor=opened.actor,
    )
    document = view.to_dict()
    opened.output.answer(document, lambda output: _say(output, document))
    return 0


async def list_all(opened: Opened) -> int:
    """List the holds."""
    views = await opened.services.hold_register.list(actor=opened.actor)
    items = [view.to_dict() for view in views]

    def say(output: Output) -> None:
        columns = ("id", "name", "matter", "state", "records", "placed_at", "placed_by")
        output.table(columns, [[item.get(column) for column in columns] for item in items])
        output.line(counted(len(items), "hold"))

    opened.output.answer({"items": items}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show one hold."""
    view = await opened.services.hold_register.show(opened.args.id, actor=opened.actor)
    document = view.to_dict()
    opened.output.answer(document, lambda output: _say(output, document))
    return 0


async def release(opened: Opened) -> int:
    """Release the hold."""
    args = opened.args
    release = await opened.services.releases.release(
        args.id, reason=args.reason, actor=opened.actor
    )
    document = release.to_dict()
    opened.output.answer(document, lambda output: _say(output, document))
    if release.waits is not None:
        opened.output.note("Not released yet: a second person must approve it on the hold's page.")
    return 0


def _say(output: Output, hold: Document) -> None:
    output.describe(hold)
    named = f"{hold['name']} ({hold['id']})" if hold["id"] else hold["name"]
    output.line(f"\nHold {named}: {hold['state']}, {counted(hold['records'], 'record')}")
    if not hold["records"] and hold["state"] != "released":
        output.line(
            "NOTHING IS HELD: no post of the archive meets the scope, and later posts are not held "
            "by it. Look at the spelling, then place the hold again"
        )
    if hold["not_searched"]:
        output.line(
            f"NOT SEARCHED: {counted(len(hold['not_searched']), 'record')} the index could not "
            f"take in, not held by the query: {' '.join(hold['not_searched'][:_NAMED])}. Look at "
            "them, and hold them by id if they may belong to the matter"
        )
