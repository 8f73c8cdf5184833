"""The documents tell the truth: commands parse, links lead somewhere, no path is a machine's."""

import importlib
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from archiver.cli.arguments import Parser, common_options
from archiver.cli.main import COMMANDS
from archiver.errors import InvalidInput
from archiver.web.routes import ROUTES
from tests.architecture.repository import ROOT, documents, modules, text_of, tracked_files

_FENCE = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:muniment|make) [^`\n]+)`")
_ELLIPSES = (" …", " COMMAND --help")  # any command is meant
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED_FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|md|toml|yaml|sh))`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_OUTSIDE = ("http:", "https:", "mailto:")
_HELP = Path("archiver/web/help")
_MACHINE_PATH = re.compile(
    r"(?<![\w.:$}>/-])/(?:home|Users|root|work|tmp|mnt)/[\w.-]+"  # not https://host/home/page
)


class Said(NamedTuple):
    """A command a document tells its reader to run."""

    document: Path
    command: str


def _commands() -> Iterator[Said]:
    """Yield what the documents give to be typed, line by line."""
    for path in documents():
        blocks = _FENCE.findall(text_of(path))
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        for line in lines:
            command = line.removeprefix("$ ").removeprefix(".venv/bin/").strip()
            if command.startswith(("muniment ", "make ")):
                yield Said(path, command)


def _mentions() -> Iterator[Said]:
    """Yield the commands that documents, messages and docstrings speak of, arguments or not."""
    texts = {path: _FENCE.sub("", text_of(path)) for path in documents()}
    texts |= {module.path.relative_to(ROOT): module.source for module in modules()}
    for path, text in texts.items():
        for command in _INLINE.findall(text):
            if not command.endswith(_ELLIPSES):
                yield Said(path, command)


def _words(command: str) -> list[str]:
    words = shlex.split(command, comments=True)
    ends = [place for place, word in enumerate(words) if word in {"|", ">", "&&", ";", "||"}]
    return words[: min(ends, default=len(words))]


def test_every_muniment_command_in_the_documents_parses() -> None:
    commands = [said for said in _commands() if said.command.startswith("muniment ")]

    refused = {
        f"{said.document}: {said.command}: {problem}"
        for said in commands
        if (problem := _problem(_words(said.command)[1:]))
    }

    assert refused == set()
    assert len(commands) >= 6


def test_every_command_anybody_speaks_of_exists() -> None:
    unknown = {
        f"{said.document}: {said.command}: {problem}"
        for said in _mentions()
        if said.command.startswith("muniment ") and (problem := _unknown(_words(said.command)[1:]))
    }

    assert unknown == set()


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(Path("Makefile")), re.MULTILINE))

    unknown = {
        said
        for said in [*_commands(), *_mentions()]
        if said.command.startswith("make ")
        for word in _words(said.command)[1:]
        if "=" not in word and word not in targets
    }

    assert unknown == set()


def test_a_command_that_does_not_exist_would_be_seen() -> None:
    assert _problem(["serve", "--prot", "80"])
    assert _problem(["sreve"])
    assert _unknown(["record", "forget"])
    assert _unknown(["serve", "--prot"])
    assert not _problem(["serve", "--port", "80"])
    assert not _unknown(["serve", "--port"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_overview_can_be_parsed_for(name: str) -> None:
    parser = _parser(name)

    assert parser.get_default("act") or "ACTION" in parser.format_help()


def test_a_package_that_maps_its_modules_names_each_of_them() -> None:
    mapping = [module for module in modules() if "By what you want to change" in module.source]

    unmapped = {
        f"{module.name}.{path.stem}"
        for module in mapping
        for path in module.path.parent.glob("*.py")
        if path != module.path and f"`{path.stem}`" not in module.source
    }

    assert [module.name for module in mapping] == ["archiver.disposal"]
    assert unmapped == set()


def test_every_relative_link_leads_somewhere() -> None:
    broken = {
        f"{path}: {link}"
        for path in documents()
        for link in _LINK.findall(_CODE.sub("", text_of(path)))
        if not link.startswith(_OUTSIDE) and not _leads_somewhere(path, link)
    }

    assert broken == set()


def test_every_file_a_document_names_exists() -> None:
    known = [f"/{path.as_posix()}" for path in tracked_files()]

    missing = {
        f"{path}: {name}"
        for path in documents()
        for name in _NAMED_FILE.findall(text_of(path))
        if "NNNN" not in name  # stands for a number
        and not any(each.endswith(f"/{name.replace('../', '')}") for each in known)
    }

    assert missing == set()


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    named = {
        f"{path}: {found.group()}"
        for path in tracked_files()
        if path.parts[:2] != ("tests", "architecture") and not _is_binary(path)
        for found in _MACHINE_PATH.finditer(text_of(path))
    }

    assert named == set()


def _parser(name: str) -> Parser:
    parser = Parser(prog=name, parents=[common_options()])
    importlib.import_module(f"archiver.cli.{COMMANDS[name].module}").configure(parser)
    return parser


def _problem(given: list[str]) -> str:
    """Return what the real parser says against a whole command, or nothing."""
    name, *rest = given
    if name not in COMMANDS:
        return f"no command {name!r}"
    try:
        _parser(name).parse_args(rest)
    except InvalidInput as error:
        return str(error)
    return ""


def _unknown(given: list[str]) -> str:
    """Return which command, action or option of a mention does not exist, or nothing."""
    name, *rest = (word for word in given if not word.startswith("-"))
    if name not in COMMANDS:
        return f"no command {name!r}"
    shown = io.StringIO()
    try:
        with redirect_stdout(shown), suppress(SystemExit):
            _parser(name).parse_args([*rest[:1], "--help"])
    except InvalidInput as error:
        return str(error)
    options = [word for word in given if word.startswith("-") and word not in shown.getvalue()]
    return f"no option {options[0]}" if options else ""


def _leads_somewhere(document: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    if link.startswith("/") and document.parent == _HELP:
        return any(route.template == name for route in ROUTES)  # a screen
    target = (ROOT / document.parent / name) if name else ROOT / document
    if not target.exists():
        return False
    return not anchor or anchor in {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in _HEADING.findall(target.read_text(encoding="utf-8"))
    }


def _is_binary(path: Path) -> bool:
    return b"\0" in (ROOT / path).read_bytes()[:1024]
