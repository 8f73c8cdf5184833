"""Attacks in a real browser: framing, forms of another site, and posts that want to be scripts.

The other site is a server of the test on a port of its own, which is another origin.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
from playwright.sync_api import Browser, Page

from archiver.capture.decoding import decode_capture
from archiver.model.actor import Role
from archiver.model.post import Provenance
from tests.browser.conftest import PageAs
from tests.browser.site import Site
from tests.fakes.archive import AGENT

FRAMED = ("/", "/search", "/holds", "/people", "/sign-in", "/me", "/nowhere")
ALARM = "window.attacked"
SCRIPT = f'"><img src=x onerror="{ALARM}=1"><script>{ALARM}=1</script>'
ENDING = f"</script></style></textarea></title><svg onload={ALARM}=1>"
LINK = f"javascript:{ALARM}=1"
TEMPLATE = "{{ 71*83 }}${71*83}<%= 71*83 %>"
_SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" onload="{ALARM}=1"><script>{ALARM}=1</script></svg>'
)
_HTML = f"<!doctype html><script>{ALARM}=1</script>"


class Elsewhere:
    """A site of somebody else, whose pages the test writes."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.pages.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as opened:
        yield opened


Signed = Callable[..., Page]


@pytest.fixture
def signed_in(browser: Browser, site: Site) -> Iterator[Signed]:
    """Open windows whose browser holds the session of a person of a role."""
    contexts = []

    def open_window(role: Role, **cookie: str) -> Page:
        context = browser.new_context()
        contexts.append(context)
        context.set_default_timeout(120_000)
        held: Any = {**site.cookie(site.person(role)), **cookie}
        context.add_cookies([held])
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()


def test_no_page_lets_itself_be_framed_by_another_site(
    site: Site, elsewhere: Elsewhere, signed_in: Signed
) -> None:
    window = signed_in(Role.AUDITOR)
    for path in FRAMED:
        elsewhere.pages["/frame"] = f'<h1>Win a prize</h1><iframe src="{site.url}{path}"></iframe>'
        with window.expect_console_message(
            lambda message: "frame" in message.text.lower()
        ) as refused:
            window.goto(f"{elsewhere.url}/frame")
        assert "frame-ancestors" in refused.value.text, path
        (frame,) = [each for each in window.frames if each != window.main_frame]
        assert "Muniment" not in frame.content()


def test_another_site_reads_nothing_and_holds_no_window_of_ours(
    site: Site, elsewhere: Elsewhere, signed_in: Signed
) -> None:
    window = signed_in(Role.AUDITOR)
    elsewhere.pages["/"] = "<h1>Elsewhere</h1>"
    window.goto(f"{elsewhere.url}/")

    for path in ("/api/v1/search?q=the", "/search", "/api/v1/openapi.json"):
        told = window.evaluate(
            """async (url) => {
                try {
                    const answer = await fetch(url, {credentials: "include"});
                    return await answer.text();
                } catch (error) { return "refused"; }
            }""",
            site.url + path,
        )
        assert told == "refused", path
    with window.expect_popup() as opened:
        window.evaluate("(url) => { window.ours = window.open(url); }", f"{site.url}/search")
    opened.value.wait_for_load_state()
    assert window.evaluate("window.ours.closed")  # Cross-Origin-Opener-Policy took it away


@pytest.mark.parametrize("came_along", [False, True], ids=["SameSite", "an old browser"])
def test_a_form_of_another_site_does_nothing_with_the_readers_cookie(
    site: Site,
    elsewhere: Elsewhere,
    signed_in: Signed,
    came_along: bool,  # noqa: FBT001 - pytest passes parameters by position
) -> None:
    before = site.run(site.services.hold_register.list(actor=site.actor(Role.COUNSEL)))
    # Without the attribute Chromium sends young cookies along, as browsers did that knew none.
    window = signed_in(Role.COUNSEL, **({} if came_along else {"sameSite": "Lax"}))
    fields = "".join(
        f'<input name="{name}" value="{value}">'
        for name, value in {"name": "x", "reason": "forged", "query": "the", "csrf": "x"}.items()
    )
    for path in ("/holds", f"/holds/{before[0].id}/release", "/sign-out", "/me/preferences"):
        elsewhere.pages["/form"] = (
            f'<form method="post" action="{site.url}{path}">{fields}</form>'
            "<button onclick='document.forms[0].submit()'>Win</button>"
        )
        window.goto(f"{elsewhere.url}/form")
        with window.expect_navigation() as went:
            window.click("button")
        assert went.value is not None
        if came_along:
            assert went.value.status == 403, path
        else:
            assert window.url.startswith(f"{site.url}/sign-in"), path

    after = site.run(site.services.hold_register.list(actor=site.actor(Role.COUNSEL)))
    assert [each.to_dict() for each in after] == [each.to_dict() for each in before]
    window.goto(f"{site.url}/me")
    assert window.url == f"{site.url}/me"  # and nobody was signed out


def hostile_posts() -> list[dict[str, object]]:
    """Return posts that have an attack in every field that may hold any text."""
    posts: list[dict[str, object]] = []
    for number, words in enumerate((SCRIPT, ENDING, LINK, TEMPLATE)):
        media = [
            {"name": f"{number}{name}", "media_type": kind, "content_base64": _base64(content)}
            for name, kind, content in (
                ("picture.svg", "image/svg+xml", _SVG),
                ("page.html", "text/html", _HTML),
                ("liar.png", "image/png", _HTML),
                (f'"><img src=x onerror={ALARM}=1>.gif', "image/gif", _SVG),
            )
        ]
        posts.append(
            {
                "platform": "mastodon",
                "post_id": words,
                "account": words,
                "kind": words[:100],
                "lang": words[:100],
                "text": f"attackoflore {words}",
                "permalink": LINK if number % 2 else f"https://x.example/{words}",
                "in_reply_to": words,
                "conversation_id": words,
                "posted_at": "2026-11-01T10:00:00Z",
                "author": {"id": words, "handle": words, "name": words},
                "tags": [words],
                "payload": {"text": words, "alt": words, "attachment": [{"name": words}]},
                "media": media,
            }
        )
    return posts


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def attacks(site: Site) -> list[str]:
    """The ids of the hostile posts, which can be searched."""
    here = Provenance(method="push", source=SCRIPT)
    arrivals = [
        decode_capture(json.dumps(post).encode(), provenance=here) for post in hostile_posts()
    ]
    outcomes = site.run(site.services.ingest.submit(arrivals, actor=AGENT))
    counsel = site.actor(Role.COUNSEL)
    while True:
        found = site.run(site.services.searching.count("attackoflore", actor=counsel))
        if found.count == len(arrivals):
            break
    held = site.run(site.services.hold_register.list(actor=counsel))
    if not any(each.name == SCRIPT for each in held):
        site.run(
            site.services.holds.place(
                name=SCRIPT, matter=SCRIPT, reason=ENDING, query="attackoflore", actor=counsel
            )
        )
    return [outcome.record_id for outcome in outcomes]


TABS = ("post", "thread", "versions", "media", "metadata", "custody", "raw", "proof", "retention")


def test_no_field_of_a_post_becomes_a_script_on_any_page(
    page_as: PageAs, site: Site, attacks: list[str]
) -> None:
    hold = next(
        each
        for each in site.run(site.services.hold_register.list(actor=site.actor(Role.COUNSEL)))
        if each.name == SCRIPT
    )
    addresses = [
        "/",
        "/search?q=attackoflore",
        "/search?q=" + SCRIPT.replace("#", "%23").replace("&", "%26"),
        "/search/values?q=attackoflore&field=author",
        "/accounts",
        "/holds",
        f"/holds/{hold.id}",
        f"/holds/{hold.id}/release",
        *(f"/search/preview/{each}?q=attackoflore" for each in attacks),
        *(f"/records/{each}?tab={tab}" for each in attacks for tab in TABS),
    ]
    page = page_as(Role.COUNSEL, path="/search?q=attackoflore")
    shown = 0
    for path in addresses:
        page.goto(path)
        shown += "onerror" in page.content() or "javascript:" in page.content()
        assert page.evaluate(f"typeof {ALARM}") == "undefined", path
        assert page.locator("[onerror], [onload], img[src=x]").count() == 0, path
        assert page.locator("a[href^='javascript:' i], a[href^='data:' i]").count() == 0, path
        assert page.evaluate("[...document.scripts].every((each) => each.src)"), path
        assert "5893" not in page.locator("main").inner_text(), path  # the product, of a template

    print(f"{len(attacks)} posts on {len(addresses)} pages, {shown} of them show an attack: run 0")
    assert shown > len(addresses) / 3


def test_archived_files_are_never_documents_of_ours(
    page_as: PageAs, site: Site, attacks: list[str], faults: list[str]
) -> None:
    page = page_as(Role.COUNSEL, path="/search")
    counsel = site.actor(Role.COUNSEL)
    opened = 0
    for record_id in attacks:
        for part in site.run(site.services.records.parts(record_id, actor=counsel)):
            for address in (
                f"/content/{record_id}/{part.name}",
                f"/api/v1/records/{record_id}/raw",
            ):
                answer = page.request.get(address)
                if answer.status == 404:
                    continue
                opened += 1
                headers = answer.headers
                assert headers["content-disposition"].startswith("attachment"), address
                assert headers["content-security-policy"].startswith("sandbox;"), address
                assert headers["x-content-type-options"] == "nosniff"

    print(f"{opened} hostile files asked for, none to be opened in place")
    assert opened >= len(attacks)
    assert faults == []
