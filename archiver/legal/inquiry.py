"""One question to the search engine: of whom, within which part of the archive, and when.

What is asked becomes what the engine can answer (the part of the archive within reach, the records
that are held now), and is asked in a thread when it is the asker's turn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from archiver.access.rules import Permission, Reach, reach, require
from archiver.db.transaction import Connection, Database
from archiver.legal.held import HeldRecords, asks_what_is_held, with_held
from archiver.legal.queries import OpenIndex, asking_the_engine
from archiver.legal.reach import WHOLE, Part, Parts, without
from archiver.legal.restriction import (
    Known,
    RestrictedRecords,
    are_still,
    asks_what_is_restricted,
    with_restricted,
)
from archiver.legal.turns import Turns
from archiver.model.actor import Actor
from search.index import Snapshot
from search.query import Numbers, Query

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Supposed:
    """The part that is searched and what is asked, if what is restricted is what it last was."""

    part: Part
    trees: list[Query]
    _restricted: Known

    def holds(self, connection: Connection) -> bool:
        """Return whether it is so. Nothing may be answered where it is not."""
        return are_still(connection, self._restricted)


class Inquiry:
    """Asks the index of one archive, for everybody in turn."""

    def __init__(self, *, index: OpenIndex, database: Database, turns: Turns) -> None:
        self._index = index
        self._database = database
        self._turns = turns
        self._parts = Parts()
        self._held = HeldRecords()
        self._restricted = RestrictedRecords()

    async def within(
        self, within: Reach, trees: Sequence[Query], actor: Actor
    ) -> tuple[Part, list[Query]]:
        """Return the part of the archive that is searched, and `trees` with what is held put in.

        Restricted records are in no part, unless a tree asks for them (`legal.restriction`).

        Raises:
            Denied: a tree asks what is held, and the actor may read no holds; or it asks what is
                restricted, and they may not read that.
        """
        asks_held = any(map(asks_what_is_held, trees))
        if within.everything and not asks_held:
            restricted = await self._restricted.at_hand(self._database)
            if restricted is not None:
                return _apart(WHOLE, trees, restricted, actor)
        async with self._database.reading() as tx:
            part = await self._parts.of(tx, within)
            restricted = await self._restricted.numbers(tx)
            part, wanted = _apart(part, trees, restricted, actor)
            if asks_held:
                holds = reach(actor, Permission.READ_HOLDS)
                wanted = [await with_held(tx, tree, holds, self._held) for tree in wanted]
            return part, wanted

    def supposed(self, within: Reach, trees: Sequence[Query], actor: Actor) -> Supposed | None:
        """Return what `within` returns unless something was restricted or freed meanwhile.

        To be made sure of (`Supposed.holds`) together with what else the database is asked. None
        where it cannot be told without the database. Raises as `within`.
        """
        newest = self._restricted.newest
        if newest is None or not within.everything or any(map(asks_what_is_held, trees)):
            return None
        return Supposed(*_apart(WHOLE, trees, newest.numbers, actor), newest)

    async def ask(self, actor: Actor, question: Callable[[Snapshot], _T]) -> _T:
        """Return what `question` finds in one state of the index.

        Raises:
            InvalidInput: it costs more than one answer may.
            SearchUnavailable: the index does not answer, or cannot be trusted.
            TooMany, Overloaded: it was not the actor's turn for long (`archiver.legal.turns`).
        """

        def asked() -> _T:
            with asking_the_engine(), self._index.reader().snapshot() as snapshot:
                return question(snapshot)

        return await self._turns.take(actor, asked)


def _apart(
    part: Part, trees: Sequence[Query], restricted: Numbers, actor: Actor
) -> tuple[Part, list[Query]]:
    """Leave restricted records out of the part, or put them in where a tree asks for them."""
    if not any(map(asks_what_is_restricted, trees)):
        return without(part, restricted), list(trees)
    require(actor, Permission.READ_RESTRICTED)
    return part, [with_restricted(tree, restricted) for tree in trees]
