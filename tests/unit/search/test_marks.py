# ruff: noqa: RUF001 - look-alike characters are the subject of this module
"""Highlights: every place the matcher found a word, at exact offsets of the original text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import Mark, marks, merged
from search.analyzer import spans, tokens
from search.document import document
from search.grammar import parse
from search.matcher import matches
from search.query import Query


def marked(query: str, text: str) -> list[str]:
    return [text[start:end] for start, end, _ in marks(parse(query), text)]


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        (
            "merger",
            "The Merger, MERGERS and #merger; merger's end",
            ["Merger", "#merger", "merger's"],
        ),
        ('"main street"', "Main  Street. main\nSTREET main", ["Main  Street", "main\nSTREET"]),
        ("cafe", "Le Café, ｃａｆé", ["Café", "ｃａｆé"]),
        ("東京", "東京と #東京 京東", ["東京", "#東京"]),
        ("@acme OR $TSLA", "by @Acme of $tsla", ["@Acme", "$tsla"]),
        ("👍", "ok 👍\ufe0f 👍🏽", ["👍\ufe0f"]),
        ("earn*", "Earning #EARNINGS, unearned", ["Earning", "#EARNINGS"]),
        ("*tion", "action, actions", ["action"]),
        ("h?t", "hat hut heat #hot", ["hat", "hut", "#hot"]),
        ("fraud~1", "Frauds, #fruad; defraud", ["Frauds", "#fruad"]),
        ("stem:report", "Reporting #reports, rapport", ["Reporting", "#reports"]),
        ('"mark* sales"', "Marked sales; market a; sales", ["Marked sales"]),
        ("a w/2 b", "a x b, y z a", ["a", "b"]),
        ("a pre/1 b", "b a b a", ["a", "b"]),
        ('"a b" w/2 c', "c a b. b a c", ["c", "a b"]),
        ("(a w/1 b) w/1 c", "c b a; x; a b x c", ["c", "b", "a"]),
        ("a w/1 a", "a x a a", ["a", "a"]),
        ("(a w/1 b) OR b", "a b x b", ["a", "b", "b", "b"]),
        ("東京 w/2 大阪", "東京と大阪、京", ["東京", "大阪"]),
        ("résumé", "Re\u0301sume\u0301!", ["Re\u0301sume\u0301"]),
        ('"العقد الجديد"', "\u200fوقع العقد\u200f الجديد", ["العقد\u200f الجديد"]),
        ("हिन्दी", "ये #हिन्दी, हिन्दी", ["#हिन्दी", "हिन्दी"]),
        ("👩‍👩‍👧", "👩 👩‍👩‍👧👩", ["👩‍👩‍👧"]),
        ("‼️", "Vote‼️ Now ❗❗, no ⁉", ["‼️", "❗❗"]),
        ("NOT (a w/1 b)", "a b", []),
        ("a AND NOT b", "a b", ["a"]),
        ("NOT (a AND NOT b)", "a b", ["b"]),
        ("platform:x AND after:2026-01-01", "platform x", []),
        ("a", "", []),
    ],
)
def test_what_was_found_is_marked_and_nothing_else(query: str, text: str, found: list[str]) -> None:
    assert marked(query, text) == found


def test_each_mark_names_its_term_and_overlaps_are_told_apart() -> None:
    found = marks(parse('"a b a" OR b OR a'), "a b a b a")

    assert found[:2] == (Mark(0, 5, '"a b a"'), Mark(0, 1, "a"))
    assert [mark.term for mark in found].count('"a b a"') == 2
    assert [mark.term for mark in found].count("b") == 2
    assert merged(found) == ((0, 9),)


def test_a_term_asked_twice_is_marked_once() -> None:
    assert marks(parse("fee AND (fee OR fees)"), "a fee") == (Mark(2, 5, "fee"),)


def test_ranges_that_only_touch_stay_apart() -> None:
    assert merged(marks(parse("東 OR 京"), "東京")) == ((0, 1), (1, 2))


WORDS = st.sampled_from(
    [
        *("fee", "fees", "#fee", "Fée", "fe\u0301e", "fee's", "b", "東京", "👍🏽", "...", "U.S."),
        *(
            "\u200fשלום",
            "ｆｅｅ",
            "𝐟ee",
            "fe\u00ade",
            "㍿",
            "ŉ",
            "ﬁ",
            "@fee",
            "https://fee.example/b",
        ),
    ]
)
ASKED = [
    *(
        "fee",
        '"fee b"',
        '"b b"',
        "b",
        "東京",
        "👍🏽",
        "U.S.",
        "fees",
        "fe*",
        "*ee",
        "f?e",
        "feet~1",
    ),
    *("stem:fee", '"fe* b"', "fee w/2 b", "fee pre/2 (b OR 東京)", "(fee w/3 fee) w/3 b", "שלום"),
]


@given(st.lists(WORDS, max_size=8).map(" ".join), st.sampled_from(ASKED).map(parse))
def test_a_text_has_marks_exactly_if_the_matcher_finds_it(text: str, query: Query) -> None:
    found = marks(query, text)

    assert bool(found) == matches(query, document(number=0, text=text, captured_at=0))
    assert all(0 <= mark.start < mark.end <= len(text) for mark in found)
    ranges = merged(found)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))


@given(st.lists(WORDS, max_size=8).map(" ".join), st.sampled_from(ASKED).map(parse))
def test_what_is_marked_is_what_was_found_when_it_is_analysed_alone(
    text: str, query: Query
) -> None:
    cut = spans(text)
    for start, end, _ in marks(query, text):
        found = [each.text for each in cut if start <= each.start and each.end <= end]
        again = tokens(text[start:end])
        assert found
        assert any(again[at : at + len(found)] == found for at in range(len(again)))


@given(st.lists(WORDS, max_size=8).map(" ".join), st.sampled_from(ASKED))
def test_nothing_is_marked_under_a_not(text: str, asked: str) -> None:
    assert marks(parse(f"NOT ({asked})"), text) == ()
    assert marks(parse(f"b AND NOT ({asked})"), text) == marks(parse("b"), text)


def test_of_thousands_of_places_near_each_other_the_first_are_marked() -> None:
    query = parse("((a w/100 b) w/100 (a w/100 b)) w/100 a")
    found = marks(query, "a b " * 10_000)
    assert len(found) > 500
    assert [mark.start for mark in found[:500]] == list(range(0, 1_000, 2))


@given(
    st.text(alphabet="abAB1 '.#@$_-\n/", max_size=80).map(lambda text: text + " x" * 3),
    st.sampled_from(
        [
            *(
                "a",
                "ab",
                "a OR b",
                "#ab",
                "@a",
                "$ab",
                "ab*",
                "*ab",
                "a*b1",
                "ab?",
                "a AND b",
                "b1",
            ),
            *("x", "abab~1", "#aba1~1", "abba1b~1 OR a", "@bab.a~1"),
        ]
    ),
)
def test_words_alone_are_marked_as_if_the_whole_text_were_cut(text: str, query: str) -> None:
    # With a letter of another alphabet every token of the text is cut.
    assert marks(parse(query), text) == marks(parse(query), f"{text} \u00e9")


def test_what_stands_for_a_long_token_is_marked_as_in_any_other_text() -> None:
    text = "x" * 300
    stand_in = tokens(text)[0]

    assert marked(f"{stand_in[:5]}*", f"a {text}") == [text]
