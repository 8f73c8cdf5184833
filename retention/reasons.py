"""Reasons as sentences a records manager can read aloud, each with what it rests on.

Moments are shown as the term's time zone shows them, to the minute.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import assert_never

from retention.facts import Facts, Hold
from retention.periods import CutoffKind, Period, end_after, time_zone
from retention.schedules import Action, LockMode, Schedule, Term, TriggerKind

_ONE_DAY = timedelta(days=1)

_ACTED = {
    Action.DESTROY: "destroyed",
    Action.TRANSFER: "transferred",
    Action.REVIEW: "reviewed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence, and the rule, schedule, matter or lock it rests on."""

    text: str
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the count of a term starts from: a local day, and the moment in it that is known.

    `moment` is None for an event that was stated as a day: it is that day in every zone.
    """

    day: date
    moment: datetime | None = None


def term_reason(term: Term, start: Start | None, facts: Facts, schedule: Schedule) -> Reason:
    """Return why `term` keeps a record; `start` is what its count starts from, None: not yet."""
    if not isinstance(term.period, Period):
        return Reason(text="Kept permanently.", citation=term.cited)
    if start is None:
        text = f"{_awaited(term)} kept {term.period.in_words} from then."
        return Reason(text=text, citation=term.cited)
    zone_name = term.zone or schedule.zone
    end = end_after(start.day, cutoff=term.cutoff, period=term.period)
    since = start.day if start.moment is None else _shown(start.moment, zone_name)
    text = (
        f"{_started(term, facts)} {since}{_cut_off(term, start.day)}; "
        f"kept {term.period.in_words} from then, until {end} 00:00."
    )
    return Reason(text=text, citation=term.cited)


def kept_by_action_reason(schedule: Schedule) -> Reason:
    """Return why a record of a schedule with the action permanent never goes."""
    return Reason(
        text="Kept permanently: the schedule names no disposal when its terms have ended.",
        citation=_named(schedule),
    )


def hold_reason(hold: Hold, zone: str) -> Reason:
    """Return why a hold keeps a record."""
    return Reason(
        text=(
            f"On hold {hold.name or hold.id} since {_shown(hold.placed_at, zone)}: nothing of it "
            "may be disposed of before the hold is released."
        ),
        citation=f"matter {hold.matter}, hold {hold.id}",
    )


def lock_reason(lock_until: datetime, mode: LockMode, *, running: bool) -> Reason:
    """Return what the lock on the stored object does at present."""
    effect = "the store refuses to delete it before then" if running else "the lock has ended"
    return Reason(
        text=f"The stored object is locked until {_shown(lock_until, 'UTC')}; {effect}.",
        citation=f"object lock, class lock mode {mode}",
    )


def eligible_reason(schedule: Schedule) -> Reason:
    """Return why a record may go."""
    return Reason(
        text=(
            "Every term has ended, no hold covers it and no lock is running: it may be "
            f"{_ACTED[schedule.action]} after review and approval."
        ),
        citation=_named(schedule),
    )


def _named(schedule: Schedule) -> str:
    return f"class {schedule.class_code}, schedule version {schedule.version}"


def _shown(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(time_zone(zone)):%Y-%m-%d %H:%M} {zone}"


def _started(term: Term, facts: Facts) -> str:
    match term.trigger.kind:
        case TriggerKind.POSTED if facts.posted_at is None:
            return "Posting time unknown, so counted from the capture: captured"
        case TriggerKind.POSTED if not facts.posted_is_plausible():
            return (
                f"Posting time {facts.posted_at:%Y-%m-%d} given by the platform is not plausible, "
                "so counted from the capture: captured"
            )
        case TriggerKind.POSTED:
            return "Posted"
        case TriggerKind.CAPTURED:
            return "Captured"
        case TriggerKind.SUPERSEDED:
            return "Superseded"
        case TriggerKind.EVENT:
            return f"Event {term.trigger.event} on"
        case _:
            assert_never(term.trigger.kind)


def _awaited(term: Term) -> str:
    if term.trigger.kind is TriggerKind.SUPERSEDED:
        return "Not superseded yet;"
    return f"Awaiting the event {term.trigger.event};"


def _cut_off(term: Term, day: date) -> str:
    if term.cutoff.kind is CutoffKind.NONE:
        return ""
    last = term.cutoff.first_day_after(day) - _ONE_DAY
    span = term.cutoff.kind.replace("-", " ")
    return f"; cut off at the end of the {span} on {last}"
