"""Dispatch: every command explains itself, and whatever is wrong ends with words and a code."""

import argparse
import importlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from archiver.cli.arguments import Parser, common_options
from archiver.cli.examples import EXAMPLES
from archiver.cli.main import COMMANDS, main
from archiver.cli.output import Output

HEAVY = ("sqlalchemy", "aiohttp", "pydantic", "rich", "cryptography", "archiver.app")


def lines_of_commands() -> Iterator[list[str]]:
    """Give `hold`, `hold place`, …: each command and each action of a group."""
    for name, command in COMMANDS.items():
        yield [name]
        parser = Parser()
        importlib.import_module(f"archiver.cli.{command.module}").configure(parser)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from ([name, choice] for choice in action.choices)


@pytest.mark.parametrize("words", list(lines_of_commands()), ids=" ".join)
def test_every_command_explains_itself_and_takes_json_and_home(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])

    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert told.startswith(f"usage: muniment {' '.join(words)}")
    assert "--json" in told
    assert "--home" in told


def test_the_overview_names_every_command_and_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from archiver.cli.main import main\n"
        "try: main(['--help'])\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert ended.stderr.strip() == "[]"
    assert all(f"\n  {name} " in ended.stdout for name in COMMANDS)


def test_who_checks_an_archive_from_outside_waits_for_none_of_its_modules() -> None:
    program = (
        "import sys, archiver.cli.verifying, archiver.cli.witness\n"
        "print([n for n in ('archiver.app', 'sqlalchemy', 'jinja2') if n in sys.modules])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_examples_of_a_command_can_be_typed_as_they_stand(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *action = command.split()
    parser = Parser(prog=f"muniment {name}", parents=[common_options()])
    importlib.import_module(f"archiver.cli.{COMMANDS[name].module}").configure(parser)

    for example in EXAMPLES[command]:
        assert parser.parse_args([*action, *shlex.split(example)]).act is not None
    with pytest.raises(SystemExit):
        parser.parse_args([*action, "--help"])
    assert f"\n  muniment {command} {EXAMPLES[command][0]}\n" in capsys.readouterr().out


def test_a_query_may_begin_with_a_dash_behind_two_dashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def search(args: argparse.Namespace, _: Output) -> int:
        asked.append(args.query)
        return 0

    def configure(parser: Parser) -> None:
        parser.add_argument("query")
        parser.set_defaults(act=search)

    module = ModuleType("searching")
    monkeypatch.setattr(module, "configure", configure, raising=False)

    assert main(["--json", "search", "--", "-fee"], importing=lambda _name: module) == 0
    assert asked == ["-fee"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["no-such-command"],
        ["search"],
        ["hold"],
        ["hold", "no-such-action"],
        ["search", "x", "--no-such-option"],
        ["search", "x", "--lim", "3"],
        ["search", "x", "--limit", "three"],
        ["search", "x", "--ids", "--count"],
        ["verify", "--full", "--sample", "1"],
        ["serve", "--port", "0"],
        ["token", "create", "x", "--role", "emperor"],
        ["import", "x", "--format", "papyrus"],
        ["demo", "--posts", "0"],
        ["privacy", "request", "forgetting", "--person", "x"],
        ["disposition", "list", "--state", "burnt"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_ends_with_2_and_says_what_to_do(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("problem: ")
    assert "\nwhy: " in told.err


def test_with_json_an_error_is_one_json_document_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["search", "--json"]) == 2

    told = capsys.readouterr()
    assert told.out == ""
    error = json.loads(told.err)["error"]
    assert error["type"] == "InvalidInput"
    assert "QUERY" in error["message"]


def test_a_home_without_an_archive_ends_with_2_and_creates_nothing(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    home = f"{tmp_path}/nowhere"

    assert main(["--home", home, "search", "x"]) == 2

    assert "keyring" in capsys.readouterr().err
    assert main(["search", "x", "--home", home, "--json"]) == 2


@pytest.mark.parametrize("home", ["file/home", "file"])
def test_a_home_that_cannot_be_made_ends_with_2_and_is_named(
    home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    for command in (["init"], ["search", "x"]):
        assert main([*command, "--home", str(tmp_path / home)]) == 2
        assert str(tmp_path / home) in capsys.readouterr().err


def test_an_interrupted_command_ends_as_shells_expect() -> None:
    def interrupted(_: str) -> ModuleType:
        raise KeyboardInterrupt

    assert main(["search", "x"], importing=interrupted) == 130
