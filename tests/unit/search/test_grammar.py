# ruff: noqa: RUF001 - typographic quotes and look-alikes are what is tested
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import dates
from search.analyzer import tokens
from search.errors import QueryError
from search.grammar import MAX_CLAUSES, MAX_DEPTH, MAX_LENGTH, parse
from search.normal_form import normalise
from search.patterns import Pattern
from search.query import (
    And,
    DateName,
    DateRange,
    Field,
    FieldName,
    Fuzzy,
    Held,
    Near,
    Not,
    Or,
    Phrase,
    Query,
    Stemmed,
    Term,
    Wildcard,
)

A, B, C = Term("a"), Term("b"), Term("c")
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
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
    ('"really?"', Phrase((Pattern("really?"),)), '"really?"'),
    ('"really!"', Phrase(("really",)), '"really"'),
    (ENGLAND, Term(ENGLAND), ENGLAND),
    ("$1,000,000.50", Phrase(("1", "000", "000.50")), '"1 000 000.50"'),
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
    ("has:link", Field(FieldName.HAS, "link"), "has:link"),
    ("HAS:Text", Field(FieldName.HAS, "text"), "has:text"),
    ("NOT has:text", Not(Field(FieldName.HAS, "text")), "NOT has:text"),
    ("is:reply", Field(FieldName.CHANGE, "reply"), "is:reply"),
    ("is:HELD AND a", And((Held(), A)), "is:held AND a"),
    (f"hash:{'AB' * 32}", Field(FieldName.HASH, "ab" * 32), f"hash:{'ab' * 32}"),
    (
        "\u202ahas:media\u200b AND\ufeff a",
        And((Field(FieldName.HAS, "media"), A)),
        "has:media AND a",
    ),
    ("from：\u200ebob", Field(FieldName.FROM, "bob"), "from:bob"),
    # Words that stand for many, folded as the analyzer folds.
    ("Earn*", Wildcard(Pattern("earn*")), "earn*"),
    ("*TION", Wildcard(Pattern("*tion")), "*tion"),
    ("wom?n", Wildcard(Pattern("wom?n")), "wom?n"),
    ("co*op?", Wildcard(Pattern("co*op?")), "co*op?"),
    ("fra**d", Wildcard(Pattern("fra*d")), "fra*d"),
    ("CAFÉ*", Wildcard(Pattern("cafe*")), "cafe*"),
    ("cafe\u0301*", Wildcard(Pattern("cafe*")), "cafe*"),
    ("#Cov*", Wildcard(Pattern("#cov*")), "#cov*"),
    ("@Rep*", Wildcard(Pattern("@rep*")), "@rep*"),
    ("$TS*", Wildcard(Pattern("$ts*")), "$ts*"),
    ("don’t*", Wildcard(Pattern("don't*")), "don't*"),
    ("3.1*", Wildcard(Pattern("3.1*")), "3.1*"),
    ("*@acme.com", Wildcard(Pattern("*@acme.com")), "*@acme.com"),
    ("co-oper*", Phrase(("co", Pattern("oper*"))), '"co oper*"'),
    (
        "foo_bar*",
        Or((Phrase(("foo", Pattern("bar*"))), Wildcard(Pattern("#foo_bar*")))),
        '"foo bar*" OR #foo_bar*',
    ),
    ('"Mark* sales"', Phrase((Pattern("mark*"), "sales")), '"mark* sales"'),
    ('"*️⃣ #Cov*"', Phrase(("*⃣", Pattern("#cov*"))), '"*⃣ #cov*"'),
    ("*️⃣", Term("*⃣"), "*⃣"),
    ("Fraude~1", Fuzzy("fraude"), "fraude~1"),
    ("#Fraud~1", Fuzzy("#fraud"), "#fraud~1"),
    ("stem:Running", Stemmed("running"), "stem:running"),
    ("STEM:and", Stemmed("and"), "stem:and"),
    # Words near each other.
    ("a W/5 b", Near(A, B, 5), "a w/5 b"),
    ("a pre/005 b", Near(A, B, 5, ordered=True), "a pre/5 b"),
    ("(a w/5 b) pre/2 c", Near(Near(A, B, 5), C, 2, ordered=True), "(a w/5 b) pre/2 c"),
    ("a w/5 (b pre/2 c)", Near(A, Near(B, C, 2, ordered=True), 5), "a w/5 (b pre/2 c)"),
    (
        '(bri* OR "kick back") w/10 (stem:pay OR offic~1 OR b)'.replace("offic", "office"),
        Near(
            Or((Wildcard(Pattern("bri*")), Phrase(("kick", "back")))),
            Or((Stemmed("pay"), Fuzzy("office"), B)),
            10,
        ),
        '(bri* OR "kick back") w/10 (stem:pay OR office~1 OR b)',
    ),
    ("東京 w/3 a", Near(Or((Phrase(("東", "京")), Term("#東京"))), A, 3), None),
    ("NOT (a w/5 b)", Not(Near(A, B, 5)), "NOT (a w/5 b)"),
    ("(a w/5 b) AND c", And((Near(A, B, 5), C)), "(a w/5 b) AND c"),
]


@pytest.mark.parametrize(("text", "tree", "normal"), READ)
def test_a_query_is_read_and_echoed_as_documented(
    text: str, tree: Query, normal: str | None
) -> None:
    assert parse(text) == tree
    assert normal is None or normalise(tree) == normal
    assert parse(normalise(tree)) == tree


def test_stemming_is_an_option_that_the_normal_form_tells() -> None:
    text = 'Runs AND "runs" AND #runs AND run* AND 2020 AND ((stop w/3 boby~1) OR from:runs)'
    read = parse(text, stem=True)
    assert normalise(read) == (
        'stem:runs AND "runs" AND #runs AND run* AND 2020 AND ((stem:stop w/3 boby~1) OR from:runs)'
    )
    assert parse(normalise(read)) == read
    assert parse(normalise(read), stem=True) == read


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
    # text, position of the fault, a piece of the message, suggestions
    ("", 0, "empty", ()),
    ("   ", 0, "empty", ()),
    ("apple pie", 6, "Expected AND or OR", ("apple AND pie", '"apple pie"')),
    ("apple pie OR cake", 6, "AND or OR", ("(apple AND pie) OR cake", '"apple pie" OR cake')),
    ("a (b OR c)", 2, "Expected AND or OR", ("a AND (b OR c)",)),
    ("a NOT b", 2, "Expected AND or OR", ("a AND NOT b",)),
    ('"a" "b"', 4, "Expected AND or OR", ('"a" AND "b"',)),
    ("a OR b AND c", 7, "mixed", ("a OR (b AND c)", "(a OR b) AND c")),
    ("x AND (a AND b OR c)", 15, "mixed", ("x AND ((a AND b) OR c)", "x AND (a AND (b OR c))")),
    ("NOT a AND b OR c", 12, "mixed", ("(NOT a AND b) OR c", "NOT a AND (b OR c)")),
    ("a w/5 b OR c", 8, "w/5 and OR are mixed", ("(a w/5 b) OR c", "a w/5 (b OR c)")),
    ("a w/5 b AND c", 8, "w/5 and AND are mixed", ("(a w/5 b) AND c", "(a w/5 b) AND (a w/5 c)")),
    ("a w/5 b w/5 c", 8, "which two", ("(a w/5 b) w/5 c", "a w/5 (b w/5 c)")),
    ("a w/5 b pre/5 c", 8, "which two", ("(a w/5 b) pre/5 c", "a w/5 (b pre/5 c)")),
    ("(a AND b) w/5 c", 3, "AND belongs outside w/5", ("(a w/5 c) AND (b w/5 c)",)),
    ("a w/5 NOT b", 6, "NOT belongs outside", ("a AND NOT (a w/5 b)",)),
    ("NOT a w/5 b", 0, "NOT belongs outside", ("NOT (a w/5 b)", "b AND NOT (a w/5 b)")),
    ("a pre/5 from:b", 8, "from:b belongs outside", ("a AND from:b",)),
    ("a w/0 b", 4, "1 to 1,000", ("a w/1 b",)),
    ("a w/1001 b", 4, "1 to 1,000", ("a w/1000 b",)),
    ("w/5 a", 0, "at the start, found w/5", ("a",)),
    ("a and b", 2, "AND in capitals", ("a AND b",)),
    ("a and b and c", 2, "AND in capitals", ("a AND b AND c",)),
    ("a Or b", 2, "OR in capitals", ("a OR b",)),
    ("not a", 0, "NOT in capitals", ("NOT a",)),
    ("and", 0, "AND in capitals", ('"and"',)),
    ("ＡＮＤ", 0, "AND in capitals", ('"ＡＮＤ"',)),
    ("a AND", 5, "after AND, found the end", ("a",)),
    ("OR a", 0, "at the start, found OR", ("a",)),
    ("a AND OR b", 6, "after AND, found OR", ("a OR b", "a AND b")),
    ("NOT", 3, "after NOT", ()),
    ("(a", 0, "not closed", ("(a)",)),
    ("a AND (b OR (c)", 6, "not closed", ("a AND (b OR (c))",)),
    ("a)", 1, "closes nothing", ("a",)),
    ("()", 1, "after (, found )", ()),
    ('a AND "b', 6, "not closed", ('a AND "b"',)),
    ('a AND "b AND (c', 6, "not closed", ()),
    ('a"b"', 1, "Expected a space", ('a AND "b"',)),
    ('"a"b', 3, "Expected a space", ('"a" AND b',)),
    ('""', 0, "between these quotes", ()),
    ("&&", 0, "no letter, digit or emoji", ()),
    # Signs that stand for others where they cannot.
    ("*", 0, "alone would stand for any word", ()),
    ("a OR b?", 6, "two letters or more", ("a OR b",)),
    ("#a*", 2, "two letters or more", ("#a",)),
    ("東京*", 2, "京 is a word by itself", ("東京",)),
    ("👍🏽*", 2, "is a word by itself", ("👍🏽",)),
    ('"apple * pie"', 7, "any word", ("apple pre/2 pie", '"apple pie"')),
    ("https://x.com/w?v=1", 15, "web address", ('"https://x.com/w?v=1"',)),
    ('"https://x.com/w?"', 16, "at a web address", ('"https://x.com/w"',)),
    ("fra＊", 3, "full-width", ("fra*",)),
    ("fraud~", 5, "written ~1", ("fraud~1", "stem:fraud")),
    ("fraud~2", 5, "written ~1", ("fraud~1", "stem:fraud")),
    ("cat~1", 3, "4 letters or more", ("cat",)),
    ("fra*~1", 4, "without * or ?", ("fra*",)),
    ('"fraud~1 case"', 6, "inside a phrase", ()),
    ("stem:run*", 0, "one word after stem:", ("stem:run",)),
    ('stem:"sold out"', 0, "one word after stem:", ("stem:sold AND stem:out",)),
    ("stem:#runs", 0, "plain word", ("stem:runs", "#runs")),
    # Other query languages.
    ("apple NEAR pear", 6, "NEAR is not an operator", ("apple w/8 pear",)),
    ("a NEAR(5) b", 2, "NEAR(5) is not an operator", ("a w/5 b",)),
    ("a NEAR/5 b", 2, "NEAR/5 is not an operator", ("a w/5 b",)),
    ("a ONEAR(n=5) b", 2, "ONEAR(n=5) is not", ("a pre/5 b",)),
    ("a AROUND(5) b", 2, "AROUND(5) is not", ("a w/5 b",)),
    ("a around 5 b", 2, "around 5 is not", ("a w/5 b",)),
    ("a w / 5 b", 2, "w / 5 is not", ("a w/5 b",)),
    ("a within 5 words of b", 2, "within 5 words of is not", ("a w/5 b",)),
    ("a /5 b", 2, "/5 is not", ("a w/5 b",)),
    ("a w/s b", 2, "no sentences", ("a w/10 b",)),
    ("a w/ b", 2, "How many words", ("a w/5 b", "a pre/5 b")),
    ("a NOT w/5 b", 2, "NOT w/5 is not", ("a AND NOT (a w/5 b)",)),
    ("a not near/5 b", 2, "not near/5 is not", ("a AND NOT (a w/5 b)",)),
    ("a NOT NEAR b", 2, "NOT NEAR is not", ("a AND NOT (a w/8 b)",)),
    ("a w/in 5 b", 2, "w/in 5 is not", ("a w/5 b",)),
    ("x OR a NOT w/5 (b OR c)", 7, "NOT w/5", ("x OR (a AND NOT (a w/5 (b OR c)))",)),
    ("a ANDNOT b", 2, "write AND NOT", ("a AND NOT b",)),
    ("a BUT NOT b", 2, "write AND NOT", ("a AND NOT b",)),
    ("a XOR b", 2, "XOR", ("(a AND NOT b) OR (b AND NOT a)",)),
    ("a && b && c", 2, "write AND", ("a AND b AND c",)),
    ("a || b", 2, "write OR", ("a OR b",)),
    ("a|b", 1, "write OR", ("(a OR b)",)),
    ("a, b", 1, "comma", ("a OR b", "a AND b", '"a b"')),
    ("a AND -b", 6, "- before a word", ("a AND NOT b",)),
    ("a -b", 2, "- before a word", ("a AND NOT b",)),
    ("+a +b", 0, "+ before a word", ("a AND b", '"a b"')),
    ("–b", 0, "– before a word", ("NOT b",)),
    ('"a b"~3', 5, "~ after a phrase", ("a w/4 b", '"a b"')),
    ('"a b"^3', 5, "^ (weights)", ('"a b"',)),
    ('"apple w/5 pear"', 7, "only outside quotes", ("apple w/5 pear",)),
    ('"##199[0-9]"', 0 + 1, "Regular expressions", ()),
    ("/fra[ud]+/", 0, "Regular expressions", ()),
    ("terminat!", 8, "stands for any ending", ("terminat*", "terminat")),
    ("fraud%", 5, "similar words, in dtSearch", ("fraud~1",)),
    ("19==", 2, "any digit, in dtSearch", ()),
    ("12~~24", 2, "Ranges of numbers", ()),
    ("a AND xfirstword", 6, "first or last word", ("a AND has:text",)),
    ("NOT xlastword", 4, "any word are has:text", ("NOT has:text",)),
    ("a w/5 xfirstword", 6, "first or last word", ()),
    ("'apple pie'", 0, "Single quotes", ('"apple pie"',)),
    ("‘fraud’", 0, "Single quotes", ('"fraud"',)),
    ("«apple pie»", 0, "does not quote", ('"apple pie"',)),
    ("amount>5", 6, "> is not a comparison", ()),
    ("date>=2026-01-01", 4, ">= is not", ("posted:2026-01-01..",)),
    ("posted>2026-01-31", 6, "> is not", ("posted:2026-02-01..",)),
    ("posted<=2026-01-31", 6, "<= is not", ("posted:..2026-01-31",)),
    ("captured<2026-01-01", 8, "< is not", ("captured:..2025-12-31",)),
    ("posted:<2026-01-01", 7, "expected a day", ("posted:..2025-12-31",)),
    ("[a", 0, "[ is not a bracket", ()),
    # Fields.
    ("author:bob", 0, "no field author:", ("from:bob",)),
    ("subject:merger", 0, "the whole text of a post", ("merger",)),
    ("nonsense:bob", 0, "no field nonsense:", ('"nonsense:bob"',)),
    ("newer_than:2d", 0, "no field newer_than:", ('"newer_than:2d"',)),
    ("sha256:9f86", 0, "no field sha256:", ()),
    ("from:'Ann Lee'", 5, "Single quotes", ('from:"Ann Lee"',)),
    ("a AND form:bob", 6, "no field form:", ("a AND from:bob",)),
    ("from: bob", 5, "right after from:", ("from:bob",)),
    ('from: "bob x" AND a', 5, "right after from:", ('from:"bob x" AND a',)),
    ("from:(a OR b)", 5, "(from:one OR from:other)", ("(from:a OR from:b)",)),
    ("from:a,b", 6, "does not combine", ("(from:a OR from:b)", 'from:"a,b"')),
    ("from contains bob", 5, "contains does not compare", ("from:bob",)),
    ("from:@", 5, "found only @", ()),
    ("account:acme*", 12, "compared as a whole", ()),
    ("is:edit", 0, "is:created or is:edited or is:deleted", ("is:edited",)),
    ("has:video", 0, "Expected has:media or has:link or has:text, found", ("has:media",)),
    ("has:words", 0, "Expected has:media or has:link or has:text, found", ("has:text",)),
    ("NOT has:txt", 4, "Expected has:media or has:link or has:text", ("NOT has:text",)),
    ("hash:abc", 5, "64 digits", ()),
    ("after:yesterday", 6, "expected a day like 2026-03-01", ()),
    ("after:2026-3-1", 6, "expected a day", ("after:2026-03-01",)),
    ("after:20260301", 6, "expected a day", ("after:2026-03-01",)),
    ("after:03/04/2026", 6, "expected a day", ("after:2026-03-04", "after:2026-04-03")),
    ("posted:2024-02", 7, "expected a day", ("posted:2024-02-01..2024-02-29",)),
    ("after:2024", 6, "expected a day", ("after:2024-01-01",)),
    ("after:2026-02-30", 6, "not a date of the calendar", ()),
    ("after:9999-12-31", 6, "not a date of the calendar", ()),
    ("after:2026-03-01T09:30:00", 6, "expected a day", ("after:2026-03-01T09:30:00Z",)),
    ("after:2026-03-01T09:30:00.1234Z", 6, "expected a day", ()),
    ("after:2026-03-01T25:00:00Z", 6, "not a date of the calendar", ()),
    ("posted:2026-03-01..soon", 19, "found 'soon'", ()),
    (
        "posted:[2026-01-01 TO 2026-02-01] AND a",
        7,
        "expected a day",
        ("posted:2026-01-01..2026-02-01 AND a",),
    ),
    (
        "posted:2026-03-05..2026-03-01",
        0,
        "ends after it begins",
        ("posted:2026-03-01..2026-03-05",),
    ),
    ("captured:2026-03-05T00:00:00Z", 0, "ends after it begins", ()),
    ("captured:..", 0, "one side", ()),
]


@pytest.mark.parametrize(("text", "position", "message", "suggestions"), REFUSED)
def test_what_cannot_be_read_in_one_way_is_refused_at_its_character(
    text: str, position: int, message: str, suggestions: tuple[str, ...]
) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert message in caught.value.message
    assert (caught.value.position, caught.value.suggestions) == (position, suggestions)
    for suggestion in suggestions:
        parse(suggestion)


def test_a_query_has_a_length_and_a_depth_it_may_not_exceed() -> None:
    names = " OR ".join(f"name{number}" for number in range(50_000))
    tree = parse(names)
    assert isinstance(tree, Or)
    assert len(tree.parts) == 50_000
    assert len(normalise(tree)) == len(names) < MAX_LENGTH
    with pytest.raises(QueryError, match="at most 1,000,000 characters"):
        parse("a" * (MAX_LENGTH + 1))
    with pytest.raises(QueryError, match="at most 60,000 words") as caught:
        parse(" OR ".join(["a"] * (MAX_CLAUSES + 1)))
    assert caught.value.position == MAX_CLAUSES * len("a OR ")
    nested = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(nested) == A
    for opening in ("(", "NOT "):
        with pytest.raises(QueryError, match="More than 50"):
            parse(opening * 4_000 + "a")
    # Its normal form has a bracket more than its text.
    deepest = parse("NOT " * (MAX_DEPTH - 1) + "東京")
    assert parse(normalise(deepest)) == deepest
    with pytest.raises(QueryError, match="More than 50"):
        parse("NOT " * MAX_DEPTH + "東京")


_SCRAPS = st.sampled_from(
    [
        *("a", "AND", "OR", "NOT", "and", "(", ")", '"', "“", " ", "from:", "after:", "東京", "\n"),
        *("2026-03-01", "..", "*", "?", "~", "~1", "x.y", "-", "is:edited", "https://x", "＂", "'"),
        *(
            "w/5",
            " pre/2 ",
            " NEAR(3) ",
            "stem:",
            "fraud",
            "[",
            " TO ",
            "]",
            "é",
            "\u0301",
            "👍🏽",
            "%",
        ),
        *("!", ",", "&&", "|", "\u200b", "：", "（", "#", "@", "$", "is:held", "posted:", ">"),
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
    for suggestion in refusal.suggestions:
        parse(suggestion)


_found = st.text(min_size=1).map(tokens).filter(bool)
_literal = _found.map(lambda found: found[0]).filter(lambda token: not set("*?~") & set(token))
_plain = st.from_regex(r"[a-zéøß0-9]{1,8}", fullmatch=True).flatmap(
    lambda text: st.sampled_from(tokens(text))
)
_patterns = st.from_regex(
    r"[#@]?[a-z]{2,4}[*?]([a-z]{1,3}[*?]?)?|[*?][a-z]{2,5}", fullmatch=True
).map(Pattern)
_terms = _literal.filter(lambda token: token not in {"and", "or", "not"}).map(Term)
_phrases = st.lists(
    _found.filter(lambda found: not set("*?~") & set("".join(found))).map(lambda found: found[0])
    | _patterns,
    min_size=1,
    max_size=4,
).map(lambda found: Phrase(tuple(found)))
_fuzzy = st.from_regex(r"[#@]?[a-z]{4,9}", fullmatch=True).map(Fuzzy)
_stemmed = _plain.filter(lambda token: token.isalpha()).map(Stemmed)
_single = st.one_of(_terms, _patterns.map(Wildcard), _fuzzy, _stemmed, _phrases)
_distances = st.integers(1, 1_000)
_near_words = st.recursive(
    _single,
    lambda words: st.one_of(
        st.builds(Near, words, words, _distances, st.booleans()),
        st.lists(words, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)
_moments = st.integers(_ms("0001-01-02T00:00:00Z"), _ms("9999-12-30T00:00:00Z"))
_days: st.SearchStrategy[Query] = st.one_of(
    _moments.map(lambda start: DateRange(DateName.POSTED, start, None)),
    _moments.map(lambda end: DateRange(DateName.CAPTURED, None, end)),
    st.tuples(_moments, _moments)
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: DateRange(DateName.CAPTURED, *pair)),
)
_fields: st.SearchStrategy[Query] = st.one_of(
    st.just(Held()),
    st.sampled_from(["plain", "two words", "x.y@z", "a:b", "état", "東京", "a/b-c_d+e"]).map(
        lambda value: Field(FieldName.ACCOUNT, value)
    ),
    st.sampled_from(["edited", "reply"]).map(lambda value: Field(FieldName.CHANGE, value)),
    st.sampled_from(["media", "link", "text"]).map(lambda value: Field(FieldName.HAS, value)),
    st.binary(min_size=32, max_size=32).map(lambda sha: Field(FieldName.HASH, sha.hex())),
)
_trees = st.recursive(
    st.one_of(_near_words, _days, _fields),
    lambda trees: st.one_of(
        trees.map(Not),
        st.lists(trees, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(trees, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
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
        "Try: apple AND pie\n"
        'or: "apple pie"'
    )


@pytest.mark.parametrize(
    ("before", "columns"),
    [
        ("", 0),
        ("東京 OR ", 8),
        ("cafe\u0301 OR ", 8),
        ("👍🏽 OR ", 6),
        ("👩‍👩‍👧 OR ", 6),
        ("🇺🇸 OR ", 6),
        ("1️⃣ OR ", 6),
        ("ａｂ OR ", 8),
        ("a\u00adb OR ", 6),
        ("สวัสดี OR ", 8),
    ],
)
def test_the_caret_stands_under_the_character_in_every_script(before: str, columns: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse(f"{before}from:x?")
    assert caught.value.position == len(before) + len("from:x")
    assert str(caught.value).splitlines()[2] == "  " + " " * (columns + len("from:x")) + "^"


def test_of_a_long_query_the_part_around_the_fault_is_shown() -> None:
    with pytest.raises(QueryError) as caught:
        parse("a OR " * 1_000 + "fraud?~1")
    shown, caret = str(caught.value).splitlines()[1:3]
    assert len(shown) < 130
    assert shown[caret.index("^")] == "~"
    before, at, after = caught.value.around()
    assert before.endswith("OR fraud?")
    assert (at, after) == ("~", "1")
