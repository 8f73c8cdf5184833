"""The use cases about how long records are kept: events, refilings and simulations, together."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.disposal.event_history import EventHistory
from archiver.disposal.event_import import EventImport
from archiver.disposal.event_previews import EventPreviews
from archiver.disposal.refiling import Refiling
from archiver.disposal.retention_events import RetentionEvents
from archiver.disposal.simulation import Simulation
from archiver.ids import Ulids


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What retention is counted from, what it comes to, and what it would come to."""

    events: RetentionEvents
    event_import: EventImport
    previews: EventPreviews
    history: EventHistory
    refiling: Refiling
    simulation: Simulation
    zone: ZoneInfo


def open_keeping(
    *, archive: ArchiveRow, database: Database, trail: Trail, clock: Clock, ulids: Ulids
) -> Keeping:
    """Return the use cases of one archive."""
    zone = ZoneInfo(archive.zone)
    events = RetentionEvents(database=database, trail=trail, clock=clock, ulids=ulids)
    return Keeping(
        events=events,
        event_import=EventImport(events=events, zone=zone),
        previews=EventPreviews(events=events, database=database, clock=clock),
        history=EventHistory(database=database),
        refiling=Refiling(database=database, clock=clock, trail=trail, ulids=ulids),
        simulation=Simulation(database=database, clock=clock, trail=trail),
        zone=zone,
    )
