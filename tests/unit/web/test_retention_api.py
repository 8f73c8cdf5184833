"""Retention events and simulations over HTTP: what is asked reaches the use cases."""

from datetime import UTC, date, datetime

from archiver.disposal.stated_events import NewEvent
from archiver.model.actor import Role
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_keeping import ROW

MANAGER = bearer(Role.RECORDS_MANAGER)
EVENTS = "/api/v1/retention-events"
SCHEDULE = {
    "class_code": "default",
    "version": 2,
    "zone": "UTC",
    "action": "review",
    "lock": "none",
    "terms": [
        {
            "id": "captured",
            "citation": "house rule",
            "trigger": "captured",
            "cutoff": "none",
            "period": "P9Y",
            "mark": "confirmed",
        }
    ],
}


async def test_an_event_is_stated_with_its_own_date(face: Face, services: FakeServices) -> None:
    asked = {
        "name": "account_closed",
        "happened_at": "2026-03-31T17:00:00+02:00",
        "platform": "mastodon",
        "account": "@acme",
    }

    response = await face.request("POST", EVENTS, json=asked, headers=MANAGER)

    assert response.status == 201
    assert (await response.json())["warnings"] == ["it is only a test"]
    (event,) = services.keeping.events.asked
    assert event == NewEvent(
        name="account_closed",
        happened_at=datetime(2026, 3, 31, 15, tzinfo=UTC),
        platform="mastodon",
        account="@acme",
    )


async def test_an_event_is_stated_as_a_day_that_is_the_same_in_every_zone(
    face: Face, services: FakeServices
) -> None:
    for said in ("2026-03-31", "2026-02-30"):
        asked = {"name": "account_closed", "happened_at": said, "record_id": "r"}
        response = await face.request("POST", EVENTS, json=asked, headers=MANAGER)
        assert response.status == (201 if said == "2026-03-31" else 400)

    (event,) = services.keeping.events.asked
    assert isinstance(event, NewEvent)
    assert event.day == date(2026, 3, 31)
    assert event.happened_at < datetime(2026, 4, 1, tzinfo=services.keeping.zone)


async def test_a_moment_without_its_offset_is_refused(face: Face) -> None:
    asked = {"name": "x", "happened_at": "2026-03-31T17:00:00", "record_id": "r"}
    response = await face.request("POST", EVENTS, json=asked, headers=MANAGER)
    assert response.status == 400


async def test_a_correction_and_a_withdrawal_need_a_reason(face: Face) -> None:
    for act, asked in (
        ("correct", {"happened_at": "2026-03-31T17:00:00Z"}),
        ("withdraw", {}),
    ):
        url = f"{EVENTS}/{ROW.id}/{act}"
        refused = await face.request("POST", url, json=asked, headers=MANAGER)
        assert refused.status == 400
        done = await face.request("POST", url, json={**asked, "reason": "r"}, headers=MANAGER)
        assert done.status == 200


async def test_a_csv_file_is_imported_line_by_line_and_bad_lines_are_named(
    face: Face, services: FakeServices
) -> None:
    body = b"name,happened_at,record_id\nx,2026-13-01,r\nx,2026-01-01,r\n"

    response = await face.request(
        "POST", f"{EVENTS}/import", data=body, headers={**MANAGER, "Content-Type": "text/csv"}
    )

    told = await response.json()
    assert services.keeping.event_import.lines == body.splitlines(keepends=True)
    assert told["bad_lines"] == [{"line": 2, "reason": "expected a day"}]
    assert (told["stated"], told["refused"]) == (1, 1)


async def test_the_list_is_narrowed_as_asked(face: Face, services: FakeServices) -> None:
    url = f"{EVENTS}?account=@acme&name=account_closed&in_force=true&limit=7"
    response = await face.request("GET", url, headers=MANAGER)

    assert [item["id"] for item in (await response.json())["items"]] == [ROW.id]
    assert services.keeping.events.asked == [("", "@acme", "", "account_closed", True, 7, "")]


async def test_a_schedule_is_simulated_from_its_body(face: Face) -> None:
    response = await face.request(
        "POST", "/api/v1/simulations", json={"body": SCHEDULE}, headers=MANAGER
    )

    told = await response.json()
    assert (told["class_code"], told["version"]) == ("default", 2)
    assert told["total"]["kept-longer"] == {"records": 1, "bytes": 10}
    assert told["lines"][0]["account"] == "@acme"


async def test_what_cannot_be_simulated_is_refused_with_the_field(face: Face) -> None:
    for asked, pointer in (
        ({}, "/draft"),
        ({"draft": "d", "body": SCHEDULE}, "/draft"),
        ({"body": {**SCHEDULE, "zone": "Mars/Olympus"}}, "/body"),
    ):
        response = await face.request("POST", "/api/v1/simulations", json=asked, headers=MANAGER)
        assert response.status == 400
        assert pointer in await response.text()
    strange = {"body": SCHEDULE, "category": "purple"}
    response = await face.request(
        "POST", "/api/v1/simulations/records", json=strange, headers=MANAGER
    )
    assert response.status == 400
