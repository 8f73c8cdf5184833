"""The shipped templates hold every row with its citation, and the loader trusts no file."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.decisions import State, retain_until
from retention.errors import DefinitionError, RetentionError, TemplateNotFoundError
from retention.periods import Period
from retention.schedules import Action, FileClass, LockMode, Mark, Schedule
from retention.templates import (
    AUDIT_CLASS,
    DEFAULT_CLASS,
    Template,
    get_template,
    load_templates,
    shipped_templates,
)
from tests.unit.retention.samples import facts, utc

# id, terms as trigger/cutoff/period, action, what counsel must confirm
ROWS = """
us-sec-17a4-comms       posted//P3Y captured//P3Y                            destroy
us-sec-17a4-books       captured//P6Y                                        destroy
us-sec-17a4-account     event:account_closed//P6Y                            destroy
us-sec-17a4-manual      superseded//P3Y                                      destroy
us-sec-18a6-comms       posted//P3Y captured//P3Y                            destroy
us-finra-4511-default   captured//P6Y                                        destroy
us-finra-4511-account   event:account_closed//P6Y                            destroy
us-finra-2210-public    posted//P3Y captured//P3Y event:last_use//P3Y        destroy event:last_use
us-finra-3110-corr      posted//P3Y captured//P3Y                            destroy
us-finra-3110-review    captured//P3Y event:reviewed_item_disposed//P0D      destroy all
us-finra-4513-complaint captured//P4Y                                        destroy
us-cftc-131-general     posted//P5Y captured//P5Y                            destroy
us-cftc-131-swap        event:transaction_ended//P5Y                         destroy
us-cftc-131-oral        posted//P1Y                                          destroy
us-sec-204-2-comms      posted/fiscal-year/P5Y captured/fiscal-year/P5Y      destroy
us-sec-204-2-ads        event:last_use/fiscal-year/P5Y                       destroy
us-sec-204-2-support    captured/fiscal-year/P5Y                             destroy
us-hipaa-doc            captured//P6Y superseded//P6Y                        destroy
eu-mifid2-comms         posted//P5Y captured//P5Y                            destroy all
eu-mifid2-comms-7y      posted//P7Y captured//P7Y                            destroy all
uk-fca-sysc10a          posted//P5Y captured//P5Y                            destroy
uk-fca-sysc10a-7y       posted//P7Y captured//P7Y                            destroy
eu-gdpr-thirdparty      captured//None                                       review
ca-ni31103-comms        posted//P7Y captured//P7Y                            destroy all
ca-ciro-mfd             captured//P7Y                                        destroy
us-nara-grs64-010       posted//P3Y captured//P3Y event:no_longer_needed//P0D destroy
us-nara-grs64-020       posted//P90D captured//P90D                          destroy
us-nara-unscheduled     captured//permanent                                  permanent
us-wa-exec-comms        posted//P2Y captured//P2Y event:withdrawn//P2Y       transfer
us-wa-nonexec-comms     posted//P2Y captured//P2Y event:withdrawn//P2Y       destroy all
us-tx-admin-corr        posted//P4Y captured//P4Y                            destroy
us-tx-general-corr      posted//P2Y captured//P2Y                            destroy
us-fl-admin-corr        posted/fiscal-year/P3Y captured/fiscal-year/P3Y      destroy all
us-fl-policy-corr       posted/fiscal-year/P5Y captured/fiscal-year/P5Y      destroy all
us-wy-general-corr      posted//P3Y captured//P3Y                            destroy
us-wy-publicity         posted//P5Y captured//P5Y                            destroy
us-wy-transitory        superseded//P3Y                                      destroy
us-wy-executive         captured//permanent                                  permanent
house-7y                posted//P7Y captured//P7Y                            review
default                 posted//P7Y captured//P7Y                            review
system-audit            captured//P10Y event:audited_records_disposed//P0D   destroy
"""


def row_of(template: Template) -> str:
    terms = [
        f"{term.trigger}/{'' if term.cutoff == 'none' else term.cutoff}/{term.period}"
        for term in template.terms
    ]
    marked = [str(t.trigger) for t in template.terms if t.mark is Mark.TO_BE_CONFIRMED]
    marks = ["all"] if len(marked) == len(terms) else marked
    return " ".join([template.id, *terms, template.action, *marks])


def adopt(template: Template) -> Schedule:
    return template.schedule(
        version=1,
        zone="America/New_York",
        fiscal_year_starts=10 if template.needs_fiscal_year else None,
        period=Period(months=18) if template.needs_period else None,
    )


def test_every_row_of_the_rules_is_shipped_and_nothing_else() -> None:
    expected = sorted(" ".join(row.split()) for row in ROWS.strip().splitlines())

    assert sorted(row_of(template) for template in shipped_templates()) == expected


@pytest.mark.parametrize("template", shipped_templates(), ids=lambda template: template.id)
def test_every_shipped_template_can_be_adopted_and_stored(template: Template) -> None:
    schedule = adopt(template)
    file_class = template.file_class()

    assert Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
    assert FileClass.from_dict(json.loads(json.dumps(file_class.to_dict()))) == file_class
    assert re.fullmatch(r"[a-z0-9-]{1,40}", schedule.class_code)
    assert schedule.class_code == file_class.code


def test_what_was_recalled_says_so_beside_its_citation() -> None:
    schedule = adopt(get_template("us-fl-admin-corr"))

    assert [term.cited for term in schedule.terms] == [
        "GS1-SL item 17 (to be confirmed by counsel)"
    ] * 2
    assert get_template("us-fl-admin-corr").mark is Mark.TO_BE_CONFIRMED
    assert get_template("us-sec-17a4-comms").mark is Mark.CONFIRMED


def test_the_audit_class_outlives_every_fixed_period_and_awaits_its_records() -> None:
    schedule = adopt(get_template("system-audit"))
    others = [
        retain_until(facts(posted="2020-10-26T12:00"), adopt(template)).at_least
        for template in shipped_templates()
        if template.code != AUDIT_CLASS
    ]

    keep = retain_until(facts(), schedule)

    assert schedule.class_code == AUDIT_CLASS
    assert schedule.lock is LockMode.COMPLIANCE
    assert keep.kind is State.AWAITING_EVENT
    assert keep.at_least is not None
    assert keep.at_least > max(end for end in others if end is not None)


def test_an_audit_event_may_go_after_the_records_it_concerns() -> None:
    schedule = adopt(get_template("system-audit"))

    keep = retain_until(facts(audited_records_disposed="2050-01-05T12:00"), schedule)

    assert keep.until == utc("2050-01-06T05:00")


def test_the_default_class_keeps_seven_years_and_then_asks() -> None:
    schedule = adopt(get_template("default"))

    assert schedule.class_code == DEFAULT_CLASS
    assert schedule.action is Action.REVIEW
    assert retain_until(facts("2020-10-26T12:00"), schedule).until == utc("2027-10-27T04:00")


def test_adoption_needs_exactly_what_the_template_leaves_open() -> None:
    adviser = get_template("us-sec-204-2-ads")
    comments = get_template("eu-gdpr-thirdparty")

    with pytest.raises(DefinitionError, match="needs fiscal_year_starts"):
        adviser.schedule(version=1, zone="UTC")
    with pytest.raises(DefinitionError, match="from 1 to 12, found 0"):
        adviser.schedule(version=1, zone="UTC", fiscal_year_starts=0)
    with pytest.raises(DefinitionError, match="needs period"):
        comments.schedule(version=1, zone="Europe/Paris")
    with pytest.raises(DefinitionError, match=r"no place for fiscal_year_starts.*needs period"):
        comments.schedule(version=1, zone="Europe/Paris", fiscal_year_starts=1)
    with pytest.raises(DefinitionError, match="no place for period"):
        adviser.schedule(version=1, zone="UTC", fiscal_year_starts=1, period=Period(years=1))

    stated = comments.schedule(version=1, zone="Europe/Paris", period=Period(months=18))
    assert stated.terms[0].period == Period(months=18)


def test_an_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TemplateNotFoundError, match=r"found 'sox'.*house-7y"):
        get_template("sox")


GOOD = """
[[template]]
id = "posts"
title = "Posts"
jurisdiction = "any"
authority = "House rule"
action = "destroy"
lock = "none"

  [[template.terms]]
  triggers = ["posted", "captured"]
  period = "P3Y"
  citation = "House rule"
  mark = "confirmed"
"""


def test_the_loader_reports_all_problems_of_all_files_together() -> None:
    texts = {
        "broken": "[[template",
        "empty": "",
        "twice": GOOD + GOOD,
        "wrong": GOOD.replace('"posts"', '"Other Posts"')
        .replace('"posted"', '"edited"')
        .replace('"P3Y"', '"three years"')
        .replace("mark =", "marked ="),
        "code": GOOD.replace('"posts"', '"Upper"'),
        "endless": GOOD.replace('"posts"', '"endless"').replace("P3Y", "permanent"),
        "none": GOOD.replace('"posts"', '"none"').replace('["posted", "captured"]', "[]"),
        "stray": 'titel = "x"\n' + GOOD.replace('"posts"', '"stray"'),
    }

    with pytest.raises(DefinitionError) as refused:
        load_templates(texts)

    found = [problem.split(": ")[0] for problem in refused.value.problems]
    assert found == [
        "broken",
        "code.template[0]",
        "empty.template",
        "endless.template[0]",
        "endless.template[0]",
        "none.template[0]",
        "stray.titel",
        "wrong.template[0].terms[0].triggers",
        "wrong.template[0].terms[0].period",
        "wrong.template[0].terms[0].mark",
        "wrong.template[0].terms[0].marked",
        "expected every template to have a template id of its own, found 'posts' more than once",
        "expected every template to have a class code of its own, found 'posts' more than once",
    ]


@pytest.mark.parametrize("cut", range(0, len(GOOD), 7))
def test_a_template_file_cut_anywhere_is_refused_or_whole(cut: int) -> None:
    try:
        templates = load_templates({"cut": GOOD[:cut]})
    except DefinitionError:
        return
    assert templates == load_templates({"cut": GOOD})


@given(st.text(), st.integers(0, len(GOOD)))
def test_garbage_raises_only_the_engines_own_error(garbage: str, position: int) -> None:
    for text in (garbage, GOOD[:position] + garbage + GOOD[position:]):
        try:
            load_templates({"garbage": text})
        except RetentionError as error:
            assert str(error)  # noqa: PT017 - either outcome is fine, silence is not
