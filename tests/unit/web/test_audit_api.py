"""The audit trail and the settings over the API."""

import pytest

from archiver.model.actor import Role
from archiver.web.audit_documents import (
    EventDocument,
    EventList,
    SettingsDocument,
    TimelineDocument,
)
from tests.unit.web.fake_services import RECORD, Face, FakeServices, bearer
from tests.unit.web.fakes_audit import EVENT

AUDITOR = bearer(Role.AUDITOR)


async def test_events_are_listed_as_described(face: Face, services: FakeServices) -> None:
    response = await face.get(
        "/api/v1/events?actor=carla&action=hold:*&from=2026-11-01&limit=3", headers=AUDITOR
    )

    told = await response.json()
    EventList.model_validate(told)
    assert told["items"][2]["sentence"].startswith("carla@example.com placed hold “Smith v. Acme”")
    (asked,) = services.audit.asked
    assert (asked.actor, asked.actions) == ("carla", ("hold:*",))


@pytest.mark.parametrize(
    "query", ["from=yesterday", "action=drop+table", "from=2026-11-02&to=2026-11-01", "limit=201"]
)
async def test_a_wrong_filter_is_refused(face: Face, query: str) -> None:
    response = await face.get(f"/api/v1/events?{query}", headers=AUDITOR)

    assert response.status == 400
    assert (await response.json())["errors"]


async def test_one_event_comes_with_its_bytes_and_its_proof(face: Face) -> None:
    shown = await face.get(f"/api/v1/events/{EVENT}", headers=AUDITOR)
    proof = await face.get(f"/api/v1/events/{EVENT}/proof", headers=AUDITOR)

    told = await shown.json()
    EventDocument.model_validate(told)
    assert told["ok"] is True
    assert (await proof.text()).startswith("c2sp.org/tlog-proof@v1")
    assert f'filename="{EVENT}.tlog-proof"' in proof.headers["Content-Disposition"]


async def test_everything_about_a_record_is_one_answer(face: Face) -> None:
    response = await face.get(f"/api/v1/events/about/record/{RECORD}", headers=AUDITOR)

    told = await response.json()
    TimelineDocument.model_validate(told)
    assert told["readers"][0]["times"] == 2


async def test_an_export_is_a_job(face: Face) -> None:
    response = await face.post("/api/v1/events/export?matter=Smith", headers=AUDITOR)

    told = await response.json()
    assert response.status == 202
    assert response.headers["Location"] == f"/api/v1/jobs/{told['id']}"
    assert "Smith" not in told["subject"]


async def test_what_one_did_oneself_needs_no_permission(face: Face) -> None:
    response = await face.get("/api/v1/me/events", headers=bearer(Role.CAPTURE_AGENT))

    EventList.model_validate(await response.json())
    assert (await response.json())["items"] == []


async def test_settings_are_told_without_their_secrets(face: Face) -> None:
    response = await face.get("/api/v1/settings", headers=bearer(Role.OPERATOR))

    text = await response.text()
    told = SettingsDocument.model_validate(await response.json())
    assert "hunter2" not in text
    assert {each.name: each.value for each in told.items}["MUNIMENT_DATABASE_URL"] == (
        "postgresql://arch:•••@db.example/arch"
    )
