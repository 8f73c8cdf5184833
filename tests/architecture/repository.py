"""What the tests of this folder look at: the repository's files, modules and functions."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("archiver", "retention", "search")
"""The packages that are shipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One module: its dotted name, source and syntax tree."""

    name: str
    path: Path
    source: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.source.count("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function; `lines` leaves its docstring out."""

    name: str
    lines: int


@cache
def modules() -> tuple[Module, ...]:
    """Return every module that is shipped."""
    paths = [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple(_module(path) for path in paths)


def functions() -> Iterator[Function]:
    """Yield every function and method that is shipped."""
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Function(name=f"{module.name}.{node.name}", lines=_length(node))


def tracked_files() -> list[Path]:
    """Return the files git knows, relative to the root; skips where there is no git."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files belong to the repository is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    return [path for path in paths if (ROOT / path).is_file()]  # a rename may be under way


def documents() -> list[Path]:
    """Return the Markdown files git knows, relative to the root."""
    return [path for path in tracked_files() if path.suffix == ".md"]


def text_of(path: Path) -> str:
    """Return the text of a file named relative to the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def _module(path: Path) -> Module:
    source = path.read_text(encoding="utf-8")
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name=name, path=path, source=source, tree=ast.parse(source, str(path)))


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    docstring = 0
    if ast.get_docstring(node, clean=False) is not None:
        docstring = (first.end_lineno or first.lineno) - first.lineno + 1
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
