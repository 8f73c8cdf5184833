"""The query builder, the page that explains a query, and what a broken query shows."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from archiver.model.actor import Role
from archiver.web.pages.search_builder import KINDS, Row, composed
from search.grammar import parse
from search.normal_form import normalise
from tests.unit.web.fake_services import Face, bearer

COUNSEL = bearer(Role.COUNSEL)

WRITTEN = [
    ([Row(words="fee late")], "AND", "fee AND late"),
    ([Row("any", "fee fees")], "AND", "fee OR fees"),
    ([Row("phrase", "late  “fee”")], "AND", '"late fee"'),
    ([Row("stem", "pay run")], "AND", "stem:pay OR stem:run"),
    (
        [Row("near", "late fee", other="bri*", apart="3", order="pre")],
        "AND",
        '"late fee" pre/3 bri*',
    ),
    ([Row("from", "@acme")], "AND", "from:@acme"),
    ([Row("account", "Acme Corp")], "AND", 'account:"Acme Corp"'),
    ([Row("any", "a b", without="yes")], "AND", "NOT (a OR b)"),
    ([Row("phrase", "a b", without="yes")], "AND", 'NOT "a b"'),
    (
        [Row("any", "fee fees"), Row(), Row("near", "a", other="b"), Row("is", "deleted", "yes")],
        "AND",
        "(fee OR fees) AND (a w/5 b) AND NOT is:deleted",
    ),
    ([Row(words="fee late"), Row("phrase", "no fee")], "OR", '(fee AND late) OR "no fee"'),
    ([Row()], "AND", ""),
]


@pytest.mark.parametrize(("rows", "joiner", "query"), WRITTEN)
def test_rows_are_written_as_a_query_that_can_be_read(
    rows: list[Row], joiner: str, query: str
) -> None:
    assert composed(rows, joiner) == query
    if query:
        assert normalise(parse(query))


def test_every_kind_of_row_can_be_read() -> None:
    values = {"is": "edited", "has": "media", "after": "2026-03-01", "before": "2026-03-01"}
    values["captured"] = "2026-03-01..2026-03-05"
    for kind, _ in KINDS:
        parse(Row(kind, values.get(kind, "fee"), other="late").written())


async def test_the_builder_leads_to_search_with_its_query(face: Face) -> None:
    rows = [("kind", "any"), ("words", "fee fees"), ("without", ""), ("other", ""), ("apart", "5")]
    rows += [("order", "w"), ("kind", "from"), ("words", "@acme"), ("without", "yes")]
    address = f"/search/build?{urlencode([('join', 'AND'), *rows])}"

    response = await face.get(address, headers=COUNSEL, allow_redirects=False)

    assert response.status == 303
    assert parse_qs(urlsplit(response.headers["Location"]).query) == {
        "q": ["(fee OR fees) AND NOT from:@acme"]
    }
    more = await (await face.get(f"{address}&more=yes", headers=COUNSEL)).text()
    assert "<code>(fee OR fees) AND NOT from:@acme</code>" in more
    assert more.count('<fieldset class="row">') == 5
    assert (await face.get("/search/build?join=XOR", headers=COUNSEL)).status == 400


async def test_a_broken_query_shows_its_fault_and_each_suggestion_as_a_link(face: Face) -> None:
    response = await face.get("/search?q=fee+OR+late+AND+<b>&f=platform:x", headers=COUNSEL)
    page = await response.text()

    assert response.status == 400
    assert "Nothing was searched." in page
    page = await (await face.get("/search?q=a+OR+b+AND+c&f=platform:x", headers=COUNSEL)).text()
    assert "<code>a OR b <mark>A</mark>ND c</code>" in page
    (perhaps,) = re.findall(r"<p>Perhaps: (.*?)</p>", page)
    links = re.findall(r'href="/search\?([^"]*)"', perhaps)
    assert [parse_qs(link.replace("&amp;", "&")) for link in links] == [
        {"q": ["a OR (b AND c)"], "f": ["platform:x"]},
        {"q": ["(a OR b) AND c"], "f": ["platform:x"]},
    ]


async def test_stemming_is_a_box_to_tick_and_stays_ticked(face: Face) -> None:
    page = await (await face.get("/search?q=word&stem=yes", headers=COUNSEL)).text()

    assert re.search(r'name="stem" value="yes" checked', page)
    assert "/search?q=word&amp;stem=yes&amp;" in page


async def test_a_query_of_another_system_is_translated_and_explained(face: Face) -> None:
    path = "/search/explained?syntax=dtsearch&q=fee*+and+late+payment"
    page = await (await face.get(path, headers=COUNSEL)).text()

    assert "<code>fee* AND &#34;late payment&#34;</code>" in page
    assert "Words side by side are a phrase in dtSearch." in page
    assert "these words in a row: “late payment”" in page
    assert "&lt;b&gt;fees&lt;/b&gt;" in page
    assert 'href="/search?q=fee%2A+AND+%22late+payment%22"' in page
    refused = await face.get("/search/explained?syntax=dtsearch&q=%23smith", headers=COUNSEL)
    assert refused.status == 400
    assert "sound alike" in await refused.text()


class TestTheApi:
    async def test_a_query_is_read_without_being_searched(self, face: Face) -> None:
        path = "/api/v1/query?q=runs+AND+after:2026-03-01&stem=true&zone=Europe/Paris"
        answer = await (await face.get(path, headers=COUNSEL)).json()

        assert answer["normalised"] == "stem:runs AND after:2026-02-28T23:00:00Z"
        assert answer["error"] is None
        assert answer["words"][0] == {"depth": 0, "text": "all of:"}

    async def test_what_cannot_be_read_is_an_answer_with_a_place(self, face: Face) -> None:
        answer = await (await face.get("/api/v1/query?q=a+b", headers=COUNSEL)).json()

        assert (answer["normalised"], answer["error"]["position"]) == ("", 2)
        assert answer["error"]["suggestions"] == ["a AND b", '"a b"']
        wrong = await face.get("/api/v1/query?q=a&zone=Mars/Olympus", headers=COUNSEL)
        assert (wrong.status, (await wrong.json())["errors"][0]["pointer"]) == (400, "zone")
        assert (await face.get("/api/v1/query?q=a&syntax=sql", headers=COUNSEL)).status == 400

    async def test_words_are_told_with_what_they_stand_for(self, face: Face) -> None:
        answer = await (await face.get("/api/v1/query/words?q=fee*", headers=COUNSEL)).json()

        assert (answer["normalised"], answer["items"][0]["tokens"]) == ("fee*", 2)
        assert answer["items"][0]["told"][1] == {"token": "feet", "records": 1}

    async def test_options_are_told_by_the_normal_form(self, face: Face) -> None:
        path = "/api/v1/search?q=runs&stem=true&count=true"
        answer = await (await face.get(path, headers=COUNSEL)).json()

        assert answer["normalised"] == "stem:runs"
