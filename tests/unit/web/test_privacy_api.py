"""Privacy requests over the JSON API and on their pages: what is asked, and how it is shown."""

import pytest

from archiver.model.actor import Role
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_privacy import REQUEST, VERSION

MANAGER = bearer(Role.RECORDS_MANAGER)
ONE = f"/api/v1/privacy-requests/{REQUEST}"
MATCHING = {**MANAGER, "If-Match": f'"{VERSION}"'}


@pytest.mark.parametrize(
    ("step", "sent", "asked"),
    [
        ("extend", {"months": 2, "reason": "many"}, ("extend", 2, VERSION)),
        ("find", {"set": "S"}, ("find", (), "S", VERSION)),
        (
            "decide",
            {"decision": "refuse", "ground": "legal-claims", "records": ["R"], "reason": "suit"},
            ("decide", "refuse", "legal-claims", ("R",), False),
        ),
        (
            "lift",
            {"told_at": "2026-11-20T10:00:00Z", "all": True, "reason": "settled"},
            ("lift", (), True),
        ),
        ("close", {"remark": "sorry"}, ("close", "sorry", VERSION)),
    ],
)
async def test_each_step_comes_to_the_use_case_as_it_was_sent(
    face: Face, services: FakeServices, step: str, sent: dict[str, object], asked: tuple[object]
) -> None:
    response = await face.post(f"{ONE}/{step}", json=sent, headers=MATCHING)
    assert response.status == 200, await response.text()
    assert response.headers["ETag"] == f'"{VERSION}"'
    assert services.privacy.asked == [asked]


async def test_a_request_that_is_wrong_never_comes_to_the_use_case(
    face: Face, services: FakeServices
) -> None:
    for path, sent in (
        ("/api/v1/privacy-requests", {"kind": "fame", "person": "Jo"}),
        ("/api/v1/privacy-requests", {"kind": "erasure", "person": ""}),
        (f"{ONE}/decide", {"decision": "forget", "all": True, "reason": "r"}),
        (f"{ONE}/decide", {"decision": "erase", "all": True}),
        (f"{ONE}/lift", {"all": True, "reason": "r", "told_at": "2026-11-20T10:00:00"}),
        (f"{ONE}/extend", {"months": 3, "reason": "r"}),
    ):
        response = await face.post(path, json=sent, headers=MATCHING)
        assert response.status == 400, (path, sent)
    assert services.privacy.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/new",
        f"/{REQUEST}",
        f"/{REQUEST}/answer",
        *(f"/{REQUEST}/{step}" for step in ("find", "decide", "lift", "extend", "erase", "close")),
    ],
)
async def test_what_the_person_is_called_is_text_on_every_page(face: Face, path: str) -> None:
    response = await face.get(f"/privacy{path}", headers=MANAGER)
    page = await response.text()
    assert response.status == 200, page
    for raw in ("<b>26-7</b>", "<i>Jo</i>", "<b>acme</b>", "<b>claim</b>"):
        assert raw not in page
    if path != "/new":
        assert "&lt;i&gt;Jo&lt;/i&gt;" in page or "&lt;b&gt;26-7" in page
