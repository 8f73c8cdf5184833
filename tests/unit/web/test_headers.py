"""What every answer tells browsers to refrain from."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from archiver.config import load_settings
from archiver.model.actor import Role
from archiver.model.person import Method
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from tests.unit.web.fake_services import RECORD, Face, FakeServices, bearer

PAGES = ("/sign-in", "/search", "/me/passkeys", "/sign-in/passkey", "/nowhere")
PROGRAMS = ("/api/v1/openapi.json", "/api/v1/search?q=word", "/livez", f"/api/v1/records/{RECORD}")
HTTPS = {"MUNIMENT_PUBLIC_URL": "https://archive.example.com"}


async def headers_of(path: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return how a path is answered by an archive with these settings."""
    services = FakeServices(settings=load_settings(dict(settings)))
    server = TestServer(create_app(services))
    await server.start_server(**CONNECTION)
    async with TestClient(server) as client:
        response = await client.get(path, headers=bearer(Role.COUNSEL))
        return response.headers


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_alone_in_its_window_and_asks_for_no_device(face: Face, path: str) -> None:
    headers = (await face.get(path, headers=bearer(Role.COUNSEL))).headers

    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for feature in ("camera", "microphone", "geolocation", "payment", "usb"):
        assert f"{feature}=()" in headers["Permissions-Policy"]
    assert "publickey-credentials" not in headers["Permissions-Policy"]  # passkeys need them


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_sends_and_loads_nothing_elsewhere(face: Face, path: str) -> None:
    policy = (await face.get(path, headers=bearer(Role.COUNSEL))).headers["Content-Security-Policy"]

    told = {each.split()[0]: each.split()[1:] for each in policy.split("; ")}
    assert told["default-src"] == ["'none'"]
    assert told["base-uri"] == ["'none'"]
    assert told["frame-ancestors"] == ["'none'"]
    assert told["form-action"] == ["'self'"]
    assert told["script-src"] == ["'self'"]
    assert told["style-src"] == ["'self'"]


@pytest.mark.parametrize("path", PROGRAMS)
async def test_what_programs_read_is_of_no_use_to_another_site(face: Face, path: str) -> None:
    headers = (await face.get(path, headers=bearer(Role.COUNSEL))).headers

    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", [*PAGES, *PROGRAMS])
async def test_where_the_public_address_is_https_browsers_are_told_to_keep_to_it(path: str) -> None:
    headers = await headers_of(path, HTTPS)

    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"MUNIMENT_PUBLIC_URL": "http://archive.example.com"},
        {**HTTPS, "MUNIMENT_HSTS": "false"},
    ],
)
async def test_without_https_or_where_the_proxy_says_it_they_are_not(
    settings: dict[str, str],
) -> None:
    assert "Strict-Transport-Security" not in await headers_of("/sign-in", settings)


async def test_signing_out_empties_what_the_browser_kept(
    face: Face, services: FakeServices
) -> None:
    cookies = {"muniment_session": await services.sessions.start("P", method=Method.PASSWORD)}
    signed_in = await services.sessions.authenticate(cookies["muniment_session"])
    response = await face.post(
        "/sign-out",
        data={"csrf": signed_in.csrf},
        cookies=cookies,
        headers={"Origin": f"http://{face.host}:{face.port}"},
        allow_redirects=False,
    )

    assert response.status == 303
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert response.cookies["muniment_session"]["max-age"] == "0"


def test_no_script_keeps_anything_in_the_browser() -> None:
    keeping = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.")
    scripts = sorted(Path("archiver/web/static").glob("*.js"))

    assert [script.name for script in scripts if keeping.search(script.read_text())] == []
    assert len(scripts) >= 3


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT"])
async def test_no_other_site_is_ever_allowed_to_ask(face: Face, method: str) -> None:
    response = await face.request(
        method,
        "/api/v1/search",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"},
    )

    assert response.status == 405
    assert not [name for name in response.headers if name.startswith("Access-Control-")]
