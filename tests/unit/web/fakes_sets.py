# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Frozen sets and search term reports kept in memory, for tests of the face alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from archiver.access.rules import Permission, reach
from archiver.errors import InvalidInput, NotFound
from archiver.legal.expansions import Expansion
from archiver.legal.hold_views import HeldPost
from archiver.legal.report_views import ReportEntry
from archiver.legal.set_views import FrozenSet, SetIds, SetPage
from archiver.legal.term_comparison import Comparison, compare
from archiver.legal.term_lists import Term, read_terms, terms_of
from archiver.legal.term_report import AccountName, SetFacts, TermLine, TermReport, Totals
from archiver.legal.term_reports import Wanted
from archiver.legal.understanding import syntax_of
from archiver.model.actor import Actor

SET = "01KAM0SET00000000000000001"
REPORT = "01KAM0REPORT00000000000002"
EARLIER = "01KAM0REPORT00000000000001"
RECORD = "01KAM0RECORD00000000000001"
HOSTILE = "<b>merger</b>"
_AT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)

VIEW = FrozenSet(
    id=SET,
    name=HOSTILE,
    matter="24-1",
    query="Merger",
    normalised="merger",
    options={"stem": False, "zone": "UTC"},
    expansions=(Expansion(word="merg*", tokens=2, told=(("merger", 3),)),),
    within=(),
    engine="tantivy 0.27",
    analyzer="muniment-1",
    log_size=9,
    records=3,
    digest="ab" * 32,
    frozen_at=_AT,
    frozen_by="carla",
)
MEMBER = HeldPost(
    log_index=0,
    id=RECORD,
    platform="x",
    account=HOSTILE,
    kind="post",
    change="created",
    posted_at=_AT,
    captured_at=_AT,
)


def a_report(report_id: str, *terms: str) -> TermReport:
    """A report of terms that hit three documents each, and of one that could not be read."""
    lines = [
        TermLine(
            position=n,
            text=text,
            normalised=text,
            documents=3,
            family=4,
            unique=1,
            accounts=((0, 3),),
            months=((0, 1), (1, 2)),
        )
        for n, text in enumerate(terms, 1)
    ]
    wrong = TermLine(position=len(lines) + 1, text="fees AND", error="more is missing")
    return TermReport(
        id=report_id,
        name=f"Report {HOSTILE}",
        matter="24-1",
        set=SetFacts(id=SET, name=HOSTILE, query="merger", records=9, digest="ab" * 32, log_size=9),
        syntax="muniment",
        stem=False,
        zone="UTC",
        grammar="muniment-1",
        analyzer="muniment-1",
        engine="tantivy 0.27",
        within=(),
        documents=9,
        not_searchable=2,
        accounts=(AccountName("x", HOSTILE, "Ann"),),
        months=("", "2026-11"),
        terms=(*lines, wrong),
        total=Totals(documents=5, family=6, accounts=((0, 5),), months=((0, 2), (1, 3))),
        made_at=1_790_000_000_000,
        made_by="carla",
        took_ms=12,
        without_words=3,
    )


@dataclass
class FakeFrozenSets:
    """One set, and what was frozen since."""

    frozen: list[tuple[str, str, str]] = field(default_factory=list)

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
        reach(actor, Permission.SEARCH)
        if query.endswith("AND"):
            raise InvalidInput("more is missing", pointer="query")
        self.frozen.append((query, name, matter))
        return VIEW

    async def show(self, set_id: str, *, actor: Actor) -> FrozenSet:
        reach(actor, Permission.SEARCH)
        if set_id != SET:
            raise NotFound(f"no frozen set {set_id!r}")
        return VIEW

    async def page(self, set_id: str, *, after: int = -1, limit: int = 50, actor: Actor) -> SetPage:
        view = await self.show(set_id, actor=actor)
        return SetPage(
            view=view, members=(MEMBER,), shown=2, after=MEMBER.log_index if after < 0 else None
        )

    async def ids(self, set_id: str, *, actor: Actor) -> SetIds:
        return SetIds(view=await self.show(set_id, actor=actor), ids=(RECORD,))

    async def list(self, *, actor: Actor) -> Sequence[FrozenSet]:
        reach(actor, Permission.SEARCH)
        return (VIEW,)


@dataclass
class FakeTermReports:
    """Two reports over the set, which both say `told` of themselves."""

    exported: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)

    def read(self, wanted: Wanted) -> Sequence[Term]:
        return read_terms(terms_of(wanted.terms), UTC, syntax=syntax_of(wanted.syntax))

    async def entries(self, *, set_id: str = "", actor: Actor) -> Sequence[ReportEntry]:
        reach(actor, Permission.SEARCH)
        later = ReportEntry(
            id=REPORT,
            name=HOSTILE,
            matter="24-1",
            set_id=SET,
            terms=2,
            documents=9,
            hits=5,
            made_at=_AT,
            made_by="carla",
        )
        return (later, replace(later, id=EARLIER, name=""))

    async def show(self, report_id: str, *, actor: Actor) -> TermReport:
        reach(actor, Permission.SEARCH)
        if report_id not in {REPORT, EARLIER}:
            raise NotFound(f"no search term report {report_id!r}")
        return replace(a_report(report_id, "merger", "=cmd|calc"), **self.told)

    async def export(self, report_id: str, *, form: str, actor: Actor) -> TermReport:
        self.exported.append(form)
        return await self.show(report_id, actor=actor)

    async def compare(self, report_id: str, earlier_id: str, *, actor: Actor) -> Comparison:
        later = await self.show(report_id, actor=actor)
        await self.show(earlier_id, actor=actor)
        earlier = a_report(earlier_id, "merger", HOSTILE)
        return compare(earlier, [(1, 2), (3,), ()], later, [(1, 2), (4,), ()])

    async def ids(self, numbers: Sequence[int]) -> Sequence[str]:
        return [RECORD for _ in numbers]
