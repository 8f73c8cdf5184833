import asyncio
import json
from itertools import product

import pytest

from archiver.errors import DatabaseUnavailable, Overloaded, Stopping, StorageUnavailable
from archiver.model.actor import Role
from tests.unit.web.fake_services import Face, FakeServices, bearer

URL = "/api/v1/captures"
AGENT = bearer(Role.CAPTURE_AGENT)
JSON = {**AGENT, "Content-Type": "application/json"}
NDJSON = {**AGENT, "Content-Type": "application/x-ndjson"}


def post(post_id: str = "1") -> bytes:
    return json.dumps({"platform": "mastodon", "post_id": post_id, "account": "@acme"}).encode()


async def test_a_new_post_is_created_and_answered_with_its_receipt(
    face: Face, services: FakeServices
) -> None:
    response = await face.post(URL, data=post(), headers=JSON)

    answer = await response.json()
    assert response.status == 201
    assert answer["status"] == "captured"
    assert answer["receipt"]["note"].startswith("note of the commit")
    assert response.headers["Location"] == f"/api/v1/records/{answer['id']}"
    assert services.ingest.arrivals[0].parts[0].content == post()


async def test_the_same_post_again_gives_the_first_answer(face: Face) -> None:
    first = await (await face.post(URL, data=post(), headers=JSON)).json()

    again = await face.post(URL, data=post(), headers=JSON)

    assert again.status == 200
    assert await again.json() == {**first, "status": "unchanged"}


async def test_provenance_names_the_token_that_pushed(face: Face, services: FakeServices) -> None:
    await face.post(URL, data=post(), headers=JSON)

    provenance = services.ingest.arrivals[0].provenance
    assert (provenance.method, provenance.source) == ("push", "a capture-agent")


async def test_the_idempotency_key_reaches_the_archive(face: Face, services: FakeServices) -> None:
    await face.post(URL, data=post(), headers={**JSON, "Idempotency-Key": "k-1"})

    assert services.ingest.arrivals[0].idempotency_key == "k-1"


@pytest.mark.parametrize("key", ["", "k" * 256, "kéy"])
async def test_an_unsound_idempotency_key_is_refused(face: Face, key: str) -> None:
    response = await face.post(URL, data=post(), headers={**JSON, "Idempotency-Key": key})

    assert response.status == 400


async def test_a_key_that_belongs_to_other_bytes_is_a_conflict(face: Face) -> None:
    line = post().replace(b"{", b'{"idempotency_key": "of other bytes", ')

    single = await face.post(
        URL, data=post(), headers={**JSON, "Idempotency-Key": "of other bytes"}
    )
    batch = await (await face.post(URL, data=line, headers=NDJSON)).json()

    assert single.status == 409
    assert batch["refused"] == 1
    assert batch["items"][0]["reason"] == "this key belongs to another post"


async def test_a_batch_tells_each_line_and_its_signed_note_once(face: Face) -> None:
    body = b"\n".join([post("1"), b"", b"not json", post("2"), post("1"), b""])

    answer = await (await face.post(URL, data=body, headers=NDJSON)).json()

    assert (answer["captured"], answer["unchanged"], answer["refused"]) == (2, 1, 1)
    assert [(item["line"], item["status"]) for item in answer["items"]] == [
        (1, "captured"),
        (3, "refused"),
        (4, "captured"),
        (5, "unchanged"),
    ]
    assert answer["notes"] == ["note of the commit at 0"]
    assert [item["receipt"]["note"] for item in answer["items"] if "receipt" in item] == [0, 0, 0]
    assert answer["items"][1]["reason"]


async def test_a_batch_of_bad_lines_only_captures_nothing(
    face: Face, services: FakeServices
) -> None:
    response = await face.post(URL, data=b"{}\n[]\n", headers=NDJSON)

    assert (await response.json())["refused"] == 2
    assert services.ingest.arrivals == []


async def test_a_thousand_lines_are_taken_and_one_more_is_not(face: Face) -> None:
    lines = [post(str(number)) for number in range(1001)]

    full = await face.post(URL, data=b"\n".join(lines[:1000]), headers=NDJSON)
    over = await face.post(URL, data=b"\n".join(lines), headers=NDJSON)

    assert (await full.json())["captured"] == 1000
    assert over.status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b'{"platform":"x","post_id":"1","account":"a","text":"\xc3"}',
        b'{"platform":"x","post_id":"1","account":"a","account":"b"}',
        b'{"platform":"x","post_id":"1","account":"a","payload":' + b"[" * 100_000 + b"}",
        b'{"platform":"x","post_id":1,"account":"a"}',
        b'{"platform":"../x","post_id":"1","account":"a"}',
        b'{"platform":"x","post_id":"1","account":"a","unknown":1}',
        b'{"platform":"x","post_id":"1","account":NaN}',
        b"[]",
        b"null",
        b"\0" * 1000,
    ],
)
async def test_hostile_bodies_are_refused_in_words_and_keep_nothing(
    face: Face, services: FakeServices, body: bytes
) -> None:
    response = await face.post(URL, data=body, headers=JSON)

    problem = await response.json(content_type="application/problem+json")
    assert response.status == 400
    assert problem["title"] == "Invalid input"
    assert problem["instance"] == response.headers["X-Request-Id"]
    assert "Traceback" not in await response.text()
    assert services.ingest.arrivals == []


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(face: Face) -> None:
    host, port = face.host, face.port
    reader, writer = await asyncio.open_connection(host, port)
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: {AGENT['Authorization']}\r\nContent-Length: {10**12}\r\n\r\n"
    )

    writer.write(head.encode())
    status = await asyncio.wait_for(reader.readline(), 5)

    assert b" 413 " in status
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_grows_over_the_limit_is_cut_off(
    face: Face, services: FakeServices
) -> None:
    async def endless() -> object:
        for _ in range(2 + services.settings.max_body_bytes // (1 << 20)):
            yield b" " * (1 << 20)

    response = await face.post(URL, data=endless(), headers=JSON)

    assert response.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
async def test_compressed_bodies_are_refused_unopened(face: Face, encoding: str) -> None:
    response = await face.post(
        URL, data=b"\x1f\x8b" + b"0" * 100, headers={**JSON, "Content-Encoding": encoding}
    )

    assert response.status == 415


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
async def test_another_content_type_is_refused(face: Face, kind: str) -> None:
    response = await face.post(URL, data=post(), headers={**AGENT, "Content-Type": kind})

    assert response.status == 415
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        (Overloaded("queues are full", retry_after_s=3), "3"),
        (Stopping("stopping"), "5"),
        (StorageUnavailable("the store is away"), "5"),
        (DatabaseUnavailable("the database is away"), "5"),
    ],
)
@pytest.mark.parametrize("headers", [JSON, NDJSON])
async def test_what_is_not_durable_is_not_acknowledged(
    face: Face, services: FakeServices, failure: Exception, wait: str, headers: dict[str, str]
) -> None:
    services.ingest.failure = failure

    response = await face.post(URL, data=post(), headers=headers)

    assert response.status == 503
    assert response.headers["Retry-After"] == wait


async def test_outcomes_are_counted_for_metrics(face: Face) -> None:
    body = b"\n".join([post("1"), post("1"), b"x"])
    await face.post(URL, data=body, headers=NDJSON)

    exposed = await (await face.get("/metrics")).text()

    for status, count in product(["captured", "unchanged", "refused"], [1]):
        assert f'muniment_captures_total{{status="{status}"}} {count}.0' in exposed
