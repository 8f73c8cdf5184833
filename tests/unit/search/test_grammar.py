# ruff: noqa: RUF001 - typographic quotes and look-alikes are what is tested
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import dates
from search.analyzer import tokens
from search.errors import QueryError
from search.grammar import MAX_DEPTH, MAX_LENGTH, parse
from search.normal_form import normalise
from search.query import (
    And,
    DateName,
    DateRange,
    Field,
    FieldName,
    Not,
    Or,
    Phrase,
    Query,
    Term,
)

A, B, C = Term("a"), Term("b"), Term("c")
NEW_YORK = ZoneInfo("America/New_York")


def _ms(instant: str) -> int:
    return dates.bounds(instant, UTC)[0]


READ = [
    ("Fraud", Term("fraud"), "fraud"),
    ("  a  AND\tb AND\nc ", And((A, B, C)), "a AND b AND c"),
    ("a OR b OR c", Or((A, B, C)), "a OR b OR c"),
    ("a AND NOT b", And((A, Not(B))), "a AND NOT b"),
    ("NOT a AND b", And((Not(A), B)), "NOT a AND b"),
    ("NOT (a OR b)", Not(Or((A, B))), "NOT (a OR b)"),
    ("NOT NOT a", Not(Not(A)), "NOT NOT a"),
    ("((a))", A, "a"),
    ("(a AND b) AND c", And((And((A, B)), C)), "(a AND b) AND c"),
    ("(a AND b)OR(c)", Or((And((A, B)), C)), "(a AND b) OR c"),
    ('"Quarterly  Earnings!"', Phrase(("quarterly", "earnings")), '"quarterly earnings"'),
    ("“smart quotes”", Phrase(("smart", "quotes")), '"smart quotes"'),
    ('"earnings"', Phrase(("earnings",)), '"earnings"'),
    ('"and" AND "OR"', And((Phrase(("and",)), Phrase(("or",)))), '"and" AND "or"'),
    ('"really?"', Phrase(("really",)), '"really"'),
    ('"https://x.com/w?v=*"', Phrase(("https://x.com/w?v=*",)), '"https://x.com/w?v=*"'),
    ("https://x.com/a:b", Term("https://x.com/a:b"), "https://x.com/a:b"),
    ("don’t", Term("don't"), "don't"),
    ("U.S.", Term("u.s"), "u.s"),
    ("@RepJacobs", Term("@repjacobs"), "@repjacobs"),
    ("$TSLA", Term("$tsla"), "$tsla"),
    ("🎉", Term("🎉"), "🎉"),
    ("COVID-19", Phrase(("covid", "19")), '"covid 19"'),
    ("10:30", Phrase(("10", "30")), '"10 30"'),
    ("東京", Or((Phrase(("東", "京")), Term("#東京"))), '"東 京" OR #東京'),
    ("NOT 東京", Not(Or((Phrase(("東", "京")), Term("#東京")))), 'NOT ("東 京" OR #東京)'),
    ("（a OR b）AND c", And((Or((A, B)), C)), "(a OR b) AND c"),
    ("from:@RepJacobs", Field(FieldName.FROM, "repjacobs"), "from:repjacobs"),
    ("FROM:RepJacobs", Field(FieldName.FROM, "repjacobs"), "from:repjacobs"),
    ('class:"GEN  01"', Field(FieldName.CLASS, "gen 01"), 'class:"gen 01"'),
    ("tag:#Q3", Field(FieldName.TAG, "q3"), "tag:q3"),
    ("is:Edited", Field(FieldName.CHANGE, "edited"), "is:edited"),
    ("has:media", Field(FieldName.HAS, "media"), "has:media"),
]


@pytest.mark.parametrize(("text", "tree", "normal"), READ)
def test_a_query_is_read_and_echoed_as_documented(text: str, tree: Query, normal: str) -> None:
    assert parse(text) == tree
    assert normalise(tree) == normal
    assert parse(normal) == tree


DATES = [
    ("after:2026-03-01", UTC, "after:2026-03-01T00:00:00Z"),
    ("after:2026-03-01", NEW_YORK, "after:2026-03-01T05:00:00Z"),
    ("before:2026-03-01", UTC, "before:2026-03-01T00:00:00Z"),
    ("after:2026-03-01T09:30:00.5+02:00", NEW_YORK, "after:2026-03-01T07:30:00.500Z"),
    ("posted:2026-03-01", UTC, "posted:2026-03-01T00:00:00Z..2026-03-02T00:00:00Z"),
    ("posted:..2026-03-31", UTC, "before:2026-04-01T00:00:00Z"),
    ("posted:2026-03-01..", UTC, "after:2026-03-01T00:00:00Z"),
    ("captured:2026-03-01..", UTC, "captured:2026-03-01T00:00:00Z.."),
    ("captured:..2026-03-31", UTC, "captured:..2026-04-01T00:00:00Z"),
    # The day the clocks go forward has 23 hours; in Beirut it has no midnight either.
    ("captured:2026-03-08", NEW_YORK, "captured:2026-03-08T05:00:00Z..2026-03-09T04:00:00Z"),
    (
        "captured:2026-03-29",
        ZoneInfo("Asia/Beirut"),
        "captured:2026-03-28T22:00:00Z..2026-03-29T21:00:00Z",
    ),
    (
        "captured:2026-03-01T00:00:00Z..2026-03-01T06:00:00Z",
        UTC,
        "captured:2026-03-01T00:00:00Z..2026-03-01T06:00:00Z",
    ),
]


@pytest.mark.parametrize(("text", "zone", "normal"), DATES)
def test_a_day_is_a_day_of_the_callers_zone_and_the_echo_is_utc(
    text: str, zone: tzinfo, normal: str
) -> None:
    query = parse(text, zone=zone)
    assert normalise(query) == normal
    assert parse(normal, zone=NEW_YORK) == query


def test_after_includes_the_day_and_before_does_not() -> None:
    start = _ms("2026-03-01T00:00:00Z")
    assert parse("after:2026-03-01") == DateRange(DateName.POSTED, start, None)
    assert parse("before:2026-03-01") == DateRange(DateName.POSTED, None, start)


REFUSED = [
    # text, position of the fault, a piece of the message, suggestion
    ("", 0, "empty", ""),
    ("   ", 0, "empty", ""),
    ("apple pie", 6, "Expected AND or OR", "apple AND pie"),
    ("apple pie crust", 6, "Expected AND or OR", "apple AND pie AND crust"),
    ("apple pie OR cake", 6, "Expected AND or OR", "(apple AND pie) OR cake"),
    ("a (b OR c)", 2, "Expected AND or OR", "a AND (b OR c)"),
    ("a NOT b", 2, "Expected AND or OR", "a AND NOT b"),
    ('"a" "b"', 4, "Expected AND or OR", '"a" AND "b"'),
    ("a OR b AND c", 7, "a OR (b AND c) or (a OR b) AND c", "a OR (b AND c)"),
    ("x AND (a AND b OR c)", 15, "mixed", "x AND ((a AND b) OR c)"),
    ("NOT a AND b OR c", 12, "mixed", "(NOT a AND b) OR c"),
    ("a and b", 2, "AND in capitals", "a AND b"),
    ("a Or b", 2, "OR in capitals", "a OR b"),
    ("not a", 0, "NOT in capitals", "NOT a"),
    ("and", 0, "AND in capitals", '"and"'),
    ("ＡＮＤ", 0, "AND in capitals", '"ＡＮＤ"'),
    ("a AND", 5, "after AND, found the end", ""),
    ("OR a", 0, "at the start, found OR", ""),
    ("a AND OR b", 6, "after AND, found OR", ""),
    ("NOT", 3, "after NOT", ""),
    ("(a", 0, "not closed", "(a)"),
    ("a AND (b OR (c)", 6, "not closed", "a AND (b OR (c))"),
    ("a)", 1, "closes nothing", ""),
    ("()", 1, "after (, found )", ""),
    ('a AND "b', 6, "not closed", ""),
    ('a"b"', 1, "Expected a space", ""),
    ('"a"b', 3, "Expected a space", ""),
    ('"a b"~3', 5, "~ after a phrase", ""),
    ('""', 0, "between these quotes", ""),
    ("&&", 0, "no letter, digit or emoji", ""),
    ("fra*", 3, "* (any letters) is not supported yet", ""),
    ("a OR wom?n", 8, "? (any letter) is not supported yet", ""),
    ("fraud~1", 5, "~ (similar words) is not supported yet", ""),
    ('"mark* sales"', 5, "* (any letters)", ""),
    ('a AND "wom?n"', 10, "? (any letter)", ""),
    ("apple w/5 pear", 6, "w/5 (words near each other) is not supported yet", ""),
    ("apple PRE/5 pear", 6, "PRE/5 (words near each other)", ""),
    ("https://x.com/w?v=1", 15, "put it in quotes", '"https://x.com/w?v=1"'),
    ("a AND -b", 6, "- before a word", "a AND NOT b"),
    ("+b", 0, "+ before a word", "b"),
    ("–b", 0, "– before a word", "NOT b"),
    ("a|b", 1, "write OR", ""),
    ("amount>5", 6, "> is not an operator", ""),
    ("[a", 0, "[ is not a bracket", ""),
    ("author:bob", 0, "no field author:", '"author:bob"'),
    ("a AND form:bob", 6, "no field form:", "a AND from:bob"),
    ("from: bob", 5, "right after from:", ""),
    ("from:(a OR b)", 5, "(from:one OR from:other)", ""),
    ("from:@", 5, "found only @", ""),
    ("account:acme*", 12, "* (any letters) is not supported yet in fields", ""),
    ('account:"acme?"', 13, "? (any letter) is not supported yet in fields", ""),
    ("is:edit", 0, "is:created or is:edited or is:deleted", "is:edited"),
    ("has:video", 0, "Expected has:media", ""),
    ("after:yesterday", 6, "expected a day like 2026-03-01", ""),
    ("after:2026-3-1", 6, "expected a day", ""),
    ("after:20260301", 6, "expected a day", ""),
    ("after:2026-02-30", 6, "not a date of the calendar", ""),
    ("after:9999-12-31", 6, "not a date of the calendar", ""),
    ("after:2026-03-01T09:30:00", 6, "expected a day", ""),
    ("after:2026-03-01T09:30:00.1234Z", 6, "expected a day", ""),
    ("after:2026-03-01T25:00:00Z", 6, "not a date of the calendar", ""),
    ("posted:2026-03-01..soon", 19, "found 'soon'", ""),
    ("posted:2026-03-05..2026-03-01", 0, "ends after it begins", ""),
    ("captured:2026-03-05T00:00:00Z", 0, "ends after it begins", ""),
    ("captured:..", 0, "one side", ""),
]


@pytest.mark.parametrize(("text", "position", "message", "suggestion"), REFUSED)
def test_what_cannot_be_read_in_one_way_is_refused_at_its_character(
    text: str, position: int, message: str, suggestion: str
) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert message in caught.value.message
    assert (caught.value.position, caught.value.suggestion) == (position, suggestion)


@pytest.mark.parametrize("suggestion", sorted({case[3] for case in REFUSED if case[3]}))
def test_a_suggestion_can_be_searched_as_it_stands(suggestion: str) -> None:
    if suggestion == "(NOT a AND b) OR c":
        assert parse(suggestion) == Or((And((Not(A), B)), C))
    parse(suggestion)


def test_a_query_has_a_length_and_a_depth_it_may_not_exceed() -> None:
    names = " OR ".join(f"name{number}" for number in range(1_000))
    tree = parse(names)
    assert isinstance(tree, Or)
    assert len(tree.parts) == 1_000
    with pytest.raises(QueryError, match="at most 20,000 characters"):
        parse("a" * (MAX_LENGTH + 1))
    nested = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(nested) == A
    for opening in ("(", "NOT "):
        with pytest.raises(QueryError, match="More than 50"):
            parse(opening * 4_000 + "a")


_SCRAPS = st.sampled_from(
    [
        *("a", "AND", "OR", "NOT", "and", "(", ")", '"', "“", " ", "from:", "after:", "東京", "\n"),
        *("2026-03-01", "..", "*", "?", "~", "x.y", "-", "is:edited", "https://x", "＂", "w/5"),
    ]
)


@given(st.lists(_SCRAPS).map("".join) | st.text())
def test_any_text_is_read_or_refused_within_it_and_reads_back_from_its_echo(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        refusal = error
    else:
        assert parse(normalise(query)) == query
        return
    assert 0 <= refusal.position <= len(text)
    assert str(refusal).startswith(refusal.message)


_words = st.text(min_size=1).map(tokens).filter(bool)
_terms = _words.map(lambda found: Term(found[0])).filter(
    lambda term: term.token not in {"and", "or", "not"} and not set("*?~") & set(term.token)
)
_moments = st.integers(_ms("0001-01-02T00:00:00Z"), _ms("9999-12-30T00:00:00Z"))
_leaves: st.SearchStrategy[Query] = st.one_of(
    _terms,
    _words.filter(lambda found: not set("*?") & set("".join(found))).map(
        lambda found: Phrase(tuple(found))
    ),
    _moments.map(lambda start: DateRange(DateName.POSTED, start, None)),
    _moments.map(lambda end: DateRange(DateName.CAPTURED, None, end)),
    st.tuples(_moments, _moments)
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: DateRange(DateName.CAPTURED, *pair)),
    st.sampled_from(["plain", "two words", "x.y@z", "a:b", "état", "東京", "a/b-c_d+e"]).map(
        lambda value: Field(FieldName.ACCOUNT, value)
    ),
)
_trees = st.recursive(
    _leaves,
    lambda trees: st.one_of(
        trees.map(Not),
        st.lists(trees, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(trees, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=8,
)


@given(_trees)
def test_the_normal_form_of_a_tree_reads_back_as_the_same_tree(tree: Query) -> None:
    assert parse(normalise(tree), zone=NEW_YORK) == tree


def test_an_error_shows_the_query_with_a_caret_under_the_fault() -> None:
    with pytest.raises(QueryError) as caught:
        parse("apple\npie")
    assert str(caught.value) == (
        "Expected AND or OR here. For words next to each other, put them in quotes.\n"
        "  apple pie\n"
        "        ^\n"
        "Try: apple AND pie"
    )


def test_the_caret_stands_right_after_wide_characters_and_in_a_long_query() -> None:
    with pytest.raises(QueryError) as caught:
        parse("東京 fra*")
    assert str(caught.value).splitlines()[2] == "  " + " " * 8 + "^"
    with pytest.raises(QueryError) as caught:
        parse("a OR " * 1_000 + "fra*")
    shown, caret = str(caught.value).splitlines()[1:3]
    assert len(shown) < 130
    assert shown[caret.index("^")] == "*"
