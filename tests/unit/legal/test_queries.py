"""Queries and cursors at the edge: only our own error families, whatever is sent."""

from contextlib import suppress
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import InvalidInput, SearchUnavailable
from archiver.legal import cursors
from archiver.legal.asking import read_filters
from archiver.legal.cursors import Cursor
from archiver.legal.membership import Scope
from archiver.legal.queries import asking_the_engine, read_query
from search.errors import IndexDamaged, IndexOutdated, IndexUnavailable
from search.index import Hit
from search.normal_form import normalise

NUMBERS = st.integers(0, 2**63 - 1)


@given(time=st.integers(-(2**63), 2**63 - 1), number=NUMBERS, log_size=NUMBERS, asked=NUMBERS)
def test_a_cursor_is_read_as_it_was_written_by_the_same_question_alone(
    time: int, number: int, log_size: int, asked: int
) -> None:
    cursor = Cursor(Hit(number=number, time=time), log_size, asked)
    written = cursors.write(cursor)

    assert cursors.read(written, asked) == cursor
    with pytest.raises(InvalidInput, match="another"):
        cursors.read(written, asked + 1)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_garbage_is_a_cursor_or_refused_as_input(text: str) -> None:
    with suppress(InvalidInput):
        cursors.read(text, 7)


@given(st.lists(st.text() | st.sampled_from(["platform:", "tag:#", "from:@"])))
def test_garbage_is_a_filter_or_refused_as_input(texts: list[str]) -> None:
    with suppress(InvalidInput):
        read_filters(texts, "f")


@pytest.mark.parametrize("text", ["is:retweet", "has:video", "hash:9f86d081", "nonsense:a", "is:"])
def test_a_filter_that_no_record_can_fit_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected"):
        read_filters([text], "f")


@given(st.text())
def test_garbage_is_a_query_or_refused_as_input(text: str) -> None:
    with suppress(InvalidInput):
        read_query(text, UTC)


def test_days_are_days_of_the_archives_zone() -> None:
    tree = read_query("after:2026-03-01", ZoneInfo("America/New_York"))
    assert normalise(tree) == "after:2026-03-01T05:00:00Z"


@pytest.mark.parametrize("error", [IndexDamaged("x"), IndexOutdated("x"), IndexUnavailable("x")])
def test_what_ails_the_engine_becomes_search_unavailable_with_advice(error: Exception) -> None:
    with pytest.raises(SearchUnavailable, match="muniment reindex"), asking_the_engine():
        raise error


def test_a_scope_keeps_its_query_in_the_form_that_reads_the_same() -> None:
    query = read_query("Merger  AND after:2026-03-01", ZoneInfo("America/New_York"))
    scope = Scope(query=query, accounts=("@acme",), record_ids=())
    assert scope.to_json() == (
        '{"query": "merger AND after:2026-03-01T05:00:00Z", "accounts": ["@acme"], '
        '"record_ids": []}'
    )
