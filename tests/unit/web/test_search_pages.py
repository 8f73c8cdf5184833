"""The search page: its state in the address, its states told in words, nothing hostile alive."""

import re
from dataclasses import replace
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp.test_utils import make_mocked_request

from archiver.errors import SearchUnavailable
from archiver.model.actor import Role
from archiver.web.pages.search_state import SearchState
from search.query import COUNTED, FieldName
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_records import RECORD

COUNSEL = bearer(Role.COUNSEL)
HTMX = {"HX-Request": "true"}
ADDRESS = (
    "/search?q=fee&f=platform%3Ax&f=platform%3Abluesky&x=account%3A%40acme"
    "&from=2026-01-01&to=2026-02-01&clock=captured&sort=oldest&per=100&cursor=abc"
)


def state(address: str = ADDRESS) -> SearchState:
    return SearchState.of(make_mocked_request("GET", address))


def asked(href: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(href).query)


async def text_of(face: Face, path: str, **headers: str) -> str:
    return await (await face.get(path, headers={**COUNSEL, **headers})).text()


class TestTheAddress:
    def test_it_says_all_there_is_and_reads_back_the_same(self) -> None:
        assert state().href == ADDRESS
        assert state("/search").href == "/search"

    def test_a_value_is_chosen_and_let_go_and_the_page_begins_anew(self) -> None:
        chosen = state(state("/search?cursor=a").including(FieldName.TAG, "q3"))
        assert (chosen.include, chosen.cursor) == (((FieldName.TAG, "q3"),), "")
        turned = state(chosen.excluding(FieldName.TAG, "q3"))
        assert (turned.include, turned.exclude) == ((), ((FieldName.TAG, "q3"),))
        assert turned.state_of(FieldName.TAG, "q3") == "excluded"
        assert state(turned.excluding(FieldName.TAG, "q3")).is_first_use

    def test_each_condition_can_be_taken_away(self) -> None:
        whole = state()
        for key, gone in [
            ("q", {"q"}),
            ("f:platform", {"f"}),
            ("x:account:@acme", {"x"}),
            ("dates", {"from", "to"}),
        ]:
            kept = {name for name, _ in asked(whole.without(key))}
            assert {name for name, _ in whole.pairs("cursor")} - kept == gone
        assert {name for name, _ in asked(whole.cleared)} == {"q", "sort", "per"}

    async def test_days_are_those_of_the_zone_that_the_form_asks_for(self, face: Face) -> None:
        shown = await text_of(face, "/search?q=fee&zone=Europe/Paris&from=2026-01-01")
        assert re.search(r'<input id="f-zone" name="zone"[^>]* value="Europe/Paris"', shown)
        assert shown.count('name="zone"') == 2, "the form of days keeps it, beside the field"
        assert "2026-01-01 to now, Europe/Paris" in shown
        assert "zone=Europe%2FParis" in state("/search?zone=Europe/Paris").between("a", "b")

        refused = await text_of(face, "/search?zone=Mars/Phobos")
        assert 'value="Mars/Phobos"' in refused
        assert "No such time zone." in refused

    @pytest.mark.parametrize("letter", ["x", "%E6%9D%B1", "%F0%9F%91%8D"])
    async def test_a_query_longer_than_an_address_is_told_the_way_out(
        self, face: Face, letter: str
    ) -> None:
        assert (
            "maxlength" not in re.findall(r'<input id="q".*?>', await text_of(face, "/search"))[0]
        )
        longest = await face.get(f"/search?q={letter * 10_000}", headers=COUNSEL)
        assert longest.status == 200
        refused = await face.get(f"/search?q={letter * 10_001}", headers=COUNSEL)
        assert refused.status == 400
        shown = await refused.text()
        assert "expected at most 10000 characters" in shown
        assert 'href="/sets/new"' in shown

    def test_a_bar_narrows_to_its_days(self) -> None:
        narrowed = state(state().between(str(date(2026, 3, 2)), str(date(2026, 3, 8))))
        assert (narrowed.since, narrowed.until, narrowed.query) == (
            *("2026-03-02", "2026-03-08"),
            "fee",
        )

    @pytest.mark.parametrize(
        "query",
        [
            *("f=nofield:x", "f=platform", "x=platform:", "clock=noon", "sort=best", "per=7"),
            *("q=a+b", "q=(a", "from=yesterday", "from=2026-02-02&to=2026-02-01"),
            *("per=-1", "f=platform:" + "x" * 2_000),
        ],
    )
    async def test_what_cannot_be_read_is_explained_and_nothing_is_searched(
        self, face: Face, query: str
    ) -> None:
        response = await face.get(f"/search?{query}", headers=COUNSEL)

        page = await response.text()
        assert response.status == 400
        assert "Nothing was searched." in page
        assert 'role="status"></p>' in page


async def test_the_status_line_tells_count_accounts_dates_and_the_index(face: Face) -> None:
    page = await text_of(face, "/search?q=word")
    status = re.search(r'role="status">(.*?)</p>', page, re.DOTALL)

    assert status is not None
    told = re.sub(r"<[^>]+>", "", status[1])
    assert re.sub(r"\s+", " ", told) == (
        "1,284 records match exactly, from 9 accounts, posted 2026-09-28 to 2026-11-01. "
        "Index is current to 2026-10-14 16:31:07 UTC, log 1,284,220; 3 not searchable."
    )
    assert 'href="/search/not-searchable"' in page


async def test_facets_and_bars_lead_to_narrower_questions(face: Face) -> None:
    page = await text_of(face, "/search?q=word&f=platform:two&per=25")

    assert re.search(r'href="/search\?q=word&amp;per=25" [^>]*aria-current="true"', page)
    assert "x=platform%3Atwo" in page
    assert "f=account%3A%3Cb%3Eone%3C%2Fb%3E" in page
    assert re.search(
        r'data-href="/search\?q=word&amp;f=platform%3Atwo&amp;from=2026-\d\d-\d\d', page
    )
    assert "Remove filter Platform: two" in page
    assert "84 more" in page
    assert "Count them" in page
    assert "3 hits have no posted time" in page


async def test_a_fragment_has_the_results_alone_and_announces_itself(face: Face) -> None:
    fragment = await text_of(face, "/search?q=word", **HTMX)

    assert "<html" not in fragment
    assert "<title>Search: word" in fragment
    assert "data-status" in fragment
    whole = await text_of(face, "/search?q=word", **HTMX, **{"HX-History-Restore-Request": "true"})
    assert "<html" in whole


async def test_hits_can_be_held_by_who_may_and_by_nobody_else(face: Face) -> None:
    counsel = await text_of(face, "/search?q=word&f=platform:x")
    auditor = await (await face.get("/search?q=word", headers=bearer(Role.AUDITOR))).text()

    assert "Add 1,284 to a hold…" in counsel
    assert "/holds/new?q=word+AND+platform%3Ax" in counsel
    assert f'name="record" value="{RECORD}"' in counsel
    assert "/holds/new" not in auditor
    assert 'name="record"' not in auditor


async def test_the_part_that_was_searched_is_named(face: Face) -> None:
    page = await (await face.get("/search", headers=bearer(Role.COUNSEL, "Treasury"))).text()

    assert "You search the <bdi" in page
    assert "unit Treasury" in page


async def test_an_index_behind_the_log_is_told_with_its_numbers(
    face: Face, services: FakeServices
) -> None:
    fresh = services.searching.freshness
    services.searching.freshness = replace(fresh, read=1_284_000, waiting=12)
    assert "12 records wait" in await text_of(face, "/search")
    services.searching.freshness = replace(fresh, read=5, behind=True)
    page = await text_of(face, "/search")
    assert "It has read 5 of 1,284,220 entries" in page


async def test_without_a_hit_the_nearest_wider_counts_are_links(
    face: Face, services: FakeServices
) -> None:
    services.searching.count_of_all = 0
    services.searching.wider = (("q", 7), ("f:platform", 1))
    page = await text_of(face, "/search?q=word&f=platform:x")

    assert "No record matches." in page
    assert re.search(r'href="/search\?f=platform%3Ax"[^>]*>Without the query</a>: 7 records', page)
    assert re.search(r'href="/search\?q=word"[^>]*>Without Platform', page)
    assert "</a>: 1 record<" in page


async def test_an_archive_without_records_says_what_to_do(
    face: Face, services: FakeServices
) -> None:
    services.searching.count_of_all = 0

    assert "No record can be searched yet." in await text_of(face, "/search")


async def test_an_index_that_does_not_answer_is_no_empty_answer(
    face: Face, services: FakeServices
) -> None:
    services.searching.failure = SearchUnavailable("the search index does not answer")
    response = await face.get("/search?q=word&f=platform:x", headers=COUNSEL)

    page = await response.text()
    assert response.status == 503
    assert response.headers["Retry-After"] == "10"
    assert "no count is known" in page
    assert 'href="/search?q=word&amp;f=platform%3Ax">Try again' in page


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=word&f=account:%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=word&x=tag:%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=word&sort=%22%3E%3Cscript%3E",
        "/search?from=%22%3E%3Cscript%3E",
        "/search?q=word",
        "/search/values?field=account&q=word",
        f"/search/preview/{RECORD}?q=pay&from=javascript:alert(1)",
    ],
)
async def test_hostile_posts_queries_and_filters_are_inert(face: Face, path: str) -> None:
    for headers in ({}, HTMX):
        page = await text_of(face, path, **headers)

        assert not re.search(r"<script(?! [^>]*src=\"/static/)", page)
        assert "<b>one" not in page
        assert "<i>Acme" not in page
        assert 'href="javascript:' not in page
        assert "\u202e" not in page


async def test_the_preview_marks_the_words_and_leads_to_the_record(face: Face) -> None:
    path = f"/search/preview/{RECORD}?q=pay&from=/search%3Fq%3Dpay"
    fragment = await text_of(face, path, **HTMX)
    page = await text_of(face, path)

    assert "<html" not in fragment
    assert '<mark id="mark-1">pay</mark>' in fragment
    assert 'href="#mark-1"' in fragment, "without JavaScript, a link leads to what was found"
    assert f'href="/records/{RECORD}?q=pay&amp;from=%2Fsearch%3Fq%3Dpay"' in fragment
    assert page.count("<h1") == 1
    assert (await face.get("/search/preview/unknown", headers=COUNSEL)).status == 404


async def test_a_row_tells_in_how_many_places_and_leads_to_the_first(face: Face) -> None:
    page = await text_of(face, "/search?q=word")
    (link,) = re.findall(r'href="([^"]*)#mark-1">(.*?)<span', page)
    assert link[0].startswith(f"/records/{RECORD}?q=word&amp;from=")
    assert link[1] == "2 places"


async def test_values_of_a_field_have_a_page(face: Face) -> None:
    page = await text_of(face, "/search/values?field=account&q=word")
    wrong = await face.get("/search/values?field=hash", headers=COUNSEL)

    assert "Account among the hits" in page
    assert "others occur 84 times" in page
    assert 'href="/search?q=word&amp;f=account%3Atwo"' in page
    assert wrong.status == 400


async def test_what_is_not_searchable_is_listed(face: Face) -> None:
    page = await text_of(face, "/search/not-searchable")

    assert "<strong>3 records</strong> up to log 1,284,220 are in no count" in page


async def test_the_api_gives_facets_and_bars_to_who_asks(face: Face) -> None:
    path = "/api/v1/search?q=word&facets=true&histogram=week&f=platform:x&from=2026-01-01"
    answer = await (await face.get(path, headers=COUNSEL)).json()
    plain = await (await face.get("/api/v1/search?q=word", headers=COUNSEL)).json()
    limited = await (
        await face.get("/api/v1/search?q=word", headers=bearer(Role.COUNSEL, "Treasury"))
    ).json()

    assert {facet["field"] for facet in answer["facets"]} == {name.value for name in COUNTED}
    assert answer["facets"][0]["values"][0] == {"value": "<b>one</b>", "count": 1000}
    assert answer["histogram"]["interval"] == "week"
    assert answer["histogram"]["buckets"][0] == {
        "label": "2026-09-28",
        "from": "2026-09-28",
        "to": "2026-10-04",
        "count": 0,
    }
    assert "facets" not in plain
    assert "histogram" not in plain
    assert "within" not in plain
    assert limited["within"] == ["unit Treasury"]


@pytest.mark.parametrize(
    "query", ["facets=yes", "histogram=hour", "clock=noon", "sort=best", "f=nofield:x", "from=x"]
)
async def test_the_api_refuses_what_it_does_not_know(face: Face, query: str) -> None:
    response = await face.get(f"/api/v1/search?q=word&{query}", headers=COUNSEL)

    assert response.status == 400
    pointer = (await response.json())["errors"][0]["pointer"]
    assert pointer == query.partition("=")[0]
