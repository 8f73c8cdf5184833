"""Sets of document numbers in a query: what they cost, and how they are made smaller."""

from search.query import And, Not, Numbers, Or, Query

FEW_NUMBERS = 2_000
"""Numbers up to which a term for each is faster than a set of terms: 3 ms for 12 at a million."""


def weight_of(query: Query) -> int:
    """Return how many numbers a settled query has, and 1 for each other part."""
    match query:
        case Numbers(numbers):
            return len(numbers)
        case And(parts) | Or(parts):
            return sum(map(weight_of, parts))
        case Not(part):
            return weight_of(part)
        case _:
            return 1


def cut_down(query: Query, hits: frozenset[int]) -> Query:
    """Return a query that finds the same among `hits`, with smaller sets of numbers."""
    match query:
        case Numbers(numbers):
            return Numbers(numbers & hits)
        case And(parts):
            return And(tuple(cut_down(part, hits) for part in parts))
        case Or(parts):
            return Or(tuple(cut_down(part, hits) for part in parts))
        case Not(part):
            return Not(cut_down(part, hits))
        case _:
            return query
