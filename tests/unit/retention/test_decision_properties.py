"""What must hold of every decision, whatever the schedule and the facts."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from retention.decisions import State, decide, retain_until
from retention.facts import Facts, Hold
from retention.schedules import Action, Schedule, Term
from tests.unit.retention.samples import all_facts, holds, moments, schedules, terms

locks = st.one_of(st.none(), moments)


@given(all_facts, schedules, terms())
def test_a_further_term_never_brings_the_date_forward(
    facts: Facts, schedule: Schedule, further: Term
) -> None:
    assume(further.id not in {term.id for term in schedule.terms})
    before = retain_until(facts, schedule)

    after = retain_until(facts, replace(schedule, terms=(*schedule.terms, further)))

    if before.until is None:
        assert after.until is None
    else:
        assert after.until is None or after.until >= before.until
    if before.at_least is not None:
        assert after.at_least is not None
        assert after.at_least >= before.at_least


@given(all_facts, schedules, holds, moments, locks)
def test_a_held_record_is_never_eligible(
    facts: Facts, schedule: Schedule, hold: Hold, as_of: datetime, lock_until: datetime | None
) -> None:
    decision = decide(facts, schedule, (hold,), as_of, lock_until=lock_until)

    assert decision.state is State.HELD
    assert hold.id in decision.reasons[0].text


@given(all_facts, schedules, moments, locks, st.timedeltas(min_value=timedelta(0)))
def test_time_alone_never_takes_eligibility_back(
    facts: Facts,
    schedule: Schedule,
    as_of: datetime,
    lock_until: datetime | None,
    later: timedelta,
) -> None:
    assume(later < timedelta(days=365 * 300))
    now = decide(facts, schedule, (), as_of, lock_until=lock_until)

    then = decide(facts, schedule, (), as_of + later, lock_until=lock_until)

    order = (State.RETAIN, State.LOCKED, State.ELIGIBLE)
    if now.state in order:
        assert order.index(then.state) >= order.index(now.state)
    else:
        assert then.state is now.state
    assert then.until == now.until


@given(all_facts, schedules, moments, locks)
def test_a_record_is_eligible_exactly_from_until_on(
    facts: Facts, schedule: Schedule, as_of: datetime, lock_until: datetime | None
) -> None:
    decision = decide(facts, schedule, (), as_of, lock_until=lock_until)

    may_go = decision.until is not None and as_of >= decision.until
    assert (decision.state is State.ELIGIBLE) == may_go
    if decision.until is not None:
        for moment in (decision.until - timedelta(microseconds=1), decision.until):
            state = decide(facts, schedule, (), moment, lock_until=lock_until).state
            assert (state is State.ELIGIBLE) == (moment == decision.until)


@given(all_facts, schedules, moments)
def test_the_fast_path_and_the_decision_agree(
    facts: Facts, schedule: Schedule, as_of: datetime
) -> None:
    keep = retain_until(facts, schedule)
    decision = decide(facts, schedule, (), as_of)

    assert (decision.until, decision.at_least) == (keep.until, keep.at_least)
    assert decision.state in {keep.kind, State.ELIGIBLE}
    assert (keep.kind is State.PERMANENT) == (schedule.action is Action.PERMANENT)
    assert (keep.kind is State.RETAIN) == (keep.until is not None)


@given(all_facts, schedules, moments)
def test_every_term_gives_its_reason_and_citation(
    facts: Facts, schedule: Schedule, as_of: datetime
) -> None:
    reasons = decide(facts, schedule, (), as_of).reasons

    cited = [reason.citation for reason in reasons]
    for term in schedule.terms:
        assert term.cited in cited
    assert all(reason.text[0].isupper() and reason.text.endswith(".") for reason in reasons)


@given(all_facts, schedules)
def test_facts_that_arrive_never_shorten_what_was_known(facts: Facts, schedule: Schedule) -> None:
    unknown = replace(facts, events=(), superseded_at=None)

    before = retain_until(unknown, schedule).at_least
    after = retain_until(facts, schedule).at_least

    if before is not None:
        assert after is not None
        assert after >= before
