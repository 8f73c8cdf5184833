"""Records that an event names by log index, as packed numbers in a part of its own.

The event's details state how many they are, and in `members_sha256` the digest over their numbers.
"""

from collections.abc import Sequence
from hashlib import sha256

from archiver.model.number_list import pack, unpack
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf
from archiver.preserve.event_record import EventBody, detail_of

MEMBERS_PART = "members.indexes"
"""The part that names the records an event is about: packed log indexes."""

MOST_RECORDS = 20_000
"""Records of one event: what people can review as one batch, and what one transaction writes in
well under a second while captures wait for it."""


def members_part(indexes: Sequence[int]) -> Part:
    """Return the part that names records by log index."""
    return Part(
        name=MEMBERS_PART,
        role=PartRole.DERIVED,
        media_type="application/octet-stream",
        content=pack(indexes),
    )


def members_digest(indexes: Sequence[int]) -> str:
    """Return SHA-256, in hex, over log indexes in decimal, joined by newlines, none at the end."""
    return sha256("\n".join(map(str, indexes)).encode()).hexdigest()


def members_details(indexes: Sequence[int]) -> dict[str, str | int | bool]:
    """Return the details that `named_indexes` compares with the part."""
    return {"records": len(indexes), "members_sha256": members_digest(indexes)}


def named_indexes(body: EventBody, part: PartOf) -> tuple[int, ...]:
    """Return the log indexes that an event names, ascending.

    Raises:
        ValueError, InvalidInput: it names none, more than `MOST_RECORDS`, or others than it states.
    """
    packed, stated = part(MEMBERS_PART), detail_of(body, "records", int)
    if packed is None or not 0 < stated <= MOST_RECORDS:
        raise ValueError(f"it does not name its {stated} records")
    indexes = unpack(packed, stated)
    if members_digest(indexes) != detail_of(body, "members_sha256", str):
        raise ValueError("the records it names are not those of its digest")
    return indexes
