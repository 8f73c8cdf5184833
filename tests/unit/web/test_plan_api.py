"""The file plan over HTTP: drafts and classes have entity tags, and acts can be tried first."""

import pytest

from archiver.model.actor import Role
from tests.unit.web.fake_services import Face, bearer
from tests.unit.web.fakes_plan import DRAFT, SIMULATED

RITA = bearer(Role.RECORDS_MANAGER)
CARLA = bearer(Role.COUNSEL)
WHY = {"reason": "the rule got longer"}


async def test_a_draft_is_changed_by_whoever_names_the_revision_they_read(face: Face) -> None:
    read = await face.get(f"/api/v1/drafts/{DRAFT}", headers=RITA)
    assert (read.status, read.headers["ETag"]) == (200, '"2"')
    body = {"body": {"default_class": "house-7y", "rules": []}}

    async def edit(**headers: str) -> tuple[int, str]:
        answer = await face.post(f"/api/v1/drafts/{DRAFT}", headers={**RITA, **headers}, json=body)
        return answer.status, answer.headers.get("ETag", "")

    assert await edit() == (428, "")
    assert await edit(**{"If-Match": '"1"'}) == (412, "")
    assert await edit(**{"If-Match": "*"}) == (412, "")
    assert await edit(**{"If-Match": '"2"'}) == (200, '"3"')
    assert await edit(**{"If-Match": '"2"'}) == (412, "")


@pytest.mark.parametrize(
    ("act", "document", "headers", "state"),
    [
        ("submit", {"in_force_from": "2027-01-01T00:00:00Z"}, RITA, "submitted"),
        ("approve", WHY, CARLA, "approved"),
        ("refuse", WHY, CARLA, "refused"),
        ("withdraw", WHY, RITA, "withdrawn"),
    ],
)
async def test_what_becomes_of_a_draft_needs_its_revision_too(
    face: Face, act: str, document: dict[str, str], headers: dict[str, str], state: str
) -> None:
    path = f"/api/v1/drafts/{DRAFT}/{act}"

    assert (await face.post(path, headers=headers, json=document)).status == 428
    done = await face.post(path, headers={**headers, "If-Match": '"2"'}, json=document)

    told = await done.json()
    assert (done.status, told["state"], told["revision"]) == (200, state, 3)


async def test_an_approval_can_be_tried_without_being_given(face: Face) -> None:
    tried = await face.post(f"/api/v1/drafts/{DRAFT}/approve?dry_run=true", headers=CARLA, json=WHY)

    told = await tried.json()
    assert (tried.status, told["simulation"], told["state"]) == (200, SIMULATED.summary(), "draft")


async def test_a_draft_begins_where_it_is_told_to(face: Face) -> None:
    asked = {"class_code": "posts", "template": "house-7y", "reason": "seven years"}

    made = await face.post("/api/v1/drafts", headers=RITA, json=asked)

    assert (made.status, made.headers["ETag"]) == (201, '"2"')
    drafts = await (await face.get("/api/v1/drafts?open=true", headers=CARLA)).json()
    assert [each["id"] for each in drafts["items"]] == [DRAFT]


async def test_a_class_is_changed_by_whoever_names_the_revision_they_read(face: Face) -> None:
    read = await face.get("/api/v1/classes/posts", headers=CARLA)
    assert (read.status, read.headers["ETag"]) == (200, '"3"')

    for path, document in (
        ("/api/v1/classes/posts", {"note": "n", **WHY}),
        ("/api/v1/classes/posts/close", WHY),
        ("/api/v1/classes/posts/reopen", WHY),
    ):
        assert (await face.post(path, headers=RITA, json=document)).status == 428
        stale = await face.post(path, headers={**RITA, "If-Match": '"1"'}, json=document)
        assert stale.status == 412
        tag = (await face.get("/api/v1/classes/posts", headers=RITA)).headers["ETag"]
        done = await face.post(path, headers={**RITA, "If-Match": tag}, json=document)
        assert done.status == 200


async def test_records_are_moved_and_listed(face: Face) -> None:
    asked = {"record_ids": ["01KAM0RECRD000000000000001"], **WHY}
    for path in ("/reclassify", "/reclassify?dry_run=true"):
        done = await face.post(f"/api/v1/classes/posts{path}", headers=RITA, json=asked)
        assert (done.status, (await done.json())["moved"]) == (200, 1)

    page = await (await face.get("/api/v1/classes/posts/records?limit=1", headers=RITA)).json()
    assert page["next_after"] == 7


async def test_templates_say_what_counsel_has_to_confirm(face: Face) -> None:
    told = await (await face.get("/api/v1/schedule-templates", headers=CARLA)).json()

    marks = {item["id"]: item["mark"] for item in told["items"]}
    assert marks["us-finra-2210-public"] == "to be confirmed by counsel"
    assert marks["us-sec-17a4-comms"] == "confirmed"
