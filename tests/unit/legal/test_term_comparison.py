"""Two reports compared: what a term is, what counts as changed, and which documents moved."""

from dataclasses import replace

from archiver.legal.term_comparison import Change, compare
from archiver.legal.term_report import (
    SetFacts,
    TermLine,
    TermReport,
    Totals,
    report_of,
    report_text,
)

SET = SetFacts(id="S", name="", query="", records=9, digest="d", log_size=9)


def a_report(*terms: TermLine, **changed: object) -> TermReport:
    report = TermReport(
        id="R",
        name="",
        matter="",
        set=SET,
        syntax="muniment",
        stem=False,
        zone="UTC",
        grammar="g",
        analyzer="a",
        engine="e",
        within=(),
        documents=9,
        not_searchable=0,
        accounts=(),
        months=(),
        terms=terms,
        total=Totals(documents=0, family=0, accounts=(), months=()),
        made_at=0,
        made_by="carla",
        took_ms=1,
    )
    return replace(report, **changed)  # type: ignore[arg-type] # fields of a report


def term(text: str, *, documents: int = 0, normalised: str | None = None) -> TermLine:
    return TermLine(
        position=1,
        text=text,
        normalised=text if normalised is None else normalised,
        documents=documents,
        family=documents,
        unique=documents,
    )


def test_a_report_is_kept_as_text_and_comes_back_equal() -> None:
    report = a_report(term("fraud", documents=3), months=("2026-11",))

    assert report_of(report_text(report)) == report


def test_terms_are_the_same_where_they_were_understood_the_same() -> None:
    earlier = a_report(term("FRAUD", documents=2, normalised="fraud"), term("bribe", documents=1))
    later = a_report(term("wire", documents=1), term("fraud", documents=2, normalised="fraud"))

    found = compare(earlier, [(1, 2), (5,)], later, [(7,), (1, 2)])

    assert [(each.text, each.change) for each in found.terms] == [
        ("wire", Change.ADDED),
        ("fraud", Change.SAME),
        ("bribe", Change.REMOVED),
    ]
    assert (found.gained, found.lost) == ((7,), (5,))


def test_the_same_count_of_other_documents_is_a_change() -> None:
    one = a_report(term("fraud", documents=2))

    (found,) = compare(one, [(1, 2)], one, [(2, 3)]).terms

    assert (found.change, found.gained, found.lost) == (Change.CHANGED, 1, 1)


def test_a_term_that_could_not_be_read_is_known_by_its_text() -> None:
    broken = TermLine(position=1, text="fraud AND", error="more is missing")
    mended = term("fraud AND wire", documents=1)

    found = compare(a_report(broken), [()], a_report(broken, mended), [(), (4,)])

    assert [(each.text, each.change) for each in found.terms] == [
        ("fraud AND", Change.SAME),
        ("fraud AND wire", Change.ADDED),
    ]


def test_other_sets_and_other_readings_are_told() -> None:
    one = a_report()

    assert compare(one, [], one, []).same_set
    assert not compare(one, [], a_report(set=replace(SET, digest="other")), []).same_set
    assert not compare(one, [], a_report(documents=8), []).same_set
    assert not compare(one, [], a_report(analyzer="b"), []).same_reading
