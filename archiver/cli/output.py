"""What a command says: words and tables for people, one JSON document for scripts.

Answers go to stdout, everything else (progress, problems) to stderr. With `--json` stdout holds
exactly one JSON document. Human output is made from that same document, so the two cannot differ.

Archived text is hostile: a post may hold escape sequences that rewrite the terminal's screen, title
or clipboard, or turn the reading direction. Whatever people see passes `shown`; in JSON the same
characters are escaped.
"""

import json as json_text
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from archiver.cli.exits import exit_of
from archiver.errors import ArchiverError

Document = Mapping[str, Any]
Progress = Callable[[int, int | None], None]
"""Takes what is done, and how much there is where that is known."""

# C0 (but tab and line feed), DEL, C1, and the characters that turn the reading direction (UAX #9).
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def shown(value: object) -> str:
    """Return the text of a value, with each unsafe character replaced by U+FFFD."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value))


class Output:
    """Where one command says its answer."""

    def __init__(
        self,
        *,
        json: bool = False,
        color: bool = True,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.json = json
        self._color = color
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr

    def answer(self, document: Document, say: Callable[["Output"], None]) -> None:
        """Give the answer: the document with `--json`, else what `say` says of it."""
        if self.json:
            self._write(_json(document, indent=2))
        else:
            say(self)

    def line(self, text: object = "") -> None:
        """Say one line. A command's last line is its summary."""
        self._write(shown(text))

    def progress_line(self, text: object) -> None:
        """Say one line of a long answer while it grows; with `--json` it is in the document."""
        if not self.json:
            self.line(text)

    def facts(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Say names and values, one pair a line; empty values are left out."""
        said = [(name, shown(value)) for name, value in pairs]
        known = [(name, value) for name, value in said if value]
        width = max((len(name) for name, _ in known), default=0)
        for name, value in known:
            self._write(f"{name:<{width}}  {value.replace(chr(10), chr(10) + ' ' * (width + 2))}")

    def describe(self, document: Document) -> None:
        """Say a document: names and values first, then its lists of documents as tables."""
        self.facts(_plain(document))
        for name, value in document.items():
            if _is_table(value):
                self.line(f"\n{_words(name)}")
                columns = list(value[0])
                self.table(columns, [[row.get(column) for column in columns] for row in value])

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Say rows under columns: drawn on a terminal, separated by tabs elsewhere."""
        cells = [[shown(value) for value in row] for row in rows]
        if not self._stdout.isatty():
            for row in [list(columns), *cells]:
                self._write("\t".join(re.sub(r"\s+", " ", cell) for cell in row))
            return
        # Imported here: half of what starting `muniment` costs, and scripts never see a table.
        from rich.box import SIMPLE_HEAD  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            drawn.add_column(column, overflow="fold")
        for row in cells:
            drawn.add_row(*map(Text, row))
        Console(file=self._stdout, no_color=not self._color or None).print(drawn)

    def verbatim(self, content: bytes) -> None:
        """Write bytes as they are; on a terminal, their harmless form."""
        if self._stdout.isatty():
            self.line(content.decode("utf-8", errors="replace"))
        else:
            self._stdout.flush()
            self._stdout.buffer.write(content)
            self._stdout.buffer.flush()

    def note(self, text: object) -> None:
        """Say something that is not part of the answer, on stderr."""
        self._write(shown(text), self._stderr)

    def error(self, error: ArchiverError) -> None:
        """Say an error: what is wrong, why, and what to do where the message tells."""
        if self.json:
            told = {"type": type(error).__name__, "message": str(error)}
            self._write(_json({"error": told}), self._stderr)
            return
        problem, todo = _split(str(error))
        self.note(f"problem: {problem}")
        self.note(f"why: {exit_of(error).why}")
        if todo:
            self.note(f"do: {todo}")

    @contextmanager
    def progress(self, doing: str) -> Iterator[Progress]:
        """Show how far something is, on stderr, where a person is watching."""
        if not self._stderr.isatty():
            yield lambda _done, _total: None
            return
        from rich import progress  # noqa: PLC0415 - see `table`
        from rich.console import Console  # noqa: PLC0415

        console = Console(file=self._stderr, no_color=not self._color or None)
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
        )
        with progress.Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def _write(self, text: str, stream: TextIO | None = None) -> None:
        stream = stream or self._stdout
        stream.write(text + "\n")
        stream.flush()


def _json(document: Document, indent: int | None = None) -> str:
    """Return JSON in which also those unsafe characters are escaped that RFC 8259 lets stand."""
    text = json_text.dumps(document, ensure_ascii=False, indent=indent)
    return _UNSAFE.sub(lambda unsafe: f"\\u{ord(unsafe[0]):04x}", text)


def _split(message: str) -> tuple[str, str]:
    """Cut a message where it turns from what was found to what to do (`…; restore it`).

    A message of several lines shows a query with a caret under it and is left whole.
    """
    if "\n" in message:
        return message, ""
    problem, _, todo = message.rpartition("; ")
    return (message, "") if not problem or todo.startswith("found ") else (problem, todo)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 hold`, `1,284 holds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _plain(document: Document, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in document.items():
        name = f"{prefix}{_words(key)}"
        if isinstance(value, Mapping):
            yield from _plain(value, f"{name} ")
        elif isinstance(value, list | tuple):
            if not _is_table(value):
                yield name, ", ".join(map(str, value))
        else:
            yield name, value


def _is_table(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def _words(key: str) -> str:
    return key.replace("_", " ")
