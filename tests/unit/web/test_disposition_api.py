"""Disposal batches over HTTP: versions, counts, dry runs."""

from archiver.model.actor import Role
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_disposition import BATCH, VERSION

COUNSEL = bearer(Role.COUNSEL)
MANAGER = bearer(Role.RECORDS_MANAGER)
SEEN = {"If-Match": f'"{VERSION}"'}
PATH = f"/api/v1/batches/{BATCH}"


async def test_a_batch_has_its_version_as_etag_and_says_what_it_waits_for(face: Face) -> None:
    answer = await face.get(PATH, headers=MANAGER)
    shown = await answer.json()

    assert answer.headers["ETag"] == f'"{VERSION}"'
    assert (shown["state"], shown["records"]) == ("reviewed", 3)
    assert shown["next"] == "2 more approval(s)"
    assert shown["exceptions"]["changed"] == 0
    assert shown["consequences"]["backup_days"] == 35


async def test_an_approval_names_the_version_that_was_looked_at(
    face: Face, services: FakeServices
) -> None:
    document = {"records": 3, "reason": "agreed"}
    for headers in ({}, {"If-Match": '"1"'}, {"If-Match": "*"}):
        answer = await face.post(f"{PATH}/approve", json=document, headers={**COUNSEL, **headers})
        assert answer.status == 409
    assert services.disposition.approvals.approved == []

    answer = await face.post(f"{PATH}/approve", json=document, headers={**COUNSEL, **SEEN})

    assert answer.status == 200
    assert services.disposition.approvals.approved == [(3, "agreed")]


async def test_a_dry_run_says_what_an_approval_would_do_and_approves_nothing(
    face: Face, services: FakeServices
) -> None:
    answer = await face.post(
        f"{PATH}/approve?dry_run=true", json={"records": 3, "reason": "agreed"}, headers=COUNSEL
    )

    assert (answer.status, (await answer.json())["approvals_missing_afterwards"]) == (200, 1)
    assert services.disposition.approvals.approved == []


async def test_an_approval_without_a_count_or_a_reason_is_refused(face: Face) -> None:
    for document in ({"records": 3}, {"reason": "x"}, {"records": -1, "reason": "x"}, {}):
        answer = await face.post(f"{PATH}/approve", json=document, headers={**COUNSEL, **SEEN})
        assert answer.status == 400


async def test_an_execution_is_a_job_to_look_at(face: Face) -> None:
    answer = await face.post(f"{PATH}/execute", headers={**MANAGER, **SEEN})

    assert answer.status == 202
    assert answer.headers["Location"].startswith("/api/v1/jobs/")


async def test_what_stands_out_is_asked_for_by_a_name_there_is(face: Face) -> None:
    known = await face.get(f"{PATH}/records?exceptions=changed", headers=MANAGER)
    unknown = await face.get(f"{PATH}/records?exceptions=odd", headers=MANAGER)

    assert (known.status, unknown.status) == (200, 400)
