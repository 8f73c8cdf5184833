"""Arguments: strict, spelt out, and the same three options on every command."""

import argparse
from argparse import RawDescriptionHelpFormatter
from enum import StrEnum
from typing import NoReturn, TypeAlias

from archiver.cli.examples import told
from archiver.errors import InvalidInput

Subcommands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001
"""Where the actions of a group are added; argparse gives the type no public name."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting, and takes no abbreviated options.

    An abbreviation that works today is another option tomorrow; scripts must not rest on it.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("allow_abbrev", False)
        if examples := told(str(kwargs.get("prog", "")).removeprefix("muniment ")):
            kwargs |= {"epilog": examples, "formatter_class": RawDescriptionHelpFormatter}
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # argparse's own list, passed on

    def error(self, message: str) -> NoReturn:
        """Raise `InvalidInput` with the usage to look at."""
        raise InvalidInput(f"{message}; see `{self.prog} --help`")


def common_options() -> Parser:
    """Return the parent parser of the options that every command takes, before or after its name.

    Their defaults are left out of the namespace, so that one place need not undo the other.
    """
    parser = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    options = parser.add_argument_group("on every command")
    options.add_argument("--json", action="store_true", help="answer with one JSON document")
    options.add_argument("--no-color", action="store_true", help="no colours (also: NO_COLOR)")
    options.add_argument("--home", metavar="DIR", help="the archive's folder (MUNIMENT_HOME)")
    return parser


def words_of(choices: type[StrEnum]) -> list[str]:
    """Return the words of an option's choices, as argparse names them where another was given."""
    return [choice.value for choice in choices]


def actions(parser: Parser) -> Subcommands:
    """Return where a group adds its actions; one of them must be given."""
    return parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=Parser
    )


def add_action(group: Subcommands, name: str, *, sentence: str) -> Parser:
    """Add an action, described by one sentence, with the common options."""
    return group.add_parser(name, help=sentence, description=sentence, parents=[common_options()])
