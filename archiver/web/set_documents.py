"""The JSON documents of frozen result sets and search term reports."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from archiver.legal.term_reports import Wanted
from archiver.legal.understanding import Syntax

MOST_TERMS_TEXT = 50_000
"""Characters of a list of terms over HTTP; the command line takes longer ones from a file."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class NewSet(_Request):
    """A search to freeze. An empty query freezes every searchable record."""

    query: str = Field(max_length=1_000_000)
    name: str = Field(default="", max_length=200)
    matter: str = Field(default="", max_length=200)
    stem: bool = False
    zone: str = Field(default="", max_length=100)


class SetDocument(_Answer):
    """A frozen result set."""

    id: str
    name: str
    matter: str
    query: str
    normalised: str
    records: int
    log_size: int
    members_sha256: str
    engine: str
    analyzer: str
    expansions: list[dict[str, Any]]
    within: list[str]
    frozen_at: str
    frozen_by: str
    destroyed: int | None
    destroyed_under: list[dict[str, Any]]


class SetList(_Answer):
    """Frozen sets, newest first."""

    items: list[SetDocument]
    total: int
    total_is_exact: bool
    next_cursor: str


class SetIdsDocument(SetDocument):
    """A frozen set with its record ids."""

    ids: list[str]


class NewTermReport(_Request):
    """A list of terms, one a line, and the frozen set or the query they are counted in."""

    terms: str = Field(min_length=1, max_length=MOST_TERMS_TEXT)
    set_id: str = Field(default="", max_length=40)
    query: str = Field(default="", max_length=10_000)
    name: str = Field(default="", max_length=200)
    matter: str = Field(default="", max_length=200)
    syntax: Syntax = Syntax.MUNIMENT
    stem: bool = False
    zone: str = Field(default="", max_length=100)

    def wanted(self) -> Wanted:
        """Return it as the use case takes it."""
        return Wanted(**{**self.model_dump(), "syntax": self.syntax.value})


class TermReportDocument(_Answer):
    """A search term report."""

    id: str
    name: str
    set: dict[str, Any]
    documents: int
    not_searchable: int
    without_words: int | None
    terms: list[dict[str, Any]]
    total: dict[str, Any]
    made_at: str
    made_by: str


class TermReportList(_Answer):
    """Reports, newest first."""

    items: list[dict[str, Any]]
    total: int
    total_is_exact: bool
    next_cursor: str


class ComparisonDocument(_Answer):
    """One report against an earlier one."""

    earlier: dict[str, str]
    later: dict[str, str]
    same_set: bool
    same_reading: bool
    terms: list[dict[str, Any]]
    gained: int
    lost: int
