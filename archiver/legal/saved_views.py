"""What may be shown of saved searches, who may see one, and how versions differ."""

import difflib
import re
from dataclasses import dataclass

import msgspec

from archiver.access.rules import Reach
from archiver.clock import from_millis, rfc3339
from archiver.db.saved_searches import SavedRow, VisitRow
from archiver.errors import InvalidInput
from archiver.legal.asking import Asked
from archiver.model.actor import Actor

EVERYBODY = "everybody"
PRIVATE = ""

_PIECES = re.compile(r"\s+|[()]|[^\s()]+")
_REFERENCE = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})(?:@([1-9][0-9]{0,8}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One version of a saved search as somebody sees it.

    `new` is how many of its hits within their reach came into the log since they looked last (all
    of them where they never did), None where it was not asked or cannot be known now. `mine` says
    that it is theirs to change.
    """

    row: SavedRow
    mine: bool
    visit: VisitRow | None = None
    new: int | None = None

    @property
    def id(self) -> str:
        """The id of the saved search."""
        return self.row.id

    @property
    def reference(self) -> str:
        """What names this version in a hold: `ID@3`."""
        return f"{self.row.id}@{self.row.version}"

    @property
    def is_newest(self) -> bool:
        """Whether no later version was made."""
        return self.row.version == self.row.newest

    @property
    def asked(self) -> Asked:
        """The query as it was typed and the filters chosen beside it."""
        return asked_of(self.row)

    @property
    def made_at(self) -> str:
        """When this version was made."""
        return rfc3339(from_millis(self.row.made_at))

    @property
    def last_run_at(self) -> str:
        """When they looked at its hits last; empty if never."""
        return "" if self.visit is None else rfc3339(from_millis(self.visit.at))

    @property
    def shared_in_words(self) -> str:
        """With whom it is shared, for people."""
        kind, _, name = self.row.shared_with.partition(":")
        if not kind:
            return "nobody"
        return f"{kind} {name}" if name else "everybody who may search"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "version": row.version,
            "newest_version": row.newest,
            "name": row.name,
            "description": row.description,
            "owner": row.owner,
            "mine": self.mine,
            "query": row.query,
            "normalised": row.normalised,
            "asked": msgspec.to_builtins(self.asked),
            "shared_with": row.shared_with,
            "archived": row.archived,
            "made_at": self.made_at,
            "made_by": row.made_by,
            "last_run_at": self.last_run_at,
            "new": self.new,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version in the history of a saved search, and what it changed of the one before.

    `diff` are the pieces of the two normal forms, `(op, text)`: op is equal, insert or delete.
    """

    view: SavedView
    changed: tuple[str, ...]
    diff: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {**self.view.to_dict(), "changed": list(self.changed)}


def key_of(actor: Actor) -> str:
    """Return what tells whose a saved search is: the person's id, or how else they came."""
    return actor.person_id or f"{actor.via} {actor.name}"


def is_visible(row: SavedRow, actor: Actor, within: Reach) -> bool:
    """Return whether an actor who may search `within` sees a saved search."""
    kind, _, name = row.shared_with.partition(":")
    if row.owner_key == key_of(actor) or kind == EVERYBODY:
        return True
    if kind not in {"unit", "matter"}:
        return False
    return within.everything or name in (within.units if kind == "unit" else within.matters)


def read_sharing(text: str, within: Reach) -> str:
    """Return with whom somebody who may search `within` shares, as it is kept.

    Raises:
        InvalidInput: it names nobody, or others than they can see: a query says what its author is
            looking for, so it stays among those who could ask it.
    """
    kind, _, name = text.strip().partition(":")
    name = name.strip()
    if kind in {PRIVATE, "nobody"} and not name:
        return PRIVATE
    if kind == EVERYBODY and not name and within.everything:
        return EVERYBODY
    for known, own in (("unit", within.units), ("matter", within.matters)):
        if kind == known and name and (within.everything or name in own):
            return f"{kind}:{name}"
    ways = ["nobody", EVERYBODY, "unit:NAME", "matter:NAME"]
    if not within.everything:
        ways = ["nobody", *(f"unit:{each}" for each in sorted(within.units))]
        ways += [f"matter:{each}" for each in sorted(within.matters)]
    raise InvalidInput(
        f"expected to share with one of {', '.join(ways)}, found {text[:80]!r}",
        pointer="shared_with",
    )


def read_reference(text: str) -> tuple[str, int]:
    """Return the id and the version that `ID` or `ID@3` names, 0 for the newest.

    Raises:
        InvalidInput: it is not written so.
    """
    found = _REFERENCE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"expected a saved search as ID or ID@3 (its version 3), found {text[:80]!r}",
            pointer="saved",
        )
    return found[1].upper(), int(found[2] or 0)


def asked_of(row: SavedRow) -> Asked:
    """Return the query and filters of a version; the normal form where they cannot be read.

    A filter of an older version of the software may be none any more.
    """
    try:
        return msgspec.json.decode(row.asked, type=Asked)
    except msgspec.MsgspecError:
        return Asked(query=row.normalised)


def history_of(views: list[SavedView]) -> tuple[Version, ...]:
    """Return versions, given the newest first, with what each changed."""
    befores: list[SavedView | None] = [*views[1:], None]
    return tuple(
        Version(
            view=view,
            changed=() if before is None else _changed(view.row, before.row),
            diff=() if before is None else _diff(before.row.normalised, view.row.normalised),
        )
        for view, before in zip(views, befores, strict=True)
    )


def _changed(row: SavedRow, before: SavedRow) -> tuple[str, ...]:
    words = {
        "name": "name",
        "description": "description",
        "normalised": "query",
        "shared_with": "sharing",
        "archived": "archived" if row.archived else "restored",
    }
    return tuple(
        word for name, word in words.items() if getattr(row, name) != getattr(before, name)
    )


def _diff(before: str, after: str) -> tuple[tuple[str, str], ...]:
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    pieces: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for op, start, end, new_start, new_end in matcher.get_opcodes():
        if op == "equal":
            pieces.append(("equal", "".join(old[start:end])))
            continue
        if end > start:
            pieces.append(("delete", "".join(old[start:end])))
        if new_end > new_start:
            pieces.append(("insert", "".join(new[new_start:new_end])))
    return tuple(pieces)
