"""One question to the search engine: of whom, within which part of the archive, and when.

What is asked becomes what the engine can answer (the part of the archive within reach, the records
that are held now), and is asked in a thread when it is the asker's turn.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from archiver.access.rules import Permission, Reach, reach
from archiver.db.transaction import Database
from archiver.legal.held import HeldRecords, asks_what_is_held, with_held
from archiver.legal.queries import OpenIndex, asking_the_engine
from archiver.legal.reach import WHOLE, Part, Parts
from archiver.legal.turns import Turns
from archiver.model.actor import Actor
from search.index import Snapshot
from search.query import Query

_T = TypeVar("_T")


class Inquiry:
    """Asks the index of one archive, for everybody in turn."""

    def __init__(self, *, index: OpenIndex, database: Database, turns: Turns) -> None:
        self._index = index
        self._database = database
        self._turns = turns
        self._parts = Parts()
        self._held = HeldRecords()

    async def within(
        self, within: Reach, trees: Sequence[Query], actor: Actor
    ) -> tuple[Part, list[Query]]:
        """Return the part of the archive that is searched, and `trees` with what is held put in.

        Raises:
            Denied: a tree asks what is held, and the actor may read no holds.
        """
        asks_held = any(map(asks_what_is_held, trees))
        if within.everything and not asks_held:
            return WHOLE, list(trees)
        async with self._database.reading() as tx:
            part = await self._parts.of(tx, within)
            if not asks_held:
                return part, list(trees)
            holds = reach(actor, Permission.READ_HOLDS)
            return part, [await with_held(tx, tree, holds, self._held) for tree in trees]

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
