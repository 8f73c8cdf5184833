"""What `is:held` finds: records under a hold in force that whoever asks may see.

Holds come and go while records and their index entries stay as they are, so no index says what is
held. The database does, and its answer is put into the query before the engine sees it.

A person limited to units or matters learns of holds they may see and of no other, as in the list of
holds: so to them a record under nobody's hold but another matter's is not held.
"""

from collections import OrderedDict

from archiver.access.rules import Reach
from archiver.db import holds as hold_rows
from archiver.db.transaction import Transaction
from archiver.errors import InvalidInput
from archiver.legal.hold_views import is_visible
from archiver.legal.restriction import asks_what_is_restricted
from search.query import And, Held, Not, Numbers, Or, Query, Standing

_KEPT = 8  # sets of holds; a few MB each where they hold a hundred thousand records


def asks_what_is_held(query: Query) -> bool:
    """Return whether a query has an `is:held` anywhere."""
    match query:
        case Held(Standing.HELD):
            return True
        case Not(part):
            return asks_what_is_held(part)
        case And(parts) | Or(parts):
            return any(map(asks_what_is_held, parts))
        case _:
            return False


def require_lasting(query: Query, what: str) -> Query:
    """Return `query`, which shall define `what` ("a hold"): so it must not ask what is held.

    Raises:
        InvalidInput: it does. What it defines would change with other holds, or with itself.
    """
    if asks_what_is_held(query) or asks_what_is_restricted(query):
        raise InvalidInput(
            f"expected a query that defines {what} by the posts themselves, found is:held or "
            "is:restricted, which change as holds are placed and people ask; leave it out",
            pointer="query",
        )
    return query


class HeldRecords:
    """Knows the records under holds in force; remembers the members of large ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[tuple[str, bytes], ...], Numbers] = OrderedDict()

    async def within(self, tx: Transaction, reach: Reach) -> Numbers:
        """Return the log indexes of all members of the holds in force within `reach`."""
        rows = [row for row in await hold_rows.list_active(tx) if is_visible(row, reach)]
        # A hold's members never change and its digest names them: what is remembered is right.
        state = tuple((row.id, row.members_sha256) for row in rows)
        found = self._known.pop(state, None)
        if found is None:
            members = await hold_rows.member_indexes(tx, [row.id for row in rows])
            found = Numbers(frozenset(members))
        self._known[state] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


async def with_held(
    tx: Transaction, query: Query, within: Reach, records: HeldRecords | None = None
) -> Query:
    """Return `query` with the held records themselves in the place of `is:held`.

    Args:
        tx: where holds are read.
        query: as it was typed.
        within: the part of the archive whose holds the asker may read
            (`reach(actor, Permission.READ_HOLDS)`).
        records: remembers what is held between questions; without it, it is read anew.
    """
    if not asks_what_is_held(query):
        return query
    return _replaced(query, await (records or HeldRecords()).within(tx, within))


def _replaced(query: Query, held: Numbers) -> Query:
    match query:
        case Held(Standing.HELD):
            return held
        case Not(part):
            return Not(_replaced(part, held))
        case And(parts):
            return And(tuple(_replaced(part, held) for part in parts))
        case Or(parts):
            return Or(tuple(_replaced(part, held) for part in parts))
        case _:
            return query
