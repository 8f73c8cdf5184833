"""Drafts as forms, and what the pages of the file plan do with what is typed."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.config import load_settings
from archiver.disposal.draft_views import view_of
from archiver.disposal.simulation_result import Category, Selection
from archiver.model.actor import Role
from archiver.web.pages.draft_forms import DraftForm, RuleRow, TermRow, errors_of, form_sent
from retention.rules import Rule
from retention.schedules import Schedule
from tests.fakes.random_archives import schedules_of
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_plan import DRAFT, FakeDrafts

RITA = bearer(Role.RECORDS_MANAGER)
SCHEDULE_DRAFT = replace(FakeDrafts().row, subject="schedule", class_code="default")


@given(schedules_of("default", 2))
def test_a_term_is_the_same_after_the_form(schedule: Schedule) -> None:
    for term in schedule.terms:
        assert TermRow.of_json(term.to_dict()).json() == term.to_dict()


_words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9)


@given(st.lists(_words, min_size=1, max_size=4).map(tuple), st.lists(_words, max_size=3).map(tuple))
def test_a_rule_is_the_same_after_the_form(
    accounts: tuple[str, ...], units: tuple[str, ...]
) -> None:
    rule = Rule(id="one", class_code="default", accounts=accounts, units=units)
    assert RuleRow.of_json(rule.to_dict()).json() == rule.to_dict()


@given(
    st.dictionaries(
        st.sampled_from(["0-id", "0-years", "0-trigger", "1-id", "0-permanent", "zone", "7-zone"]),
        st.text(max_size=20),
    )
)
def test_whatever_is_typed_is_kept_and_told(sent: dict[str, str]) -> None:
    form = form_sent(view_of(SCHEDULE_DRAFT, None, "rita"), sent)
    row = replace(SCHEDULE_DRAFT, body=json.dumps(form.body()))
    view = view_of(row, None, "rita")
    assert view.problems, "nothing above is a whole schedule"
    assert all(text for _, text in errors_of(view.problems))


def test_each_problem_is_told_at_its_field() -> None:
    body = {
        "zone": "Mars/Olympus",
        "action": "review",
        "lock": "none",
        "terms": [{**TermRow(id="a", citation="", days="x").json(), "trigger": "event:"}],
    }
    view = view_of(replace(SCHEDULE_DRAFT, body=json.dumps(body)), None, "rita")
    found = dict(errors_of(view.problems))
    assert found.keys() == {"0-citation", "0-trigger", "0-years"}
    assert found["0-citation"] == "Say which rule asks for this term."


@pytest.mark.parametrize(
    ("what", "order"),
    [
        ("up-1", "bac"),
        ("down-0", "bac"),
        ("up-0", "abc"),
        ("down-2", "abc"),
        ("remove-1", "ac"),
        ("remove-9", "abc"),
        ("nonsense", "abc"),
    ],
)
def test_rows_are_rearranged(what: str, order: str) -> None:
    rows = tuple(RuleRow(id=name) for name in "abc")
    form = DraftForm(part="rules", reason="", head={}, rows=rows)
    assert "".join(row.id for row in form.rearranged(what).rows) == order


async def test_rearranging_saves_nothing(face: Face, services: FakeServices) -> None:
    sent = {"do": "add", "revision": "2", "default_class": "posts", "reason": "typed <b>"}
    answer = await face.post(f"/drafts/{DRAFT}", data=sent, headers=RITA)
    text = await answer.text()
    assert (answer.status, services.plan.drafts.row.revision) == (200, 2)
    assert 'name="0-id" type="text" value="rule-1"' in text
    assert "typed &lt;b&gt;" in text


async def test_what_is_simulated_is_saved_first_and_only_when_it_is_whole(
    face: Face, services: FakeServices
) -> None:
    sent = {"do": "simulate", "revision": "2", "default_class": "other", "reason": "order"}
    answer = await face.post(f"/drafts/{DRAFT}", data=sent, headers=RITA, allow_redirects=False)
    assert answer.headers["Location"] == f"/drafts/{DRAFT}?done=saved"
    assert json.loads(services.plan.drafts.row.body)["default_class"] == "other"
    assert services.simulations.started == [DRAFT]
    await face.post(
        f"/drafts/{DRAFT}",
        data={**sent, "default_class": "", "revision": "3"},
        headers=RITA,
        allow_redirects=False,
    )
    assert services.simulations.started == [DRAFT], "an incomplete draft is saved, no more"


async def test_the_address_of_a_list_says_which_number(face: Face, services: FakeServices) -> None:
    answer = await face.get(
        f"/drafts/{DRAFT}/records?what=kept-longer&year=2030&account=%3Cb%3E", headers=RITA
    )
    assert (answer.status, "&lt;b&gt;" in await answer.text()) == (200, True)
    wanted = Selection(category=Category.LONGER, year="2030", account="<b>")
    assert services.simulations.selected == [wanted]
    wrong = await face.get(f"/drafts/{DRAFT}/records?what=everything", headers=RITA)
    assert wrong.status == 400


@pytest.mark.parametrize("step", ["approve", "refuse"])
@pytest.mark.parametrize("path", ["/drafts/", "/api/v1/drafts/"])
async def test_without_the_two_person_rule_who_edits_the_plan_decides_on_a_draft(
    face: Face, services: FakeServices, step: str, path: str
) -> None:
    """Let through by the route, as by the use case; who only approves is refused by both."""
    services.plan.drafts.row = replace(SCHEDULE_DRAFT, state="submitted")
    asked, jonas = f"{path}{DRAFT}/{step}", bearer(Role.COUNSEL)
    assert (await face.post(asked, headers=RITA)).status == 403

    services.settings = load_settings({"MUNIMENT_TWO_PERSON_SCHEDULE": "false"})
    services.plan.life.two_person = False
    assert (await face.post(asked, headers=jonas)).status == 403
    sent = {"reason": "It is time", "revision": "1"}
    how: dict[str, Any] = {"json": {"reason": "It is time"}} if "api" in path else {"data": sent}
    revision = services.plan.drafts.row.revision
    headers = {**RITA, "If-Match": f'"{revision}"'}
    answer = await face.post(asked, headers=headers, allow_redirects=False, **how)
    assert answer.status == (200 if "api" in path else 303), await answer.text()
    assert services.plan.drafts.row.state == {"approve": "approved", "refuse": "refused"}[step]


async def test_a_draft_offers_its_decisions_to_whom_they_belong(
    face: Face, services: FakeServices
) -> None:
    services.plan.drafts.row = replace(SCHEDULE_DRAFT, state="submitted")
    approve = f'href="/drafts/{DRAFT}/approve"'
    assert approve not in await (await face.get(f"/drafts/{DRAFT}", headers=RITA)).text()

    services.settings = load_settings({"MUNIMENT_TWO_PERSON_SCHEDULE": "false"})
    services.plan.life.two_person = False
    assert approve in await (await face.get(f"/drafts/{DRAFT}", headers=RITA)).text()
    page = await face.get(f"/drafts/{DRAFT}/approve", headers=RITA)
    assert page.status == 200
