"""Changes that take effect only upon what they were made upon: of batches, of privacy requests.

The first event of such a thing states it whole. Every later one names in `was` the moment of the
event it was made upon, and takes effect only from there (`archiver.db.claims`): of two that were
made upon the same one, the log's order decides, and the other has no effect wherever the log is
replayed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from archiver.db.claims import Claim
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

Change = Callable[[Connection], None]
Take = Callable[[Connection, Claim], bool]


class Kind(NamedTuple):
    """Of one action: in which states it may find what it changes, and how its change is read.

    `read` raises ValueError or InvalidInput where the event does not state its change whole.
    """

    states: tuple[str, ...]
    read: Callable[[EventBody, PartOf], Change]


@dataclass(slots=True, kw_only=True)
class Transition(SelfStated):
    """A change of something, if that still stands where the change was made upon.

    `took` says so once it was applied: whoever made the change learns there that somebody else was
    faster.
    """

    claim: Claim
    take: Take = field(repr=False)
    change: Change = field(repr=False)
    took: bool = field(default=False, init=False)

    def apply(self, connection: Connection) -> bool:
        """Change the rows, unless what they are of has moved on."""
        self.took = self.take(connection, self.claim)
        if self.took:
            self.change(connection)
        return False


def transition(
    body: EventBody, part: PartOf, kinds: Mapping[str, Kind], take: Take
) -> Transition | None:
    """Return the change that an event is, None where its action is none of `kinds`.

    Raises:
        ValueError, InvalidInput: it does not state the change whole, or is not made upon an earlier
            event.
    """
    kind = kinds.get(body.action)
    if kind is None:
        return None
    ulid_bytes(body.object_id)
    at, was = moment_of(body), detail_of(body, "was", int)
    if at <= was:
        raise ValueError(f"its moment {at} is not after {was}, that of the event it is made upon")
    return Transition(
        claim=Claim(id=body.object_id, was=was, at=at, states=kind.states),
        take=take,
        change=kind.read(body, part),
    )
