"""Term reports as lists show them, and as they are read back: within reach, with their hits."""

from dataclasses import dataclass
from datetime import datetime

from archiver.access.rules import Reach
from archiver.clock import from_millis, rfc3339
from archiver.db import term_reports as report_rows
from archiver.db.term_reports import TermReportRow
from archiver.db.transaction import Transaction
from archiver.legal.set_views import is_within
from archiver.legal.term_report import TermReport, report_of, title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """A report as a list shows it; `hits` are documents with any hit."""

    id: str
    name: str
    matter: str
    set_id: str
    terms: int
    documents: int
    hits: int
    made_at: datetime
    made_by: str

    @property
    def title(self) -> str:
        """What people call it."""
        return title_of(self.name, self.made_at)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "id": self.id,
            "name": self.name,
            "matter": self.matter,
            "set_id": self.set_id,
            "terms": self.terms,
            "documents": self.documents,
            "hits": self.hits,
            "made_at": rfc3339(self.made_at),
            "made_by": self.made_by,
        }


def entry_of(row: TermReportRow) -> ReportEntry:
    """Return a report's row as a list shows it."""
    return ReportEntry(
        id=row.id,
        name=row.name,
        matter=row.matter,
        set_id=row.set_id,
        terms=row.terms,
        documents=row.documents,
        hits=row.hits,
        made_at=from_millis(row.made_at),
        made_by=row.made_by,
    )


async def visible_report(tx: Transaction, report_id: str, within: Reach) -> TermReportRow:
    """Return a report that is within reach.

    Raises:
        NotFound: there is none, or it is out of reach.
    """
    row = await report_rows.get(tx, report_id)
    if not is_within(row.within, within):
        raise report_rows.no_report(report_id)
    return row


async def with_hits(
    tx: Transaction, report_id: str, within: Reach
) -> tuple[TermReport, list[tuple[int, ...]]]:
    """Return a report within reach with the log indexes that each term hit. Raises NotFound."""
    report = report_of((await visible_report(tx, report_id, within)).body)
    counts = [term.documents for term in report.terms]
    return report, await report_rows.hits(tx, report_id, counts)
