"""The hardest constructs, for the matcher: which posts they find is written out by hand."""

import pytest

from search.document import document
from search.grammar import parse
from search.marks import marking
from search.matcher import matches, prepared
from search.query import Not, is_words
from tests.fakes.hard_queries import CASES, HardQuery, documents
from tests.fakes.naive_matcher import is_found

NAMED = [pytest.param(case, id=case.name) for case in CASES]


@pytest.mark.parametrize("case", NAMED)
def test_exactly_the_posts_that_should_be_are_found(case: HardQuery) -> None:
    finds, others = prepared(case.query), prepared(Not(case.query))
    own = [each for each in documents() if each.number in case.numbers]

    assert {each.number for each in own if finds(each)} == case.found
    assert {each.number for each in own if others(each)} == case.numbers - case.found
    assert all(matches(case.query, each) is finds(each) for each in own[:2])


@pytest.mark.parametrize("case", NAMED)
def test_the_definition_written_naively_says_the_same(case: HardQuery) -> None:
    if len(case.text) < 1_000:  # it tries every word of an OR in turn
        own = [each for each in documents() if each.number in case.numbers]
        assert {each.number for each in own if is_found(case.query, each.text)} == case.found


@pytest.mark.parametrize("case", NAMED)
def test_a_post_has_marks_exactly_if_it_is_found(case: HardQuery) -> None:
    assert is_words(case.query)
    mark = marking(case.query)
    for number, text, is_found_ in case.posts:
        assert bool(mark(text)) is is_found_, (number, text)


@pytest.mark.parametrize("case", NAMED)
def test_the_query_is_read_as_the_tree_it_is(case: HardQuery) -> None:
    assert parse(case.text) == case.query


def test_every_case_has_posts_of_both_kinds_and_numbers_of_its_own() -> None:
    assert all(0 < len(case.found) < len(case.numbers) for case in CASES)
    assert len(documents()) == len({each.number for each in documents()})
    assert document(number=0, text="", captured_at=0) not in documents()
