"""What each stored object is to be: until when it is locked, and whether it is held. Pure.

An object of a segment is locked until the month is over in which the last of its records ends, as
it was when it was written; where an end moved away since, the lock moves with it. Records without
an end, and ends beyond the limit, have a lock that rolls: it is renewed once it is `RENEWED_EVERY`
shorter than it would be set today, so that every object is asked for once a month and not daily.
Nothing is ever shortened.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from archiver.clock import from_millis
from archiver.db.lock_states import NOT_HELD, Held, SegmentState
from archiver.model.lock import Lock, LockMode, longest
from archiver.preserve.lanes import (
    OPEN_PERIOD,
    ROLLING_LOCK,
    Lane,
    end_of_month,
    lock_for,
    period_of,
)
from archiver.preserve.object_keys import epoch_object

RENEWED_EVERY = timedelta(days=30)
"""A rolling lock is renewed when so much of it has passed: at least eleven months always stand."""

# A blob is put before the segment that names it, and rolling locks end at midnight.
_MIDNIGHT = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectNeed:
    """What one object is to be.

    `version_id` is the first store's, "" where no row names one. `promised` is the lock it was
    given, `needed` the one it is to have now, which is never less; an end that is less than `slack`
    short of it need not be moved yet. `noted` is whether a row says that the first store's object
    is held (of an epoch key: any row of its lane). `size` is None where no row tells it, `lane` and
    `segment_id` are empty where it belongs to none.
    """

    key: str
    segment_id: str = ""
    lane: tuple[str, str] | None = None
    version_id: str = ""
    size: int | None = None
    promised: Lock | None
    needed: Lock | None
    slack: timedelta = timedelta(0)
    held: Held = NOT_HELD
    noted: bool = False


def locks_of(
    state: SegmentState, now: datetime, limit: timedelta
) -> tuple[Lock | None, Lock | None]:
    """Return the lock a segment was given, and the one it is to have; None where it has none."""
    row = state.segment
    mode = LockMode(row.lock_mode)
    if mode is LockMode.NONE:
        return None, None
    promised = Lock(mode=mode, until=from_millis(row.lock_until))
    needed = promised
    end = None if state.latest_end is None else from_millis(state.latest_end)
    if end is not None and end > max(promised.until, now):  # what may go by then is not kept longer
        period = period_of(end, from_millis(row.created_at))
        needed = _renewed(needed, Lane(row.class_code, period, mode), now, limit)
    if state.endless:
        needed = _renewed(needed, Lane(row.class_code, OPEN_PERIOD, mode), now, limit)
    return promised, needed


def _renewed(promised: Lock, lane: Lane, now: datetime, limit: timedelta) -> Lock:
    wanted = lock_for(lane, now, limit)
    if wanted is None or wanted.until <= promised.until:
        return promised
    moves = lane.period == OPEN_PERIOD or end_of_month(lane.period) > now + limit
    if moves and wanted.until - promised.until <= RENEWED_EVERY:
        return promised
    return replace(promised, until=wanted.until)


def needs_of(state: SegmentState, now: datetime, limit: timedelta) -> tuple[ObjectNeed, ...]:
    """Return what the objects of a segment are to be: `.keys`, `.seg`, and its records' blobs.

    Of the keys only the generation that the row names: an older one that a destruction has left is
    to be destroyed, and must not be kept longer.
    """
    return tuple(_needs_of(state, now, limit))


def _needs_of(state: SegmentState, now: datetime, limit: timedelta) -> Iterator[ObjectNeed]:
    row = state.segment
    promised, needed = locks_of(state, now, limit)
    for key, version_id, size in (
        (row.keys_object_key, row.keys_version_id, None),
        (row.object_key, row.version_id, row.size),
    ):
        yield ObjectNeed(
            key=key,
            segment_id=row.id,
            version_id=version_id,
            size=size,
            promised=promised,
            needed=needed,
            held=state.held,
            noted=row.legal_hold,
        )
    before = None if promised is None else replace(promised, until=promised.until - _MIDNIGHT)
    for blob, held in state.blobs:
        yield ObjectNeed(
            key=blob.object_key,
            segment_id=row.id,
            version_id=blob.version_id,
            size=blob.size,
            promised=before,
            needed=before if needed == promised else needed,
            held=held,
            noted=blob.legal_hold,
        )


@dataclass(slots=True)
class LaneNeeds:
    """What the epoch key of a class and month is to be: the most that any of its segments is."""

    first_index: int
    promised: Lock | None
    needed: Lock | None
    held: Held
    noted: bool

    def take_in(self, other: "LaneNeeds") -> None:
        """Let another segment of the lane ask for what it needs."""
        self.first_index = min(self.first_index, other.first_index)
        self.promised = longest(self.promised, other.promised)
        self.needed = longest(self.needed, other.needed)
        self.noted = self.noted or other.noted
        holds = (self.held, other.held)
        self.held = Held(
            since=min((each.since for each in holds if each.since is not None), default=None),
            released=max(
                (each.released for each in holds if each.released is not None), default=None
            ),
        )


class Lanes:
    """The lanes that were seen: as many as there are classes and months, however many segments."""

    def __init__(self, archive_id: str) -> None:
        self._archive_id = archive_id
        self._lanes: dict[tuple[str, str], LaneNeeds] = {}

    def take_in(self, state: SegmentState, now: datetime, limit: timedelta) -> None:
        """Take a segment into account."""
        row = state.segment
        promised, needed = locks_of(state, now, limit)
        asked = LaneNeeds(
            first_index=row.first_index,
            promised=promised,
            needed=needed,
            held=state.held,
            noted=row.legal_hold,
        )
        known = self._lanes.setdefault((row.class_code, row.period), asked)
        if known is not asked:
            known.take_in(asked)

    def needs(self, *, below: int | None = None) -> list[ObjectNeed]:
        """Return what the epoch keys are to be, of lanes that began below a log index."""
        return [
            ObjectNeed(
                key=epoch_object(self._archive_id, *lane),
                lane=lane,
                promised=asked.promised,
                needed=asked.needed,
                held=asked.held,
                noted=asked.noted,
            )
            for lane, asked in sorted(self._lanes.items())
            if below is None or asked.first_index < below
        ]


def lasting_need(key: str, made_at: datetime | None, mode: LockMode, now: datetime) -> ObjectNeed:
    """Return what an object of the log is to be: kept for good, so that its lock rolls (ADR 0009).

    It was promised a year from its making, and to be locked at every moment after.
    """
    if mode is LockMode.NONE:
        return ObjectNeed(key=key, promised=None, needed=None)
    year = now if made_at is None else made_at + ROLLING_LOCK - _MIDNIGHT
    return ObjectNeed(
        key=key,
        promised=Lock(mode=mode, until=max(year, now + _SECOND).replace(microsecond=0)),
        needed=Lock(mode=mode, until=(now + ROLLING_LOCK).replace(microsecond=0)),
        slack=RENEWED_EVERY,
    )
