"""The pages of accounts and classes: forms that say what is wrong, hostile words, no dead links."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from archiver.errors import Conflict, InvalidInput
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.web.pages.account_list import MOST_BARS, AccountFilter, bar_days, bars, records_href
from search.grammar import parse
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_accounts import ACCOUNT, CLASS, HOSTILE, an_account

REGISTER = {"platform": "mastodon", "handle": "@acme", "unit": "Treasury"}


async def page(face: Face, path: str, role: Role = Role.OPERATOR, *, status: int = 200) -> str:
    """The page as a person of the role gets it."""
    answer = await face.get(path, headers=bearer(role), allow_redirects=False)
    assert answer.status == status, await answer.text()
    return await answer.text()


async def test_the_list_shows_hostile_words_as_words(face: Face) -> None:
    text = await page(face, "/accounts")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert f"/accounts/{ACCOUNT}" in text
    assert "51 registered accounts" in text


async def test_the_address_is_what_the_use_case_is_asked(
    face: Face, services: FakeServices
) -> None:
    await page(face, "/accounts?q=ac&platform=x&unit=-&state=closed&sort=-records&cursor=50")
    asked = services.accounts.asked[-1]
    assert asked == {
        "text": "ac",
        "platform": "x",
        "unit": "",
        "state": "closed",
        "sort": "-records",
        "limit": 50,
        "cursor": "50",
    }
    await page(face, "/accounts?unit=Treasury")
    assert services.accounts.asked[-1]["unit"] == "Treasury"
    await page(face, "/accounts")
    assert services.accounts.asked[-1]["unit"] is None


async def test_who_may_not_operate_is_offered_no_act(face: Face, services: FakeServices) -> None:
    services.accounts.others = (an_account(9, id="", state="not registered"),)
    for path in ("/accounts", f"/accounts/{ACCOUNT}"):
        assert "/accounts/new" in await page(face, "/accounts", Role.OPERATOR)
        text = await page(face, path, Role.AUDITOR)
        assert "/accounts/new" not in text
        assert "/change" not in text
        assert "/close" not in text


async def test_an_account_without_registration_leads_to_its_form(
    face: Face, services: FakeServices
) -> None:
    services.accounts.others = (an_account(9, id="", handle='@"a&b', state="not registered"),)
    text = await page(face, "/accounts")
    assert "platform=mastodon&amp;handle=%40%22a%26b" in text
    form = await page(face, "/accounts/new?platform=mastodon&handle=%40%22a%26b")
    assert 'value="@&#34;a&amp;b"' in form


async def test_an_empty_register_says_what_to_do_next(face: Face, services: FakeServices) -> None:
    services.accounts.empty = True
    assert "Import posts" in await page(face, "/accounts")
    assert "Import posts" not in await page(face, "/accounts", Role.AUDITOR)
    assert "No registered account is like that" in await page(face, "/accounts?q=nothing")


async def test_a_wrong_field_is_named_in_the_summary_and_at_its_place(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {**REGISTER, "title": HOSTILE}

    async def refuse(**_: object) -> Any:
        raise InvalidInput("expected a platform, found 'My'", pointer="/platform")

    monkeypatch.setattr(services.accounts, "register", refuse)
    answer = await face.post("/accounts/new", data=fields, headers=bearer(Role.OPERATOR))
    text = await answer.text()
    assert answer.status == 400
    assert '<a href="#f-platform">Expected a platform, found &#39;My&#39;.</a>' in text
    assert 'aria-invalid="true"' in text
    assert "<script>alert" not in text
    assert 'value="@acme"' in text  # what was typed is not lost


async def test_an_account_registered_already_is_a_problem_of_the_whole_form(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(**_: object) -> Any:
        raise Conflict("it is registered already")

    monkeypatch.setattr(services.accounts, "register", refuse)
    answer = await face.post("/accounts/new", data=REGISTER, headers=bearer(Role.OPERATOR))
    assert answer.status == 409
    assert "It is registered already." in await answer.text()


async def test_a_registration_leads_to_its_account(face: Face) -> None:
    answer = await face.post(
        "/accounts/new", data=REGISTER, headers=bearer(Role.OPERATOR), allow_redirects=False
    )
    assert answer.status == 303
    there = answer.headers["Location"]
    assert "The account is registered." in await page(face, there)


async def test_another_unit_is_set_only_after_its_consequences_were_shown(
    face: Face, services: FakeServices
) -> None:
    fields = {"title": "T", "custodian": "C", "unit": "Legal"}
    path = f"/accounts/{ACCOUNT}/change"
    first = await face.post(path, data=fields, headers=bearer(Role.OPERATOR))
    text = await first.text()
    assert "no longer see its 1,284 records" in text
    assert 'name="seen" value="Legal"' in text
    assert services.accounts.asked == []

    other = {**fields, "seen": "Sales"}  # another unit than the one that was shown
    await face.post(path, data=other, headers=bearer(Role.OPERATOR))
    assert services.accounts.asked == []

    second = await face.post(
        path, data={**fields, "seen": "Legal"}, headers=bearer(Role.OPERATOR), allow_redirects=False
    )
    assert second.status == 303
    assert services.accounts.asked == [fields]


async def test_a_title_changes_without_more_ado(face: Face, services: FakeServices) -> None:
    fields = {"title": "New", "custodian": "P. Ray", "unit": "Treasury"}
    answer = await face.post(
        f"/accounts/{ACCOUNT}/change",
        data=fields,
        headers=bearer(Role.OPERATOR),
        allow_redirects=False,
    )
    assert (answer.status, services.accounts.asked) == (303, [fields])


@pytest.mark.parametrize(("state", "word"), [("open", "Close"), ("closed", "Reopen")])
async def test_closing_is_a_page_that_says_what_will_happen(
    face: Face, services: FakeServices, state: str, word: str
) -> None:
    services.accounts.view = an_account(state=state)
    text = await page(face, f"/accounts/{ACCOUNT}/close")
    assert f"{word} account" in text
    assert f'name="act" value="{word.lower()}"' in text


async def test_closing_asks_for_a_reason(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> Any:
        raise InvalidInput("expected a reason", pointer="/reason")

    monkeypatch.setattr(services.accounts, "close", refuse)
    answer = await face.post(
        f"/accounts/{ACCOUNT}/close", data={"act": "close"}, headers=bearer(Role.OPERATOR)
    )
    assert answer.status == 400
    assert '<a href="#f-reason">' in await answer.text()


async def test_an_account_that_is_not_there_is_not_found(face: Face) -> None:
    await page(face, "/accounts/01KAM000000000000000000000", status=404)


async def test_an_account_shows_months_rules_and_history(face: Face) -> None:
    text = await page(face, f"/accounts/{ACCOUNT}", Role.AUDITOR)
    assert "Records by month" in text
    assert "posted%3A2026-11-01..2026-11-30" in text
    assert f"/classes/{CLASS}" in text
    assert "unit from none to Treasury" in text
    assert "<script>alert" not in text
    operator = await page(face, f"/accounts/{ACCOUNT}", Role.OPERATOR)
    assert "/search?q=" not in operator  # who may not search is led to no search


async def test_the_file_plan_shows_what_is_in_use_first(face: Face) -> None:
    text = await page(face, "/classes", Role.RECORDS_MANAGER)
    assert "12,406" in text
    assert "To be confirmed by counsel" in text
    assert (
        "3 years after the last of these: it was posted, it was captured, the event last use"
        in text
    )


async def test_who_is_limited_to_a_part_sees_the_file_plan_without_its_counts(
    face: Face, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = frozenset({LimitedRole(role=Role.COUNSEL, unit="Treasury")})
    lou = Actor(name="lou", roles=frozenset(), limited=held)

    async def limited(_: str) -> Actor:
        return lou

    monkeypatch.setattr(services.tokens, "authenticate", limited)
    for path in ("/classes", f"/classes/{CLASS}"):
        text = await page(face, path)
        assert "12,406" not in text
        assert CLASS in text


async def test_an_example_is_worked_out_with_its_reasons(face: Face) -> None:
    text = await page(face, f"/classes/{CLASS}?posted=2020-03-31&happened=2021-03-31", Role.AUDITOR)
    assert "It could have gone since" in text
    assert "Event last_use on 2021-03-31" in text
    assert "2024-04-01 00:00" in text


async def test_a_day_that_is_none_is_named_at_its_field(face: Face) -> None:
    text = await page(face, f"/classes/{CLASS}?posted=soon", Role.AUDITOR, status=400)
    assert '<a href="#f-posted">' in text


async def test_class_rules_show_hostile_words_as_words(face: Face) -> None:
    text = await page(face, "/classes/rules", Role.AUDITOR)
    assert "<script>alert" not in text
    assert "Default" in text


async def test_the_api_lists_shows_and_changes_accounts(face: Face, services: FakeServices) -> None:
    headers = bearer(Role.OPERATOR)
    listed = await (await face.get("/api/v1/accounts?limit=2", headers=headers)).json()
    assert (listed["total"], listed["items"][0]["id"], listed["next_cursor"]) == (51, ACCOUNT, "50")
    shown = await (await face.get(f"/api/v1/accounts/{ACCOUNT}", headers=headers)).json()
    assert shown["months"][0] == {"month": "2026-10", "records": 3}
    made = await face.post("/api/v1/accounts", json=REGISTER, headers=headers)
    assert made.status == 201
    await face.post(f"/api/v1/accounts/{ACCOUNT}", json={"title": "T"}, headers=headers)
    assert services.accounts.asked[-1] == {"title": "T", "custodian": None, "unit": None}
    for act in ("close", "reopen"):
        answer = await face.post(
            f"/api/v1/accounts/{ACCOUNT}/{act}", json={"reason": "r"}, headers=headers
        )
        assert answer.status == 200


async def test_the_api_explains_classes(face: Face) -> None:
    headers = bearer(Role.AUDITOR)
    path = f"/api/v1/classes/{CLASS}"
    versions = await (await face.get(f"{path}/schedules", headers=headers)).json()
    assert versions["items"][0]["version"] == 1
    found = await (await face.get(f"{path}/example?posted=2020-03-31", headers=headers)).json()
    assert (found["state"], found["until"]) == ("awaiting-event", None)
    assert (await face.get(f"{path}/example?posted=", headers=headers)).status == 400


def test_bars_fill_empty_months_and_turn_to_years() -> None:
    assert bars([]) == []
    assert bars([("2025-11", 2), ("2026-02", 1)]) == [
        ("2025-11", 2),
        ("2025-12", 0),
        ("2026-01", 0),
        ("2026-02", 1),
    ]
    years = bars([("2015-01", 2), ("2015-05", 1), ("2026-02", 1)])
    assert len(years) == 12 < MOST_BARS
    assert (years[0], years[1], years[-1]) == (("2015", 3), ("2016", 0), ("2026", 1))
    assert bars([("0001-01", 1), ("2026-02", 1)]) == [("0001", 1), ("2026", 1)]


@pytest.mark.parametrize(
    ("label", "days"),
    [
        ("2024-02", ("2024-02-01", "2024-02-29")),
        ("2026-12", ("2026-12-01", "2026-12-31")),
        ("2026", ("2026-01-01", "2026-12-31")),
    ],
)
def test_a_bar_leads_to_its_days(label: str, days: tuple[str, str]) -> None:
    assert bar_days(label) == days


def test_the_search_of_an_account_is_a_query_of_the_language() -> None:
    href = records_href("x", "OR @acme (x): AND", "2026-02-01", "2026-02-28")
    (query,) = parse_qs(urlsplit(href).query)["q"]
    parse(query)
    assert records_href("x", 'a"b') == ""


def test_sorting_a_column_again_turns_it() -> None:
    assert AccountFilter().sorted_by("account").endswith("sort=-account")
    assert AccountFilter(sort="-account").sorted_by("account") == "/accounts"
    assert AccountFilter().sorted_by("records", greatest_first=True).endswith("sort=-records")


def test_a_filter_is_removed_without_the_others() -> None:
    chips = AccountFilter(text="a b", unit="-", platform="x").chips
    assert chips == (
        ("“a b”", "/accounts?platform=x&unit=-"),
        ("Platform x", "/accounts?q=a+b&unit=-"),
        ("No unit", "/accounts?q=a+b&platform=x"),
    )
