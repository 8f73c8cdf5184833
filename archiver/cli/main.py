"""Dispatch: find the command, import its module, run it, turn errors into exit codes."""

import argparse
import importlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

from archiver import __version__
from archiver.cli import exits
from archiver.cli.arguments import Parser, common_options
from archiver.cli.output import Output
from archiver.errors import ArchiverError


class Command(NamedTuple):
    """A command: the module that configures and runs it, and its sentence in the overview."""

    module: str
    sentence: str


COMMANDS: Mapping[str, Command] = {
    "init": Command("init", "create an archive: keyring, database, store, first administrator"),
    "serve": Command("serve", "API, web pages and background loops in one process"),
    "demo": Command("demo", "a sample company's posts, end to end, then serve"),
    "import": Command("importing", "read posts from files and keep them"),
    "account": Command("account", "the register of accounts: whose they are, of which unit"),
    "search": Command("search", "find records, with an exact count"),
    "set": Command("sets", "the results of searches that were frozen"),
    "terms": Command("terms", "search term reports: make, compare, export, check a list"),
    "saved": Command("saved", "saved searches: versions, what is new, who is told of it"),
    "record": Command("record", "show, explain, prove and verify one record"),
    "class": Command("classes", "the classes of the file plan"),
    "schedule": Command("schedules", "the retention schedules of a class"),
    "event": Command("event", "what happened that retention counts from: add, import, correct"),
    "disposition": Command("disposition", "work what is due: batches, approvals, certificates"),
    "privacy": Command(
        "privacy", "requests of people about their data: find, decide, erase, close"
    ),
    "hold": Command("hold", "place, list, show and release legal holds"),
    "verify": Command("verifying", "re-derive everything from the store and name what is wrong"),
    "evidence": Command("evidence", "make a bundle that proves records offline, or verify one"),
    "replicate": Command("replicating", "bring the second copy up now, or compare all of it"),
    "log": Command("log", "checkpoint and proofs of the transparency log"),
    "witness": Command("witness", "be a witness of logs, on a machine their operators do not run"),
    "audit": Command("audit", "read the audit trail, export it with proofs, check an export"),
    "user": Command("user", "the people who sign in, their roles and links"),
    "token": Command("token", "make, list and revoke API tokens"),
    "key": Command("keys", "change the log's key and the root key; escrow for a third party"),
    "doctor": Command("doctor", "say how every part is; worm tries locks, locks compares them"),
    "recover": Command("recover", "rebuild database and index from the store and the keyring"),
    "reindex": Command("reindex", "build the search index anew from the log"),
}
"""Every command. Modules are named in `archiver.cli`; only the one that runs is imported."""


Importing = Callable[[str], ModuleType]
"""Imports the module of a name, as `importlib.import_module` does."""


def main(
    arguments: Sequence[str] | None = None, *, importing: Importing = importlib.import_module
) -> int:
    """Run one command and return its exit code (`archiver.cli.exits`)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # JSON is UTF-8 (RFC 8259 section 8.1) whatever the locale; a lone surrogate comes out
            # as the \uXXXX that JSON writes it as.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # The words of an error in the arguments themselves must also come as asked for.
    output = Output(json="--json" in given, color="--no-color" not in given)
    try:
        return _run(given, importing)
    except ArchiverError as error:
        output.error(error)
        return exits.exit_of(error).code
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`muniment search … | head`); nobody is left to be told.
        sys.stdout = None  # so that the interpreter does not flush it
        return exits.OK


def _run(given: Sequence[str], importing: Importing) -> int:
    overview = _overview()
    chosen = overview.parse_args(given)
    name, *rest = chosen.command
    if name not in COMMANDS:
        overview.error(f"expected a command of {', '.join(COMMANDS)}, found {name!r}")
    command = COMMANDS[name]
    module = importing(f"archiver.cli.{command.module}")
    parser = Parser(
        prog=f"{overview.prog} {name}",
        description=f"{command.sentence[0].upper()}{command.sentence[1:]}.",
        parents=[common_options()],
    )
    module.configure(parser)
    defaults = argparse.Namespace(**{"json": False, "no_color": False, "home": None} | vars(chosen))
    args = parser.parse_args(rest, defaults)
    code: int = args.act(args, Output(json=args.json, color=not args.no_color))
    return code


def _overview() -> Parser:
    width = max(map(len, COMMANDS))
    parser = Parser(
        prog="muniment",
        description="An open compliance archive for what a business says on social media.",
        epilog="\n".join(
            [
                "commands:",
                *(f"  {name:{width}}  {command.sentence}" for name, command in COMMANDS.items()),
                "",
                "`muniment COMMAND --help` says more. Exit codes: 0 ok, 1 found problems, 2 usage,",
                "3 not allowed, 4 unavailable. Settings: MUNIMENT_HOME and others, or a TOML file.",
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common_options()],
    )
    parser.add_argument("--version", action="version", version=f"muniment {__version__}")
    # PARSER and not a REMAINDER behind it, which would take the `--` in `search -- -word` away.
    parser.add_argument("command", nargs=argparse.PARSER, metavar="COMMAND", help="see below")
    return parser
