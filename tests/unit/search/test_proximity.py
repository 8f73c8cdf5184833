"""Words near each other: the sweep finds what the definition says, in time that grows with text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.document import document
from search.errors import QueryTooBroad
from search.matcher import matches
from search.patterns import Pattern
from search.positions import places, stands_in
from search.proximity import Proximity, Row
from search.query import Fuzzy, Near, Or, Phrase, Stemmed, Term, Wildcard, Words
from tests.fakes.naive_matcher import in_finds, is_found

TOKENS = ["a", "b", "c", "#a", "a's", "report", "reported", "x", "東", "👍"]

literals = st.sampled_from(["a", "b", "c", "report", "東"])
patterns = st.sampled_from(["a*", "*a", "?a", "rep*d", "*e*", "report??", "#?*a"]).map(Pattern)
single = st.one_of(
    literals.map(Term),
    patterns.map(Wildcard),
    st.sampled_from(["report", "reporte"]).map(Fuzzy),
    st.just("reports").map(Stemmed),
    st.lists(st.one_of(literals, patterns), min_size=1, max_size=3).map(tuple).map(Phrase),
)


def joined(inner: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    near = st.builds(Near, inner, inner, st.sampled_from([1, 2, 3, 6]), st.booleans())
    either = st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or)
    return st.one_of(near, near, either)


EMPTY = document(number=0, text="", captured_at=0)

words = st.recursive(single, joined, max_leaves=5)
texts = st.lists(st.sampled_from(TOKENS), max_size=10).map(" ".join)


@settings(max_examples=250, deadline=None)
@given(words, st.lists(texts, min_size=1, max_size=4))
def test_words_stand_where_the_definition_says(asked: Words, read: list[str]) -> None:
    stands, places_in = stands_in(asked), places(asked)
    for text in read:
        tokens = text.split()
        assert stands(text) is is_found(asked, text)
        assert matches(asked, document(number=0, text="", captured_at=0).reading(text)) is stands(
            text
        )
        marked = {at for first, last in places_in(tokens) for at in range(first, last + 1)}
        assert marked == in_finds(asked, tokens)


A, B, C, D = map(Term, "abcd")
INNER = Near(A, B, 100)
NESTED = Near(Near(A, B, 100), Near(A, B, 100), 100)
BY_SWEEP = Near(Or((Near(A, D, 1), A)), B, 1_000)
REPEATED = "a b " * 10_000
HARD = [
    pytest.param(Near(A, B, 1_000), REPEATED, True, id="near"),
    pytest.param(BY_SWEEP, REPEATED, True, id="near, or a branch that is absent"),
    pytest.param(NESTED, REPEATED, True, id="nested"),
    pytest.param(Near(NESTED, NESTED, 100), REPEATED, True, id="eight words"),
    pytest.param(Near(NESTED, C, 100), REPEATED, False, id="one is absent"),
    pytest.param(Near(NESTED, C, 100), REPEATED + "x " * 600 + "c", False, id="one is far away"),
    pytest.param(Near(Near(NESTED, C, 100), D, 100), f"d {REPEATED} c", False, id="two are apart"),
    pytest.param(
        Near(Near(A, B, 100), C, 1, ordered=True),
        ("a b " * 100 + "x c x ") * 100,
        False,
        id="in order and never together",
    ),
    pytest.param(
        Near(Near(Near(A, A, 100), A, 100), A, 100),
        ("a a a " + "x " * 200) * 100,
        False,
        id="four of three",
    ),
]


@pytest.mark.parametrize(("asked", "text", "found"), HARD)
def test_nested_proximity_in_a_long_text_of_repeated_words_takes_bounded_work(
    asked: Near, text: str, *, found: bool
) -> None:
    began = time.process_time()
    assert stands_in(asked)(text) is found
    assert time.process_time() - began < 30, "the definition as written would take hours"


def test_work_grows_with_the_text_and_not_with_its_square() -> None:
    asked = stands_in(Near(Near(A, B, 100), C, 1, ordered=True))

    def spent(repeats: int) -> float:
        text = ("a b " * 100 + "x c x ") * repeats
        best = 60.0
        for _ in range(3):
            began = time.process_time()
            assert not asked(text)
            best = min(best, time.process_time() - began)
        return best

    assert spent(80) < 32 * spent(5), "16 times the text; its square would be 256 times the work"


@settings(deadline=None)
@given(st.builds(Near, single, single, st.sampled_from([1, 2, 4]), st.booleans()), texts)
def test_a_pair_is_found_as_the_sweep_finds_it(near: Near, text: str) -> None:
    tokens = text.split()
    proximity = Proximity(near)
    sides = enumerate(proximity.operands)
    rows = [Row(*place, number) for number, each in sides for place in places(each)(tokens)]

    assert proximity.is_in(rows) is stands_in(near)(text)
    swept = {(row.first, row.last) for row in proximity.taking_part(rows)}
    assert swept == set(places(near)(tokens))


def test_more_words_in_one_proximity_than_can_be_swept_are_refused() -> None:
    asked: Words = A
    for _ in range(7):
        asked = Near(asked, A, 100)
    assert stands_in(asked)("a " * 8)
    with pytest.raises(QueryTooBroad, match=r"at most 8 words.*found 9"):
        stands_in(Near(asked, A, 100))


def test_a_find_is_marked_by_its_words_alone_and_every_find_is() -> None:
    near = places(Near(A, Phrase(("b", "c")), 2))
    assert set(near(["a", "x", "b", "c", "a", "x", "x", "x", "b", "c"])) == {(0, 0), (2, 3), (4, 4)}
    either = places(Near(Or((Near(A, A, 1), B)), C, 2))
    assert set(either(["a", "a", "x", "c", "b", "x", "a", "c"])) == {
        (at, at) for at in (0, 1, 3, 4)
    }
