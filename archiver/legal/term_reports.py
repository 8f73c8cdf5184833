"""Search term reports: made over a frozen set, kept for good, read and compared.

A report is an event that holds all of it, and which records each term hit; the rows are a view of
that (`preserve.term_effects`). Where no set is named, what a query finds is frozen first, so that
there is no report on something that moves. Reports on a part of the archive are seen by those who
reach all of that part; for others they are not there.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial

from archiver.access.rules import Permission, Reach, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import coverage as coverage_rows
from archiver.db import records as record_rows
from archiver.db import term_reports as report_rows
from archiver.db.term_reports import TermReportRow
from archiver.db.transaction import Database
from archiver.errors import InvalidInput
from archiver.ids import Ulids
from archiver.legal.frozen_sets import FrozenSets
from archiver.legal.held import asks_what_is_held, with_held
from archiver.legal.membership import Documents
from archiver.legal.queries import GRAMMAR_VERSION, OpenIndex
from archiver.legal.reach import names
from archiver.legal.report_views import ReportEntry, entry_of, visible_report, with_hits
from archiver.legal.restriction import around_restricted, asks_what_is_restricted, part_told
from archiver.legal.set_views import FrozenSet, is_within, reach_text
from archiver.legal.term_comparison import Comparison, compare
from archiver.legal.term_counting import TermCounting
from archiver.legal.term_documents import Described, Progress, describe
from archiver.legal.term_lists import Term, read_terms, terms_of
from archiver.legal.term_report import (
    WITHOUT_WORDS,
    SetFacts,
    TermLine,
    TermReport,
    Totals,
    report_of,
    report_text,
)
from archiver.legal.term_search import line_of, searching_terms
from archiver.legal.turns import Turns
from archiver.legal.understanding import syntax_of, zone_of
from archiver.model.actor import Actor
from archiver.model.number_list import pack
from archiver.preserve.event_record import legible
from archiver.preserve.term_effects import TermsReported
from search.analyzer import ANALYZER_VERSION
from search.query import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a report is asked for.

    `terms` has one term a line. `set_id` names the frozen set; without it, `query` is frozen first,
    empty for every searchable record. `zone` is that of days in terms and of months, the archive's
    unless told.
    """

    terms: str
    set_id: str = ""
    query: str = ""
    name: str = ""
    matter: str = ""
    syntax: str = "muniment"
    stem: bool = False
    zone: str = ""


class TermReports:
    """The use cases on search term reports."""

    def __init__(
        self,
        *,
        database: Database,
        index: OpenIndex,
        documents: Documents,
        sets: FrozenSets,
        zone: tzinfo,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
        engine: Callable[[], str],
        turns: Turns | None = None,
    ) -> None:
        self._database = database
        self._index = index
        self._documents = documents
        self._sets = sets
        self._zone = zone
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._engine = engine
        self._turns = turns or Turns()

    def read(self, wanted: Wanted) -> tuple[Term, ...]:
        """Return the terms as they would be understood, each with its error and notes.

        Raises:
            InvalidInput: there are none or too many, or no such syntax or zone.
        """
        return read_terms(
            terms_of(wanted.terms),
            self._days(wanted),
            syntax=syntax_of(wanted.syntax),
            stem=wanted.stem,
        )

    async def make(
        self,
        wanted: Wanted,
        *,
        actor: Actor,
        progress: Progress = lambda _phase, _done, _total: None,
    ) -> TermReport:
        """Count the terms and keep the report. A term that cannot be read is in it with its error.

        Raises:
            Denied: the actor may search nothing.
            InvalidInput: no term, no such syntax or zone, or a query that cannot be read.
            NotFound: no such set within reach.
            SearchUnavailable: the index cannot answer completely; nothing was reported.
        """
        within = reach(actor, Permission.SEARCH)
        began = to_millis(self._clock())
        terms = self.read(wanted)
        frozen = await self._set(wanted, actor)
        described = await describe(
            self._database,
            await self._sets.numbers(frozen.id, actor=actor),
            log_size=frozen.log_size,
            zone=self._days(wanted),
            progress=progress,
        )
        counting = TermCounting(described.documents)
        lines, without = await self._count(terms, counting, described, actor, progress)
        async with self._database.reading() as tx:
            missed = await coverage_rows.count_not_searchable(tx, within, frozen.log_size)
        now = to_millis(self._clock())
        report = TermReport(
            id=self._ulids.one(from_millis(now)),
            name=legible(wanted.name.strip()),
            matter=legible(wanted.matter.strip() or frozen.matter),
            set=_facts(frozen),
            syntax=wanted.syntax,
            stem=wanted.stem,
            zone=str(self._days(wanted)),
            grammar=GRAMMAR_VERSION,
            analyzer=ANALYZER_VERSION,
            engine=self._engine(),
            within=names(within),
            documents=len(described.documents.numbers),
            not_searchable=missed,
            accounts=described.accounts,
            months=described.month_names(),
            terms=lines,
            total=_totals(counting, described),
            made_at=now,
            made_by=legible(actor.name),
            took_ms=now - began,
            without_words=without,
        )
        await self._record(report, within, counting, actor)
        return report

    async def entries(self, *, set_id: str = "", actor: Actor) -> tuple[ReportEntry, ...]:
        """Return the reports in reach, or those over one set, newest first. Raises Denied."""
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            rows = [
                row
                for row in await report_rows.list_all(tx, set_id)
                if is_within(row.within, within)
            ]
        await self._trail.record(
            Action.TERMS_VIEWED,
            actor=actor,
            object_type="term report",
            details={"listed": len(rows)},
        )
        return tuple(map(entry_of, rows))

    async def show(self, report_id: str, *, actor: Actor) -> TermReport:
        """Return one report. Raises Denied, NotFound."""
        report = await self._read(report_id, actor)
        await self._note(Action.TERMS_VIEWED, report, actor)
        return report

    async def export(self, report_id: str, *, form: str, actor: Actor) -> TermReport:
        """Return one report to be written as a file of a `form`. Raises Denied, NotFound."""
        report = await self._read(report_id, actor)
        await self._note(Action.TERMS_EXPORTED, report, actor, format=form)
        return report

    async def compare(self, report_id: str, earlier_id: str, *, actor: Actor) -> Comparison:
        """Return how a report differs from an earlier one. Raises Denied, NotFound."""
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            later, later_hits = await with_hits(tx, report_id, within)
            earlier, earlier_hits = await with_hits(tx, earlier_id, within)
        found = await asyncio.to_thread(compare, earlier, earlier_hits, later, later_hits)
        await self._note(
            Action.TERMS_COMPARED, later, actor, earlier=f"“{earlier.title}”", earlier_id=earlier.id
        )
        return found

    async def ids(self, numbers: Sequence[int]) -> Sequence[str]:
        """Return the record ids at log indexes that a comparison named."""
        async with self._database.reading() as tx:
            return await record_rows.ids_at(tx, numbers)

    async def _set(self, wanted: Wanted, actor: Actor) -> FrozenSet:
        if wanted.set_id and wanted.query.strip():
            raise InvalidInput(
                "expected a frozen set or a query, found both; a report counts in one set",
                pointer="set_id",
            )
        if wanted.set_id:
            return await self._sets.show(wanted.set_id, actor=actor)
        return await self._sets.freeze(
            wanted.query,
            name=wanted.name,
            matter=wanted.matter,
            stem=wanted.stem,
            zone=wanted.zone,
            actor=actor,
        )

    async def _count(
        self,
        terms: Sequence[Term],
        counting: TermCounting,
        described: Described,
        actor: Actor,
        progress: Progress,
    ) -> tuple[tuple[TermLine, ...], int]:
        """Return the lines of all terms, and how many documents hold no words at all."""
        lines: list[TermLine] = []
        within = reach(actor, Permission.SEARCH)
        asks = {asks_what_is_restricted(term.tree) for term in terms if term.tree is not None}
        async with self._database.reading() as tx:
            parts = {each: await part_told(tx, within, restricted=each) for each in asks}
        async with searching_terms(
            database=self._database,
            index=self._index,
            documents=self._documents,
            log_size=described.documents.size,
        ) as search:
            for term in terms:
                if term.tree is None:
                    line, counted = line_of(term), counting.add(())
                else:
                    wanted = await self._with_held(term.tree, actor)
                    part = parts[asks_what_is_restricted(term.tree)]
                    line, counted = await self._turns.take(
                        actor, partial(search.count, term, wanted, part, counting), is_slice=True
                    )
                lines.append(replace(line, months=described.placed(counted.months)))
                progress("Counting terms", len(lines), len(terms))
            without = counting.documents_among(
                await self._turns.take(actor, partial(search.find, WITHOUT_WORDS), is_slice=True)
            )
        alone = zip(lines, counting.unique(), strict=True)
        return tuple(replace(line, unique=unique) for line, unique in alone), without

    async def _with_held(self, tree: Query, actor: Actor) -> Query:
        asks_restricted = asks_what_is_restricted(tree)
        if not asks_restricted and not asks_what_is_held(tree):
            return tree
        async with self._database.reading() as tx:
            if asks_restricted:
                tree = await around_restricted(tx, tree, actor)
            return await with_held(tx, tree, reach(actor, Permission.READ_HOLDS))

    async def _record(
        self, report: TermReport, within: Reach, counting: TermCounting, actor: Actor
    ) -> None:
        hits = await asyncio.to_thread(
            lambda: [pack(counting.hits(place)) for place in range(len(report.terms))]
        )
        row = TermReportRow(
            id=report.id,
            name=report.name,
            matter=report.matter,
            set_id=report.set.id,
            within=reach_text(within),
            terms=len(report.terms),
            documents=report.documents,
            hits=report.total.documents,
            made_at=report.made_at,
            made_by=report.made_by,
            body=report_text(report),
        )
        effect = TermsReported(row=row, counts=[term.documents for term in report.terms], hits=hits)
        await self._trail.record(
            Action.TERMS_REPORTED,
            actor=actor,
            object_type="term report",
            object_id=report.id,
            details=effect.details,
            parts=[effect.part],
            effect=effect,
            at=from_millis(report.made_at),
        )

    async def _read(self, report_id: str, actor: Actor) -> TermReport:
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            return report_of((await visible_report(tx, report_id, within)).body)

    async def _note(self, action: Action, report: TermReport, actor: Actor, **besides: str) -> None:
        await self._trail.record(
            action,
            actor=actor,
            object_type="term report",
            object_id=report.id,
            details={"name": report.title, "matter": report.matter, **besides},
        )

    def _days(self, wanted: Wanted) -> tzinfo:
        return zone_of(wanted.zone, self._zone)


def _facts(frozen: FrozenSet) -> SetFacts:
    return SetFacts(
        id=frozen.id,
        name=frozen.name,
        query=frozen.normalised,
        records=frozen.records,
        digest=frozen.digest,
        log_size=frozen.log_size,
    )


def _totals(counting: TermCounting, described: Described) -> Totals:
    total = counting.total()
    return Totals(
        documents=total.hits,
        family=total.family,
        accounts=total.accounts,
        months=described.placed(total.months),
    )
