"""Every error has its status and its exit code."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

import pytest

from archiver import errors
from archiver.cli import exits
from archiver.web.errors import STATUS, status_of


def _leaves(family: type[errors.ArchiverError]) -> Iterator[type[errors.ArchiverError]]:
    # A module may refine a leaf for itself (a store's "past the end"); callers see the leaf.
    children = [each for each in family.__subclasses__() if each.__module__ == errors.__name__]
    if not children:
        yield family
    for child in children:
        yield from _leaves(child)


LEAVES = sorted(_leaves(errors.ArchiverError), key=lambda leaf: leaf.__name__)

# What the tree in the docstring of archiver/errors.py promises, family by family.
EXIT_CODES: Mapping[type[errors.ArchiverError], set[int]] = {
    errors.CallerError: {exits.USAGE, exits.NOT_ALLOWED},
    errors.OperatorError: {exits.USAGE, exits.UNAVAILABLE},
    errors.EvidenceError: {exits.PROBLEMS},
}


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_error_has_a_status_and_an_exit_code(leaf: type[errors.ArchiverError]) -> None:
    assert leaf in STATUS
    assert leaf in exits.EXITS
    assert exits.EXITS[leaf].why


def test_no_table_names_what_is_not_a_leaf() -> None:
    assert set(STATUS) == set(LEAVES)
    assert set(exits.EXITS) == set(LEAVES)


@pytest.mark.parametrize("leaf", LEAVES)
def test_who_must_act_shows_in_status_and_exit_code(leaf: type[errors.ArchiverError]) -> None:
    family = next(family for family in EXIT_CODES if issubclass(leaf, family))

    assert exits.EXITS[leaf].code in EXIT_CODES[family]
    assert (STATUS[leaf] < HTTPStatus.INTERNAL_SERVER_ERROR) == (family is errors.CallerError)


@pytest.mark.parametrize("leaf", LEAVES)
def test_the_docstring_of_the_tree_tells_the_same_codes(leaf: type[errors.ArchiverError]) -> None:
    assert errors.__doc__ is not None
    line = next(line for line in errors.__doc__.splitlines() if f" {leaf.__name__} " in line)
    statuses, _, code = line.partition("->")[2].partition(", exit ")

    assert str(int(STATUS[leaf])) in statuses
    assert int(code) == exits.EXITS[leaf].code


def test_a_caller_who_is_not_signed_in_is_asked_to_sign_in() -> None:
    nobody = errors.Denied("no token", authenticated=False)
    somebody = errors.Denied("not your role")

    assert status_of(nobody) is HTTPStatus.UNAUTHORIZED
    assert status_of(somebody) is HTTPStatus.FORBIDDEN


def test_the_engines_have_roots_of_their_own() -> None:
    from retention.errors import RetentionError  # noqa: PLC0415 - the engines' only mention here
    from search.errors import SearchError  # noqa: PLC0415

    for root in (RetentionError, SearchError):
        assert not issubclass(root, errors.ArchiverError)
