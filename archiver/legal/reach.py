"""What a limited person's search is ANDed with: their part of the archive, as a query tree.

The accounts of units are named to the letter, the members of matters by log index. Both become
nodes of the tree that no text reads as, so the engine, the matcher, counts, pages, facets and bars
all speak of the same part, and nothing outside it is counted anywhere.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

from archiver.access.rules import Reach
from archiver.db import reach as reach_rows
from archiver.db.transaction import Transaction
from search.query import Everything, Not, Numbers, Places, Query, every, place, some

_KEPT = 8  # members of matters: a few MB where a matter holds a hundred thousand records


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of the archive that is searched: its tree, and what it is called.

    `is_whole` is whether nothing but restricted records is left out of it.
    """

    tree: Query
    names: tuple[str, ...] = ()
    is_whole: bool = False


WHOLE = Part(tree=Everything(), is_whole=True)


def without(part: Part, records: Numbers) -> Part:
    """Return a part of the archive without these records."""
    return replace(part, tree=every((part.tree, Not(records)))) if records.numbers else part


class Parts:
    """Turns a reach into what is searched; remembers the members of large matters."""

    def __init__(self) -> None:
        self._members: OrderedDict[tuple[tuple[str, bytes], ...], Numbers] = OrderedDict()

    async def of(self, tx: Transaction, reach: Reach) -> Part:
        """Return the part of the archive within `reach`, as it is now."""
        if reach.everything:
            return WHOLE
        trees: list[Query] = []
        if reach.units:
            accounts = await reach_rows.accounts_of(tx, reach.units)
            trees.append(Places(frozenset(place(*each) for each in accounts)))
        if reach.matters:
            trees.append(await self._numbers(tx, reach))
        return Part(tree=some(trees) or Places(frozenset()), names=names(reach))

    async def _numbers(self, tx: Transaction, reach: Reach) -> Numbers:
        # A hold states the digest of its members, so what is remembered is what there is.
        state = await reach_rows.states_of(tx, reach.matters)
        found = self._members.pop(state, None)
        if found is None:
            found = Numbers(frozenset(await reach_rows.members_of(tx, reach.matters)))
        self._members[state] = found
        while len(self._members) > _KEPT:
            self._members.popitem(last=False)
        return found


def names(reach: Reach) -> tuple[str, ...]:
    """Return what a part of the archive is called, for those who see no more; empty: all of it."""
    units = [f"unit {unit}" for unit in sorted(reach.units)]
    return tuple(units + [f"matter {matter}" for matter in sorted(reach.matters)])
