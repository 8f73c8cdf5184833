"""The records that are to go, by segment: what goes with them, and the claim on them.

A segment dies whole when nothing else is left in it; otherwise only the keys of those that go are
destroyed. The claim is the last look before a byte goes: a hold that was placed meanwhile wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from archiver.db import disposal as rows
from archiver.db import disposed as disposed_rows
from archiver.db.disposal_stop import reason_if_on
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Connection
from archiver.errors import Conflict
from archiver.preserve.disposal_effects import remains_of, stated_of
from archiver.preserve.ledger.disposal_entry import DisposalEntry
from archiver.preserve.ledger.entry import decode_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """The records of one segment that are to go, and the objects that go with them.

    `whole` is whether nothing else is left in the segment. `segment` is None, and so is all but
    `members`, where the rows went before a crash.
    """

    members: Mapping[int, int]  # log index: that of its `dis` entry
    segment: SegmentRow | None = None
    frames: frozenset[int] = frozenset()
    blobs: tuple[str, ...] = ()
    whole: bool = False

    @property
    def indexes(self) -> list[int]:
        """Their log indexes, ascending."""
        return sorted(self.members)


def grouped(connection: Connection, dis: Mapping[int, int]) -> list[Doomed]:
    """Return condemned records by segment; those without rows come last, together.

    `dis` are their log indexes, each with that of its `dis` entry. A segment counts as dying whole
    only if every other record of it is known to be destroyed: a row that is merely missing keeps.
    """
    found: list[Doomed] = []
    known: set[int] = set()
    for segment, frames in rows.frames_of(connection, sorted(dis)):
        members = {index: dis[index] for index in frames.values()}
        known |= members.keys()
        present, destroyed = disposed_rows.standing(connection, segment.id)
        others_gone = len(destroyed - present) == segment.records - len(present)
        found.append(
            Doomed(
                members=members,
                segment=segment,
                frames=frozenset(frames),
                blobs=tuple(disposed_rows.blobs_of(connection, sorted(members))),
                whole=present == members.keys() and others_gone,
            )
        )
    rest = {index: at for index, at in dis.items() if index not in known}
    return [*found, Doomed(members=rest)] if rest else found


def claim(connection: Connection, batch_id: str, members: Mapping[int, int]) -> dict[int, str]:
    """Write down what will remain of condemned records; return those under a hold, and why.

    In turn with all sequencing: a hold is either seen here or placed on what is destroyed already.

    Raises:
        Conflict: all disposal is stopped; nothing was claimed.
    """
    rows.in_turn(connection)
    stopped = reason_if_on(connection)
    if stopped is not None:
        raise Conflict(f"batch {batch_id} waits: all disposal is stopped: {stopped}")
    indexes = sorted(members)
    held = {
        index: f"held: hold {found[0].name} was placed on it after it was condemned"
        for index, found in rows.holds_on(connection, indexes).items()
    }
    entries = {
        index: entry
        for index, data in rows.entries_at(connection, sorted(set(members.values()))).items()
        if isinstance(entry := decode_entry(data), DisposalEntry)
    }
    remains = [
        remains_of(stated_of(each), batch_id, members[index], entries[members[index]])
        for index, each in rows.candidates(connection, batch_id, indexes).items()
        if index not in held
    ]
    disposed_rows.add_remains(connection, remains)
    return held
