"""Frozen result sets as they may be shown, and to whom."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.access.rules import EVERYTHING, Reach
from archiver.clock import from_millis, rfc3339
from archiver.db import frozen_sets as set_rows
from archiver.db.frozen_sets import DestroyedMembers, FrozenSetRow
from archiver.db.transaction import Transaction
from archiver.legal.expansions import Expansion, from_json
from archiver.legal.hold_views import HeldPost
from archiver.legal.reach import names


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSet:
    """The result of a search, fixed: `records` records found in the log below `log_size`.

    `digest` is SHA-256 over the sorted record ids, as of a hold with the same members. `within`
    names the part of the archive that was searched; empty: all of it. `options` say how the query
    was read (`stem`, `zone`) and of how many posts nobody could say whether it finds them
    (`not_searched`): the index could not take them in. `destroyed` are those of its records that
    were destroyed since; None where that is not told: it is to who sees the whole archive, where
    one set is asked for.
    """

    id: str
    name: str
    matter: str
    query: str
    normalised: str
    options: Mapping[str, str | int]
    expansions: tuple[Expansion, ...]
    within: tuple[str, ...]
    engine: str
    analyzer: str
    log_size: int
    records: int
    digest: str
    frozen_at: datetime
    frozen_by: str
    destroyed: tuple[DestroyedMembers, ...] | None = None

    @property
    def destroyed_records(self) -> int:
        """How many of its records were destroyed since."""
        return sum(each.records for each in self.destroyed or ())

    @property
    def destroyed_words(self) -> str:
        """How many of its records were destroyed under which certificates; empty for none."""
        if not self.destroyed:
            return ""
        under = ", ".join(
            f"{each.records:,} in batch {each.batch_id}, which is being carried out"
            if each.certificate_number is None
            else f"{each.records:,} under certificate no. {each.certificate_number}"
            for each in self.destroyed
        )
        what = f"{self.destroyed_records:,} of its {self.records:,} records were destroyed since"
        return f"{what}: {under}"

    @property
    def title(self) -> str:
        """What people call it: its name, else its query."""
        return self.name or self.query or "Everything"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "id": self.id,
            "name": self.name,
            "matter": self.matter,
            "query": self.query,
            "normalised": self.normalised,
            "options": dict(self.options),
            "expansions": [each.to_dict() for each in self.expansions],
            "within": list(self.within),
            "engine": self.engine,
            "analyzer": self.analyzer,
            "log_size": self.log_size,
            "records": self.records,
            "members_sha256": self.digest,
            "frozen_at": rfc3339(self.frozen_at),
            "frozen_by": self.frozen_by,
            "destroyed": None if self.destroyed is None else self.destroyed_records,
            "destroyed_under": [each._asdict() for each in self.destroyed or ()],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPage:
    """A set with a page of its records; the next page goes on behind `after`, None at the end.

    `shown` is how many of the set's records are within reach of who looks.
    """

    view: FrozenSet
    members: tuple[HeldPost, ...]
    shown: int
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetIds:
    """A set with the ids of those of its records that are within reach, in log order."""

    view: FrozenSet
    ids: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {**self.view.to_dict(), "ids": list(self.ids)}


def set_view(row: FrozenSetRow, destroyed: Sequence[DestroyedMembers] | None = None) -> FrozenSet:
    """Return a stored set as it is shown, with what was destroyed of it, where that may be told."""
    return FrozenSet(
        id=row.id,
        name=row.name,
        matter=row.matter,
        query=row.query,
        normalised=row.normalised,
        options=json.loads(row.options),
        expansions=from_json(row.expansions),
        within=names(reach_of(row.within)),
        engine=row.engine,
        analyzer=row.analyzer,
        log_size=row.log_size,
        records=row.records,
        digest=row.members_sha256.hex(),
        frozen_at=from_millis(row.frozen_at),
        frozen_by=row.frozen_by,
        destroyed=None if destroyed is None else tuple(destroyed),
    )


def reach_text(reach: Reach) -> str:
    """Return a reach as it is kept beside what was made within it; empty for everything."""
    if reach == EVERYTHING:
        return ""
    return json.dumps({"units": sorted(reach.units), "matters": sorted(reach.matters)})


def reach_of(text: str) -> Reach:
    """Return the reach that `reach_text` wrote."""
    if not text:
        return EVERYTHING
    kept = json.loads(text)
    return Reach(units=frozenset(kept["units"]), matters=frozenset(kept["matters"]))


def is_within(text: str, reach: Reach) -> bool:
    """Return whether what was made within the kept reach `text` may be seen by who has `reach`.

    Whoever sees less than its maker would learn of records out of reach by its counts alone.
    """
    if reach == EVERYTHING:
        return True
    made = reach_of(text)
    return made != EVERYTHING and made.units <= reach.units and made.matters <= reach.matters


async def visible_set(tx: Transaction, set_id: str, within: Reach) -> FrozenSetRow:
    """Return a set that is within reach.

    Raises:
        NotFound: there is none, or it is out of reach.
    """
    row = await set_rows.get(tx, set_id)
    if not is_within(row.within, within):
        raise set_rows.no_set(set_id)
    return row


async def whole_view(
    tx: Transaction, row: FrozenSetRow, members: Sequence[int], within: Reach
) -> FrozenSet:
    """Return a set with what was destroyed of it, if who asks sees the whole archive.

    To all others what was destroyed is not there: whose it was is not known any more.
    """
    if within != EVERYTHING:
        return set_view(row)
    return set_view(row, await set_rows.destroyed_among(tx, members))
