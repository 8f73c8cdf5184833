"""Classes of the file plan: added, changed, closed for new records and opened again.

A class's code and authority never change: records, object keys and certificates name them. What
would be another authority is another class. Whatever becomes of a class, its records stay in it and
are kept by its schedule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from archiver.access.rules import Permission, reach, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import file_plan as rows
from archiver.db.file_plan import ClassRow
from archiver.db.transaction import Database, Transaction
from archiver.disposal.drafts import reason_of
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.model.actor import Actor
from archiver.preserve.event_record import legible
from archiver.preserve.plan_effects import class_details
from retention.class_tree import in_tree_order, tree_problems
from retention.errors import DefinitionError
from retention.rules import RuleSet
from retention.schedules import FileClass
from retention.templates import AUDIT_CLASS, get_template

_CHANGED = ("title", "note", "parent")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassState:
    """A class, how deep it stands in the tree from 0 on, and its revision."""

    row: ClassRow
    depth: int
    schedule: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document. `schedule` is the version in force, None: there is none."""
        closed_at = self.row.closed_at
        return {
            **FileClass.from_dict(self.row.body).to_dict(),
            "depth": self.depth,
            "revision": self.row.revision,
            "closed": closed_at is not None,
            "closed_at": None if closed_at is None else rfc3339(from_millis(closed_at)),
            "schedule": self.schedule,
        }


class ClassPlan:
    """The use cases that change the classes of the file plan."""

    def __init__(self, *, database: Database, trail: Trail, clock: Clock) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock

    async def tree(self, *, actor: Actor) -> tuple[ClassState, ...]:
        """Return every class below the one above it. Raises Denied."""
        reach(actor, Permission.READ_FILE_PLAN)  # the file plan is one for all units and matters
        async with self._database.reading() as tx:
            known = await rows.class_rows(tx)
            in_force = await rows.schedules_in_force(tx, to_millis(self._clock()))
        order = in_tree_order({code: row.file_class.parent for code, row in known.items()})
        return tuple(
            ClassState(row=known[code], depth=depth, schedule=in_force.get(code))
            for code, depth in order
        )

    async def show(self, code: str, *, actor: Actor) -> ClassState:
        """Return one class. Raises Denied, NotFound."""
        for state in await self.tree(actor=actor):
            if state.row.code == code:
                return state
        raise _no_class(code)

    async def add(
        self,
        code: str,
        *,
        title: str = "",
        authority: str = "",
        jurisdiction: str = "",
        note: str = "",
        mandate: str = "",
        parent: str = "",
        template: str = "",
        actor: Actor,
    ) -> ClassState:
        """Add a class; with a template, what is not given is taken from that.

        It has no schedule yet: draft one. Nothing is filed in it before rules name it.

        Raises:
            Denied: the actor may not edit the file plan.
            InvalidInput: no such template; an ill-formed code, no title or no authority; the class
                above is not in the file plan, or too deep.
            Conflict: there is such a class.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        given = {
            "title": title,
            "authority": authority,
            "jurisdiction": jurisdiction,
            "note": note,
            "mandate": mandate,
            "parent": parent,
        }
        found = _class(
            code, {name: legible(text.strip()) for name, text in given.items()}, template
        )
        async with self._database.reading() as tx:
            known = await rows.class_rows(tx)
        if code in known:
            raise Conflict(f"there is a class {code}; change that, or choose another code")
        _require_tree(found, known)
        row = ClassRow(code=code, body=found.to_dict(), revision=1, closed_at=None)
        return await self._state(Action.CLASS_ADDED, row, "", actor)

    async def change(
        self,
        code: str,
        *,
        title: str | None = None,
        note: str | None = None,
        parent: str | None = None,
        reason: str,
        revision: int | None = None,
        actor: Actor,
    ) -> ClassState:
        """Give a class another title, note or class above; what is None stays.

        Raises:
            Denied: the actor may not edit the file plan.
            NotFound: no such class.
            InvalidInput: nothing to change, no reason, an empty title; the class above is not in
                the file plan, is below this one, or too deep.
            Conflict: somebody changed it since `revision`, or a moment ago.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        said = reason_of(reason)
        given = dict(zip(_CHANGED, (title, note, parent), strict=True))
        changes = {name: legible(text.strip()) for name, text in given.items() if text is not None}
        async with self._database.reading() as tx:
            known = await rows.class_rows(tx)
        row = _row(known, code, revision)
        if not changes:
            raise InvalidInput(f"expected something to change: {', '.join(_CHANGED)}")
        try:
            changed = replace(row.file_class, **changes)
        except DefinitionError as error:
            raise InvalidInput("; ".join(error.problems)) from error
        _require_tree(changed, known)
        after = replace(row, body=changed.to_dict(), revision=row.revision + 1)
        return await self._state(Action.CLASS_CHANGED, after, said, actor)

    async def close(
        self, code: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> ClassState:
        """Close a class for new records; those in it stay and are kept as before.

        Raises:
            Denied: the actor may not edit the file plan.
            NotFound: no such class.
            InvalidInput: no reason.
            Conflict: it is closed, is that of the archive's own events, is named by class rules in
                force or to come, or was changed since `revision`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        said = reason_of(reason)
        now = to_millis(self._clock())
        async with self._database.reading() as tx:
            row = _row(await rows.class_rows(tx), code, revision)
            named = code in await _named(tx, now)
        if row.closed_at is not None:
            raise Conflict(f"class {code} is closed already")
        if named or code == AUDIT_CLASS:
            raise Conflict(
                f"class {code} is where new records go; draft class rules without it first"
            )
        closed = replace(row, revision=row.revision + 1, closed_at=now)
        return await self._state(Action.CLASS_CLOSED, closed, said, actor)

    async def reopen(
        self, code: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> ClassState:
        """Let class rules name a closed class again.

        Raises:
            Denied, NotFound, InvalidInput: as `close`.
            Conflict: it is open, or was changed since `revision`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        said = reason_of(reason)
        async with self._database.reading() as tx:
            row = _row(await rows.class_rows(tx), code, revision)
        if row.closed_at is None:
            raise Conflict(f"class {code} is open")
        opened = replace(row, revision=row.revision + 1, closed_at=None)
        return await self._state(Action.CLASS_REOPENED, opened, said, actor)

    async def _state(self, action: Action, row: ClassRow, reason: str, actor: Actor) -> ClassState:
        await self._trail.record(
            action,
            actor=actor,
            object_type="class",
            object_id=row.code,
            details={**class_details(row), "reason": reason},
        )
        state = await self.show(row.code, actor=actor)
        if state.row != row:
            raise _changed(state.row)
        return state


async def _named(tx: Transaction, now: int) -> frozenset[str]:
    """Return the classes that class rules name which are in force, or approved and yet to come."""
    in_force = RuleSet.from_dict(await rows.rules_in_force(tx, now))
    plan = await rows.whole(tx)
    coming = [RuleSet.from_dict(body) for _, body, since in plan.rules if since > now]
    return in_force.class_codes.union(*(each.class_codes for each in coming))


def _class(code: str, given: Mapping[str, str], template: str) -> FileClass:
    try:
        if template:
            shipped = get_template(template).file_class().to_dict()
            given = {name: text or shipped[name] for name, text in given.items()}
        return FileClass(code=code, **given)
    except DefinitionError as error:
        raise InvalidInput("; ".join(error.problems)) from error


def _require_tree(found: FileClass, known: Mapping[str, ClassRow]) -> None:
    parents = {code: row.file_class.parent for code, row in known.items()}
    before = set(tree_problems(parents))
    problems = [
        problem
        for problem in tree_problems({**parents, found.code: found.parent})
        if problem not in before
    ]
    if problems:
        raise InvalidInput("; ".join(problems), pointer="parent")


def _row(known: Mapping[str, ClassRow], code: str, revision: int | None) -> ClassRow:
    row = known.get(code)
    if row is None:
        raise _no_class(code)
    if revision is not None and revision != row.revision:
        raise _changed(row)
    return row


def _no_class(code: str) -> NotFound:
    return NotFound(f"no class {code!r}; list the classes to see their codes")


def _changed(row: ClassRow) -> Conflict:
    return Conflict(
        f"class {row.code} is at revision {row.revision}: somebody changed it; look at it again"
    )
