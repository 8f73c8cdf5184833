import pytest

from search.grammar import parse
from search.linting import Rule, Severity, lint

REMARKED = [
    # text, rule, position, end, text after the one suggestion
    ("“price fixing”", Rule.SMART_QUOTES, 0, 1, '"price fixing"'),
    ("fraud AND the", Rule.NOISE_WORD, 10, 13, None),
    ('fraud AND "The"', Rule.NOISE_WORD, 11, 14, None),
    ("fraud OR a?c*", Rule.SHORT_WILDCARD, 9, 13, None),
    ('"my ab* case"', Rule.SHORT_WILDCARD, 4, 7, None),
    ("fraud OR *tion", Rule.LEADING_WILDCARD, 9, 10, None),
    ('"are you sure?"', Rule.QUESTION_MARK, 13, 14, None),
    ('"fraud AND theft"', Rule.OPERATOR_IN_QUOTES, 7, 10, None),
    ("NOT fraud", Rule.ONLY_NOT, 0, 9, None),
    ("theft OR NOT fraud", Rule.ONLY_NOT, 0, 18, None),
    ("fraud AND from:bob", Rule.FIELD_IN_TERM, 10, 18, None),
    ("fraud AND after:2026-01-01", Rule.FIELD_IN_TERM, 10, 26, None),
    ("fraud OR C++", Rule.LOST_SIGN, 10, 11, None),
    ('"50%"', Rule.LOST_SIGN, 3, 4, None),
    ("fraud and theft", Rule.UNREADABLE, 6, 7, "fraud AND theft"),
    (" OR ".join(["embezzlement"] * 29), Rule.TOO_LONG, 450, 460, None),
]


@pytest.mark.parametrize(("text", "rule", "position", "end", "suggestion"), REMARKED)
def test_a_careful_reader_remarks_on_it_where_it_stands(
    text: str, rule: Rule, position: int, end: int, suggestion: str | None
) -> None:
    (found,) = lint(text, report=True)
    assert (found.rule, found.position, found.end) == (rule, position, end)
    assert (found.severity is Severity.ERROR) == (rule is Rule.UNREADABLE)
    assert found.suggestions == (() if suggestion is None else (suggestion,))
    for each in found.suggestions:
        parse(each)


@pytest.mark.parametrize(
    "text",
    [
        '((bribe* OR "kick back") w/10 official) AND NOT draft',
        "fraud* OR wom?n",
        "stem:run AND @acme",
        '"bill of rights"',
        '"https://x.com/a?b=1"',
        "fraud AND NOT draft",
        "$TSLA OR #win OR AT&T OR jo+tag@acme.com",
    ],
)
def test_a_sound_term_has_no_remark(text: str) -> None:
    assert lint(text, report=True) == ()


@pytest.mark.parametrize("text", ["fraud AND is:deleted", "(a1 OR (b2 w/3 c3)) AND IS:Deleted"])
def test_words_are_looked_for_in_vain_in_deletions(text: str) -> None:
    (found,) = lint(text)
    assert found.rule is Rule.WORDS_OF_DELETED
    assert text[found.position : found.end].lower() == "is:deleted"


@pytest.mark.parametrize(
    "text", ["is:deleted AND from:bob", "fraud OR is:deleted", "is:deleted AND NOT fraud"]
)
def test_deletions_without_words_are_not_remarked_on(text: str) -> None:
    assert lint(text) == ()


def test_fields_and_length_are_remarked_on_in_terms_of_a_report_only() -> None:
    assert lint("fraud AND from:bob") == ()
    assert lint(" OR ".join(["embezzlement"] * 29)) == ()
