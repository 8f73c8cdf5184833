"""What an index says about itself, and which of its documents belong to that.

Each document has the commit it counts from (`schema.SINCE`); one that is replaced or removed stays
until the commit that does so. Commits are numbered. The **state document** says which one is the
last, and is written by one atomic write, so a commit is whole or has not been.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from search.engines.opensearch.cluster import Cluster
from search.engines.opensearch.compiler import Compiled, any_of, either, every, in_range
from search.engines.opensearch.schema import LAYOUT, NEVER, SINCE
from search.errors import IndexDamaged, IndexOutdated

STATE = "state"
"""The `_id` of the state document."""

_KEPT_VOID = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An index after a commit.

    `commit` is the last, `pending` the one being written. `void` are commits that a writer began
    and never ended: what a dead one sent may still arrive and never counts. Documents count from
    `floor` on. `superseded` are the numbers that the last commit replaced or removed, until their
    old documents are swept away; `removal` is the last commit that had any. `documents` is how many
    count; `holder` who writes, "" if nobody.
    """

    index: str
    layout: str = LAYOUT
    holder: str = ""
    watermark: int = 0
    documents: int = 0
    commit: int = 0
    pending: int = 1
    floor: int = 0
    removal: int = 0
    void: tuple[int, ...] = ()
    superseded: tuple[int, ...] = ()

    def is_shown_by(self, later: "State") -> bool:
        """Return whether all documents of this state are still there in a later one.

        What was added since counts from a later commit, so this state does not show it.
        """
        return (self.index, self.removal) == (later.index, later.removal)

    def voided(self) -> tuple[int, ...]:
        """Return `void` with the commit that is being written, as its writer is given up."""
        return (*self.void, self.pending)[-_KEPT_VOID:]

    def dead(self) -> Compiled:
        """Return the documents that no later commit can ever bring back."""
        outdated = every([any_of("number", self.superseded), in_range(SINCE, lt=self.commit)])
        return either([any_of(SINCE, self.void), in_range(SINCE, lt=self.floor), outdated])

    def hidden(self) -> Compiled:
        """Return everything that is no document of the last commit."""
        return either([in_range(SINCE, gt=self.commit), self.dead()])

    def visible(self, *queries: Compiled) -> Compiled:
        """Return the documents of the last commit that all of `queries` find."""
        return every(queries, without=[self.hidden()])

    def stored(self) -> dict[str, Any]:
        """Return the state document. It counts from `NEVER`, so no question finds it."""
        return {SINCE: NEVER, "state": {"json": json.dumps(asdict(self))}}

    @classmethod
    def read(cls, source: dict[str, Any]) -> Self:
        """Return what a state document says.

        Raises:
            IndexDamaged: it says something else.
            IndexOutdated: it is of another layout.
        """
        try:
            told = json.loads(source["state"]["json"])
            if told["layout"] == LAYOUT:
                return cls(**{name: _read(value) for name, value in told.items()})
        except (KeyError, TypeError, ValueError) as error:
            raise IndexDamaged(f"The state document of an index is not one: {error}.") from error
        found = str(told["layout"])
        raise IndexOutdated(f"Expected {LAYOUT} in the index, found {found}.", layout=found)


def _read(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Seen:
    """A state, and the version of the document it was read from."""

    state: State
    version: tuple[int, int]


def seen(cluster: Cluster, index: str) -> Seen | None:
    """Return the newest state of `index` (a name or what it stands for); None: it has none.

    Raises:
        IndexDamaged: there is no such index, or its state document cannot be read.
        IndexOutdated: it is of another layout.
        IndexUnavailable: the cluster does not answer.
    """
    found = cluster.document(index, STATE)
    if found is None:
        return None
    return Seen(State.read(found["_source"]), (found["_seq_no"], found["_primary_term"]))
