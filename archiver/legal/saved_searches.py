"""Saved searches: a query and its filters under a name, versioned, private or shared.

Every change is a new version and an event that states it whole (`preserve.saved_search_effects`);
old versions stay, so that a hold can name one. What is saved is the normal form: one text that
reads the same for everybody, in any time zone. Whoever runs a shared search runs it within their
own reach, and what is new is counted for each of them apart (`news`).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import tzinfo

from archiver.access.rules import Permission, allowed, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import saved_searches as rows
from archiver.db.saved_searches import SavedRow
from archiver.db.transaction import Database
from archiver.errors import InvalidInput, SearchUnavailable
from archiver.ids import Ulids
from archiver.legal.asking import Asked
from archiver.legal.news import News, visible_search
from archiver.legal.saved_versions import (
    Change,
    action_of,
    changed_meanwhile,
    definition_of,
    described,
    named,
    next_version,
    require_newest,
    require_own,
)
from archiver.legal.saved_views import (
    EVERYBODY,
    PRIVATE,
    SavedView,
    Version,
    history_of,
    is_visible,
    key_of,
    read_sharing,
)
from archiver.model.actor import Actor
from archiver.preserve.event_record import legible
from archiver.preserve.saved_search_effects import (
    SAVED_SEARCH,
    VersionStated,
    Visited,
    version_details,
)

MAX_PAGE = 100
"""Saved searches of one page: what is new is asked of the engine for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """A page of saved searches, and how many there are within reach; `cursor` of the next one."""

    items: tuple[SavedView, ...]
    total: int
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDetail:
    """All that one page about a saved search shows of it: a version, and its history."""

    view: SavedView
    history: tuple[Version, ...]


class SavedSearches:
    """The use cases on saved searches."""

    def __init__(
        self,
        *,
        database: Database,
        news: News,
        zone: tzinfo,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
    ) -> None:
        self._database = database
        self._zone = zone
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._news = news
        self._changing = asyncio.Lock()

    async def save(
        self,
        asked: Asked,
        *,
        name: str,
        description: str = "",
        shared_with: str = "",
        actor: Actor,
    ) -> SavedView:
        """Save what was asked under a name, as version 1.

        Its hits by now are not new to whoever saves it.

        Raises:
            Denied: the actor may not search.
            InvalidInput: no name, nothing asked, or shared with others than the actor can see.
        """
        within = reach(actor, Permission.SEARCH)
        now = self._clock()
        query, normalised, text = definition_of(asked, self._zone)
        row = SavedRow(
            id=self._ulids.one(now),
            owner=legible(actor.name),
            owner_key=legible(key_of(actor)),
            newest=1,
            version=1,
            name=named(name),
            description=described(description),
            query=query,
            normalised=normalised,
            asked=text,
            shared_with=read_sharing(shared_with, within),
            archived=False,
            made_at=to_millis(now),
            made_by=legible(actor.name),
        )
        await self._state(Action.SAVED_CREATED, row, actor)
        with suppress(SearchUnavailable):  # then all of its hits are new, to its owner as well
            await self._note_visit(row, await self._news.watermark(), actor)
        return await self._read(row.id, actor)

    async def change(
        self, saved_search_id: str, change: Change, *, based_on: int, actor: Actor
    ) -> SavedView:
        """Make a new version of a search of one's own from version `based_on`, the newest.

        A change that changes nothing makes no version.

        Raises:
            Denied: it is somebody else's; or the actor may not search.
            NotFound: there is none within reach.
            Conflict: somebody made a later version meanwhile.
            InvalidInput: as `save`.
        """
        within = reach(actor, Permission.SEARCH)
        async with self._changing:
            async with self._database.reading() as tx:
                row = await visible_search(tx, saved_search_id, actor)
            require_own(row, actor)
            require_newest(row, based_on)
            new = next_version(
                row, change, zone=self._zone, within=within, at=to_millis(self._clock())
            )
            action = action_of(row, new)
            if action is not None:
                await self._state(action, new, actor)
        view = await self._read(saved_search_id, actor)
        if action is not None and view.row.version >= new.version:
            async with self._database.reading() as tx:
                stands = await rows.get(tx, saved_search_id, new.version)
            # Of two processes that changed one version the log knows which was first.
            if (stands.made_at, stands.normalised, stands.name) != (
                new.made_at,
                new.normalised,
                new.name,
            ):
                raise changed_meanwhile(stands)
        return view

    async def list(
        self, *, archived: bool = False, limit: int = 50, cursor: str = "", actor: Actor
    ) -> SavedPage:
        """Return a page of the saved searches within reach, by name, with what is new in each.

        Raises:
            Denied: the actor may not search.
            InvalidInput: a limit out of 1 to `MAX_PAGE`, or a cursor of no page.
        """
        within = reach(actor, Permission.SEARCH)
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(
                f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit"
            )
        async with self._database.reading() as tx:
            known = await rows.list_newest(tx, archived=archived)
        seen = [row for row in known if is_visible(row, actor, within)]
        start = _after(seen, cursor)
        page = seen[start : start + limit]
        views = await self._news.of(page, actor)
        more = page[-1].id if start + limit < len(seen) else ""
        await self._trail.record(
            Action.SAVED_VIEWED,
            actor=actor,
            object_type=SAVED_SEARCH,
            details={"listed": len(views)},
        )
        return SavedPage(items=tuple(views), total=len(seen), cursor=more)

    async def mine(self, *, actor: Actor) -> tuple[SavedView, ...]:
        """Return one's own, by name, without counts: one may be given a new version.

        Raises:
            Denied: the actor may not search.
        """
        reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            known = await rows.list_newest(tx, archived=False)
        return tuple(
            SavedView(row=row, mine=True) for row in known if row.owner_key == key_of(actor)
        )

    async def shareable(self, *, actor: Actor) -> tuple[str, ...]:
        """Return with whom the actor may share: what `shared_with` takes, private first.

        Raises:
            Denied: the actor may not search.
        """
        within = reach(actor, Permission.SEARCH)
        units, matters = sorted(within.units), sorted(within.matters)
        if within.everything:
            async with self._database.reading() as tx:
                units = await rows.units(tx)
                if allowed(actor, Permission.READ_HOLDS):
                    matters = await rows.matters(tx)
        parts = [*(f"unit:{each}" for each in units), *(f"matter:{each}" for each in matters)]
        return (PRIVATE, *([EVERYBODY] if within.everything else []), *parts)

    async def show(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedView:
        """Return one version, the newest where none is named, with what is new in it.

        Raises:
            Denied: the actor may not search.
            NotFound: there is none within reach, or no such version.
        """
        async with self._database.reading() as tx:
            row = await visible_search(tx, saved_search_id, actor, version)
        (view,) = await self._news.of([row], actor)
        await self._note_viewed(row, "", actor)
        return view

    async def page(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedDetail:
        """Return a version and the history it stands in, as one event. Raises as `show`."""
        async with self._database.reading() as tx:
            row = await visible_search(tx, saved_search_id, actor, version)
            found = await rows.versions(tx, saved_search_id)
        (view,) = await self._news.of([row], actor)
        await self._note_viewed(row, "", actor)
        return SavedDetail(view=view, history=_history(found, actor))

    async def history(self, saved_search_id: str, *, actor: Actor) -> tuple[Version, ...]:
        """Return every version, the newest first, each with what it changed. Raises as `show`."""
        async with self._database.reading() as tx:
            row = await visible_search(tx, saved_search_id, actor)
            found = await rows.versions(tx, saved_search_id)
        await self._note_viewed(row, "its versions", actor)
        return _history(found, actor)

    async def open(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedView:
        """Return a version whose hits are about to be looked at: those by now are new no more.

        Raises:
            Denied, NotFound: as `show`.
            SearchUnavailable: the index does not answer.
        """
        async with self._database.reading() as tx:
            row = await visible_search(tx, saved_search_id, actor, version)
        await self._note_visit(row, await self._news.watermark(), actor)
        return SavedView(row=row, mine=row.owner_key == key_of(actor))

    async def _read(self, saved_search_id: str, actor: Actor) -> SavedView:
        async with self._database.reading() as tx:
            row = await rows.get(tx, saved_search_id)
            visits = await rows.visits_of(tx, key_of(actor), [saved_search_id])
        return SavedView(
            row=row, mine=row.owner_key == key_of(actor), visit=visits.get(saved_search_id)
        )

    async def _state(self, action: Action, row: SavedRow, actor: Actor) -> None:
        row = replace(row, made_by=legible(actor.name))
        await self._trail.record(
            action,
            actor=actor,
            object_type=SAVED_SEARCH,
            object_id=row.id,
            details=version_details(row),
            effect=VersionStated(row=row),
            at=from_millis(row.made_at),
        )

    async def _note_visit(self, row: SavedRow, seen: int, actor: Actor) -> None:
        now = self._clock()
        visitor = legible(key_of(actor))
        await self._trail.record(
            Action.SAVED_RUN,
            actor=actor,
            object_type=SAVED_SEARCH,
            object_id=row.id,
            details={
                "name": row.name,
                "version": row.version,
                "normalised": row.normalised,
                "visitor": visitor,
                "seen": seen,
            },
            effect=Visited(saved_search_id=row.id, visitor=visitor, seen=seen, at=to_millis(now)),
            at=now,
        )

    async def _note_viewed(self, row: SavedRow, what: str, actor: Actor) -> None:
        details: dict[str, str | int | bool] = {
            "name": row.name,
            "version": row.version,
            "normalised": row.normalised,
        }
        await self._trail.record(
            Action.SAVED_VIEWED,
            actor=actor,
            object_type=SAVED_SEARCH,
            object_id=row.id,
            details={**details, "what": what} if what else details,
        )


def _history(found: Sequence[SavedRow], actor: Actor) -> tuple[Version, ...]:
    whose = key_of(actor)
    return history_of([SavedView(row=row, mine=row.owner_key == whose) for row in found])


def _after(found: Sequence[SavedRow], cursor: str) -> int:
    if not cursor:
        return 0
    for place, row in enumerate(found):
        if row.id == cursor:
            return place + 1
    raise InvalidInput("the cursor is of no page; start from the first", pointer="cursor")
