"""Every error ends a command with a code that scripts can rest on."""

import re
from collections.abc import Iterator

import pytest

from archiver import errors
from archiver.cli.exits import EXITS, exit_of
from archiver.errors import ArchiverError, IntegrityError, InvalidInput


def leaves(kind: type[ArchiverError]) -> Iterator[type[ArchiverError]]:
    of_errors = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    if not of_errors:
        yield kind
    for child in of_errors:
        yield from leaves(child)


def documented() -> dict[str, int]:
    lines = (errors.__doc__ or "").splitlines()
    found = [re.search(r"── (\w+) .* exit (\d)", line) for line in lines]
    return {match[1]: int(match[2]) for match in found if match}


def test_every_leaf_of_the_errors_has_an_exit_and_nothing_else_has() -> None:
    assert set(EXITS) == set(leaves(ArchiverError))


def test_the_exit_codes_are_those_the_errors_document() -> None:
    assert {kind.__name__: ends.code for kind, ends in EXITS.items()} == documented()


def test_an_error_of_a_narrower_kind_ends_as_the_leaf_it_is_of() -> None:
    class Narrower(InvalidInput):
        pass

    assert exit_of(Narrower("x")) == EXITS[InvalidInput]


@pytest.mark.parametrize("kind", sorted(EXITS, key=str))
def test_every_exit_says_why(kind: type[ArchiverError]) -> None:
    assert EXITS[kind].why
    assert exit_of(IntegrityError("x")).code == 1
