"""What concerns somebody when they come in: figures by permission, and nothing for what they lack.

Other panels of the page are those of the use cases they belong to: holds, accounts, integrity.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from archiver.access.rules import Permission, allowed, allowed_somewhere
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import home as rows
from archiver.db.events import EventRow
from archiver.db.home import AccessFigures, DisposalFigures, EndCounts
from archiver.db.transaction import Database, Transaction
from archiver.model.actor import Actor
from archiver.model.person import PersonState

SOON = timedelta(days=14)
LATELY = timedelta(days=7)
MOST_CHANGES = 10_000
"""More changes since a visit than these are not counted on: the page says "or more"."""

MOST_HELD = 10_000
"""More due records under hold than these are not counted: the page says "or more"."""

_SEARCHES = 5
_LOOKED_THROUGH = 30
_FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentSearch:
    """A query of one's own: what was asked, when last, and how many records it found then."""

    query: str
    at: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Events by others since the sign-in before this one; `at_least` where there were more.

    `since` is empty where no earlier sign-in is known: then they are those of the last week.
    """

    since: str
    events: int
    at_least: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPanel:
    """Who waits to come in, who is locked out, which tokens end, how often glass was broken."""

    figures: AccessFigures
    glass_broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Posts by their ends, as they were counted at a moment: soon is within so many days."""

    counts: EndCounts
    days: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalPanel:
    """What a records manager works on. `most_held` due records under hold are counted at most.

    `ends` are counted once an hour (no index tells them), None before the first time.
    """

    figures: DisposalFigures
    most_held: int
    ends: Ends | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """The panels; None where the actor has nothing to do with one."""

    searches: tuple[RecentSearch, ...] | None
    changes: Changes | None
    access: AccessPanel | None
    failed_jobs: int | None
    disposal: DisposalPanel | None = None


class Home:
    """The use case behind the page one lands on."""

    def __init__(
        self, *, database: Database, clock: Clock, ends: Callable[[], Ends | None] = lambda: None
    ) -> None:
        """`ends` returns what was counted last of the ends of records."""
        self._database = database
        self._clock = clock
        self._ends = ends

    async def show(self, *, session_id: str = "", actor: Actor) -> HomeView:
        """Return what concerns the actor. `session_id` is that of their browser, if there is one.

        It makes no event: one's own searches and bare figures are nobody else's data.
        """
        async with self._database.reading() as tx:
            return HomeView(
                searches=await self._searches(tx, actor),
                changes=await self._changes(tx, session_id, actor),
                access=await self._access(tx, actor),
                failed_jobs=await self._failed_jobs(tx, actor),
                disposal=await self._disposal(tx, actor),
            )

    async def _searches(self, tx: Transaction, actor: Actor) -> tuple[RecentSearch, ...] | None:
        if not allowed_somewhere(actor, Permission.SEARCH):
            return None
        events = await rows.own_events(tx, actor.name, Action.SEARCH_RUN, _LOOKED_THROUGH)
        return _distinct(events)

    async def _changes(self, tx: Transaction, session_id: str, actor: Actor) -> Changes | None:
        if not allowed(actor, Permission.READ_AUDIT):
            return None
        before = None
        if actor.person_id and session_id:
            before = await rows.previous_sign_in(tx, actor.person_id, session_id)
        since = self._ago(LATELY) if before is None else before
        found = await rows.count_events(tx, since=since, but_by=actor.name, most=MOST_CHANGES)
        return Changes(
            since="" if before is None else rfc3339(from_millis(before)),
            events=found,
            at_least=found == MOST_CHANGES,
        )

    async def _access(self, tx: Transaction, actor: Actor) -> AccessPanel | None:
        if not allowed(actor, Permission.MANAGE_ACCESS):
            return None
        figures = await rows.access_figures(
            tx,
            now=to_millis(self._clock()),
            expires_before=to_millis(self._clock() + SOON),
            invited=PersonState.INVITED,
        )
        broken = await rows.count_action(tx, Action.GLASS_BROKEN, since=self._ago(LATELY))
        return AccessPanel(figures=figures, glass_broken=broken)

    async def _failed_jobs(self, tx: Transaction, actor: Actor) -> int | None:
        if not allowed(actor, Permission.OPERATE):
            return None
        return await rows.count_jobs(tx, _FAILED, since=self._ago(LATELY))

    async def _disposal(self, tx: Transaction, actor: Actor) -> DisposalPanel | None:
        """Return the work of disposal: four statements, none of which goes through the records."""
        if not allowed(actor, Permission.PROPOSE_DISPOSAL):
            return None
        now = to_millis(self._clock())
        figures = await rows.disposal_figures(tx, now=now, most=MOST_HELD)
        return DisposalPanel(figures=figures, most_held=MOST_HELD, ends=self._ends())

    def _ago(self, span: timedelta) -> int:
        return to_millis(self._clock() - span)


def _distinct(events: Sequence[EventRow]) -> tuple[RecentSearch, ...]:
    """Return the newest run of each query, newest first; what was asked for by an empty box is not.

    What stands in the details of an event is not trusted to be there: events are kept for decades.
    """
    found: dict[str, RecentSearch] = {}
    for event in events:
        details = json.loads(event.details)
        query, count = str(details.get("query") or ""), details.get("count")
        if event.object_type == "query" and query.strip() and isinstance(count, int):
            at = rfc3339(from_millis(event.at))
            found.setdefault(query, RecentSearch(query=query, at=at, count=count))
    return tuple(found.values())[:_SEARCHES]
