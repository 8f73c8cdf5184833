"""What a bundle is made of: records by id, or the members of a hold, within reach of who asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archiver.access.record_access import EVENT, RecordAccess, may_see_hold
from archiver.access.rules import Permission, reach, require
from archiver.db import holds as hold_rows
from archiver.db import records as record_rows
from archiver.db.holds import HoldRow
from archiver.db.records import no_record
from archiver.db.transaction import Transaction
from archiver.errors import InvalidInput, NotFound
from archiver.model.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a bundle is asked for: records by id, or the members of a hold.

    `log_size` names the checkpoint it is made as of, so that it can be made again; None takes the
    newest. `with_events` adds each record's audit trail where the actor may read it.
    """

    record_ids: tuple[str, ...] = ()
    hold_id: str | None = None
    log_size: int | None = None
    with_events: bool = True


async def choose(
    tx: Transaction, wanted: Wanted, access: RecordAccess, *, actor: Actor
) -> tuple[tuple[int, ...], str]:
    """Return the log indexes of the records asked for, ascending, and what they are called.

    Raises:
        Denied: an event is asked for, and the actor may not read the audit trail.
        InvalidInput: nothing is asked for.
        NotFound: no such record or hold within the actor's reach.
    """
    ids = list(dict.fromkeys(wanted.record_ids))
    title = f"Record {ids[0]}" if len(ids) == 1 else f"{len(ids):,} records, chosen by id"
    if wanted.hold_id is not None:
        hold = await _hold(tx, wanted.hold_id, actor)
        held = await hold_rows.member_ids(tx, hold.id)
        title = f"The records of hold {hold.id}"
        if destroyed := await hold_rows.count_destroyed(tx, hold.id):
            title += f" that were not destroyed ({destroyed:,} were)"
        title += f" and {len(ids):,} more" if ids else ""
        ids = list(dict.fromkeys([*held, *ids]))
    if not ids:
        raise InvalidInput("a bundle needs records: give their ids, or a hold that has some")
    places = await record_rows.indexes_of(tx, ids)
    await _require_reach(tx, ids, places, access, actor)
    named = [places[record_id] for record_id in wanted.record_ids]
    rows = await record_rows.list_by_index(tx, named)
    if any(row.entry_type == EVENT for row in rows.values()):
        require(actor, Permission.READ_AUDIT)
    return tuple(sorted(places.values())), title


async def _hold(tx: Transaction, hold_id: str, actor: Actor) -> HoldRow:
    reach(actor, Permission.READ_HOLDS)
    hold = await hold_rows.get(tx, hold_id)
    if not may_see_hold(actor, hold.matter):
        raise NotFound(f"no hold {hold_id!r}; list the holds to see their ids")
    return hold


async def _require_reach(
    tx: Transaction,
    ids: Sequence[str],
    places: Mapping[str, int],
    access: RecordAccess,
    actor: Actor,
) -> None:
    """Pass if every record is there and within reach; both are told in the same words."""
    known = list(places.values())
    seen = set(known)
    for needs in (Permission.EXPORT, Permission.READ_CONTENT):
        if not reach(actor, needs).everything:
            seen &= await access.places_within(tx, known, needs, actor=actor)
    for record_id in ids:
        if places.get(record_id) not in seen:
            raise no_record(record_id)
