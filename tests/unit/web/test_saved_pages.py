"""Saved searches and subscriptions as pages and as an API."""

import re

import pytest

from archiver.legal.asking import Asked, Filter
from archiver.legal.saved_versions import Change
from archiver.legal.subscription_views import ChannelName, Pace
from archiver.model.actor import Role
from archiver.web.saved_documents import (
    SavedSearchDocument,
    SavedSearchList,
    SubscriptionDocument,
    WebhookTestDocument,
)
from search.query import FieldName
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_saved import DELIVERY, HOSTILE_NAME, SAVED, SECRET, SUBSCRIPTION

COUNSEL = bearer(Role.COUNSEL)
API = f"/api/v1/saved-searches/{SAVED}"


async def shown(face: Face, path: str) -> str:
    """The page at an address."""
    response = await face.get(path, headers=COUNSEL)
    assert response.status == 200, await response.text()
    return await response.text()


@pytest.mark.parametrize(
    "path",
    [
        "/saved-searches",
        f"/saved-searches/{SAVED}",
        f"/saved-searches/{SAVED}?version=1",
        f"/saved-searches/{SAVED}/edit",
        f"/saved-searches/{SAVED}/subscribe",
        "/saved-searches/new?q=fees&f=platform:x",
    ],
)
async def test_what_people_wrote_is_shown_as_text(face: Face, path: str) -> None:
    page = await shown(face, path)
    for hostile in (HOSTILE_NAME, "<i>", "<u>", "<500>", "<in>"):
        assert hostile not in page


async def test_the_list_tells_what_is_new_and_the_page_who_is_told(
    face: Face, services: FakeServices
) -> None:
    listed = await shown(face, "/saved-searches")
    assert "12" in listed
    assert f"/saved-searches/{SAVED}/open" in listed
    services.saved_searches.new = None
    assert "not known now" in await shown(face, "/saved-searches")
    page = await shown(face, f"/saved-searches/{SAVED}")
    assert "Given up" in page
    assert "Try again" in page
    assert f"{SAVED}@2" in page


async def test_a_search_page_leads_to_saving_what_it_shows(
    face: Face, services: FakeServices
) -> None:
    page = await shown(face, "/search?q=fees&f=platform:x&from=2026-01-01&cursor=")
    (href,) = re.findall(r'href="(/saved-searches/new[^"]*)"', page)
    address = href.replace("&amp;", "&").replace("/new", "")
    response = await face.post(
        address,
        headers=COUNSEL,
        data={"name": "Fees", "shared_with": "everybody"},
        allow_redirects=False,
    )

    assert response.headers["Location"] == f"/saved-searches/{SAVED}?done=saved"
    asked = Asked(query="fees", include=(Filter(FieldName.PLATFORM, "x"),), since="2026-01-01")
    assert services.saved_searches.saved == [(asked, "Fees", "", "everybody")]


async def test_what_is_missing_is_said_and_what_was_filled_in_stays(face: Face) -> None:
    response = await face.post(
        "/saved-searches?q=fees", headers=COUNSEL, data={"description": "for the audit"}
    )
    page = await response.text()
    assert response.status == 400
    assert "for the audit" in page
    assert "expected a name" in page


async def test_a_search_becomes_a_new_version_of_ones_own(
    face: Face, services: FakeServices
) -> None:
    await face.post(
        "/saved-searches?q=charges",
        headers=COUNSEL,
        data={"as": f"{SAVED}@2"},
        allow_redirects=False,
    )
    assert services.saved_searches.changes == [(Change(asked=Asked(query="charges")), 2)]


async def test_a_change_names_the_version_it_was_made_from(
    face: Face, services: FakeServices
) -> None:
    given = {"name": "Fees", "description": "", "query": "charges", "shared_with": ""}
    for version, status in (("2", 303), ("1", 409), ("", 400)):
        response = await face.post(
            f"/saved-searches/{SAVED}",
            headers=COUNSEL,
            data={**given, "version": version},
            allow_redirects=False,
        )
        assert response.status == status
    expected = Change(name="Fees", description="", query="charges", shared_with="")
    assert services.saved_searches.changes == [(expected, 2)]


async def test_opening_leads_to_the_search_it_is(face: Face) -> None:
    response = await face.get(
        f"/saved-searches/{SAVED}/open?version=1", headers=COUNSEL, allow_redirects=False
    )
    assert response.headers["Location"] == "/search?q=fees"


async def test_the_secret_of_a_webhook_is_shown_once(face: Face, services: FakeServices) -> None:
    given = {"channel": "webhook", "target": "https://a.example/in", "pace": "hourly"}
    response = await face.post(f"/saved-searches/{SAVED}/subscribe", headers=COUNSEL, data=given)
    assert SECRET in await response.text()
    assert response.headers["Cache-Control"] == "no-store"
    assert SECRET not in await shown(face, f"/saved-searches/{SAVED}")
    assert services.subscriptions.made == [
        (ChannelName.WEBHOOK, "https://a.example/in", Pace.HOURLY)
    ]
    wrong = await face.post(
        f"/saved-searches/{SAVED}/subscribe", headers=COUNSEL, data={**given, "target": "ftp:"}
    )
    assert wrong.status == 400


async def test_subscriptions_are_stopped_and_deliveries_tried_again(
    face: Face, services: FakeServices
) -> None:
    for path, data in (
        (f"/subscriptions/{SUBSCRIPTION}/state", {"state": "ended"}),
        (f"/deliveries/{DELIVERY}/retry", {}),
    ):
        response = await face.post(path, headers=COUNSEL, data=data, allow_redirects=False)
        assert response.headers["Location"].startswith(f"/saved-searches/{SAVED}?done=")
    assert services.subscriptions.states == ["ended"]
    assert services.subscriptions.retried == [DELIVERY]


async def test_a_test_tells_what_the_receiver_said(face: Face, services: FakeServices) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/test"
    taken = await face.post(path, headers=COUNSEL, data={}, allow_redirects=False)
    assert taken.headers["Location"] == f"/saved-searches/{SAVED}?done=tested"

    services.subscriptions.receiver_says = "<b>it answered 500</b>"
    shown = await (await face.post(path, headers=COUNSEL, data={})).text()
    assert "&lt;b&gt;it answered 500&lt;/b&gt;" in shown
    answer = await face.post(f"/api/v1{path}", headers=COUNSEL)
    WebhookTestDocument.model_validate(await answer.json(), strict=True)
    assert (await face.post("/subscriptions/none/test", headers=COUNSEL, data={})).status == 404


async def test_the_api_answers_what_it_describes(face: Face) -> None:
    listed = await (await face.get("/api/v1/saved-searches", headers=COUNSEL)).json()
    SavedSearchList.model_validate(listed, strict=True)
    one = await face.get(API, headers=COUNSEL)
    SavedSearchDocument.model_validate(await one.json(), strict=True)
    assert one.headers["ETag"] == '"2"'
    made = await face.post(
        API + "/subscriptions",
        headers=COUNSEL,
        json={"channel": "webhook", "target": "https://a.example/in"},
    )
    document = await made.json()
    SubscriptionDocument.model_validate(document, strict=True)
    assert (made.status, document["secret"]) == (201, SECRET)
    for path in ("/versions", "/subscriptions", "/deliveries"):
        answer = await (await face.get(API + path, headers=COUNSEL)).json()
        assert answer["total"] == len(answer["items"])


async def test_the_api_changes_with_if_match(face: Face, services: FakeServices) -> None:
    for match, status in (('"2"', 200), ('"1"', 409), ("2", 400), ("", 400)):
        response = await face.post(
            API, headers={**COUNSEL, "If-Match": match}, json={"archived": True}
        )
        assert response.status == status
    assert services.saved_searches.changes == [(Change(archived=True), 2)]


async def test_the_api_saves_and_runs(face: Face, services: FakeServices) -> None:
    response = await face.post(
        "/api/v1/saved-searches",
        headers=COUNSEL,
        json={"name": "Fees", "query": "fees", "include": ["platform:x"]},
    )
    assert response.status == 201
    assert services.saved_searches.saved[0][0].include == (Filter(FieldName.PLATFORM, "x"),)
    ran = await face.post(API + "/run?limit=5", headers=COUNSEL)
    assert (await ran.json())["normalised"]
