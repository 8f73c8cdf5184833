"""Highlights: every place the matcher found a word, at exact offsets of the original text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import Mark, marks, merged
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


WORDS = st.sampled_from(["fee", "fees", "#fee", "Fée", "fee's", "b", "東京", "👍🏽", "...", "U.S."])


@given(
    st.lists(WORDS, max_size=8).map(" ".join),
    st.sampled_from(["fee", '"fee b"', '"b b"', "b", "東京", "👍🏽", "U.S.", "fees"]).map(parse),
)
def test_a_text_has_marks_exactly_if_the_matcher_finds_it(text: str, query: Query) -> None:
    found = marks(query, text)

    assert bool(found) == matches(query, document(number=0, text=text, captured_at=0))
    assert all(0 <= mark.start < mark.end <= len(text) for mark in found)
    ranges = merged(found)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
