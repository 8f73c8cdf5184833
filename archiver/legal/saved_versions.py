"""One version of a saved search, and how the next one is made from it: pure, but for the zone.

Old versions stay as they are. A change says what is to be different; what it leads to is a whole
version again, which an event states.
"""

from dataclasses import dataclass, replace
from datetime import tzinfo

import msgspec

from archiver.access.rules import Reach
from archiver.audit.actions import Action
from archiver.db.saved_searches import SavedRow
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.legal.asking import Asked
from archiver.legal.queries import written
from archiver.legal.saved_views import asked_of, key_of, read_sharing
from archiver.model.actor import Actor
from archiver.preserve.event_record import legible
from search.query import every

_NAME_LIMIT = 200
_DESCRIPTION_LIMIT = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different in a new version; None leaves it. `query` keeps the filters."""

    name: str | None = None
    description: str | None = None
    asked: Asked | None = None
    query: str | None = None
    shared_with: str | None = None
    archived: bool | None = None


def definition_of(asked: Asked, zone: tzinfo) -> tuple[str, str, str]:
    """Return the query as typed, the normal form of all that is asked, and the JSON of it.

    Raises:
        InvalidInput: nothing is asked, or what cannot be written as one query.
    """
    tree = every(each.tree for each in asked.conditions(zone))
    normalised = written(tree)
    if not normalised:
        raise InvalidInput(
            "expected a query or a filter to save, found none that can be written as one query",
            pointer="query",
        )
    text = msgspec.json.encode(asked).decode()
    return legible(asked.query), normalised, legible(text)


def next_version(
    row: SavedRow, change: Change, *, zone: tzinfo, within: Reach, at: int
) -> SavedRow:
    """Return the version that a change makes of the newest one, made at `at` or later.

    Raises:
        InvalidInput: a name, a description, a query or with whom it is shared is none.
    """
    version = row.version + 1
    new = replace(
        row,
        version=version,
        newest=version,
        made_at=max(at, row.made_at),
    )
    if change.name is not None:
        new = replace(new, name=named(change.name))
    if change.description is not None:
        new = replace(new, description=described(change.description))
    asked = change.asked
    if change.query is not None:
        asked = replace(asked or asked_of(row), query=change.query)
    if asked is not None:
        query, normalised, text = definition_of(asked, zone)
        new = replace(new, query=query, normalised=normalised, asked=text)
    if change.shared_with is not None:
        new = replace(new, shared_with=read_sharing(change.shared_with, within))
    if change.archived is not None:
        new = replace(new, archived=change.archived)
    return new


def require_own(row: SavedRow, actor: Actor) -> None:
    """Pass if it is the actor's to change. Raises Denied."""
    if row.owner_key != key_of(actor):
        raise Denied(
            f"the saved search {row.name!r} is {row.owner}'s, who alone changes it; open it and "
            "save it as one of your own"
        )


def require_newest(row: SavedRow, based_on: int) -> None:
    """Pass if a change is made from the newest version. Raises InvalidInput, Conflict."""
    if based_on < 1:
        raise InvalidInput(
            "expected the version that the change is made from (in the API the header If-Match, as "
            '"3"), found none; read the saved search first',
            pointer="version",
        )
    if row.version != based_on:
        raise changed_meanwhile(row)


def changed_meanwhile(row: SavedRow) -> Conflict:
    """Return the error that tells of a later version."""
    return Conflict(
        f"the saved search {row.name!r} was changed meanwhile: version {row.version} was made by "
        f"{row.made_by}; look at it, then make your change again"
    )


def action_of(row: SavedRow, new: SavedRow) -> Action | None:
    """Return which act leads from one version to the next; None where they are the same."""
    if row.archived != new.archived:
        return Action.SAVED_ARCHIVED if new.archived else Action.SAVED_RESTORED
    same = ("name", "description", "query", "normalised", "asked")
    if any(getattr(row, name) != getattr(new, name) for name in same):
        return Action.SAVED_CHANGED
    return None if row.shared_with == new.shared_with else Action.SAVED_SHARED


def named(text: str) -> str:
    """Return a name as it is kept. Raises InvalidInput."""
    name = " ".join(text.split())
    if not name.isprintable() or not 1 <= len(name) <= _NAME_LIMIT:
        raise InvalidInput(
            f"expected a name of 1 to {_NAME_LIMIT} printable characters, found {len(name)}",
            pointer="name",
        )
    return name


def described(text: str) -> str:
    """Return a description as it is kept. Raises InvalidInput."""
    if len(text) > _DESCRIPTION_LIMIT:
        raise InvalidInput(
            f"expected a description of at most {_DESCRIPTION_LIMIT:,} characters, found "
            f"{len(text):,}",
            pointer="description",
        )
    return legible(text.strip())
