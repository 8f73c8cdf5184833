"""What the events of frozen result sets and search term reports change: the row they are.

The event names the members itself, by log index: the log's own leaves say which record stands
where, so nobody needs the database to know what was fixed. `members_sha256` is over the record ids,
as that of a hold, and compares the two.
"""

from dataclasses import dataclass, field

from archiver.db import frozen_sets as set_rows
from archiver.db.frozen_sets import FrozenSetRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.number_list import unpack
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

NUMBERS_PART = "members.indexes"
"""The part of a frozen set's event that names its members: packed log indexes."""

_TEXTS = ("name", "matter", "query", "normalised", "options", "expansions", "within")
_VERSIONS = ("engine", "analyzer")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFrozen(SelfStated):
    """A result set was fixed. `members` are its packed log indexes."""

    row: FrozenSetRow
    members: bytes = field(repr=False)

    def apply(self, connection: Connection) -> bool:
        """Insert the set with its members, unless it is there."""
        set_rows.insert_whole(connection, self.row, self.members)
        return False

    @property
    def details(self) -> dict[str, str | int | bool]:
        """The details of its event: all that `set_frozen` reads."""
        row = self.row
        return {
            **{name: getattr(row, name) for name in (*_TEXTS, *_VERSIONS)},
            "log_size": row.log_size,
            "records": row.records,
            "members_sha256": row.members_sha256.hex(),
        }

    @property
    def part(self) -> Part:
        """The part of its event that names the members."""
        return Part(
            name=NUMBERS_PART,
            role=PartRole.DERIVED,
            media_type="application/octet-stream",
            content=self.members,
        )


def set_frozen(body: EventBody, part: PartOf) -> SetFrozen:
    """Return what the event that froze a set changes.

    Raises:
        ValueError, InvalidInput: it does not state the set whole.
    """
    ulid_bytes(body.object_id)
    members = part(NUMBERS_PART)
    if members is None:
        raise ValueError("it does not name the members of the set")
    row = FrozenSetRow(
        id=body.object_id,
        **{name: detail_of(body, name, str) for name in (*_TEXTS, *_VERSIONS)},
        log_size=detail_of(body, "log_size", int),
        records=detail_of(body, "records", int),
        members_sha256=bytes.fromhex(detail_of(body, "members_sha256", str)),
        frozen_at=moment_of(body),
        frozen_by=body.actor,
    )
    found = unpack(members, row.records)
    if found and found[-1] >= row.log_size:
        raise ValueError(f"log index {found[-1]} is not below its log size {row.log_size}")
    return SetFrozen(row=row, members=members)
