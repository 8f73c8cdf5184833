import base64
import hashlib

import pytest
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from archiver.config import load_settings
from archiver.model.actor import Role
from archiver.web.routes import ROUTES
from archiver.web.server import create_app
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_records import RECORD

COUNSEL = bearer(Role.COUNSEL)
ADMIN = bearer(Role.ADMINISTRATOR)
HOLD = {"name": "Smith v. Acme", "reason": "complaint received", "query": "merger"}


async def test_the_description_is_valid_openapi_and_names_every_api_route(face: Face) -> None:
    document = await (await face.get("/api/v1/openapi.json")).json()

    validate(document)
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(r.method, r.template) for r in ROUTES if not r.is_page}


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/api/v1/search?q=word", Role.COUNSEL),
        ("/api/v1/search?q=word&count=true", Role.COUNSEL),
        (f"/api/v1/records/{RECORD}", Role.COUNSEL),
        (f"/api/v1/records/{RECORD}/versions", Role.COUNSEL),
        (f"/api/v1/records/{RECORD}/why", Role.COUNSEL),
        ("/api/v1/holds", Role.COUNSEL),
        ("/api/v1/holds/H0", Role.COUNSEL),
        ("/api/v1/classes", Role.COUNSEL),
        ("/api/v1/tokens", Role.ADMINISTRATOR),
        ("/api/v1/log/consistency?old=1&new=2", Role.AUDITOR),
    ],
)
async def test_answers_are_what_the_description_promises(face: Face, path: str, role: Role) -> None:
    await face.post("/api/v1/holds", json=HOLD, headers=COUNSEL)
    await face.post("/api/v1/tokens", json={"name": "a", "roles": ["auditor"]}, headers=ADMIN)
    document = await (await face.get("/api/v1/openapi.json")).json()

    response = await face.get(path, headers=bearer(role))

    template = path.partition("?")[0].replace(RECORD, "{id}").replace("H0", "{id}")
    schema = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
    name = schema["schema"]["$ref"].rpartition("/")[2]
    whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    assert response.status == 200
    assert list(Draft202012Validator(whole).iter_errors(await response.json())) == []


async def test_a_count_carries_no_hits(face: Face) -> None:
    answer = await (await face.get("/api/v1/search?q=a&count=true", headers=COUNSEL)).json()

    assert answer["count"] == 1284
    assert "hits" not in answer


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=a&limit=1001",
        "q=a&limit=-1",
        "q=a&limit=x",
        "q=a&limit=\u0661",
        "q=a&count=1",
        "limit=3",
    ],
)
async def test_parameters_out_of_their_limits_are_refused(face: Face, query: str) -> None:
    response = await face.get(f"/api/v1/search?{query}", headers=COUNSEL)

    assert response.status == 400


async def test_verbatim_bytes_come_as_a_sandboxed_download_with_their_digest(face: Face) -> None:
    response = await face.get(f"/api/v1/records/{RECORD}/raw", headers=COUNSEL)

    body = await response.read()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert response.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response.headers


async def test_a_media_type_or_name_of_the_sender_cannot_write_headers(
    face: Face, services: FakeServices
) -> None:
    services.records.part_type = "text/html\r\nSet-Cookie: a=b"

    response = await face.get(f"/api/v1/records/{RECORD}/parts/a%22%0d%0aX: y", headers=COUNSEL)

    assert response.status == 200
    assert response.content_type == "application/octet-stream"
    assert "X" not in response.headers
    assert "%22%0D%0A" in response.headers["Content-Disposition"]


async def test_a_hold_is_placed_once_however_often_the_request_is_repeated(
    face: Face, services: FakeServices
) -> None:
    headers = {**COUNSEL, "Idempotency-Key": "k"}

    first = await face.post("/api/v1/holds", json=HOLD, headers=headers)
    again = await face.post("/api/v1/holds", json=HOLD, headers=headers)

    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert len(services.holds.placed) == 1


async def test_an_idempotency_key_is_not_for_two_requests(face: Face) -> None:
    headers = {**COUNSEL, "Idempotency-Key": "k"}
    await face.post("/api/v1/holds", json=HOLD, headers=headers)

    other = await face.post("/api/v1/holds", json={**HOLD, "name": "Other"}, headers=headers)

    assert other.status == 409


async def test_a_request_that_failed_may_be_repeated_under_its_key(face: Face) -> None:
    headers = {**COUNSEL, "Idempotency-Key": "k"}
    unscoped = {"name": "n", "reason": "r"}

    failed = await face.post("/api/v1/holds", json=unscoped, headers=headers)
    better = await face.post("/api/v1/holds", json=HOLD, headers=headers)

    assert (failed.status, better.status) == (400, 201)


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"name": "", "reason": "r"}, "/name"),
        ({"name": "n"}, "/reason"),
        ({"name": "n", "reason": "r", "querry": "x"}, "/querry"),
        ({"name": "n", "reason": "r", "accounts": [1]}, "/accounts/0"),
    ],
)
async def test_a_wrong_document_names_its_field(face: Face, document: object, pointer: str) -> None:
    response = await face.post("/api/v1/holds", json=document, headers=COUNSEL)

    problem = await response.json(content_type="application/problem+json")
    assert response.status == 400
    assert problem["errors"][0]["pointer"] == pointer


async def test_a_hold_is_released_with_a_reason(face: Face) -> None:
    response = await face.post(
        "/api/v1/holds/H0/release", json={"reason": "settled"}, headers=COUNSEL
    )

    assert (await response.json())["state"] == "released"


async def test_a_secret_is_shown_once_when_made(face: Face) -> None:
    made = await face.post(
        "/api/v1/tokens", json={"name": "bridge", "roles": ["capture-agent"]}, headers=ADMIN
    )
    listed = await face.get("/api/v1/tokens", headers=ADMIN)

    assert (await made.json())["secret"].startswith("mun_")
    assert "secret" not in await listed.text()
    assert made.headers["Cache-Control"] == "no-store"


async def test_tiles_keep_for_good_and_the_checkpoint_does_not(face: Face) -> None:
    auditor = bearer(Role.AUDITOR)

    tile = await face.get("/log/tile/entries/x001/234.p/17", headers=auditor)
    checkpoint = await face.get("/log/checkpoint", headers=auditor)

    assert await tile.read() == b"tile/entries/x001/234.p/17"
    assert "immutable" in tile.headers["Cache-Control"]
    assert checkpoint.headers["Cache-Control"] == "no-store"
    assert (await checkpoint.text()) == "checkpoint"


async def test_a_public_log_is_read_by_anybody_and_nothing_else_is() -> None:
    services = FakeServices(settings=load_settings({}))
    async with TestClient(TestServer(create_app(services))) as anybody:
        assert (await anybody.get("/log/checkpoint")).status == 200
        assert (await anybody.get("/log/tile/0/000")).status == 200
        assert (await anybody.get("/api/v1/log/checkpoint")).status == 401
        assert (await anybody.get("/api/v1/search?q=word")).status == 401


async def test_readiness_names_the_part_that_fails(face: Face, services: FakeServices) -> None:
    ready = await face.get("/readyz")
    services.health.parts["store"] = "does not answer"
    failing = await face.get("/readyz?verbose")

    assert (ready.status, await ready.text()) == (200, "ok\n")
    assert failing.status == 503
    assert "[-]store does not answer" in await failing.text()
    assert "[+]database ok" in await failing.text()


async def test_metrics_label_patterns_and_never_what_was_sent(face: Face) -> None:
    await face.get(f"/api/v1/records/{RECORD}", headers=COUNSEL)
    await face.get("/wp-login.php", headers=COUNSEL)

    exposed = await (await face.get("/metrics")).text()

    assert 'route="/api/v1/records/{id}"' in exposed
    assert RECORD not in exposed
    assert "wp-login" not in exposed
