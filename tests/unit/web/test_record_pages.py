"""The record page and archived content: hostile posts are inert, media are only what they are."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from archiver.access.record_page import Tab
from archiver.config import load_settings
from archiver.model.actor import Role
from archiver.model.post import Part, PartRole
from archiver.web.connection import CONNECTION
from archiver.web.documents import RecordDocument
from archiver.web.pages.record_words import bounded, language, local_list, readable
from archiver.web.record_documents import CustodyDocument, ThreadDocument, VerifiedDocument
from archiver.web.server import create_app
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_records import OTHER, PNG, RECORD

COUNSEL = bearer(Role.COUNSEL)
CONTENT = f"/content/{RECORD}/photo.png"
CONTENT_HOST = "content.archive.example"


@pytest.mark.parametrize("tab", Tab)
async def test_no_field_of_a_post_acts_on_any_side_of_its_page(face: Face, tab: Tab) -> None:
    response = await face.get(f"/records/{RECORD}?tab={tab}&q=pay", headers=COUNSEL)
    page = await response.text()

    assert response.status == 200
    scripts = re.findall(r"<script[^>]*>", page)
    assert all(' src="/static/' in each for each in scripts)
    assert "<b>win" not in page
    assert 'href="javascript:' not in page
    assert "\u202e" not in page
    assert not re.search(r"\s(style|on\w+)=", page)
    assert page.count("<h1") == 1


async def test_the_hits_of_a_search_are_marked_and_counted_by_term(face: Face) -> None:
    page = await (await face.get(f"/records/{RECORD}?q=pay+OR+win", headers=COUNSEL)).text()

    text = page.partition('class="reading post-text"')[2].partition("</div>")[0]
    assert re.findall(r'<mark id="mark-(.)">(.*?)</mark>', text) == [("1", "pay"), ("2", "win")]
    assert text.count('class="step"') == 2
    assert "1 of 2" in text
    assert text.count('href="#mark-2"') == 2, "the one after the first, and the one before it"
    legend = page.partition("Found here:")[2].partition("</p>")[0]
    terms = re.findall(r'class="term">(.*?)</span>', legend)
    assert [re.sub(r"<[^>]+>", "", term) for term in terms] == ["pay 1", "win 1"]


@pytest.mark.parametrize(
    "query", ["a AND (", " w/9 ".join(["(" * 8 + "pay"] + ["pay)"] * 8 + ["pay"])]
)
async def test_a_query_that_is_none_marks_nothing(face: Face, query: str) -> None:
    response = await face.get(f"/records/{RECORD}?q={quote(query)}", headers=COUNSEL)

    assert response.status == 200
    assert "<mark" not in await response.text()


async def test_one_gets_back_to_the_search_and_keeps_it_through_the_sides(face: Face) -> None:
    search = "/search?q=pay&cursor=abc"
    page = await (
        await face.get(f"/records/{RECORD}?q=pay&from={quote(search, safe='')}", headers=COUNSEL)
    ).text()

    assert 'href="/search?q=pay&amp;cursor=abc"' in page
    assert f"tab=thread&amp;q=pay&amp;from={quote(search, safe='')}" in page


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/search", "//evil.example/search", "/sign-out", "javascript:1", "/\\e"],
)
async def test_nobody_is_led_elsewhere_by_the_way_back(face: Face, address: str) -> None:
    page = await (
        await face.get(f"/records/{RECORD}?from={quote(address, safe='')}", headers=COUNSEL)
    ).text()

    assert "Back to results" not in page
    assert local_list(address) == ""


async def test_what_restricts_a_record_and_which_batch_has_it_stands_on_its_page(
    face: Face, services: FakeServices
) -> None:
    services.records.text = "because of <b>this</b>"
    page = await (await face.get(f"/records/{RECORD}", headers=bearer(Role.COUNSEL))).text()
    tags = page.partition('<p class="states">')[2].partition("</p>")[0]

    assert all(tag in tags for tag in ("Restricted", "Left out of an open batch"))
    assert f'href="/privacy/{OTHER}"' in page
    assert f'Left out of an open <a href="/disposition/{OTHER}">batch</a>: <bdi' in page
    assert page.count("because of &lt;b&gt;this") >= 3


async def test_a_side_that_there_is_not_is_refused(face: Face) -> None:
    response = await face.get(f"/records/{RECORD}?tab=<script>", headers=COUNSEL)

    assert response.status == 400


async def test_who_may_not_verify_or_export_is_offered_neither(face: Face) -> None:
    url = f"/records/{RECORD}"
    reviewer = await (await face.get(url, headers=bearer(Role.REVIEWER))).text()
    counsel = await (await face.get(url, headers=COUNSEL)).text()

    assert "Verify this record" not in reviewer
    assert "/evidence" not in reviewer
    assert "Verify this record" in counsel
    assert f"{url}/evidence" in counsel


async def test_a_failed_check_is_told_on_a_page(face: Face) -> None:
    response = await face.post(f"/records/{RECORD}/verify", headers=COUNSEL)
    page = await response.text()

    assert response.status == 200
    assert "Not as promised" in page
    assert "<b>win" not in page


async def test_the_bundle_of_a_record_is_a_download_with_its_digest(face: Face) -> None:
    for url in (f"/records/{RECORD}/evidence", f"/api/v1/records/{RECORD}/evidence"):
        response = await face.get(url, headers=COUNSEL)
        body = await response.read()

        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        assert response.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert response.content_type == "application/zip"
        assert response.headers["Content-Disposition"].startswith("attachment;")


async def test_the_documents_about_a_record_are_as_described(face: Face) -> None:
    url = f"/api/v1/records/{RECORD}"
    RecordDocument.model_validate(await (await face.get(url, headers=COUNSEL)).json())
    thread = ThreadDocument.model_validate(
        await (await face.get(f"{url}/thread", headers=COUNSEL)).json()
    )
    assert (thread.total, thread.total_is_exact, len(thread.items)) == (300, False, 2)
    CustodyDocument.model_validate(await (await face.get(f"{url}/custody", headers=COUNSEL)).json())
    VerifiedDocument.model_validate(
        await (await face.post(f"{url}/verify", headers=COUNSEL)).json()
    )


class TestContent:
    async def test_a_verified_image_is_shown_and_nothing_may_act_in_it(
        self, face: Face, services: FakeServices
    ) -> None:
        services.records.part_type, services.records.part_content = "image/png", PNG

        response = await face.get(CONTENT, headers=COUNSEL)

        assert await response.read() == PNG
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Content-Disposition"].startswith("inline;")
        assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        ("claimed", "content"),
        [
            ("image/png", b"<script>alert(1)</script>"),
            ("image/svg+xml", b'<svg onload="alert(1)"/>'),
            ("text/html", b"<script>alert(1)</script>"),
            ("image/png\r\nX-Evil: 1", PNG),
        ],
    )
    async def test_everything_else_is_a_download_without_a_type(
        self, face: Face, services: FakeServices, claimed: str, content: bytes
    ) -> None:
        services.records.part_type, services.records.part_content = claimed, content

        response = await face.get(CONTENT, headers=COUNSEL)

        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment;")
        assert response.headers["Content-Security-Policy"].startswith("sandbox;")
        assert "X-Evil" not in response.headers

    async def test_a_file_name_cannot_become_a_header(
        self, face: Face, services: FakeServices
    ) -> None:
        services.records.part_type, services.records.part_content = "image/png", PNG

        response = await face.get(
            f"/content/{RECORD}/a%22%0d%0aX-Evil:%201%e2%80%ae.png", headers=COUNSEL
        )

        assert "X-Evil" not in response.headers
        assert response.headers["Content-Disposition"] == (
            f"inline; filename*=UTF-8''{RECORD}-a%22%0D%0AX-Evil%3A%201%E2%80%AE.png"
        )

    @pytest.mark.parametrize(
        ("asked", "status", "told", "body"),
        [
            ("bytes=0-7", 206, f"bytes 0-7/{len(PNG)}", PNG[:8]),
            ("bytes=8-", 206, f"bytes 8-{len(PNG) - 1}/{len(PNG)}", PNG[8:]),
            ("bytes=-4", 206, f"bytes {len(PNG) - 4}-{len(PNG) - 1}/{len(PNG)}", PNG[-4:]),
            ("bytes=4-9999", 206, f"bytes 4-{len(PNG) - 1}/{len(PNG)}", PNG[4:]),
            ("bytes=9999-", 416, f"bytes */{len(PNG)}", b""),
            ("bytes=0-1,4-5", 200, None, PNG),
            ("lines=1", 200, None, PNG),
        ],
    )
    async def test_players_get_the_range_they_ask_for(  # noqa: PLR0917 - a case and its answer
        self,
        face: Face,
        services: FakeServices,
        asked: str,
        status: int,
        told: str | None,
        body: bytes,
    ) -> None:
        services.records.part_type, services.records.part_content = "image/png", PNG

        response = await face.get(CONTENT, headers={**COUNSEL, "Range": asked})

        assert (response.status, response.headers.get("Content-Range")) == (status, told)
        assert await response.read() == body
        digest = base64.b64encode(hashlib.sha256(PNG).digest()).decode()
        assert response.headers["Repr-Digest"] == f"sha-256=:{digest}:"

    async def test_svg_is_offered_as_a_download_and_never_drawn(self, face: Face) -> None:
        page = await (await face.get(f"/records/{RECORD}?tab=media", headers=COUNSEL)).text()

        assert "plain.svg" in page
        assert not re.search(r'<img[^>]+svg"', page)
        assert len(re.findall(r"<img ", page)) == 1

    async def test_tickets_are_of_the_content_host_only(self, face: Face) -> None:
        assert (await face.get(f"{CONTENT}/a-ticket")).status == 404


class TestContentHost:
    @pytest.fixture
    async def face(self, services: FakeServices) -> AsyncIterator[Face]:
        services.settings = load_settings(
            {"MUNIMENT_CONTENT_ORIGIN": f"https://{CONTENT_HOST}", "MUNIMENT_PUBLIC_LOG": "true"}
        )
        services.records.part_type, services.records.part_content = "image/png", PNG
        server = TestServer(create_app(services))
        await server.start_server(**CONNECTION)
        async with TestClient(server) as client:
            yield client

    async def test_it_gives_content_to_who_holds_a_ticket_and_asks_for_no_cookie(
        self, face: Face
    ) -> None:
        there = {"Host": CONTENT_HOST}
        shown = await face.get(f"{CONTENT}/a-ticket", headers=there)
        refused = await face.get(f"{CONTENT}/another", headers=there)

        assert (shown.status, await shown.read()) == (200, PNG)
        assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in shown.headers
        assert refused.status == 404

    @pytest.mark.parametrize(
        "path", ["/", "/sign-in", CONTENT, f"/records/{RECORD}", "/livez", "/log/checkpoint"]
    )
    async def test_it_answers_nothing_else_whoever_asks(self, face: Face, path: str) -> None:
        response = await face.get(
            path, headers={**COUNSEL, "Host": CONTENT_HOST}, allow_redirects=False
        )

        assert response.status == 404

    @pytest.mark.parametrize("path", [CONTENT, f"{CONTENT}/a-ticket"])
    async def test_the_host_of_the_pages_gives_no_content_then(self, face: Face, path: str) -> None:
        assert (await face.get(path, headers=COUNSEL)).status == 404

    async def test_pages_show_content_from_there_and_allow_it_to_be_shown(self, face: Face) -> None:
        response = await face.get(f"/records/{RECORD}?tab=media", headers=COUNSEL)
        page = await response.text()

        policy = response.headers["Content-Security-Policy"]
        assert f"img-src 'self' data: https://{CONTENT_HOST};" in policy
        assert f"media-src 'self' https://{CONTENT_HOST};" in policy
        assert f'src="https://{CONTENT_HOST}/content/{RECORD}/film.mp4/a-ticket"' in page


def test_a_payload_is_set_out_without_losing_a_digit_or_a_key() -> None:
    content = b'{"id":12345678901234567890.10,"a":1,"a":2,"t":"\\u202e"}'
    raw = readable(
        Part(name="p", role=PartRole.RAW, media_type="application/json", content=content)
    )

    assert re.sub(r"\s", "", raw.text) == content.decode()
    assert "verbatim" in raw.note


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{not json", b"\xff\xfe\x00", b""])
def test_a_payload_that_is_no_json_is_shown_as_it_is_or_not_at_all(content: bytes) -> None:
    raw = readable(
        Part(name="p", role=PartRole.RAW, media_type="application/json", content=content)
    )

    assert len(raw.text) <= 100_000
    assert raw.text or not content or "no text" in raw.note


def test_a_text_of_nothing_but_controls_is_cut_early_and_says_so() -> None:
    shown, cut = bounded("\u202e" * 50_000)

    assert (len(shown), cut) == (2_000, True)
    assert bounded("plain") == ("plain", False)


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        *(("en", "en"), ("pt-BR", "pt-BR"), ("ar", "ar")),
        *(('"><b>', ""), ("und", ""), ("qme", ""), ("", "")),
    ],
)
def test_only_languages_a_browser_knows_are_named_to_it(tag: str, shown: str) -> None:
    assert language(tag) == shown
