"""Pages and API of frozen sets and search term reports: what they show, escape and refuse."""

from dataclasses import replace

import pytest

from archiver.model.actor import Role
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_sets import EARLIER, HOSTILE, RECORD, REPORT, SET, a_report

COUNSEL = bearer(Role.COUNSEL)


@pytest.mark.parametrize(
    "path",
    [
        "/sets",
        "/sets/new?q=merger",
        f"/sets/{SET}?done=frozen",
        f"/sets/{SET}?after=0",
        "/terms",
        f"/terms/new?set={SET}",
        f"/terms/{REPORT}",
        f"/terms/{REPORT}/compare?earlier={EARLIER}",
    ],
)
async def test_every_page_is_shown_and_what_people_named_is_escaped(face: Face, path: str) -> None:
    answer = await face.get(path, headers=COUNSEL)

    page = await answer.text()
    assert answer.status == 200, page
    assert HOSTILE not in page


async def test_a_search_is_frozen_from_its_form(face: Face, services: FakeServices) -> None:
    given = {"query": "merger", "name": "M", "matter": "24-1"}

    answer = await face.post("/sets", headers=COUNSEL, data=given, allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (303, f"/sets/{SET}?done=frozen")
    assert services.frozen_sets.frozen == [("merger", "M", "24-1")]
    refused = await face.post("/sets", headers=COUNSEL, data={"query": "merger AND"})
    assert refused.status == 400
    assert "more is missing" in await refused.text()


async def test_a_query_longer_than_an_address_is_counted_before_it_is_frozen(face: Face) -> None:
    query = " OR ".join(f"term{number}" for number in range(5_000))
    shown = await face.post("/sets/new", headers=COUNSEL, data={"query": query, "name": "Long"})
    text = await shown.text()
    assert shown.status == 200
    assert "term4999" in text
    assert "It finds" in text
    refused = await face.post("/sets/new", headers=COUNSEL, data={"query": "merger AND"})
    assert refused.status == 400


async def test_the_api_freezes_once_per_key(face: Face, services: FakeServices) -> None:
    headers = {**COUNSEL, "Idempotency-Key": "k1"}

    for _ in range(2):
        answer = await face.post("/api/v1/sets", headers=headers, json={"query": "merger"})
        assert (answer.status, (await answer.json())["id"]) == (201, SET)
    assert len(services.frozen_sets.frozen) == 1
    ids = await (await face.get(f"/api/v1/sets/{SET}/ids", headers=COUNSEL)).json()
    assert ids["ids"] == [RECORD]


async def test_terms_are_checked_before_anything_is_counted(face: Face) -> None:
    given = {"terms": "merger\nmerger AND\n<b>", "syntax": "muniment"}

    page = await (await face.post("/terms/check", headers=COUNSEL, data=given)).text()

    assert "Not counted" in page
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    refused = await face.post("/terms", headers=COUNSEL, data={"terms": ""})
    assert refused.status == 400
    assert "No report was started" in await refused.text()


async def test_a_report_is_a_job_over_a_set_within_reach(face: Face) -> None:
    given = {"terms": "merger\ntalks", "set_id": SET, "stem": "yes"}

    answer = await face.post("/terms", headers=COUNSEL, data=given, allow_redirects=False)

    assert answer.status == 303
    started = await face.post(
        "/api/v1/term-reports", headers=COUNSEL, json={"terms": "merger", "syntax": "kql"}
    )
    assert started.status == 202
    nothing = await face.post(
        "/api/v1/term-reports", headers=COUNSEL, json={"terms": "merger", "set_id": RECORD}
    )
    assert nothing.status == 404


async def test_a_report_links_to_what_of_its_scope_holds_no_words(
    face: Face, services: FakeServices
) -> None:
    path, address = f"/terms/{REPORT}", "/search?q=%28merger%29+AND+NOT+has%3Atext"
    scope = a_report(REPORT).set
    long = replace(scope, query="a OR " * 1_000 + "a")

    async def page(**told: object) -> str:
        services.term_reports.told = told
        return await (await face.get(path, headers=COUNSEL)).text()

    assert address in await page()
    told = await (await face.get(f"/api/v1/term-reports/{REPORT}", headers=COUNSEL)).json()
    assert (told["without_words"], told["not_searchable"]) == (3, 2)
    assert "/search?q=NOT+has%3Atext" in await page(set=replace(scope, query=""))
    assert "1 document of the set holds no words" in await page(without_words=1)
    assert "3 documents of the set hold no words" in await page(set=long)
    assert "not counted then" in await page(without_words=None)
    for nothing in ({"set": long}, {"without_words": 0}, {"without_words": None}):
        assert "NOT+has" not in await page(**nothing)


async def test_files_are_downloads_without_formulas(face: Face, services: FakeServices) -> None:
    table = await face.get(f"/terms/{REPORT}/file?form=csv", headers=COUNSEL)
    book = await face.get(f"/api/v1/term-reports/{REPORT}/file?form=xlsx", headers=COUNSEL)

    assert '"\'=cmd|calc"' in await table.text()
    assert (await book.read()).startswith(b"PK")
    assert all("attachment" in each.headers["Content-Disposition"] for each in (table, book))
    assert services.term_reports.exported == ["csv", "xlsx"]
    wrong = await face.get(f"/terms/{REPORT}/file?form=pdf", headers=COUNSEL)
    assert wrong.status == 400


async def test_two_reports_are_compared_with_the_ids_of_what_moved(face: Face) -> None:
    path = f"/api/v1/term-reports/{REPORT}/comparison?earlier={EARLIER}"

    found = await (await face.get(path, headers=COUNSEL)).json()

    assert [each["change"] for each in found["terms"]] == ["same", "added", "same", "removed"]
    assert (found["gained_ids"], found["lost_ids"]) == ([RECORD], [RECORD])
