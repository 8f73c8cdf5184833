"""Reclassifying: records that rules put in the wrong class are moved by hand, with the reason.

The act is an event that names every record. From then on the schedule in force of the new class
keeps them. Nothing goes earlier than its object lock or its holds allow: locks are never shortened,
and what is held stays held. What a record's manifest says of its filing at capture stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import file_plan as plan_rows
from archiver.db import frozen_sets as set_rows
from archiver.db import records as record_rows
from archiver.db import refiled_classes as rows
from archiver.db.refiled_classes import Standing
from archiver.db.transaction import Database, Transaction
from archiver.disposal.drafts import reason_of
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.model.actor import Actor
from archiver.preserve.event_record import members_part
from archiver.preserve.ledger.entry import members_digest
from retention.schedules import Schedule
from retention.templates import AUDIT_CLASS

MOST_MEMBERS = 100_000
_AT_ONCE = 5_000
"""Records of one event: its rows are changed in the transaction that every capture waits for."""

_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassification:
    """What was, or would be, moved. `longer` and `shorter` compare the ends before and after.

    `unchanged` are in the class already and are left as they are. `held` ones stay held.
    """

    class_code: str
    schedule_version: int
    moved: tuple[str, ...]
    unchanged: int
    longer: int
    shorter: int
    held: int
    from_classes: tuple[tuple[str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "class_code": self.class_code,
            "schedule_version": self.schedule_version,
            "moved": len(self.moved),
            "unchanged": self.unchanged,
            "kept_longer": self.longer,
            "kept_shorter": self.shorter,
            "held": self.held,
            "from_classes": [
                {"class_code": code, "records": records} for code, records in self.from_classes
            ],
        }


class Reclassifying:
    """The use cases of moving records to another class."""

    def __init__(self, *, database: Database, trail: Trail, clock: Clock) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock

    async def reclassify(
        self,
        class_code: str,
        *,
        record_ids: Sequence[str] = (),
        set_id: str = "",
        reason: str,
        actor: Actor,
    ) -> Reclassification:
        """Put posts, or all members of a frozen set, into a class.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive. That is an event.
            InvalidInput: no reason, no records, both records and a set, or too many.
            NotFound: no such class or set, or a record that is not there or is no post.
            Conflict: nothing can be filed in the class: it is closed, has no schedule in force, or
                is that of the archive's own events.
        """
        try:
            require(actor, Permission.EDIT_FILE_PLAN)
        except Denied:
            await self._trail.record(
                Action.RECORD_RECLASSIFIED,
                actor=actor,
                object_type="class",
                object_id=class_code,
                result="refused",
            )
            raise
        said = reason_of(reason)
        found = await self._looked_at(class_code, record_ids, set_id)
        for start in range(0, len(found.moved), _AT_ONCE):
            await self._record(found, found.moved[start : start + _AT_ONCE], said, set_id, actor)
        return found

    async def preview(
        self, class_code: str, *, record_ids: Sequence[str] = (), set_id: str = "", actor: Actor
    ) -> Reclassification:
        """Return what `reclassify` would do now; nothing is changed. Raises as that."""
        require(actor, Permission.EDIT_FILE_PLAN)
        return await self._looked_at(class_code, record_ids, set_id)

    async def _looked_at(
        self, class_code: str, record_ids: Sequence[str], set_id: str
    ) -> Reclassification:
        async with self._database.reading() as tx:
            schedule = await _fileable(tx, class_code, to_millis(self._clock()))
            indexes = await _members(tx, record_ids, set_id)
            known = await rows.standing(tx, indexes)
            if len(known) != len(indexes):
                there = {each.log_index for each in known}
                missing = next(index for index in indexes if index not in there)
                raise NotFound(f"the record at log index {missing} is no post, or is gone")
            moved = [each for each in known if each.class_code != class_code]
            ends = await tx.run_sync(
                lambda connection: rows.ends(
                    connection, [each.log_index for each in moved], schedule
                )
            )
        after = [(each, ends.get(each.log_index)) for each in moved]
        return Reclassification(
            class_code=class_code,
            schedule_version=schedule.version,
            moved=tuple(each.id for each in moved),
            unchanged=len(known) - len(moved),
            longer=sum(_end(until) > _end(each.retain_until) for each, until in after),
            shorter=sum(_end(until) < _end(each.retain_until) for each, until in after),
            held=sum(each.held for each in moved),
            from_classes=_counted(moved),
        )

    async def _record(
        self,
        found: Reclassification,
        ids: Sequence[str],
        reason: str,
        set_id: str,
        actor: Actor,
    ) -> None:
        ordered = sorted(ids)
        await self._trail.record(
            Action.RECORD_RECLASSIFIED,
            actor=actor,
            object_type="class",
            object_id=found.class_code,
            details={
                "reason": reason,
                "records": len(ordered),
                "members_sha256": members_digest(ordered).hex(),
                "schedule_version": found.schedule_version,
                **({"set": set_id} if set_id else {}),
            },
            parts=[members_part(ordered)],
        )


async def _fileable(tx: Transaction, class_code: str, now: int) -> Schedule:
    known = (await plan_rows.class_rows(tx)).get(class_code)
    if known is None:
        raise NotFound(f"no class {class_code!r}; list the classes to see their codes")
    if class_code == AUDIT_CLASS:
        raise Conflict(f"class {AUDIT_CLASS} is for the archive's own events; choose another")
    if known.closed_at is not None:
        raise Conflict(
            f"class {class_code} is closed for new records; choose another, or reopen it"
        )
    body = (await plan_rows.schedules_in_force(tx, now)).get(class_code)
    if body is None:
        raise Conflict(f"class {class_code} has no schedule in force; draft one first")
    return Schedule.from_dict(body)


async def _members(tx: Transaction, record_ids: Sequence[str], set_id: str) -> Sequence[int]:
    if bool(record_ids) == bool(set_id):
        raise InvalidInput("expected records or a frozen set, one of the two", pointer="records")
    if set_id:
        members = await set_rows.numbers(tx, await set_rows.get(tx, set_id))
    else:
        wanted = list(dict.fromkeys(record_ids))
        known = await record_rows.indexes_of(tx, wanted)
        for record_id in wanted:
            if record_id not in known:
                raise record_rows.no_record(record_id)
        members = tuple(sorted(known.values()))
    if not 1 <= len(members) <= MOST_MEMBERS:
        raise InvalidInput(
            f"expected 1 to {MOST_MEMBERS:,} records, found {len(members):,}", pointer="records"
        )
    return members


def _end(until: int | None) -> int:
    return _FOREVER if until is None else until


def _counted(moved: Sequence[Standing]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for each in moved:
        counts[each.class_code] = counts.get(each.class_code, 0) + 1
    return tuple(sorted(counts.items()))
