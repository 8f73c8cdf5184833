import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model.actor import Role
from archiver.web.pages.text import Kind, excerpt, fragments
from archiver.web.routes import ROUTES
from archiver.web.session import COOKIE
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_people import an_actor
from tests.unit.web.fakes_records import RECORD

COUNSEL = bearer(Role.COUNSEL)
PAGES = ["/sign-in", "/search", "/search?q=word", f"/records/{RECORD}", "/nowhere"]


@pytest.fixture
async def browser(face: Face, services: FakeServices) -> Face:
    face.session.cookie_jar.update_cookies(
        {COOKIE: services.sessions.sign_in(an_actor(Role.COUNSEL))}, face.make_url("/")
    )
    return face


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_sent_with_the_strict_headers(face: Face, path: str) -> None:
    response = await face.get(path, headers=COUNSEL)

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Permissions-Policy" in response.headers
    assert "aiohttp" not in response.headers["Server"]


@pytest.mark.parametrize("path", [page for page in PAGES if page != "/nowhere"])
async def test_pages_have_their_landmarks_language_and_title(face: Face, path: str) -> None:
    page = await (await face.get(path, headers=COUNSEL)).text()

    assert '<html lang="en" ' in page
    assert page.count("<h1") == 1
    assert page.count("<main") == 1
    assert re.search(r"<title>.+ \u2013 Muniment</title>", page)
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    assert set(re.findall(r'<input[^>]* id="([^"]+)"', page)) <= labelled


@pytest.mark.parametrize("path", ["/search?q=word", f"/records/{RECORD}"])
async def test_hostile_posts_and_queries_are_inert(face: Face, path: str) -> None:
    page = await (await face.get(path, headers=COUNSEL)).text()

    scripts = re.findall("<script[^>]*>[^<]*", page)
    assert all(re.search(r' src="/static/[^"]+" integrity="sha384-', each) for each in scripts)
    assert all(each.endswith(">") for each in scripts)
    assert "<b>win" not in page
    assert "<i>Acme" not in page
    assert 'href="javascript:' not in page
    assert "\u202e" not in page
    assert "U+202E" in page


async def test_a_signed_in_browser_reads_pages_and_downloads(browser: Face) -> None:
    assert (await browser.get("/")).status == 200
    assert (await browser.get(f"/api/v1/records/{RECORD}/raw")).status == 200


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://[broken"])
async def test_another_site_cannot_act_with_a_browsers_session(
    browser: Face, services: FakeServices, origin: str | None
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    acting = [route for route in ROUTES if route.method != "GET"]

    statuses = {}
    for route in acting:
        path = re.sub(r"{\w+}", RECORD, route.template.replace("{code}", "default"))
        response = await browser.request(
            route.method,
            path,
            json={"name": "n", "reason": "r", "query": "q"},
            headers=headers,
            allow_redirects=False,
        )
        statuses[route.method, route.template] = response.status

    assert statuses == {(route.method, route.template): 403 for route in acting}
    assert len(acting) > 100
    assert services.holds.placed == []


async def test_static_files_are_named_by_their_content(face: Face) -> None:
    page = await (await face.get("/sign-in")).text()
    found = re.search(r'href="(/static/[^"]+app\.css)"', page)
    assert found is not None

    sheet = await face.get(found[1])
    stale = await face.get("/static/000000000000/app.css")

    assert (sheet.status, sheet.content_type) == (200, "text/css")
    assert "immutable" in sheet.headers["Cache-Control"]
    assert stale.status == 404


def test_the_session_cookie_is_named_for_us() -> None:
    assert COOKIE.startswith("muniment")


@given(
    st.text(alphabet=st.characters(), max_size=60),
    st.lists(st.integers(0, 60), max_size=6, unique=True).map(sorted),
)
def test_fragments_tell_the_whole_text_with_every_control_made_visible(
    text: str, cuts: list[int]
) -> None:
    hits = list(zip(cuts[::2], cuts[1::2], strict=False))

    found = fragments(text, hits)

    told = "".join(
        chr(int("0x" + each.text[2:], 0)) if each.kind is Kind.CONTROL else each.text
        for each in found
    )
    assert told == text
    assert not re.search(
        r"[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff\0]",
        "".join(each.text for each in found),
    )


@given(st.text(max_size=900), st.integers(0, 900), st.integers(1, 30))
def test_an_excerpt_is_short_and_shows_its_hit(text: str, start: int, length: int) -> None:
    hits = [(start, start + length)] if start + length <= len(text) else []

    found = excerpt(text, hits)

    assert sum(1 if f.kind is Kind.CONTROL else len(f.text) for f in found) <= 280 + 4
    if hits:
        assert any(each.kind in {Kind.HIT, Kind.CONTROL} for each in found)
