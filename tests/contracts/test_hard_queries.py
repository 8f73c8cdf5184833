"""The hardest constructs, for every engine: which posts they find is written out by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.index import Index
from search.query import Not
from tests.contracts.engines import ENGINES
from tests.fakes.hard_queries import CASES, documents


@pytest.fixture(
    params=[
        *sorted(ENGINES.keys() - {"memory", "opensearch"}),
        pytest.param("opensearch", marks=pytest.mark.faults),  # every question is a request
    ]
)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    if request.param == "opensearch":
        request.getfixturevalue("opensearch_url")  # skips where there is none
    opened = ENGINES[request.param](tmp_path / "index")
    opened.add(documents())
    opened.commit(len(documents()) + 1)
    yield opened
    opened.close()


def test_every_engine_finds_exactly_the_posts_that_should_be_found(index: Index) -> None:
    with index.snapshot() as snapshot:
        for case in CASES:
            found = {number for chunk in snapshot.numbers(case.query) for number in chunk}
            others = {number for chunk in snapshot.numbers(Not(case.query)) for number in chunk}
            assert found & case.numbers == case.found, case.name
            assert others & case.numbers == case.numbers - case.found, case.name
            assert snapshot.count(case.query) == len(found), case.name
