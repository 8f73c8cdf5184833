"""Schedules and classes check themselves and survive their JSON form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import DefinitionError, RetentionError
from retention.periods import PERMANENT, Period
from retention.schedules import Action, FileClass, LockMode, Schedule, Term, Trigger
from tests.unit.retention.samples import schedules

TERM: dict[str, Any] = {
    "id": "posted",
    "citation": "17 CFR 240.17a-4(b)(4)",
    "trigger": "posted",
    "cutoff": "none",
    "period": "P3Y",
    "zone": "",
    "mark": "confirmed",
    "note": "",
}
SCHEDULE: dict[str, Any] = {
    "class_code": "public-posts",
    "version": 1,
    "zone": "America/New_York",
    "action": "destroy",
    "lock": "compliance",
    "terms": [TERM],
}


@given(schedules)
def test_a_schedule_survives_its_json_form(schedule: Schedule) -> None:
    assert Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule


def test_the_json_form_of_a_schedule_is_the_documented_one() -> None:
    assert Schedule.from_dict(SCHEDULE).to_dict() == SCHEDULE


def test_a_class_survives_its_json_form() -> None:
    written = FileClass(code="posts", title="Posts", authority="GRS 6.4", jurisdiction="US")

    assert FileClass.from_dict(json.loads(json.dumps(written.to_dict()))) == written


def test_all_problems_of_a_schedule_are_reported_together() -> None:
    broken = SCHEDULE | {
        "version": "1",
        "action": "shred",
        "terms": [
            TERM | {"period": "3 years", "cutoff": "fiscal-year", "trigger": "event"},
            {"id": "x", "perod": "P3Y"},
            7,
        ],
    }

    with pytest.raises(DefinitionError) as refused:
        Schedule.from_dict(broken)

    assert sorted(problem.split(":")[0] for problem in refused.value.problems) == [
        "schedule.action",
        "schedule.terms[0].cutoff",
        "schedule.terms[0].period",
        "schedule.terms[0].trigger",
        "schedule.terms[1].citation",
        "schedule.terms[1].cutoff",
        "schedule.terms[1].mark",
        "schedule.terms[1].period",
        "schedule.terms[1].perod",
        "schedule.terms[1].trigger",
        "schedule.terms[2]",
        "schedule.terms[2].citation",
        "schedule.terms[2].cutoff",
        "schedule.terms[2].id",
        "schedule.terms[2].mark",
        "schedule.terms[2].period",
        "schedule.terms[2].trigger",
        "schedule.version",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"class_code": "Public Posts"}, "class code"),
        ({"class_code": "a/../b"}, "class code"),
        ({"class_code": "x" * 41}, "class code"),
        ({"version": 0}, "version from 1 up"),
        ({"version": True}, "whole number"),
        ({"terms": []}, "at least one term"),
        ({"terms": {}}, "a list"),
        ({"terms": [TERM, TERM]}, "found 'posted' more than once"),
        ({"terms": [TERM | {"period": "permanent"}]}, "action permanent"),
        ({"terms": [TERM | {"citation": " "}]}, "citation: expected a text"),
        ({"terms": [TERM | {"zone": "Mars/Olympus"}]}, "terms.0.: expected an IANA time zone"),
        ({"zone": "Mars/Olympus"}, "IANA time zone"),
        ({"lock": "worm"}, "compliance, governance, none"),
        ({"colour": "red"}, "unknown key"),
    ],
)
def test_a_malformed_schedule_is_refused_with_what_was_expected(
    change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DefinitionError, match=problem):
        Schedule.from_dict(SCHEDULE | change)


def test_a_term_without_a_citation_is_refused() -> None:
    with pytest.raises(DefinitionError, match="citation"):
        Term(id="x", citation=" ", trigger=Trigger.parse("posted"), period=Period(years=3))


def test_a_class_without_an_authority_is_refused() -> None:
    with pytest.raises(DefinitionError, match="authority"):
        FileClass(code="posts", title="Posts", authority=" ")


def test_a_schedule_made_in_code_is_checked_as_a_whole() -> None:
    forever = Term(id="x", citation="c", trigger=Trigger.parse("captured"), period=PERMANENT)

    with pytest.raises(DefinitionError) as refused:
        Schedule(
            class_code="",
            version=0,
            terms=(forever,),
            action=Action.DESTROY,
            lock=LockMode.NONE,
            zone="nowhere",
        )

    assert len(refused.value.problems) == 4


@pytest.mark.parametrize("text", ["posted", "captured", "superseded", "event:account_closed"])
def test_a_trigger_is_written_as_it_was_read(text: str) -> None:
    assert str(Trigger.parse(text)) == text


@pytest.mark.parametrize("text", ["", "event", "event:", "event:Last Use", "posted:x", "edited"])
def test_what_is_not_a_trigger_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        Trigger.parse(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.dictionaries(st.sampled_from(sorted(SCHEDULE)), json_values))
def test_garbage_raises_only_the_engines_own_error(
    garbage: object, changes: dict[str, Any]
) -> None:
    for value in (garbage, SCHEDULE | changes, SCHEDULE | {"terms": [TERM | changes, garbage]}):
        try:
            Schedule.from_dict(value)
        except RetentionError as error:
            assert str(error)  # noqa: PT017 - either outcome is fine, silence is not
