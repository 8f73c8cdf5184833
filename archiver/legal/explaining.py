"""Explaining a query: how it is understood, and which words of the index its words stand for.

What stands for many is never silent: each pattern, similar and stemmed word is told with the words
it finds and how many records hold each, within the part of the archive its asker may see.
"""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from archiver.access.rules import Permission, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.db.transaction import Database
from archiver.legal.expansions import Expansion, expansions_of
from archiver.legal.inquiry import Inquiry
from archiver.legal.queries import OpenIndex
from archiver.legal.turns import Turns
from archiver.legal.understanding import Syntax, Understood, understand, zone_of
from archiver.model.actor import Actor
from search.query import Query


class Explaining:
    """Explains queries to whoever may search."""

    def __init__(self, *, inquiry: Inquiry, zone: tzinfo, trail: Trail) -> None:
        self._inquiry = inquiry
        self._zone = zone
        self._trail = trail

    def understand(
        self, text: str, *, syntax: Syntax = Syntax.MUNIMENT, stem: bool = False, zone: str = ""
    ) -> Understood:
        """Return how a query is understood; nothing is searched. Raises InvalidInput."""
        return understand(text, zone_of(zone, self._zone), syntax=syntax, stem=stem)

    async def expansions(self, query: Query, *, actor: Actor) -> tuple[Expansion, ...]:
        """Return what each word of `query` that stands for many stands for, in reading order.

        Raises:
            Denied: the actor may search nothing.
            SearchUnavailable: the index does not answer.
        """
        part, _ = await self._inquiry.within(reach(actor, Permission.SEARCH), [], actor)
        found = await self._inquiry.ask(
            actor, lambda snapshot: expansions_of(snapshot, query, part)
        )
        if found:
            words = ", ".join(each.word for each in found)
            await self._trail.record(
                Action.SEARCH_RUN,
                actor=actor,
                object_type="words of the index",
                details={"query": words},
            )
        return found


def explaining_of(
    index: OpenIndex, database: Database, trail: Trail, zone: str, turns: Turns
) -> Explaining:
    """Return the use case over the parts of an archive."""
    inquiry = Inquiry(index=index, database=database, turns=turns)
    return Explaining(inquiry=inquiry, zone=ZoneInfo(zone), trail=trail)
