"""Schedules say in words what they do, and what changed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.disposal.class_views import (
    awaited,
    class_view,
    example_of,
    rule_lines,
    schedule_of,
    schedule_views,
)
from archiver.disposal.schedule_words import changes, kept_words, period_words, template_of
from archiver.errors import InvalidInput
from retention.decisions import State, decide
from retention.facts import Facts
from retention.periods import PERMANENT, Cutoff, CutoffKind, Period
from retention.rules import Rule, RuleSet
from retention.schedules import Action, LockMode, Mark, Schedule, Term, Trigger
from retention.templates import get_template, shipped_templates
from tests.unit.retention.samples import periods

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def term(trigger: str = "posted", period: str = "P3Y") -> Term:
    return Term(
        id=trigger,
        citation="17 CFR 240.17a-4(b)(4)",
        trigger=Trigger.parse(trigger),
        period=Period.parse(period),
    )


def schedule(*terms: Term, version: int = 1, action: Action = Action.DESTROY) -> Schedule:
    return Schedule(
        class_code="comms",
        version=version,
        terms=terms or (term(),),
        action=action,
        lock=LockMode.COMPLIANCE,
        zone="America/New_York",
    )


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period(years=3), "3 years"),
        (Period(years=1, months=6), "1 year 6 months"),
        (Period(days=90), "90 days"),
        (Period(), "no further day"),
        (PERMANENT, "permanently"),
    ],
)
def test_a_period_reads_as_people_say_it(period: Period, words: str) -> None:
    assert period_words(period) == words


def test_a_schedule_of_several_terms_says_that_the_latest_wins() -> None:
    both = schedule(term(), term("event:account_closed", "P6Y"))
    assert kept_words(both) == (
        "the latest of: 3 years after it was posted; 6 years after the event account closed"
    )


def test_terms_of_one_length_are_told_together() -> None:
    assert kept_words(schedule(term(), term("captured"))) == (
        "3 years after the last of these: it was posted, it was captured"
    )


def test_a_fiscal_year_is_named_by_its_first_month() -> None:
    cut = replace(term(), cutoff=Cutoff(kind=CutoffKind.FISCAL_YEAR, first_month=10))
    assert kept_words(schedule(cut)) == (
        "3 years after it was posted, from the end of the fiscal year that starts in October"
    )


def test_only_what_changed_is_marked() -> None:
    before = schedule(term(), term("captured"))
    after = schedule(term(), term("captured", "P5Y"), version=2)
    pieces = changes(before, after)
    assert [op for op, _ in pieces] == ["equal", "delete", "insert", "equal", "equal"]
    assert pieces[2][1].startswith("5 years after it was captured, in America/New_York: 17 CFR")


@given(st.lists(periods, min_size=1, max_size=4, unique=True), st.data())
def test_changes_read_as_either_version(found: list[Period], data: st.DataObject) -> None:
    def of(chosen: list[Period], version: int) -> Schedule:
        named = [replace(term(), id=f"t{n}", period=each) for n, each in enumerate(chosen)]
        return schedule(*named, version=version)

    other = data.draw(st.permutations(found))
    before, after = of(found, 1), of(list(other), 2)
    pieces = changes(before, after)
    assert [line for op, line in pieces if op != "insert"] == [
        line for _, line in changes(before, before)
    ]
    assert [line for op, line in pieces if op != "delete"] == [
        line for _, line in changes(after, after)
    ]


def test_every_template_is_known_by_its_schedule() -> None:
    for each in shipped_templates():
        if each.needs_period:
            continue
        starts = 10 if each.needs_fiscal_year else None
        adopted = each.schedule(version=3, zone="Europe/Paris", fiscal_year_starts=starts)
        assert template_of(adopted) == (each.id, True)
        assert template_of(replace(adopted, lock=_other(adopted.lock))) == (each.id, False)


def _other(lock: LockMode) -> LockMode:
    return LockMode.NONE if lock is not LockMode.NONE else LockMode.GOVERNANCE


def test_a_schedule_of_ones_own_has_no_template() -> None:
    assert template_of(schedule()) == ("", False)


def test_versions_say_which_is_in_force() -> None:
    def body(version: int, since: int) -> dict[str, object]:
        return {**schedule(version=version).to_dict(), "in_force_from": since}

    views = schedule_views([body(3, 300), body(2, 200), body(1, 100)], now=250)
    assert [(view.version, view.state) for view in views] == [
        (3, "not yet"),
        (2, "in force"),
        (1, "superseded"),
    ]
    assert views[2].changes == ()
    assert schedule_of(body(2, 200)) == schedule(version=2)


def test_rules_keep_their_place_when_only_one_class_is_shown() -> None:
    rules = RuleSet(
        version=4,
        default_class="default",
        rules=(
            Rule(id="a", class_code="comms", platforms=("x",)),
            Rule(id="b", class_code="other", units=("Treasury",)),
            Rule(id="c", class_code="comms", kinds=("reply",)),
        ),
    )
    assert [(line.place, line.id) for line in rule_lines(rules, "comms")] == [(1, "a"), (3, "c")]
    assert [(line.place, line.id) for line in rule_lines(rules, "default")] == [(4, "")]
    view = class_view(
        {"code": "comms", "title": "T", "authority": "A", "jurisdiction": "", "note": ""},
        None,
        rules,
        None,
    )
    assert (view.rules, view.version, view.records, view.is_default) == (2, 0, None, False)


def test_an_example_is_decided_as_a_record_would_be() -> None:
    found = example_of(schedule(), "2023-03-31", "", NOW)
    # Noon in New York is 16:00 UTC in summer time; the end is the start of a day there.
    assert found.counted_from == datetime(2023, 3, 31, 16, 0, tzinfo=UTC)
    facts = Facts(
        platform="x", account="@a", captured_at=found.counted_from, posted_at=found.counted_from
    )
    assert found.decision == decide(facts, schedule(), (), NOW)
    assert found.decision.until == datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
    assert found.decision.state is State.ELIGIBLE
    assert [each.end for each in found.ends] == [found.decision.until]


def test_an_example_waits_for_its_event_until_its_day_is_given() -> None:
    waiting = schedule(term(), term("event:account_closed", "P6Y"))
    assert awaited(waiting) == ("account closed",)
    found = example_of(waiting, "2020-01-01", "", NOW)
    assert (found.decision.state, found.decision.until) == (State.AWAITING_EVENT, None)
    assert found.ends[1].end is None
    told = example_of(waiting, "2020-01-01", "2021-01-01", NOW)
    assert told.decision.until == datetime(2027, 1, 2, 5, 0, tzinfo=UTC)
    assert told.happened == date(2021, 1, 1)


def test_a_permanent_schedule_has_no_end() -> None:
    endless = schedule(replace(term(), period=PERMANENT), action=Action.PERMANENT)
    found = example_of(endless, "2020-01-01", "", NOW)
    assert (found.decision.state, found.ends[0].end) == (State.PERMANENT, None)


@pytest.mark.parametrize(
    ("posted", "happened", "field"),
    [
        ("yesterday", "", "posted"),
        ("1969-01-01", "", "posted"),
        ("2200-01-01", "", "posted"),
        ("2020-02-30", "", "posted"),
        ("2020-01-02", "soon", "happened"),
        ("2020-01-02", "2020-01-01", "happened"),
    ],
)
def test_a_day_that_is_none_is_said_of_its_field(posted: str, happened: str, field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        example_of(schedule(), posted, happened, NOW)
    assert raised.value.pointer == field


@given(st.dates(date(1970, 1, 2), date(2199, 12, 31)))
def test_every_day_of_the_range_has_an_answer(day: date) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        found = example_of(replace(schedule(), zone=zone), day.isoformat(), "", NOW)
        assert found.decision.until is not None


def test_what_counsel_must_confirm_is_marked() -> None:
    marked = get_template("us-wa-nonexec-comms").schedule(version=1, zone="UTC")
    assert marked.terms[0].mark is Mark.TO_BE_CONFIRMED
    view = class_view(
        get_template("us-wa-nonexec-comms").file_class().to_dict(),
        marked,
        RuleSet(version=1, default_class="default"),
        {"us-wa-nonexec-comms": 7},
    )
    assert (view.to_be_confirmed, view.records, view.as_template) == (True, 7, True)
