"""A search term report: what each term of a list hit in a fixed set of records.

A document is a record, that is one version of one post. A term hits it where the term, as a query,
finds it. Counts are exact; the same report can be made again from what it states: the set, the
terms, how they were read, and the versions of what read and searched them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from archiver.clock import from_millis, rfc3339
from archiver.errors import IntegrityError
from archiver.legal.expansions import Expansion
from search.normal_form import normalise
from search.query import Field, FieldName, Not

WITHOUT_WORDS = Not(Field(FieldName.HAS, "text"))
"""Finds the documents that no word of any term can hit: pictures alone, most deletions."""

UNDATED = ""
"""The month of posts whose platform does not say when they were posted."""


class AccountName(NamedTuple):
    """An account of the set, and whose it was by the register when the report was made."""

    platform: str
    account: str
    custodian: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLine:
    """One term of the list.

    `text` is the term as it was given, `normalised` how it was understood, empty where `error` says
    why it was not counted. `documents` were hit; `family` are those and every other document of the
    set in the family of one (`archiver.legal.families`); `unique` were hit by no other term.
    `accounts` and `months` are `(place in the report's list, documents)`.
    """

    position: int
    text: str
    normalised: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    documents: int = 0
    family: int = 0
    unique: int = 0
    accounts: tuple[tuple[int, int], ...] = ()
    months: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all terms together hit: distinct documents, which is not the sum of the lines."""

    documents: int
    family: int
    accounts: tuple[tuple[int, int], ...]
    months: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts:
    """The frozen set a report stands on, as it states itself."""

    id: str
    name: str
    query: str
    records: int
    digest: str
    log_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TermReport:
    """A report. Moments are milliseconds since 1970 UTC.

    `documents` of the set were counted: fewer than its records where some are out of reach of who
    ran it. `not_searchable` posts of the archive, below the set's log size and within that reach,
    hold nothing that can be searched: no term can hit them, and somebody has to look at them.
    `without_words` of the documents counted hold no word that a term could hit, though a field may
    find them; None in reports made before this was counted. Months are those of posting, in `zone`.
    """

    id: str
    name: str
    matter: str
    set: SetFacts
    syntax: str
    stem: bool
    zone: str
    grammar: str
    analyzer: str
    engine: str
    within: tuple[str, ...]
    documents: int
    not_searchable: int
    accounts: tuple[AccountName, ...]
    months: tuple[str, ...]
    terms: tuple[TermLine, ...]
    total: Totals
    made_at: int
    made_by: str
    took_ms: int
    without_words: int | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return title_of(self.name, self.made_on)

    @property
    def made_on(self) -> datetime:
        """When it was made."""
        return from_millis(self.made_at)

    @property
    def counted(self) -> tuple[TermLine, ...]:
        """The terms that could be read."""
        return tuple(term for term in self.terms if not term.error)

    @property
    def errors(self) -> int:
        """How many terms could not be counted."""
        return len(self.terms) - len(self.counted)

    @property
    def query_without_words(self) -> str:
        """The query that finds now what of the set's scope holds no words."""
        scope, without = self.set.query, normalise(WITHOUT_WORDS)
        return f"({scope}) AND {without}" if scope else without

    def by_account(self, line: TermLine | Totals) -> Iterator[tuple[AccountName, int]]:
        """Yield the accounts a line hit, most documents first."""
        most_first = sorted(line.accounts, key=lambda each: (-each[1], self.accounts[each[0]]))
        return ((self.accounts[place], documents) for place, documents in most_first)

    def by_month(self, line: TermLine | Totals) -> Iterator[tuple[str, int]]:
        """Yield the months a line hit, in order; the undated ones first."""
        return ((self.months[place], documents) for place, documents in sorted(line.months))

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "id": self.id,
            "name": self.name,
            "matter": self.matter,
            "set": {
                "id": self.set.id,
                "name": self.set.name,
                "query": self.set.query,
                "records": self.set.records,
                "members_sha256": self.set.digest,
                "log_size": self.set.log_size,
            },
            "syntax": self.syntax,
            "stem": self.stem,
            "zone": self.zone,
            "grammar": self.grammar,
            "analyzer": self.analyzer,
            "engine": self.engine,
            "within": list(self.within),
            "documents": self.documents,
            "not_searchable": self.not_searchable,
            "without_words": self.without_words,
            "errors": self.errors,
            "terms": [self._line(term) for term in self.terms],
            "total": self._total(),
            "made_at": rfc3339(self.made_on),
            "made_by": self.made_by,
            "took_ms": self.took_ms,
        }

    def _line(self, term: TermLine) -> dict[str, object]:
        return {
            "position": term.position,
            "term": term.text,
            "normalised": term.normalised,
            "error": term.error,
            "notes": list(term.notes),
            "expansions": [each.to_dict() for each in term.expansions],
            "documents": term.documents,
            "with_family": term.family,
            "unique": term.unique,
            **self._parts(term),
        }

    def _total(self) -> dict[str, object]:
        return {
            "documents": self.total.documents,
            "with_family": self.total.family,
            **self._parts(self.total),
        }

    def _parts(self, line: TermLine | Totals) -> dict[str, object]:
        return {
            "accounts": [
                {**account._asdict(), "documents": documents}
                for account, documents in self.by_account(line)
            ],
            "months": [
                {"month": month, "documents": documents} for month, documents in self.by_month(line)
            ],
        }


def title_of(name: str, made_on: datetime) -> str:
    """Return what people call a report: its name, else when it was made."""
    return name or f"Report of {made_on:%Y-%m-%d %H:%M} UTC"


_decode = msgspec.json.Decoder(TermReport).decode


def report_text(report: TermReport) -> str:
    """Return a report as it is kept: `report_of` gives an equal one back."""
    return msgspec.json.encode(report).decode()


def report_of(text: str) -> TermReport:
    """Return the report that `report_text` wrote.

    Raises:
        IntegrityError: it is none.
    """
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise IntegrityError(
            f"term report: what is kept of it cannot be read: {error}; move the database away and "
            "run `muniment recover`, which reads it from the log"
        ) from error
