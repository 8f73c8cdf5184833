"""Counting hits of search terms over a fixed set of records: pure, exact, in bounded memory.

A set of records is one whole number with the bit of each log index set: a bit for each entry of the
log and term, whatever the hits (a hundred terms over a log of a million are 12.5 MB), and the
operations on sets are those of the processor. Each term is counted as it comes, its log indexes are
forgotten, and only then what it alone hit can be known: that is counted at the end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_BITS = 8


def bits_of(numbers: Iterable[int], size: int) -> int:
    """Return the set of some numbers below `size` as the bits of one number."""
    bits = bytearray(size // _BITS + 1)
    for number in numbers:
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def numbers_of(bits: int) -> Iterator[int]:
    """Yield the numbers of a set, ascending."""
    for place, byte in enumerate(bits.to_bytes((bits.bit_length() + 7) // _BITS, "little")):
        while byte:
            low = byte & -byte
            yield place * _BITS + low.bit_length() - 1
            byte ^= low  # noqa: PLW2901 - takes the bit away that was yielded


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The records of a set, and by log index what each is of.

    `accounts`, `months` and `families` have an entry for each log index below the size of the log;
    those of records outside the set mean nothing.
    """

    numbers: Sequence[int] = field(repr=False)
    accounts: Sequence[int] = field(repr=False)
    months: Sequence[int] = field(repr=False)
    families: Sequence[int] = field(repr=False)

    @property
    def size(self) -> int:
        """The size of the log the set was computed over."""
        return len(self.families)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one term, or all of them together, hit.

    `family` counts the hits and all other documents of the set in the family of a hit. `accounts`
    and `months` are `(code, hits)`, by code.
    """

    hits: int
    family: int
    accounts: tuple[tuple[int, int], ...]
    months: tuple[tuple[int, int], ...]


class TermCounting:
    """Counts terms, one after the other."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._members = bits_of(documents.numbers, documents.size)
        self._sizes = Counter(map(documents.families.__getitem__, documents.numbers))
        self._terms: list[int] = []

    def add(self, numbers: Iterable[int]) -> Counted:
        """Count the next term: `numbers` are what it finds, in the set or not."""
        hit = self._members_among(numbers)
        self._terms.append(hit)
        return self._counted(hit)

    def documents_among(self, numbers: Iterable[int]) -> int:
        """Return how many documents of the set `numbers` hold, which are no term."""
        return self._members_among(numbers).bit_count()

    def total(self) -> Counted:
        """Return what all terms together hit, each document once."""
        together = 0
        for hit in self._terms:
            together |= hit
        return self._counted(together)

    def unique(self) -> list[int]:
        """Return how many documents each term hit that no other did."""
        once = several = 0
        for hit in self._terms:
            several |= once & hit
            once |= hit
        alone = once & ~several
        return [(hit & alone).bit_count() for hit in self._terms]

    def hits(self, term: int) -> list[int]:
        """Return the log indexes that one term hit, ascending."""
        return list(numbers_of(self._terms[term]))

    def _members_among(self, numbers: Iterable[int]) -> int:
        size = self._documents.size
        return bits_of((number for number in numbers if number < size), size) & self._members

    def _counted(self, hit: int) -> Counted:
        documents, found = self._documents, list(numbers_of(hit))
        families = set(map(documents.families.__getitem__, found))
        return Counted(
            hits=len(found),
            family=sum(map(self._sizes.__getitem__, families)),
            accounts=_by_code(documents.accounts, found),
            months=_by_code(documents.months, found),
        )


def _by_code(codes: Sequence[int], numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(Counter(map(codes.__getitem__, numbers)).items()))
