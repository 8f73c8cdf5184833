"""The pages of the audit trail, of the settings and of one's own acts, read as text."""

import pytest

from archiver.model.actor import Role
from archiver.web.pages.addresses import first_page
from archiver.web.pages.audit import object_link
from tests.unit.web.fake_services import RECORD, Face, FakeServices, bearer
from tests.unit.web.fakes_audit import EVENT

AUDITOR = bearer(Role.AUDITOR)
PAGES = [
    "/audit",
    "/audit?actor=carla&matter=Smith",
    "/audit/follow?start=3",
    f"/audit/{EVENT}",
    f"/audit/about/record/{RECORD}",
    "/settings",
    "/about",
    "/me/activity",
]


async def page_of(face: Face, path: str, role: Role = Role.AUDITOR) -> str:
    response = await face.get(path, headers=bearer(role))
    assert response.status == 200, await response.text()
    return await response.text()


@pytest.mark.parametrize("path", PAGES)
async def test_what_the_archive_holds_is_inert(face: Face, path: str) -> None:
    page = await page_of(face, path)

    assert "<script>alert" not in page
    assert "<b>mallory" not in page
    assert "<i>carla" not in page
    assert "\u202e" not in page
    assert page.count("<h1") == 1


async def test_a_filter_stands_in_the_address_and_as_a_chip(face: Face) -> None:
    page = await page_of(face, "/audit?actor=carla&matter=Smith&from=2026-11-01")

    assert 'href="/audit?matter=Smith&amp;from=2026-11-01T00%3A00%3A00.000Z"' in page
    assert 'href="/audit/follow?actor=carla&amp;matter=Smith' in page
    assert 'action="/audit/export?actor=carla&amp;matter=Smith' in page


async def test_more_than_is_counted_is_told_as_that(face: Face) -> None:
    page = await page_of(face, "/audit")

    assert "More than 10,000 events" in page
    assert 'rel="next"' in page


async def test_a_later_page_leads_back_to_the_first_with_its_filter(face: Face) -> None:
    first = await page_of(face, "/audit?actor=carla")
    later = await page_of(face, "/audit?actor=carla&cursor=c")

    assert "First page" not in first
    assert 'rel="prev first" href="/audit?actor=carla"' in later


@pytest.mark.parametrize(
    ("here", "first"),
    [
        ("/holds/H", ""),
        ("/search?q=a%26after&f=lang:en", ""),
        ("/holds/H?after=9", "/holds/H"),
        ("/audit?q=&cursor=x%3D&by=a%26b", "/audit?q=&by=a%26b"),
        ("/certificates?before=", "/certificates"),
    ],
)
def test_the_first_page_is_the_address_without_the_place(here: str, first: str) -> None:
    assert first_page(here) == first


async def test_ids_are_short_to_read_and_whole_to_copy(face: Face) -> None:
    page = await page_of(face, f"/audit/about/record/{RECORD}")
    cell = page.partition('<code class="short"')[2].partition("</td>")[0]

    assert f'title="{RECORD}">{RECORD[:8]}…{RECORD[-4:]}</code>' in cell
    assert f'data-copy="{RECORD}"' in cell


async def test_a_wrong_date_is_explained_at_its_field(face: Face, services: FakeServices) -> None:
    response = await face.get("/audit?from=yesterday", headers=AUDITOR)

    page = await response.text()
    assert response.status == 400
    assert 'href="#f-from"' in page
    assert 'value="yesterday"' in page
    assert services.audit.asked == []


async def test_nothing_found_says_what_to_do_next(face: Face, services: FakeServices) -> None:
    services.audit.rows = ()

    assert "Show every event" in await page_of(face, "/audit?actor=nobody")


async def test_who_follows_is_sent_the_list_alone(face: Face) -> None:
    headers = {**AUDITOR, "HX-Request": "true"}

    response = await face.get("/audit/follow?start=3", headers=headers)

    part = await response.text()
    assert "<html" not in part
    assert 'hx-trigger="every 5s"' in part
    assert "1 new event" in part


async def test_an_event_whose_row_was_altered_is_told_loudly(
    face: Face, services: FakeServices
) -> None:
    services.audit.problem = "the trail's row is not what the log holds: actor is 'x'"

    page = await page_of(face, f"/audit/{EVENT}")

    assert 'role="alert"' in page
    assert "The list and the log differ." in page


async def test_administrators_are_offered_no_page_of_a_record(face: Face) -> None:
    path = f"/audit/about/record/{RECORD}"

    assert f'href="/records/{RECORD}"' in await page_of(face, path)
    assert f'href="/records/{RECORD}"' not in await page_of(face, path, Role.ADMINISTRATOR)


async def test_who_looked_says_what_is_not_known(face: Face) -> None:
    page = await page_of(face, f"/audit/about/record/{RECORD}")

    assert "Which searches showed this record is not known" in page


async def test_an_export_goes_on_as_a_job(face: Face) -> None:
    response = await face.post("/audit/export", headers=AUDITOR, data={}, allow_redirects=False)

    assert response.status == 303
    assert response.headers["Location"].startswith("/jobs/")


async def test_settings_show_their_source_and_no_secret(face: Face) -> None:
    page = await page_of(face, "/settings", Role.OPERATOR)

    assert "hunter2" not in page
    assert "set from a file" in page
    assert "Environment" in page
    assert "archive.example/acme" in page


async def test_about_names_each_component_with_its_licence(face: Face) -> None:
    page = await page_of(face, "/about", Role.CAPTURE_AGENT)

    assert "htmx.org" in page
    assert "OFL-1.1" in page


def test_only_objects_the_trail_has_a_page_for_are_links() -> None:
    assert object_link("record", RECORD) == f"/audit/about/record/{RECORD}"
    assert object_link("class", "a/b") == "/audit/about/class/a%2Fb"
    assert object_link("query", "x") == ""
    assert object_link("hold", "") == ""
