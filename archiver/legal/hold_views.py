"""Holds as they may be shown: the hold itself, and what placing or releasing one would do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archiver.access.rules import EVERYTHING, Reach
from archiver.clock import from_millis, rfc3339
from archiver.db.hold_overlaps import Freed, Overlap
from archiver.db.holds import HoldRow, MemberRow


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A hold as it may be shown. `records` members were found in the log below `log_size`.

    `objects_pending` counts the stored objects of the archive whose own hold does not match the
    holds in force yet; it is 0 but for a moment, or while the store fails. Members are blocked
    from disposal from the first moment on. A preview has no id and the state `preview`.
    `not_searched` is told when a hold by a query is placed or previewed: the ids of posts that the
    query could not be asked of, which are therefore no members. `destroyed` members were destroyed
    before the hold was in force, or were just going: it came too late for them.
    """

    id: str
    name: str
    matter: str
    reason: str
    scope: Mapping[str, object]
    state: str
    records: int
    log_size: int
    members_sha256: str
    placed_at: datetime
    placed_by: str
    released_at: datetime | None = None
    released_by: str = ""
    release_reason: str = ""
    objects_pending: int = 0
    not_searched: tuple[str, ...] = ()
    destroyed: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "id": self.id,
            "name": self.name,
            "matter": self.matter,
            "reason": self.reason,
            "scope": dict(self.scope),
            "state": self.state,
            "records": self.records,
            "log_size": self.log_size,
            "members_sha256": self.members_sha256,
            "placed_at": rfc3339(self.placed_at),
            "placed_by": self.placed_by,
            "released_at": rfc3339(self.released_at) if self.released_at else None,
            "released_by": self.released_by,
            "release_reason": self.release_reason,
            "objects_pending": self.objects_pending,
            "not_searched": list(self.not_searched),
            "destroyed": self.destroyed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPreview:
    """What a hold would cover if it were placed now.

    `accounts` are the members' accounts with their counts, most first. `held` members are under a
    hold in force already, namely those of `overlaps`; both say nothing (None, empty) to whoever
    may not read every hold.
    """

    view: HoldView
    accounts: tuple[tuple[str, str, int], ...]
    held: int | None
    overlaps: tuple[Overlap, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            **self.view.to_dict(),
            "accounts": [
                {"platform": platform, "account": account, "records": records}
                for platform, account, records in self.accounts
            ],
            "held_already": self.held,
            "overlaps": [overlap_document(each) for each in self.overlaps],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePreview:
    """What the release of a hold would do now.

    `freed` and `overlaps` say nothing (None, empty) to whoever may not read every hold.
    """

    view: HoldView
    freed: Freed | None
    overlaps: tuple[Overlap, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        freed = self.freed
        return {
            **self.view.to_dict(),
            "freed": None
            if freed is None
            else {"due": freed.due, "later": freed.later, "undated": freed.undated},
            "overlaps": [overlap_document(each) for each in self.overlaps],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPost:
    """A member as a list shows it: where it stands and whose it is, no content."""

    log_index: int
    id: str
    platform: str
    account: str
    kind: str
    change: str
    posted_at: datetime | None
    captured_at: datetime

    @classmethod
    def of(cls, row: MemberRow) -> "HeldPost":
        """Return a member's row as it is shown."""
        return cls(
            log_index=row.log_index,
            id=row.id,
            platform=row.platform,
            account=row.account,
            kind=row.kind,
            change=row.change,
            posted_at=None if row.posted_at is None else from_millis(row.posted_at),
            captured_at=from_millis(row.captured_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPage:
    """A hold with a page of its members; the next page goes on behind `after`."""

    view: HoldView
    members: tuple[HeldPost, ...]
    after: int | None
    overlaps: tuple[Overlap, ...]


def overlap_document(overlap: Overlap) -> dict[str, object]:
    """Return the JSON document of an overlap."""
    return {
        "id": overlap.id,
        "name": overlap.name,
        "matter": overlap.matter,
        "records": overlap.records,
    }


def view_of(row: HoldRow, pending: int) -> HoldView:
    """Return a stored hold as it is shown."""
    return HoldView(
        id=row.id,
        name=row.name,
        matter=row.matter,
        reason=row.reason,
        scope=json.loads(row.scope),
        state=row.state,
        records=row.records,
        log_size=row.log_size,
        members_sha256=row.members_sha256.hex(),
        placed_at=from_millis(row.placed_at),
        placed_by=row.placed_by,
        released_at=from_millis(row.released_at) if row.released_at is not None else None,
        released_by=row.released_by or "",
        release_reason=row.release_reason or "",
        objects_pending=pending,
    )


def is_visible(row: HoldRow, reach: Reach) -> bool:
    """Return whether a hold is within `reach`.

    Those limited to a matter see its holds; those limited to units see the holds that were placed
    within these units, because any other may cover records that are not theirs to see.
    """
    if reach == EVERYTHING or row.matter in reach.matters:
        return True
    within = json.loads(row.scope).get("within") or {}
    units = within.get("units", ())
    return bool(units) and not within.get("matters") and reach.units.issuperset(units)
