"""Requests no browser of ours sends: addresses that lead away, headers within values, floods.

The headers of every answer are checked over the whole registry, so that no route is forgotten.
"""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator
from itertools import product
from time import monotonic
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import ClientError, ClientResponse, FormData
from aiohttp.test_utils import TestClient, TestServer

from archiver.config import load_settings
from archiver.model.actor import Role
from archiver.web.connection import CONNECTION
from archiver.web.keys import SERVICES
from archiver.web.routes import ROUTES
from archiver.web.routing import Route
from archiver.web.server import create_app
from archiver.web.session import COOKIE, HOST_COOKIE
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_people import PASSWORD, an_actor
from tests.unit.web.test_permission_matrix import name, url

AWAY = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:evil.example",
    "//evil.example\\@here",
    "/\r\nSet-Cookie: planted=1",
    "/\r\n\r\n<script>alert(1)</script>",
    "\u2028//evil.example",
    "/%0d%0aSet-Cookie:%20planted=1",
    "evil.example",
    "?next=//evil.example",
)
"""What `next` may hold that would lead to another site, or write headers."""
CACHED = {"/static/{file}", "/log/{object}", "/help/pictures/{name}"}
"""Files of the software, and tiles of the log, which never change: nothing of anybody."""
BOUND_S = 30.0
"""A slow machine must not fail; what is unbounded takes for ever."""


@pytest.fixture
def everybody(face: Face, services: FakeServices) -> dict[str, str]:
    """The headers of somebody's browser who may do everything."""
    secret = services.sessions.sign_in(an_actor(*Role))
    return {
        "Cookie": f"{COOKIE}={secret}",
        "Origin": f"http://{face.host}:{face.port}",
        "X-CSRF-Token": services.sessions.live[secret].csrf,
    }


def leads(location: str) -> str:
    """Return which host a browser at `http://here` goes to (WHATWG: `\\` is `/`)."""
    stripped = "".join(each for each in location if each not in "\t\r\n").strip("\0 ")
    parts = urlsplit(stripped.replace("\\", "/"))
    return parts.netloc or (parts.scheme and f"{parts.scheme}:") or "here"


async def test_no_word_of_an_address_leads_to_another_site(
    face: Face, everybody: dict[str, str]
) -> None:
    fields = {"email": "rosa@example.com", "password": PASSWORD}
    ways = (
        ("POST", "/sign-in"),
        ("POST", "/confirm"),
        ("POST", "/me/preferences"),
        ("POST", "/me/stay"),
        ("GET", "/sign-in"),
        ("GET", "/confirm"),
        ("GET", "/sign-in/passkey"),
    )
    statuses = Counter[int]()
    for (method, path), wanted in product(ways, AWAY):
        answer = await face.request(
            method,
            path + (f"?next={quote(wanted)}" if method == "GET" else ""),
            data={**fields, "next": wanted} if method == "POST" else None,
            headers=everybody,
            allow_redirects=False,
        )
        statuses[answer.status] += 1
        location = answer.headers.get("Location", "/")
        assert leads(location) == "here", f"{path} with {wanted!r}: {location!r}"
        assert "planted" not in answer.cookies
        assert "planted" not in answer.headers.get("Set-Cookie", "")
        page = await answer.text()
        assert f'href="{wanted}"' not in page

        if answer.status == 303 and path in {"/sign-in", "/confirm"}:  # the secret is another now
            secret = answer.cookies[COOKIE].value
            signed_in = await face.app[SERVICES].sessions.authenticate(secret)
            everybody |= {"Cookie": f"{COOKIE}={secret}", "X-CSRF-Token": signed_in.csrf}

    print(f"{len(ways)} ways x {len(AWAY)} addresses: {dict(statuses)}, led away: 0")
    assert statuses[303] >= 4 * len(AWAY) - 5


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/%5cevil.example",
        "/%2f%2fevil.example",
        "/search/..//evil.example",
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/archiver/config.py",
        "/static/..%2f..%2fconfig.py",
        "/records/..%2f..%2fsettings",
        "/content/%2e%2e/%2e%2e",
        "/jobs/../settings",
        "/api/v1/../../people",
        "/people/%00",
        "/records/" + "x" * 8_000,
        "/%0d%0aSet-Cookie:planted=1",
    ],
)
async def test_an_odd_path_is_answered_by_its_own_route_or_none(face: Face, path: str) -> None:
    reader, writer = await asyncio.open_connection(face.host, face.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    head = (await reader.read()).decode(errors="replace")
    writer.close()

    status = int(head.split()[1])
    location = next(
        (line[10:] for line in head.split("\r\n") if line.startswith("Location: ")), "/"
    )
    assert status in {303, 400, 401, 404}, head
    assert leads(location) == "here"
    assert "\r\nSet-Cookie" not in head
    assert "root:" not in head


async def test_every_answer_is_kept_from_caches_frames_and_other_sites(
    face: Face, everybody: dict[str, str]
) -> None:
    wrong = []
    told = Counter[int]()
    for route, headers in product(ROUTES, (everybody, {}, bearer(Role.REVIEWER))):
        answer = await face.request(
            route.method,
            url(route),
            headers={**headers, "Accept": "text/html"},
            allow_redirects=False,
        )
        told[answer.status] += 1
        wrong += [f"{name(route)} ({answer.status}): {each}" for each in _missing(route, answer)]

    print(f"{told.total()} answers of {len(ROUTES)} routes, {dict(told)}, wrong: {len(wrong)}")
    assert wrong == []


def _missing(route: Route, answer: ClientResponse) -> list[str]:
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    checks = {
        "no-store": route.template in CACHED or headers.get("Cache-Control") == "no-store",
        "nosniff": headers.get("X-Content-Type-Options") == "nosniff",
        "frame-ancestors": "frame-ancestors 'none'" in policy,
        "no inline script": "unsafe" not in policy and "default-src 'none'" in policy,
        "opener": not route.is_page or headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "no other origin": not any(each.startswith("Access-Control-") for each in headers),
        "software": headers.get("Server") == "muniment",
    }
    return [what for what, holds in checks.items() if not holds]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_every_cookie_is_for_this_host_and_no_script(scheme: str) -> None:
    """Whether or not the proxy says that it ended TLS: the public address tells."""
    public = f"{scheme}://archive.example.com"
    services = FakeServices(settings=load_settings({"MUNIMENT_PUBLIC_URL": public}))
    secret = services.sessions.sign_in(an_actor(*Role))
    browser = {"Host": "archive.example.com", "Origin": public}
    signed_in = {
        **browser,
        "Cookie": f"{HOST_COOKIE if scheme == 'https' else COOKIE}={secret}",
        "X-CSRF-Token": services.sessions.live[secret].csrf,
    }
    fields = {"email": "rosa@example.com", "password": PASSWORD}
    server = TestServer(create_app(services))
    await server.start_server(**CONNECTION)
    async with TestClient(server) as face:
        answers = [
            await face.post("/sign-in", data=fields, headers=browser, allow_redirects=False),
            await face.get("/sign-in/passkey", headers=browser),
            await face.get("/confirm/passkey", headers=signed_in),
            await face.get("/me/passkeys/new", headers=signed_in),
            await face.post("/sign-out", headers=signed_in, allow_redirects=False),
        ]

    cookies = [each for answer in answers for each in answer.headers.getall("Set-Cookie", [])]
    assert len(cookies) >= 4
    for cookie in cookies:
        flags = {each.strip().split("=")[0].lower() for each in cookie.split(";")[1:]}
        assert {"httponly", "samesite", "path"} <= flags, cookie
        assert "domain" not in flags, cookie
        assert "samesite=none" not in cookie.lower()
        assert "path=/" in cookie.lower()
        assert ("secure" in flags) == (scheme == "https"), cookie
        assert cookie.startswith("__Host-") == (scheme == "https"), cookie


def a_file() -> FormData:
    form = FormData()
    form.add_field("theme", io.BytesIO(b"x" * 100_000), filename="x", content_type="text/plain")
    return form


class TestFloods:
    """What is too large is refused, soon, and not kept."""

    @pytest.mark.parametrize("path", ["/sign-in", "/me/preferences"])
    @pytest.mark.parametrize(
        "kind",
        [
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "application/x-www-form-urlencoded; charset=nonsense",
            "application/x-www-form-urlencoded; charset=utf-16",
            "text/html",
            "nonsense",
        ],
    )
    async def test_a_form_of_another_kind(
        self, face: Face, everybody: dict[str, str], path: str, kind: str
    ) -> None:
        for body in (b"--x\r\n\r\n--x--", b"theme=%ff%fe", b"\xff\xfe\x00=\x00"):
            answer = await face.post(
                path, data=body, headers={**everybody, "Content-Type": kind}, allow_redirects=False
            )
            assert answer.status in {303, 400, 403, 415}, f"{kind}: {answer.status}"

    async def test_a_form_of_megabytes_or_of_ten_thousand_fields(
        self, face: Face, everybody: dict[str, str]
    ) -> None:
        floods: dict[str, object] = {
            "one field of 2 MB": io.BytesIO(b"theme=" + b"x" * 2_000_000),
            "many fields of 100": io.BytesIO(
                b"&".join(b"f%d=" % n + b"x" * 100 for n in range(20_000))
            ),
            "a file": a_file(),
        }
        for what, data in floods.items():
            started = monotonic()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            sent = everybody | (kind if isinstance(data, io.BytesIO) else {})
            answer = await face.post("/me/preferences", data=data, headers=sent)
            assert 400 <= answer.status < 500, f"{what}: {answer.status}"
            assert monotonic() - started < BOUND_S

        many = {f"f{n}": "" for n in range(10_000)}
        answer = await face.post(
            "/me/preferences", data=many, headers=everybody, allow_redirects=False
        )
        assert answer.status in {303, 400, 413}

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"name":' * 100_000,
            b'{"name":"' + b"x" * 900_000 + b'"}',
            b'{"name":' + b"9" * 500_000 + b"}",
            b"{" + b",".join(b'"k%d":0' % n for n in range(90_000)) + b"}",
            b'{"name":"a","name":"b"}',
            b'{"name":NaN}',
            b'{"name":"\\ud800","roles":["auditor"]}',
            b"\xff\xfe{\x00}\x00",
            b"\x00",
            b"",
        ],
        ids=lambda body: f"{body[:12]!r} of {len(body)}",
    )
    async def test_a_document_that_is_deep_long_or_no_text(self, face: Face, body: bytes) -> None:
        headers = {**bearer(Role.ADMINISTRATOR), "Content-Type": "application/json"}
        for path in ("/api/v1/tokens", "/api/v1/holds", "/api/v1/captures", "/api/v1/people"):
            who = headers | bearer(Role.COUNSEL) if "holds" in path else headers
            who = headers | bearer(Role.CAPTURE_AGENT) if "captures" in path else who
            started = monotonic()
            answer = await face.post(path, data=io.BytesIO(body), headers=who)
            assert 400 <= answer.status < 500, f"{path}: {answer.status}"
            assert monotonic() - started < BOUND_S

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Long": "x" * 100_000},
            {f"X-{n}": "x" for n in range(50_000)},
            {"Cookie": "; ".join(f"c{n}=x" for n in range(5_000))},
            {"Authorization": "Bearer " + "x" * 15_000},
        ],
        ids=["one long", "many", "many cookies", "a long token"],
    )
    async def test_a_head_that_is_too_large(self, face: Face, headers: dict[str, str]) -> None:
        try:
            answer = await face.get("/me", headers=headers, allow_redirects=False)
        except (ClientError, ConnectionError):
            return  # cut off while it was still sending
        assert answer.status in {303, 400, 401, 431}

    async def test_a_body_without_end_is_cut_off(self, face: Face) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 1 << 30:
                sent += 65_536
                yield b"x" * 65_536

        headers = {**bearer(Role.ADMINISTRATOR), "Content-Type": "application/json"}
        try:
            answer = await face.post("/api/v1/tokens", data=endless(), headers=headers)
            assert answer.status == 413
        except (ClientError, ConnectionError):
            pass  # answered and closed while it was still sending
        assert sent < 64 << 20

    async def test_a_query_of_hundreds_of_conditions_or_none_at_all(self, face: Face) -> None:
        who = bearer(Role.COUNSEL)
        for query in (
            "q=" + "x" * 9_000,
            "q=" + "(" * 3_000,
            "&".join("f=account:x" for _ in range(300)),
        ):
            answer = await face.get(f"/api/v1/search?{query}", headers=who)
            assert answer.status in {200, 400}
        answer = await face.get("/api/v1/search?q=" + "x" * 20_000, headers=who)
        assert answer.status in {400, 414}
