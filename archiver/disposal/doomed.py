"""The records that are to go, by segment: what goes with them, and the claim on them.

A segment dies whole when nothing else is left in it; otherwise only the keys of those that go are
destroyed. The claim is the last look before a byte goes: whatever keeps them by then wins.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from archiver.db import disposal as rows
from archiver.db import disposed as disposed_rows
from archiver.db.disposal_stop import reason_if_on
from archiver.db.refiling import behind
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Connection
from archiver.errors import Conflict
from archiver.preserve.disposal_effects import objections, remains_of, stated_of
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


def claim(
    connection: Connection,
    batch_id: str,
    members: Mapping[int, int],
    *,
    at: int,
    gone: Collection[int] = (),
) -> dict[int, str]:
    """Write down what will remain of condemned records; return those that stay, and why.

    In turn with all sequencing, each is judged once more as it is at `at`, in milliseconds: a hold,
    an event or a longer schedule that came after the gate keeps it, or else comes upon what is
    destroyed already. Of those that are `gone` nothing can be read any more: they cannot be kept.

    Raises:
        Conflict: all disposal is stopped, or ends are just being worked out anew; nothing was
            claimed.
    """
    rows.in_turn(connection)
    batch = rows.find_batch(connection, batch_id)
    stopped = reason_if_on(connection)
    waits = f"all disposal is stopped: {stopped}" if stopped is not None else ""
    waits = waits or behind(connection, at=at, below=0)
    if waits or batch is None:
        raise Conflict(f"batch {batch_id} waits: {waits or 'there is no such batch'}")
    found = rows.candidates(connection, batch_id, sorted(members))
    judged = [stated_of(each) for index, each in sorted(found.items()) if index not in gone]
    kept = {
        index: f"{reason} (since it was condemned)"
        for index, reason in objections(
            connection, batch, judged, at=at, state=rows.CONDEMNED
        ).items()
        if reason
    }
    entries = {
        index: entry
        for index, data in rows.entries_at(connection, sorted(set(members.values()))).items()
        if isinstance(entry := decode_entry(data), DisposalEntry)
    }
    remains = [
        remains_of(stated_of(each), batch_id, members[index], entries[members[index]])
        for index, each in found.items()
        if index not in kept
    ]
    disposed_rows.add_remains(connection, remains)
    return kept
