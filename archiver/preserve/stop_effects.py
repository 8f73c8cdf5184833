"""What the events of the emergency stop change: whether anything may be disposed of."""

from dataclasses import dataclass

from archiver.db import disposal_stop as rows
from archiver.db.disposal_stop import StopRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.preserve.effect import SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

STOPPED = "disposal:stopped"
RESUMED = "disposal:resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopStated(SelfStated):
    """A stop, or the lifting of some stops. Each stop is lifted by its id, none by chance."""

    rows: tuple[StopRow, ...]

    def apply(self, connection: Connection) -> bool:
        """Insert what is not there yet."""
        rows.ensure(connection, self.rows)
        return False


def stop_effect(body: EventBody) -> StopStated | None:
    """Return what an event of the emergency stop changes; None for an attempt that was refused.

    Raises:
        ValueError, InvalidInput: it does not state the stop whole.
    """
    if body.result != "ok":
        return None
    ulid_bytes(body.object_id)
    lifted = [""] if body.action == STOPPED else detail_of(body, "lifts", str).split()
    for stop_id in filter(None, lifted):
        ulid_bytes(stop_id)
    return StopStated(
        rows=tuple(
            StopRow(
                id=body.object_id,
                lifts=lifts,
                reason=detail_of(body, "reason", str),
                stated_by=body.actor,
                stated_by_id=detail_of(body, "stated_by_id", str),
                stated_at=moment_of(body),
            )
            for lifts in lifted
        )
    )
