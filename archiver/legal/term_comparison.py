"""Two reports compared: terms added and removed, counts that changed, documents gained and lost.

Terms are the same where they were understood the same, whatever their place in the list and their
spelling; where one could not be read, by its text. Documents are compared one by one, so that a
count that stayed the same over other documents is seen as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from archiver.legal.term_report import TermLine, TermReport


class Change(StrEnum):
    """What happened to a term from the earlier report to the later one.

    Its unique hits may change with the other terms of the list alone: that changes no term.
    """

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedTerm:
    """One term of either report; `before` or `after` is None where it is in the other one only.

    `gained` and `lost` are how many documents it hits in the later report alone, and in the earlier
    one alone.
    """

    text: str
    change: Change
    before: TermLine | None
    after: TermLine | None
    gained: int
    lost: int

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "term": self.text,
            "change": self.change.value,
            "before": _counts(self.before),
            "after": _counts(self.after),
            "gained": self.gained,
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The later report against the earlier one.

    `gained` and `lost` are the log indexes of the documents that any term of the later report hits
    and none of the earlier one, and the other way round.
    """

    earlier: TermReport
    later: TermReport
    terms: tuple[ComparedTerm, ...]
    gained: tuple[int, ...] = field(repr=False)
    lost: tuple[int, ...] = field(repr=False)

    @property
    def same_set(self) -> bool:
        """Whether both counted the same documents; else a change may come from the set."""
        return (self.earlier.set.digest, self.earlier.documents) == (
            self.later.set.digest,
            self.later.documents,
        )

    @property
    def same_reading(self) -> bool:
        """Whether the same versions of language and analysis read both."""
        return (self.earlier.grammar, self.earlier.analyzer) == (
            self.later.grammar,
            self.later.analyzer,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "earlier": {"id": self.earlier.id, "name": self.earlier.name},
            "later": {"id": self.later.id, "name": self.later.name},
            "same_set": self.same_set,
            "same_reading": self.same_reading,
            "terms": [term.to_dict() for term in self.terms],
            "documents_before": self.earlier.total.documents,
            "documents_after": self.later.total.documents,
            "gained": len(self.gained),
            "lost": len(self.lost),
        }

    def count(self, change: Change) -> int:
        """Return how many terms changed so."""
        return sum(term.change is change for term in self.terms)


Hits = Sequence[Sequence[int]]
"""The log indexes that each term of a report hit."""


def compare(
    earlier: TermReport, earlier_hits: Hits, later: TermReport, later_hits: Hits
) -> Comparison:
    """Compare two reports: the later one's terms in their order, then those it no longer has."""
    before = _by_key(earlier, earlier_hits)
    after = _by_key(later, later_hits)
    keys = [*after, *(key for key in before if key not in after)]
    was = frozenset().union(*earlier_hits)
    now = frozenset().union(*later_hits)
    return Comparison(
        earlier=earlier,
        later=later,
        terms=tuple(_compared(before.get(key), after.get(key)) for key in keys),
        gained=tuple(sorted(now - was)),
        lost=tuple(sorted(was - now)),
    )


_Found = tuple[TermLine, frozenset[int]]


def _by_key(report: TermReport, hits: Hits) -> Mapping[str, _Found]:
    # A term that stands in a list twice hits the same both times.
    return {
        term.normalised or f"\0{term.text}": (term, frozenset(found))
        for term, found in zip(report.terms, hits, strict=True)
    }


def _compared(before: _Found | None, after: _Found | None) -> ComparedTerm:
    one, was = before or (None, frozenset())
    other, now = after or (None, frozenset())
    known = other or one
    return ComparedTerm(
        text=known.text if known else "",
        change=_change(one, other, was, now),
        before=one,
        after=other,
        gained=len(now - was),
        lost=len(was - now),
    )


def _change(
    before: TermLine | None, after: TermLine | None, was: frozenset[int], now: frozenset[int]
) -> Change:
    if before is None:
        return Change.ADDED
    if after is None:
        return Change.REMOVED
    same = was == now and before.family == after.family and before.error == after.error
    return Change.SAME if same else Change.CHANGED


def _counts(line: TermLine | None) -> dict[str, object] | None:
    if line is None:
        return None
    return {
        "documents": line.documents,
        "with_family": line.family,
        "unique": line.unique,
        "error": line.error,
    }
