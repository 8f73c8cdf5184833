"""What stands around every page: navigation by role, parts for htmx, static files, first load."""

import gzip
import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.rules import PERMISSIONS, Permission
from archiver.model.actor import Role
from archiver.web.pages.assets import load_assets
from archiver.web.pages.navigation import NAVIGATION, navigation
from archiver.web.pages.rendering import filesize, share
from archiver.web.routes import ROUTES
from archiver.web.session import COOKIE
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_people import an_actor

COUNSEL = bearer(Role.COUNSEL)
FIRST_LOAD_KB = 100
OWN_SCRIPTS_BYTES = 10_000
ENTRIES = [entry for group in NAVIGATION for entry in group.entries]
HTMX = {**COUNSEL, "HX-Request": "true"}


def _files(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"#]+)', page)


@pytest.mark.parametrize("role", Role)
def test_a_role_sees_what_it_may_open_and_no_empty_group(role: Role) -> None:
    may = PERMISSIONS[role]

    groups = navigation(may)

    shown = {entry.name for group in groups for entry in group.entries}
    assert all(group.entries for group in groups)
    assert shown == {each.name for each in ENTRIES if not each.needs or each.needs & may}


def test_who_may_do_everything_sees_every_entry() -> None:
    assert [e for group in navigation(set(Permission)) for e in group.entries] == ENTRIES


def test_every_entry_has_a_key_of_its_own() -> None:
    keys = [entry.key for entry in ENTRIES]

    assert len(set(keys)) == len(keys)
    assert all(len(key) == 1 and key.islower() for key in keys)


async def test_the_page_at_hand_is_marked_in_the_navigation(face: Face) -> None:
    page = await (await face.get("/search", headers=COUNSEL)).text()

    assert re.findall(r'<a href="([^"]+)"[^>]* aria-current="page"', page) == ["/search"]


async def test_help_stands_at_the_same_place_on_every_page(face: Face) -> None:
    for path in ("/search", "/style", "/sign-in", "/nowhere"):
        page = await (await face.get(path, headers=COUNSEL)).text()
        head = page[page.index("<header") : page.index("</header>")]
        assert re.search(r'All times UTC</span>\s*<a href="/help">Help</a>', head), path


async def test_htmx_gets_the_part_it_asks_for_from_the_address_of_the_page(face: Face) -> None:
    whole = await face.get("/style?sort=account", headers=COUNSEL)
    part = await face.get("/style?sort=account", headers=HTMX)

    page, fragment = await whole.text(), await part.text()
    assert whole.headers["Vary"] == part.headers["Vary"] == "HX-Request"
    assert "<html" in page
    assert "<html" not in fragment
    assert 'aria-sort="ascending"' in fragment
    assert fragment.strip() in page


async def test_going_back_in_history_gets_the_whole_page(face: Face) -> None:
    headers = {**HTMX, "HX-History-Restore-Request": "true"}

    page = await (await face.get("/style", headers=headers)).text()

    assert "<html" in page


async def test_htmx_is_told_a_problem_without_a_second_page_around_it(face: Face) -> None:
    response = await face.get("/nowhere", headers={"HX-Request": "true"})

    text = await response.text()
    assert response.status == 404
    assert 'role="alert"' in text
    assert "<html" not in text


async def test_who_is_refused_a_page_keeps_the_navigation(
    face: Face, services: FakeServices
) -> None:
    secret = services.sessions.sign_in(an_actor(Role.OPERATOR))
    face.session.cookie_jar.update_cookies({COOKIE: secret}, face.make_url("/"))

    response = await face.get("/search")

    assert response.status == 403
    assert 'aria-label="Main"' in await response.text()


async def test_the_first_page_weighs_at_most_100_kb(face: Face) -> None:
    page = await (await face.get("/style", headers=COUNSEL)).text()
    plain = {"Accept-Encoding": "gzip"}
    total = len(gzip.compress(page.encode()))
    fonts = ["/static/vendor/public-sans-5.3.0/public-sans-latin-wght-normal.woff2"]

    paths = {*_files(page), *fonts}
    for path in paths:
        response = await face.get(path, headers=plain)
        assert response.status == 200
        total += int(response.headers["Content-Length"])

    assert len(paths) >= 9
    assert total <= FIRST_LOAD_KB * 1000


async def test_what_shrinks_is_served_gzipped_and_otherwise_as_it_is(face: Face) -> None:
    page = await (await face.get("/style", headers=COUNSEL)).text()
    script = next(path for path in _files(page) if path.endswith("/page.js"))

    async with face.session.get(
        face.make_url(script), headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as packed:
        body = await packed.read()
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == "Accept-Encoding"
    plain = await face.get(script, headers={"Accept-Encoding": "identity"})

    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(body) == await plain.read() == load_assets()["page.js"].content
    assert plain.content_type == "text/javascript"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/vendor/", "/static/page.js"])
async def test_nothing_else_is_served_as_static(face: Face, path: str) -> None:
    assert (await face.get(path)).status == 404


async def test_every_style_sheet_and_script_is_named_with_its_hash(face: Face) -> None:
    page = await (await face.get("/style", headers=COUNSEL)).text()
    told = dict(re.findall(r'(?:href|src)="(/static/[^"]+)" integrity="([^"]+)"', page))

    known = {file.url: file.integrity for file in load_assets().values()}
    assert told == {url: known[url] for url in told}
    assert {url for url in _files(page) if url.endswith((".css", ".js"))} == set(told)


def test_our_scripts_on_every_page_are_at_most_ten_kilobytes() -> None:
    scripts = [Path("archiver/web/static", name) for name in ("page.js", "keys.js")]

    assert sum(script.stat().st_size for script in scripts) <= OWN_SCRIPTS_BYTES


def test_scripts_of_ours_import_nothing_and_evaluate_nothing() -> None:
    forbidden = re.compile(r"^\s*import\b|\bimport\(|\beval\(|new Function|innerHTML", re.MULTILINE)

    for script in Path("archiver/web/static").glob("*.js"):
        assert not forbidden.search(script.read_text()), script.name


def test_fonts_that_the_style_sheets_name_are_there() -> None:
    sheet = Path("archiver/web/static/tokens.css").read_text()
    named = set(re.findall(r'url\("([^"]+)"\)', sheet))

    assert named
    assert named <= {file.url for file in load_assets().values()}


def test_properties_of_the_style_sheets_are_set_and_used() -> None:
    sheets = "".join(path.read_text() for path in Path("archiver/web/static").glob("*.css"))

    assert set(re.findall(r"(--[\w-]+)\s*:", sheets)) == set(re.findall(r"var\((--[\w-]+)", sheets))


def test_icons_that_templates_name_are_there() -> None:
    sprite = load_assets()["icons.svg"].content.decode()
    drawn = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = {
        name
        for path in Path("archiver/web/templates").rglob("*.html")
        for name in re.findall(r'icon\("([a-z0-9-]+)"', path.read_text())
    }

    assert used <= drawn
    assert len(used) > 10


async def test_the_style_page_shows_every_macro(face: Face) -> None:
    page = unescape(await (await face.get("/style", headers=COUNSEL)).text())
    templates = Path("archiver/web/templates")
    macros = set(re.findall(r"set (\w+) = ", (templates / "components.html").read_text()))

    assert {name for name in macros - {"icon"} if f"ui.{name}(" not in page} == set()
    charts = set(re.findall(r"{% macro ([a-z]\w*)\(", (templates / "charts.html").read_text()))
    assert {name for name in charts if f"charts.{name}(" not in page} == set()


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_only_all_is_100_percent_and_only_nothing_is_0(part: int, more: int) -> None:
    told = share(part, part + more)

    assert told != "100 %"
    assert (told == "0 %") == (part == 0)


def test_the_whole_is_100_percent() -> None:
    assert share(3, 3) == "100 %"
    assert share(999_999, 1_000_000) == "99.9 %"
    assert share(1, 1_000_000) == "< 0.1 %"


def test_sizes_are_told_in_decimal_units() -> None:
    assert filesize(1) == "1 byte"
    assert filesize(999) == "999 bytes"
    assert filesize(37_448) == "37.4 kB"
    assert filesize(5_000_000_000) == "5.0 GB"


def test_every_page_of_the_navigation_has_a_route() -> None:
    pages = {route.path for route in ROUTES if route.method == "GET"}

    assert {entry.href for entry in ENTRIES} | {"/help", "/me"} <= pages
