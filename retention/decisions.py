"""What the rules say of one record: its state, the moment it may go, and why.

`decide` answers the API, the simulation and the gate of destruction with one and the same logic;
`retain_until` is the same logic without words, for capture and for sweeps over whole archives.
The rules:

- The latest term wins. A term whose event has not happened has no end, and nothing falls due.
- A hold forbids disposal, whatever else is true (FRCP 37(e)); so does a lock still running.
- At `until` a record may go; a moment before it may not (ends are exclusive).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from retention.errors import FactsError
from retention.facts import Facts, Hold
from retention.periods import PERMANENT, end_after, start_of_day, time_zone
from retention.reasons import (
    Reason,
    Start,
    eligible_reason,
    hold_reason,
    kept_by_action_reason,
    lock_reason,
    term_reason,
)
from retention.schedules import Action, Schedule, Term, Trigger, TriggerKind


class State(StrEnum):
    """Where a record stands.

    `HELD` comes before every other state: a reader must not overlook a hold. `LOCKED`: every term
    has ended, and the object store still refuses to delete.
    """

    RETAIN = "retain"
    AWAITING_EVENT = "awaiting-event"
    HELD = "held"
    LOCKED = "locked"
    ELIGIBLE = "eligible"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long a schedule keeps a record, holds and locks apart.

    `kind` is `RETAIN`, `AWAITING_EVENT` or `PERMANENT`. `until` is the exclusive end in UTC, None
    unless `kind` is `RETAIN`. `at_least` is the latest end already known: what an object can be
    locked to while an event is awaited; None when no term has an end yet.
    """

    kind: State
    until: datetime | None
    at_least: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer on one record.

    Nothing may be destroyed before `until` (UTC, exclusive; the later of schedule and lock). It is
    None while no such moment is known: for permanent records and awaited events. `at_least` is as
    in `Keep`. `reasons` start with what decides.
    """

    state: State
    until: datetime | None
    at_least: datetime | None
    reasons: tuple[Reason, ...]


def retain_until(facts: Facts, schedule: Schedule) -> Keep:
    """Return how long `schedule` keeps a record with these facts, without giving reasons."""
    latest: datetime | None = None
    kind = State.PERMANENT if schedule.action is Action.PERMANENT else State.RETAIN
    for term in schedule.terms:
        if term.period is PERMANENT:
            continue  # the schedule's action is PERMANENT: `Schedule` checks it
        end = _end_of_term(term, facts, schedule.zone)
        if end is None:
            if kind is State.RETAIN:
                kind = State.AWAITING_EVENT
        elif latest is None or end > latest:
            latest = end
    return Keep(kind=kind, until=latest if kind is State.RETAIN else None, at_least=latest)


def decide(
    facts: Facts,
    schedule: Schedule,
    holds: tuple[Hold, ...],
    as_of: datetime,
    *,
    lock_until: datetime | None = None,
) -> Decision:
    """Return state, date and reasons for a record at the aware moment `as_of`.

    `holds` are those in force on the record. `lock_until` is the end of the longest object lock on
    its bytes, where there is one.

    Raises:
        FactsError: `as_of` or `lock_until` is naive.
    """
    if as_of.tzinfo is None or (lock_until is not None and lock_until.tzinfo is None):
        raise FactsError(f"expected aware moments, found as_of {as_of}, lock_until {lock_until}")
    keep = retain_until(facts, schedule)
    state = _state(keep, holds, as_of, lock_until)
    reasons = [hold_reason(hold, schedule.zone) for hold in holds]
    reasons += _schedule_reasons(facts, schedule)
    if lock_until is not None:
        reasons.append(lock_reason(lock_until, schedule.lock, running=as_of < lock_until))
    if state is State.ELIGIBLE:
        reasons.append(eligible_reason(schedule))
    until = keep.until
    if until is not None and lock_until is not None:
        until = max(until, lock_until)
    return Decision(state=state, until=until, at_least=keep.at_least, reasons=tuple(reasons))


def running_terms(
    facts: Facts, schedule: Schedule, as_of: datetime
) -> tuple[tuple[Term, Reason], ...]:
    """Return the terms that have not ended at the aware moment `as_of`, each with its reason.

    Permanent terms and those that await their event are among them.

    Raises:
        FactsError: `as_of` is naive.
    """
    if as_of.tzinfo is None:
        raise FactsError(f"expected an aware moment, found as_of {as_of}")
    return tuple(
        (term, term_reason(term, _start_of(term, facts, schedule.zone), facts, schedule))
        for term in schedule.terms
        if (end := _end_of_term(term, facts, schedule.zone)) is None or as_of < end
    )


def _state(
    keep: Keep, holds: tuple[Hold, ...], as_of: datetime, lock_until: datetime | None
) -> State:
    if holds:
        return State.HELD
    if keep.until is None or as_of < keep.until:
        return keep.kind
    if lock_until is not None and as_of < lock_until:
        return State.LOCKED
    return State.ELIGIBLE


def _schedule_reasons(facts: Facts, schedule: Schedule) -> list[Reason]:
    """Return one reason for each term, what decides first, after a reason for the action."""
    ends = [(term, _end_of_term(term, facts, schedule.zone)) for term in schedule.terms]
    endless = [term for term, end in ends if end is None]
    ending = [(term, end) for term, end in ends if end is not None]
    ending.sort(key=lambda pair: pair[1], reverse=True)
    ordered = sorted(endless, key=lambda term: term.period is not PERMANENT)
    ordered += [term for term, _ in ending]
    reasons = [
        term_reason(term, _start_of(term, facts, schedule.zone), facts, schedule)
        for term in ordered
    ]
    if schedule.action is Action.PERMANENT and ordered[0].period is not PERMANENT:
        reasons.insert(0, kept_by_action_reason(schedule))
    return reasons


def _end_of_term(term: Term, facts: Facts, zone: str) -> datetime | None:
    if term.period is PERMANENT:
        return None
    start = _start_of(term, facts, zone)
    if start is None:
        return None
    end = end_after(start.day, cutoff=term.cutoff, period=term.period)
    return start_of_day(end, time_zone(term.zone or zone))


def _start_of(term: Term, facts: Facts, zone: str) -> Start | None:
    """Return the local day that starts the count, or None while it has not come."""
    moment = _counted_from(term.trigger, facts)
    stated = facts.find_day(term.trigger.event) if term.trigger.event else None
    if moment is None:
        return None if stated is None else Start(day=stated)
    day: date = moment.astimezone(time_zone(term.zone or zone)).date()
    if stated is not None and stated > day:
        return Start(day=stated)
    return Start(day=day, moment=moment)


def _counted_from(trigger: Trigger, facts: Facts) -> datetime | None:
    """Return the moment that starts the count, or None where none is known."""
    match trigger.kind:
        case TriggerKind.POSTED:
            return facts.posted_at if facts.posted_is_plausible() else facts.captured_at
        case TriggerKind.CAPTURED:
            return facts.captured_at
        case TriggerKind.SUPERSEDED:
            return facts.superseded_at
        case TriggerKind.EVENT:
            return facts.find_event(trigger.event)
