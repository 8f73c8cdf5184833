"""Long lists for statements that take a parameter for each of their values, some at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_MOST = 500  # SQLite allows 32,766 variables; short lists also keep plans cached


def chunks(items: Sequence[T]) -> Iterator[list[T]]:
    """Yield all of `items` in their order, as few at a time as one statement takes well."""
    for start in range(0, len(items), _MOST):
        yield list(items[start : start + _MOST])
