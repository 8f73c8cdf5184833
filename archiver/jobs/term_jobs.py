"""Frozen sets and search term reports put together; reports are jobs, for they take minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from archiver.access.rules import Permission
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.transaction import Database
from archiver.ids import Ulids
from archiver.jobs.work import Kind, Result
from archiver.jobs.work_run import Run
from archiver.legal.frozen_sets import FrozenSets
from archiver.legal.membership import Documents
from archiver.legal.queries import OpenIndex
from archiver.legal.term_reports import TermReports, Wanted
from archiver.legal.turns import Turns

TERM_REPORT = "term-report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """The use cases on frozen sets, and those on the reports over them."""

    frozen: FrozenSets
    reports: TermReports


def open_sets(
    *,
    database: Database,
    index: OpenIndex,
    documents: Documents,
    zone: tzinfo,
    trail: Trail,
    clock: Clock,
    ulids: Ulids,
    engine: Callable[[], str],
    turns: Turns,
) -> Sets:
    """Return the use cases; `engine` tells the index's name and version, as sets state it."""
    frozen = FrozenSets(
        database=database,
        index=index,
        documents=documents,
        zone=zone,
        trail=trail,
        clock=clock,
        ulids=ulids,
        engine=engine,
        turns=turns,
    )
    reports = TermReports(
        database=database,
        index=index,
        documents=documents,
        sets=frozen,
        zone=zone,
        trail=trail,
        clock=clock,
        ulids=ulids,
        engine=engine,
        turns=turns,
    )
    return Sets(frozen=frozen, reports=reports)


def term_report_kind(reports: TermReports) -> Kind:
    """Return the kind that makes a search term report; its arguments are a `Wanted`."""

    async def run(job: Run) -> Result:
        report = await reports.make(Wanted(**job.arguments), actor=job.actor, progress=job.progress)
        job.say(f"{report.total.documents:,} of {report.documents:,} documents hit")
        return {
            "report_id": report.id,
            "terms": len(report.terms),
            "errors": report.errors,
            "documents": report.documents,
            "hits": report.total.documents,
        }

    return Kind(
        name=TERM_REPORT,
        title="Search term report",
        permission=Permission.SEARCH,
        run=run,
        holds_content=True,
        in_part=True,
    )
