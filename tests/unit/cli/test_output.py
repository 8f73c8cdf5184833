"""What is said: safe on a terminal, one JSON document for scripts."""

import io
import json

import pytest

from archiver.cli.output import Output, counted, shown
from archiver.errors import ArchiverError, InvalidInput, NotFound, SearchUnavailable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Said:
    """An output and what it wrote."""

    def __init__(self, *, json: bool = False, terminal: bool = False) -> None:
        self.stdout = Terminal() if terminal else io.StringIO()
        self.stderr = Terminal() if terminal else io.StringIO()
        self.output = Output(json=json, color=False, stdout=self.stdout, stderr=self.stderr)

    @property
    def out(self) -> str:
        return self.stdout.getvalue()

    @property
    def err(self) -> str:
        return self.stderr.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]52;c;cm0gLXJm\x07",  # sets the clipboard
        "\x1b[2J\x1b[H",  # clears the screen
        "\x9b31m",  # the same sequences with a C1 introducer
        "a\rb",  # overwrites the line
        "\u202etxt.exe",  # turns the reading direction
        "\u2066x",
        "\x00\x7f",
    ],
)
def test_no_character_of_an_archived_text_can_drive_the_terminal(hostile: str) -> None:
    said = Said(terminal=True)

    said.output.line(hostile)
    said.output.facts([("text", hostile)])
    said.output.table(["text"], [[hostile]])

    ours = said.out.replace("\x1b[1m", "").replace("\x1b[0m", "")  # the bold heading of the table
    assert not set(ours) & set("\x00\x07\x1b\x7f\x9b\r\u202e\u2066")


def test_ordinary_text_in_any_script_is_shown_as_it_is() -> None:
    text = "Ünïcode 東京 ☕ עברית\tand a\nnew line"

    assert shown(text) == text
    assert shown(None) == ""


def test_with_json_stdout_holds_exactly_one_document() -> None:
    said = Said(json=True)

    said.output.progress_line("working")
    document = {"text": "\x1b[2J \x9b\x7f\u202e 東京"}
    said.output.answer(document, lambda output: output.line("for people"))

    assert json.loads(said.out) == document
    assert not set(said.out) & set("\x1b\x9b\x7f\u202e")


def test_without_json_the_answer_is_said_for_people() -> None:
    said = Said()

    said.output.answer({"n": 1}, lambda output: output.line("one"))

    assert said.out == "one\n"


def test_a_table_is_separated_by_tabs_where_no_one_is_watching() -> None:
    said = Said()

    said.output.table(["id", "text"], [["1", "two\nlines\tand a tab"], [None, "[red]x[/red]"]])

    assert said.out == "id\ttext\n1\ttwo lines and a tab\n\t[red]x[/red]\n"


def test_a_table_on_a_terminal_shows_markup_as_text() -> None:
    said = Said(terminal=True)

    said.output.table(["text"], [["[red]x[/red]"]])

    assert "[red]x[/red]" in said.out


def test_a_document_is_described_with_its_nested_values_and_lists() -> None:
    said = Said()

    said.output.describe(
        {
            "placed_at": "now",
            "released_by": "",
            "scope": {"query": "x", "accounts": ["a", "b"]},
            "parts": [{"name": "p", "size": 3}],
        }
    )

    assert said.out == (
        "placed at       now\nscope query     x\nscope accounts  a, b\n\nparts\nname\tsize\np\t3\n"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            NotFound("no hold 'x'; list the holds to see their ids"),
            (
                "problem: no hold 'x'\nwhy: nothing has that name or id\n"
                "do: list the holds to see their ids\n"
            ),
        ),
        (
            SearchUnavailable("it is away"),
            "problem: it is away\nwhy: the search index did not answer\n",
        ),
        (
            InvalidInput("expected a zone such as UTC; found 'Mars'"),
            (
                "problem: expected a zone such as UTC; found 'Mars'\n"
                "why: what was given is malformed or out of limits\n"
            ),
        ),
        (
            InvalidInput("Expected AND; or OR here.\n  a b\n    ^"),
            (
                "problem: Expected AND; or OR here.\n  a b\n    ^\n"
                "why: what was given is malformed or out of limits\n"
            ),
        ),
    ],
)
def test_an_error_says_problem_why_and_what_to_do(error: ArchiverError, told: str) -> None:
    said = Said()

    said.output.error(error)

    assert (said.out, said.err) == ("", told)


def test_progress_is_shown_only_to_a_person_and_never_on_stdout() -> None:
    quiet, watched = Said(), Said(terminal=True)

    for said in (quiet, watched):
        with said.output.progress("Importing") as show:
            show(1, None)
            show(2, 2)

    assert (quiet.out, quiet.err) == ("", "")
    assert watched.out == ""
    assert "Importing" in watched.err


def test_counts_are_said_with_their_noun() -> None:
    assert [counted(n, "hold") for n in (0, 1, 1284)] == ["0 holds", "1 hold", "1,284 holds"]
