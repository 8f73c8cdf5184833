"""What the web asks of frozen result sets and search term reports, as protocols."""

from collections.abc import Sequence
from typing import Protocol

from archiver.legal.report_views import ReportEntry
from archiver.legal.set_views import FrozenSet, SetIds, SetPage
from archiver.legal.term_comparison import Comparison
from archiver.legal.term_lists import Term
from archiver.legal.term_report import TermReport
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor


class FrozenSets(Protocol):
    """Fixes what searches found."""

    async def freeze(
        self,
        query: str,
        *,
        name: str = "",
        matter: str = "",
        stem: bool = False,
        zone: str = "",
        actor: Actor,
    ) -> FrozenSet:
        """Fix what a query finds now."""

    async def show(self, set_id: str, *, actor: Actor) -> FrozenSet:
        """Return one set."""

    async def page(self, set_id: str, *, after: int = -1, limit: int = 50, actor: Actor) -> SetPage:
        """Return a set with a page of its records."""

    async def ids(self, set_id: str, *, actor: Actor) -> SetIds:
        """Return a set with its record ids."""

    async def list(self, *, actor: Actor) -> Sequence[FrozenSet]:
        """Return the sets in reach."""


class TermReports(Protocol):
    """Reads search term reports; they are made by jobs."""

    def read(self, wanted: Wanted) -> Sequence[Term]:
        """Return the terms as they would be understood."""

    async def entries(self, *, set_id: str = "", actor: Actor) -> Sequence[ReportEntry]:
        """Return the reports in reach."""

    async def show(self, report_id: str, *, actor: Actor) -> TermReport:
        """Return one report."""

    async def export(self, report_id: str, *, form: str, actor: Actor) -> TermReport:
        """Return one report, to be written as a file."""

    async def compare(self, report_id: str, earlier_id: str, *, actor: Actor) -> Comparison:
        """Return how a report differs from an earlier one."""

    async def ids(self, numbers: Sequence[int]) -> Sequence[str]:
        """Return the record ids of what a comparison found."""
