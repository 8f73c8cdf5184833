"""A search term report as files: CSV for one table, XLSX for all of it.

No cell is ever a formula (CWE-1236): in CSV such a text gets an apostrophe (`archiver.csv_rows`),
in XLSX every text is written as a string, which a spreadsheet shows and never runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from io import BytesIO
from typing import Any, TypeAlias

import xlsxwriter

from archiver.clock import rfc3339
from archiver.csv_rows import csv_lines
from archiver.legal.term_report import WITHOUT_WORDS, TermLine, TermReport, Totals
from search.normal_form import normalise

Cell: TypeAlias = str | int | float
Rows: TypeAlias = Iterable[Sequence[Cell]]

FAMILY = (
    "the thread: all versions of a post, its conversation, and whatever replies lead to; counted "
    "within the set"
)
"""What "including family" means, as every form of a report says it."""

_LONGEST = 32_767  # characters of a cell; xlsxwriter leaves a longer one out without a word
_TOTAL = "Any of the terms (each document once)"
_UNDATED = "undated"
_WITHOUT_WORDS = "Documents without words, which no word of a term can hit"


class Table(StrEnum):
    """A table of a report."""

    TERMS = "terms"
    ACCOUNTS = "accounts"
    MONTHS = "months"
    EXPANSIONS = "expansions"


def report_csv(report: TermReport, table: Table = Table.TERMS) -> Iterator[bytes]:
    """Yield one table of a report as CSV."""
    columns, rows = _TABLES[table](report)
    return csv_lines(columns, rows)


def report_xlsx(report: TermReport) -> bytes:
    """Return a report as a workbook; the same report gives the same bytes."""
    file = BytesIO()
    options = {
        "in_memory": False,
        "constant_memory": True,  # rows go to disk as they are written, each row once
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": report.title, "created": report.made_on.replace(tzinfo=None)})
        bold = book.add_format({"bold": True})
        _sheet(book.add_worksheet("Report"), ("Fact", "Value"), facts(report), bold)
        for table in Table:
            columns, rows = _TABLES[table](report)
            _sheet(book.add_worksheet(table.value.capitalize()), columns, rows, bold)
    return file.getvalue()


def facts(report: TermReport) -> list[tuple[str, Cell]]:
    """Return what a report states about itself, as labels and values."""
    return [
        ("Report", report.title),
        ("Report id", report.id),
        ("Matter", report.matter),
        ("Made at", rfc3339(report.made_on)),
        ("Made by", report.made_by),
        ("Took (ms)", report.took_ms),
        ("Frozen set", report.set.name or report.set.id),
        ("Frozen set id", report.set.id),
        ("Query of the set", report.set.query or "everything that can be searched"),
        ("Records of the set", report.set.records),
        ("SHA-256 of the set's record ids", report.set.digest),
        ("Log size of the set", report.set.log_size),
        ("Part of the archive", ", ".join(report.within) or "all of it"),
        ("Documents counted", report.documents),
        ("Documents with any hit", report.total.documents),
        ("Posts that cannot be searched, in no count", report.not_searchable),
        (_WITHOUT_WORDS, _without_words(report)),
        ("Terms", len(report.terms)),
        ("Terms that could not be counted", report.errors),
        ("Terms are written in", report.syntax),
        ("Plain words stemmed", "yes" if report.stem else "no"),
        ("Time zone of days and months", report.zone),
        ("Query language", report.grammar),
        ("Analyzer", report.analyzer),
        ("Search engine", report.engine),
        ("Document", "one version of one post"),
        ("Family", FAMILY),
    ]


def _without_words(report: TermReport) -> Cell:
    return "not counted then" if report.without_words is None else report.without_words


def _sheet(sheet: Any, columns: Sequence[str], rows: Rows, bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(columns):
        sheet.set_column(place, place, 48 if name in {"Term", "Value", "Understood as"} else 16)
    for place, name in enumerate(columns):
        sheet.write_string(0, place, name, bold)
    for line, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(line, place, _fitting(value))
            else:
                sheet.write_number(line, place, value)


def _fitting(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _terms(report: TermReport) -> tuple[Sequence[str], Rows]:
    columns = (
        *("No.", "Term", "Documents with hits", "With hits, including family", "Unique hits"),
        *("% of the set", "Understood as", "Error", "Notes"),
    )

    def rows() -> Iterator[Sequence[Cell]]:
        for term in report.terms:
            counts = (term.documents, term.family, term.unique, _share(report, term.documents))
            # A term that was not counted has no count: a 0 would say that it hit nothing.
            told: tuple[Cell, ...] = ("", "", "", "") if term.error else counts
            error = " ".join(term.error.split())
            notes = "; ".join(term.notes)
            yield (term.position, term.text, *told, term.normalised, error, notes)
        total = report.total
        share = _share(report, total.documents)
        yield ("", _TOTAL, total.documents, total.family, "", share, "", "", "")
        if (wordless := report.without_words) is not None:
            query, share = normalise(WITHOUT_WORDS), _share(report, wordless)
            yield ("", _WITHOUT_WORDS, wordless, "", "", share, query, "", "")

    return columns, rows()


def _accounts(report: TermReport) -> tuple[Sequence[str], Rows]:
    columns = ("No.", "Term", "Platform", "Account", "Custodian", "Documents with hits")

    def rows() -> Iterator[Sequence[Cell]]:
        for number, text, line in _lines(report):
            for account, documents in report.by_account(line):
                yield (number, text, *account, documents)

    return columns, rows()


def _months(report: TermReport) -> tuple[Sequence[str], Rows]:
    columns = ("No.", "Term", *(month or _UNDATED for month in report.months))

    def rows() -> Iterator[Sequence[Cell]]:
        for number, text, line in _lines(report):
            counts = dict(line.months)
            places = range(len(report.months))
            yield (number, text, *(counts.get(place, 0) for place in places))

    return columns, rows()


def _expansions(report: TermReport) -> tuple[Sequence[str], Rows]:
    columns = ("No.", "Term", "Word", "Different words it stood for", "Most frequent", "Records")

    def rows() -> Iterator[Sequence[Cell]]:
        for term in report.terms:
            for each in term.expansions:
                tokens = "too many to be counted" if each.tokens is None else each.tokens
                start: tuple[Cell, ...] = (term.position, term.text, each.word, tokens)
                for token, records in each.told or (("", 0),):
                    yield (*start, token, records)

    return columns, rows()


def _lines(report: TermReport) -> Iterator[tuple[Cell, str, TermLine | Totals]]:
    for term in report.counted:
        yield term.position, term.text, term
    yield "", _TOTAL, report.total


def _share(report: TermReport, documents: int) -> float:
    return round(100 * documents / report.documents, 2) if report.documents else 0.0


_TABLES = {
    Table.TERMS: _terms,
    Table.ACCOUNTS: _accounts,
    Table.MONTHS: _months,
    Table.EXPANSIONS: _expansions,
}
