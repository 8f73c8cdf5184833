"""Trees put together of parts, and the nodes that no text reads as."""

import pytest

from search.document import document
from search.matcher import matches
from search.normal_form import normalise
from search.query import (
    And,
    Everything,
    Field,
    FieldName,
    LogRange,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Term,
    every,
    place,
    some,
)

A, B, C = Term("a"), Term("b"), Term("c")


def test_conditions_are_joined_as_if_typed() -> None:
    assert every(()) == Everything()
    assert every((Everything(),)) == Everything()
    assert every((Everything(), A)) == A
    assert every((And((A, B)), C)) == And((A, B, C))
    assert every((A, A)) == A
    assert every((Or((A, B)), Not(C))) == And((Or((A, B)), Not(C)))
    assert some(()) is None
    assert some((A, A)) == A
    assert some((A, B)) == Or((A, B))


def test_everything_has_an_empty_normal_form() -> None:
    assert normalise(Everything()) == ""


@pytest.mark.parametrize(
    "reach", [Places(frozenset({"1:xy"})), Numbers(frozenset({7})), LogRange(3, 9)]
)
def test_a_reach_cannot_be_told(reach: Places | Numbers | LogRange) -> None:
    for tree in (reach, And((A, reach)), Not(Or((reach, Phrase(("b",)))))):
        with pytest.raises(ValueError, match="reach"):
            normalise(tree)


def test_accounts_are_named_so_that_none_is_taken_for_another() -> None:
    named = [("x", "y"), ("xy", ""), ("", "xy"), ("1", ":x"), ("X", "y"), ("x" * 600, "y")]
    assert len({place(*each) for each in named}) == len(named)
    assert place("x" * 600, "y") != place("x" * 600, "z")
    assert len(place("x" * 70_000, "y")) < 100
    assert place("x", "\ud83d").encode()


def test_a_reach_finds_by_the_exact_account_where_fields_ignore_case() -> None:
    post = document(number=7, text="", platform="X", account="Acme", captured_at=0)

    assert matches(Places(frozenset({place("X", "Acme")})), post)
    assert not matches(Places(frozenset({place("x", "acme")})), post)
    assert matches(Field(FieldName.ACCOUNT, "acme"), post)
    assert matches(Numbers(frozenset({7})), post)
    assert not matches(Numbers(frozenset({8})), post)
