"""Class rules: one class for each record, the first match wins, and the reason says so."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import DefinitionError, RetentionError
from retention.facts import Facts
from retention.rules import Rule, RuleSet
from tests.unit.retention.samples import utc

POST = Facts(
    platform="mastodon",
    account="acme@social.example",
    captured_at=utc("2026-01-01"),
    unit="retail",
    kind="reply",
    direction="out",
    tags=("promo", "spring"),
)
RULES = RuleSet(
    version=4,
    default_class="house-7y",
    rules=(
        Rule(id="complaints", class_code="us-finra-4513-complaint", tags=("complaint",)),
        Rule(
            id="retail-static",
            class_code="us-finra-2210-public",
            units=("retail",),
            kinds=("post", "profile"),
        ),
        Rule(id="retail", class_code="us-finra-3110-corr", units=("retail", "private")),
        Rule(id="mastodon", class_code="us-sec-17a4-comms", platforms=("mastodon",)),
    ),
)


@pytest.mark.parametrize(
    ("change", "rule", "class_code"),
    [
        ({}, "retail", "us-finra-3110-corr"),
        ({"kind": "post"}, "retail-static", "us-finra-2210-public"),
        ({"tags": ("promo", "complaint")}, "complaints", "us-finra-4513-complaint"),
        ({"unit": "press"}, "mastodon", "us-sec-17a4-comms"),
        ({"unit": "press", "platform": "x"}, "", "house-7y"),
        ({"unit": "Retail", "platform": "x"}, "", "house-7y"),
    ],
)
def test_the_first_rule_a_record_meets_names_its_class(
    change: dict[str, Any], rule: str, class_code: str
) -> None:
    assignment = RULES.assign(replace(POST, **change))

    assert (assignment.rule_id, assignment.class_code) == (rule, class_code)
    assert assignment.rules_version == 4


def test_an_assignment_says_why() -> None:
    assert RULES.assign(replace(POST, kind="post")).reason == (
        "Rule retail-static of class rules version 4 names class us-finra-2210-public: "
        "unit is retail; kind is post or profile."
    )
    assert RULES.assign(replace(POST, unit="", platform="x")).reason == (
        "No rule of class rules version 4 matches: the default class house-7y stands."
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"platforms": ("mastodon",)},
        {"accounts": ("acme@social.example",)},
        {"units": ("retail",)},
        {"kinds": ("reply",)},
        {"directions": ("out",)},
        {"tags": ("other", "spring")},
    ],
)
def test_each_condition_can_be_met_and_missed(condition: dict[str, tuple[str, ...]]) -> None:
    stranger = Facts(platform="x", account="other", captured_at=utc("2026-01-01"))
    rule = Rule(id="r", class_code="c", **condition)

    assert rule.matches(POST)
    assert not rule.matches(stranger)
    assert not replace(rule, directions=("in",)).matches(POST)


def test_a_rule_that_takes_every_record_is_refused() -> None:
    with pytest.raises(DefinitionError, match="default class"):
        Rule(id="all", class_code="c")


def test_the_class_codes_of_a_rule_set_are_those_it_can_name() -> None:
    assert RULES.class_codes == {
        "house-7y",
        "us-finra-4513-complaint",
        "us-finra-2210-public",
        "us-finra-3110-corr",
        "us-sec-17a4-comms",
    }


def test_a_rule_set_survives_its_json_form() -> None:
    assert RuleSet.from_dict(json.loads(json.dumps(RULES.to_dict()))) == RULES


def test_all_problems_of_a_rule_set_are_reported_together() -> None:
    broken = {
        "version": 1,
        "rules": [
            {"id": "a", "class_code": "UPPER", "tags": ["x"]},
            {"id": "b", "class_code": "c", "tags": "x"},
            {"id": "", "class_code": "c", "platform": ["x"]},
        ],
    }

    with pytest.raises(DefinitionError) as refused:
        RuleSet.from_dict(broken)

    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "rules.default_class",
        "rules.rules[0]",
        "rules.rules[1].tags",
        "rules.rules[2].id",
        "rules.rules[2].platform",
    ]


def test_a_rule_set_with_one_id_twice_is_refused() -> None:
    twice = Rule(id="a", class_code="c", tags=("x",))

    with pytest.raises(DefinitionError, match="'a' more than once"):
        RuleSet(version=1, default_class="c", rules=(twice, twice))


def test_a_rule_set_checks_its_default_class_and_version() -> None:
    with pytest.raises(DefinitionError) as refused:
        RuleSet(version=0, default_class="No Such")

    assert len(refused.value.problems) == 2


words = st.sampled_from(("", "a", "b", "c"))
some = st.lists(words, max_size=2).map(tuple)


@given(
    st.lists(
        st.builds(
            Rule,
            id=st.uuids().map(str),
            class_code=st.sampled_from(("c1", "c2")),
            platforms=some,
            units=some,
            tags=some,
            kinds=st.just(("post",)),
        ),
        max_size=5,
    ),
    words,
    words,
    some,
)
def test_every_record_lands_in_exactly_one_class(
    rules: list[Rule], platform: str, unit: str, tags: tuple[str, ...]
) -> None:
    facts = Facts(
        platform=platform, account="", unit=unit, tags=tags, captured_at=utc("2026-01-01")
    )
    rule_set = RuleSet(version=1, default_class="rest", rules=tuple(rules))

    assignment = rule_set.assign(facts)

    matching = [rule for rule in rules if rule.matches(facts)]
    expected = (matching[0].class_code, matching[0].id) if matching else ("rest", "")
    assert (assignment.class_code, assignment.rule_id) == expected


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.lists(st.text())))
def test_garbage_raises_only_the_engines_own_error(garbage: dict[str, object]) -> None:
    for value in (garbage, {"version": 1, "default_class": "c", "rules": [garbage]}):
        with pytest.raises(RetentionError):
            RuleSet.from_dict(value)


VALUES = st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple)


@st.composite
def some_rule(draw: st.DrawFn) -> Rule:
    platforms, units, tags = draw(VALUES), draw(VALUES), draw(VALUES)
    if not (platforms or units or tags):
        platforms = ("a",)
    return Rule(id="r", class_code="c", platforms=platforms, units=units, tags=tags)


@given(some_rule(), some_rule(), st.sampled_from("abc"), st.sampled_from("abc"), VALUES)
def test_no_record_reaches_a_rule_that_another_one_hides(
    first: Rule, second: Rule, platform: str, unit: str, tags: tuple[str, ...]
) -> None:
    facts = replace(POST, platform=platform, unit=unit, tags=tags)

    if first.hides(second):
        assert first.matches(facts) or not second.matches(facts)


def test_a_rule_hides_those_below_that_ask_for_more() -> None:
    wide = Rule(id="wide", class_code="c", platforms=("mastodon", "bluesky"))

    assert wide.hides(Rule(id="n", class_code="d", platforms=("mastodon",), kinds=("reply",)))
    assert not wide.hides(Rule(id="n", class_code="d", kinds=("reply",)))
    assert not wide.hides(Rule(id="n", class_code="d", platforms=("mastodon", "x")))
