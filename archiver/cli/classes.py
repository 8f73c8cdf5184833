"""`muniment class`: the classes of the file plan."""

from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="every class with its title and authority")
    listed.set_defaults(act=on_archive(list_all))


async def list_all(opened: Opened) -> int:
    """List the classes."""
    items = list(await opened.services.filing.classes(actor=opened.actor))

    def say(output: Output) -> None:
        columns = ("code", "title", "authority")
        output.table(columns, [[item.get(column) for column in columns] for item in items])
        output.line(f"{len(items):,} classes")

    opened.output.answer({"items": items}, say)
    return 0
