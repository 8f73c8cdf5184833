"""A table taken away is read back as it was, and no spreadsheet runs any of it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.csv_rows import BOM, cell, csv_lines


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "\x00=1",
        "\u00a0=1",
    ],
)
def test_what_begins_like_a_formula_becomes_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["plain", "1", "a=b", "it's -1", "(+1)", ""])
def test_what_does_not_is_left_as_it_is(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize(("value", "text"), [(-5, "-5"), (-0.5, "-0.5"), (7, "7"), (None, "")])
def test_numbers_stay_numbers(value: float | None, text: str) -> None:
    assert cell(value) == text


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_every_text_comes_back(rows: list[list[str]]) -> None:
    data = b"".join(csv_lines(("a", "b"), rows))

    assert data.startswith(BOM)
    text = data.removeprefix(BOM).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["a", "b"]
    assert [
        [each.encode(errors="replace").decode() for each in map(cell, row)] for row in rows
    ] == (read[1:])


@given(st.text())
def test_no_separator_of_another_language_starts_a_cell(text: str) -> None:
    line = b"".join(csv_lines(("a",), [[f"x;{text}"]])).decode().partition("\r\n")[2]

    assert line.startswith('"x;')
