"""Restricted records (GDPR art. 18): no search finds them but one that asks for them.

They stay what they are: kept, held, verified, destroyed in time. A person who may read them and
asks `is:restricted` searches everything; to everybody else, and in every other search, they are not
there: in no count, hit, bar, facet, set, term report or news of a saved search. Holds reach them.
"""

from collections import OrderedDict
from dataclasses import dataclass

from archiver.access.rules import Permission, Reach, require
from archiver.db import restricted as rows
from archiver.db.transaction import Connection, Database, Transaction
from archiver.legal.reach import Part, Parts, without
from archiver.model.actor import Actor
from search.query import And, Held, Not, Numbers, Or, Query, Standing, every

_KEPT = 4


def asks_what_is_restricted(query: Query) -> bool:
    """Return whether a query has an `is:restricted` anywhere."""
    match query:
        case Held(Standing.RESTRICTED):
            return True
        case Not(part):
            return asks_what_is_restricted(part)
        case And(parts) | Or(parts):
            return any(map(asks_what_is_restricted, parts))
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Known:
    """The restricted records of one moment, and what tells a change by.

    `state` is of the decisions; `seen` the highest log index that was looked at. What is captured
    later of a restricted post is restricted as well.
    """

    state: rows.State
    seen: int
    numbers: Numbers

    def now(self, connection: Connection) -> "Known | None":
        """Return what is restricted now; None where a decision has changed since."""
        if rows.state(connection) != self.state:
            return None
        if not self.state:
            return self
        later, seen = rows.later_than(connection, self.seen)
        numbers = Numbers(self.numbers.numbers | later) if later else self.numbers
        return Known(self.state, seen, numbers)

    @classmethod
    def read(cls, connection: Connection) -> "Known":
        """Return what is restricted, read as a whole."""
        state, seen = rows.state(connection), rows.newest(connection)
        return cls(state, seen, Numbers(rows.indexes(connection) if state else frozenset()))


class RestrictedRecords:
    """Knows the restricted records; remembers them until a request that restricts any changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[rows.State, Known] = OrderedDict()

    @property
    def newest(self) -> Known | None:
        """What was restricted when it was last asked."""
        return next(reversed(self._known.values()), None)

    async def at_hand(self, database: Database) -> Numbers | None:
        """Return what `numbers` returns where that is remembered; else None.

        Every search asks it: in one go it costs a quarter of a transaction awaited step by step.
        """
        found = await database.run(self._find, writes=False)
        return None if found is None else self._keep(found)

    async def numbers(self, tx: Transaction) -> Numbers:
        """Return the log indexes of all restricted records."""
        return self._keep(await tx.run_sync(self._find_or_read))

    def _find(self, connection: Connection) -> Known | None:
        known = self._known.get(rows.state(connection))
        return None if known is None else known.now(connection)

    def _find_or_read(self, connection: Connection) -> Known:
        found = self._find(connection)
        return Known.read(connection) if found is None else found

    def _keep(self, found: Known) -> Numbers:
        self._known.pop(found.state, None)
        self._known[found.state] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found.numbers


def are_still(connection: Connection, known: Known) -> bool:
    """Return whether the same records are restricted as were known."""
    now = known.now(connection)
    return now is not None and now.numbers is known.numbers


async def around_restricted(
    tx: Transaction, query: Query, actor: Actor, records: RestrictedRecords | None = None
) -> Query:
    """Return what `query` finds for the actor: without restricted records, unless it asks for them.

    Raises:
        Denied: it asks for them, and the actor may not read them.
    """
    restricted = await (records or RestrictedRecords()).numbers(tx)
    if asks_what_is_restricted(query):
        require(actor, Permission.READ_RESTRICTED)
        return with_restricted(query, restricted)
    return every((query, Not(restricted))) if restricted.numbers else query


async def part_told(tx: Transaction, within: Reach, *, restricted: bool = False) -> Part:
    """Return the part of the archive whose words may be told, with restricted records or not."""
    part = await Parts().of(tx, within)
    return part if restricted else without(part, await RestrictedRecords().numbers(tx))


def with_restricted(query: Query, restricted: Numbers) -> Query:
    """Return `query` with the restricted records themselves in the place of `is:restricted`."""
    match query:
        case Held(Standing.RESTRICTED):
            return restricted
        case Not(part):
            return Not(with_restricted(part, restricted))
        case And(parts):
            return And(tuple(with_restricted(part, restricted) for part in parts))
        case Or(parts):
            return Or(tuple(with_restricted(part, restricted) for part in parts))
        case _:
            return query
