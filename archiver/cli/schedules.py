"""`muniment schedule`: the versioned schedules of a class."""

import json

from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="every version of a class's schedule")
    listed.add_argument("class_code", metavar="CLASS", help="the class's code")
    listed.set_defaults(act=on_archive(list_all))


async def list_all(opened: Opened) -> int:
    """List the versions of the schedule."""
    code = opened.args.class_code
    items = list(await opened.services.filing.schedules(code, actor=opened.actor))

    def say(output: Output) -> None:
        for item in items:
            output.line(json.dumps(item, ensure_ascii=False, indent=2))
        output.line(f"{counted(len(items), 'version')} of the schedule of {code}")

    opened.output.answer({"items": items}, say)
    return 0
