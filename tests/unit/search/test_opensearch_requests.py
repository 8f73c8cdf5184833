"""What the OpenSearch engine makes of URLs, failures, queries and words, without a cluster."""

import re
import socket
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.engines import opensearch
from search.engines.opensearch.automata import is_small, signs_in_order, widened
from search.engines.opensearch.compiler import compiled, is_exact
from search.engines.opensearch.failures import failure
from search.engines.opensearch.place import place_of
from search.engines.opensearch.vocabulary import expression
from search.errors import IndexDamaged, IndexUnavailable, QueryTooBroad, SearchError
from search.grammar import parse
from search.patterns import Pattern
from search.positions import fits
from search.query import Fuzzy, Numbers, Or, Query, Stemmed, Wildcard, some

HOST = "opensearch+https://ann@one:1,[::1]:2/muniment"
LETTERS = st.text("abeginlosty'#.é", min_size=4, max_size=12)
ENDINGS = [
    "s",
    "es",
    "ed",
    "ing",
    "ly",
    "y",
    "ies",
    "ied",
    "ational",
    "ization",
    "ability",
    "ibility",
]


def test_a_url_says_nodes_name_user_and_how_the_index_is_made() -> None:
    place = place_of(f"{HOST}?shards=3&replicas=2&lease_s=5&password_file=/p&ca_file=/c")
    assert (place.hosts, place.name) == (("https://one:1", "https://[::1]:2"), "muniment")
    assert (place.user, place.password_file, place.ca_file) == ("ann", Path("/p"), Path("/c"))
    assert (place.shards, place.replicas, place.lease_s) == (3, 2, 5)
    assert place_of("opensearch+http://host/a").hosts == ("http://host:9200",)


@pytest.mark.parametrize(
    "url",
    [
        "http://one/a",
        "opensearch+http://one",
        "opensearch+http://one/Big",
        "opensearch+http://one/a/b",
        "opensearch+http:///a",
        "opensearch+http://one:x/a",
        "opensearch+http://one/a?shards=0",
        "opensearch+http://one/a?shards=many",
        "opensearch+http://one/a?colour=red",
        "opensearch+http://one/a?shards",
        "opensearch+http://[one/a",
        "opensearch+http://ann:secret@one/a",
    ],
)
def test_a_wrong_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(IndexUnavailable, match="Expected in the search URL") as refused:
        place_of(url)
    assert "secret" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_is_refused(text: str) -> None:
    try:
        place_of(f"opensearch+http://{text}")
    except IndexUnavailable:
        return


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(IndexUnavailable, match=re.escape(str(gone))):
        opensearch.open_reader(f"opensearch+http://ann@127.0.0.1/a?password_file={gone}")


def test_a_cluster_that_is_not_there_is_unavailable_with_what_to_look_at() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"opensearch+http://127.0.0.1:{free.getsockname()[1]}/a"
        for opened in (opensearch.open_writer, opensearch.open_reader):
            with pytest.raises(IndexUnavailable, match="Look whether the cluster runs"):
                opened(url)


@pytest.mark.parametrize(
    ("status", "kind", "reason", "family"),
    [
        (404, "index_not_found_exception", "no such index", IndexDamaged),
        (404, "search_context_missing_exception", "No search context", IndexUnavailable),
        (400, "query_shard_exception", "maxClauseCount is set to 1024", QueryTooBroad),
        (429, "circuit_breaking_exception", "[request] Data too large", QueryTooBroad),
        (429, "circuit_breaking_exception", "[parent] Data too large", IndexUnavailable),
        (429, "cluster_block_exception", "index has read-only-allow-delete", IndexUnavailable),
        (503, "search_phase_execution_exception", "all shards failed", IndexUnavailable),
        (401, "security_exception", "Unauthorized", IndexUnavailable),
        (418, "teapot", "short and stout", IndexUnavailable),
    ],
)
def test_each_failure_has_its_family_and_tells_its_reason(
    status: int, kind: str, reason: str, family: type[SearchError]
) -> None:
    told = failure(
        place_of(HOST), status, {"error": {"root_cause": [{"type": kind, "reason": reason}]}}
    )
    assert type(told) is family
    assert reason in str(told)


def test_a_failure_told_in_another_form_is_still_told() -> None:
    for odd in ("<html>Bad gateway</html>", None, {"error": None}, [1]):
        assert isinstance(failure(place_of(HOST), 502, odd), IndexUnavailable)


def test_fifty_thousand_words_are_one_clause() -> None:
    query = some(parse(f"word{number}") for number in range(50_000))
    assert isinstance(query, Or)
    clauses = compiled(query)["bool"]["should"]
    assert [list(clause) for clause in clauses] == [["terms"]] * 3  # three forms of each word
    assert sum(len(clause["terms"]["text"]) for clause in clauses) == 150_000
    assert compiled(Numbers(frozenset())) == {"match_none": {}}


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("fraud w/5 deal", True),
        ("(fraud OR lie) pre/5 deal", True),
        ("deal pre/5 deal", True),
        ("deal w/5 deal", True),
        ("deal w/5 (fraud OR deal)", True),
        ("fra* w/5 deal", False),
        ('"big deal" w/5 (fraud OR "a lie")', True),
        ('"big de*" pre/5 fraud', False),
        ("(fraud w/5 deal) w/5 lie", False),
        ('"big de*"', False),
        ("stem:deal", False),
        ("NOT (fraud AND deals~1)", True),
    ],
)
def test_only_what_the_engine_says_exactly_is_left_to_it(
    text: str,
    exact: bool,  # noqa: FBT001 - what is expected
) -> None:
    assert is_exact(parse(text)) is exact


@given(LETTERS, st.sampled_from(ENDINGS), st.data())
def test_the_expression_of_a_word_fits_every_token_it_finds(
    start: str, ending: str, data: st.DataObject
) -> None:
    token = data.draw(st.sampled_from([start, start + ending, f"#{start}", start[1:], "x" + start]))
    at = data.draw(st.integers(0, len(start) - 1))
    swapped = start[:at] + start[at + 1 : at + 2] + start[at] + start[at + 2 :]
    words: list[Wildcard | Fuzzy | Stemmed | Pattern] = [
        Pattern(f"{start[:2]}*{ending}"),
        Wildcard(Pattern(f"{start[:-1]}?")),
        Fuzzy(swapped),
        Fuzzy(start),
        Stemmed(start + ending),
        Stemmed(start),
    ]
    for word in words:
        if fits(word)(token):
            assert re.fullmatch(expression(word), token), (word, token)


@given(st.text("ab*?", min_size=1, max_size=14), st.text("ab", max_size=10))
def test_what_is_asked_instead_of_a_pattern_has_few_doublings_and_misses_no_token(
    text: str, token: str
) -> None:
    assume(set(text) & {"*", "?"} and set(text) & {"a", "b"})
    pattern = Pattern(text)
    asked = Pattern(signs_in_order(pattern))
    assert asked.fits(token) is pattern.fits(token)
    assert is_small(Pattern(widened(pattern)))
    if is_small(pattern):
        assert widened(pattern) == asked.text
    elif pattern.fits(token):
        assert Pattern(widened(pattern)).fits(token)


def test_a_pattern_whose_automaton_would_be_large_is_compared_and_not_asked() -> None:
    assert is_exact(parse("ab????????????*")), "what is counted from the beginning is small"
    assert is_exact(parse("*????????????ab"))
    assert is_exact(parse("*a?b?c?d*"))
    assert not is_exact(parse("*a????????????b"))
    assert not is_exact(parse('"*a????????????b"'))


def test_no_query_node_is_forgotten() -> None:
    with pytest.raises(ValueError, match="settled"):
        compiled(_held())


def _held() -> Query:
    return parse("is:held")
