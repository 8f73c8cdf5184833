"""What events about saved searches change: their versions, and who has looked up to where.

Each event of a change states the whole version. Two people who change the same version at once
state the same number twice: the one sequenced first counts, here and in every rebuilt database.
"""

from dataclasses import dataclass

from archiver.db import saved_searches as rows
from archiver.db.saved_searches import SavedRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.preserve.effect import SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

SAVED_SEARCH = "saved-search"
"""The object type of these events."""

STATED = frozenset(
    {"saved:created", "saved:changed", "saved:shared", "saved:archived", "saved:restored"}
)
RUN = "saved:run"

_TEXTS = ("owner", "owner_key", "name", "description", "query", "normalised", "asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStated(SelfStated):
    """A version of a saved search, the newest from its event on."""

    row: SavedRow

    def apply(self, connection: Connection) -> bool:
        """Insert the version, unless one of its number is there."""
        rows.state_version(connection, self.row)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited(SelfStated):
    """Somebody looked at the hits of a saved search below the log index `seen`."""

    saved_search_id: str
    visitor: str
    seen: int
    at: int

    def apply(self, connection: Connection) -> bool:
        """Note it, where they did not look further before."""
        rows.note_visit(connection, self.saved_search_id, self.visitor, seen=self.seen, at=self.at)
        return False


def version_details(row: SavedRow) -> dict[str, str | int | bool]:
    """Return the details that `saved_search_effect` reads."""
    return {
        **{name: getattr(row, name) for name in _TEXTS},
        "shared_with": row.shared_with,
        "archived": row.archived,
        "version": row.version,
    }


def saved_search_effect(body: EventBody) -> VersionStated | Visited | None:
    """Return what an event about a saved search changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state the change whole.
    """
    if body.action == RUN:
        return Visited(
            saved_search_id=body.object_id,
            visitor=detail_of(body, "visitor", str),
            seen=detail_of(body, "seen", int),
            at=moment_of(body),
        )
    if body.action not in STATED:
        return None
    ulid_bytes(body.object_id)
    version = detail_of(body, "version", int)
    return VersionStated(
        row=SavedRow(
            id=body.object_id,
            newest=version,
            version=version,
            **{name: detail_of(body, name, str) for name in (*_TEXTS, "shared_with")},
            archived=body.details.get("archived") is True,
            made_at=moment_of(body),
            made_by=body.actor,
        )
    )
