"""`muniment set`: the results of searches, frozen for good."""

from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="all frozen sets, the newest first")
    listed.set_defaults(act=on_archive(list_all))
    for name, sentence, act in (
        ("show", "one set: what it covers, by whom, its digest", show),
        ("ids", "the record ids of a set, in log order", ids),
    ):
        parsed = add_action(group, name, sentence=sentence)
        parsed.add_argument("id", metavar="ID", help="the set's id")
        parsed.set_defaults(act=on_archive(act))


async def list_all(opened: Opened) -> int:
    """List the sets."""
    views = await opened.services.frozen_sets.list(actor=opened.actor)
    items = [view.to_dict() for view in views]

    def say(output: Output) -> None:
        columns = ("id", "name", "matter", "normalised", "records", "frozen_at", "frozen_by")
        output.table(columns, [[item[column] for column in columns] for item in items])
        output.line(counted(len(items), "frozen set"))

    opened.output.answer({"items": items}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show one set."""
    view = await opened.services.frozen_sets.show(opened.args.id, actor=opened.actor)
    document = view.to_dict()
    opened.output.answer(document, lambda output: say_set(output, document))
    return 0


async def ids(opened: Opened) -> int:
    """Say the ids of a set."""
    found = await opened.services.frozen_sets.ids(opened.args.id, actor=opened.actor)

    def say(output: Output) -> None:
        for record_id in found.ids:
            output.line(record_id)
        if found.view.destroyed_words:
            output.note(found.view.destroyed_words)

    opened.output.answer(found.to_dict(), say)
    return 0


def say_set(output: Output, view: Document) -> None:
    """Say what a set is."""
    output.describe(view)
    name = f"{view['name']} ({view['id']})" if view["name"] else view["id"]
    output.line(f"\nFrozen set {name}: {counted(view['records'], 'record')}")
