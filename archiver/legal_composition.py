"""The use cases of search, sets and holds, made of the parts of an archive.

`archiver.app` puts them among the others.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.access.approvals import Approvals
from archiver.background_composition import Background
from archiver.composition import Ground, Views, WritePath
from archiver.jobs.term_jobs import Sets, open_sets
from archiver.legal.explaining import Explaining, explaining_of
from archiver.legal.frozen_sets import FrozenSets
from archiver.legal.hold_register import HoldRegister
from archiver.legal.hold_release import HoldReleases
from archiver.legal.holds import Holds
from archiver.legal.saved_searches import SavedSearches
from archiver.legal.searching import Searching
from archiver.legal.subscriptions import Subscriptions
from archiver.legal.term_reports import TermReports


@dataclass(frozen=True, kw_only=True)
class LegalCases:
    """From a query to what is kept because of it."""

    searching: Searching
    explaining: Explaining
    saved_searches: SavedSearches
    subscriptions: Subscriptions
    frozen_sets: FrozenSets
    term_reports: TermReports
    holds: Holds
    hold_register: HoldRegister
    releases: HoldReleases


def legal_cases(
    ground: Ground, path: WritePath, views: Views, background: Background, approvals: Approvals
) -> LegalCases:
    """Return the use cases of search and hold; `approvals` are those of second persons."""
    sets = _sets(ground, path, views)
    register = HoldRegister(
        database=ground.database,
        trail=path.trail,
        clock=ground.clock,
        pending=views.holds.pending,
    )
    return LegalCases(
        searching=_searching(ground, path, views),
        explaining=explaining_of(
            views.index, ground.database, path.trail, ground.archive.zone, views.turns
        ),
        saved_searches=background.telling.saved_searches,
        subscriptions=background.telling.subscriptions,
        frozen_sets=sets.frozen,
        term_reports=sets.reports,
        holds=views.holds,
        hold_register=register,
        releases=HoldReleases(
            holds=views.holds,
            register=register,
            approvals=approvals,
            two_person=ground.settings.two_person_hold_release,
        ),
    )


def _searching(ground: Ground, path: WritePath, views: Views) -> Searching:
    return Searching(
        index=views.index,
        database=ground.database,
        records=path.reader,
        zone=ZoneInfo(ground.archive.zone),
        trail=path.trail,
        engine=views.engine,
        turns=views.turns,
        together=1 if ground.settings.effective_store_url.startswith("file:") else 8,
    )


def _sets(ground: Ground, path: WritePath, views: Views) -> Sets:
    return open_sets(
        database=ground.database,
        index=views.index,
        documents=views.documents,
        zone=ZoneInfo(ground.archive.zone),
        trail=path.trail,
        clock=ground.clock,
        ulids=ground.ulids,
        engine=views.engine,
        turns=views.turns,
    )
