"""An archive whose posts are searched by Whoosh, from the import to a hold."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from archiver.app import Services
from archiver.config import PREFIX, load_settings
from archiver.errors import SearchUnavailable
from archiver.model.actor import Actor, Role
from tests.e2e.command_line import CommandLine
from tests.fakes.archive import AGENT, an_arrival, eventually, found, serving

COUNSEL = Actor(name="counsel", roles=frozenset({Role.COUNSEL}), via="test")
WORDS = ("earnings", "#earnings", "mail", "zürich", "☕", "hiring", "ear")
QUERIES = ("earnings AND NOT mail", '"earnings call"', "stem:hire OR earn*", "earnings w/9 friday")

pytestmark = pytest.mark.e2e


async def test_an_archive_runs_on_whoosh_and_counts_what_tantivy_counts(tmp_path: Path) -> None:
    home, url = tmp_path / "home", f"whoosh:{tmp_path / 'whoosh'}"
    posts = tmp_path / "posts.ndjson"
    texts = [f"{WORDS[n % 7]} call {WORDS[n % 5]} on Friday, {WORDS[n % 3]}" for n in range(60)]
    lines = [
        json.dumps({"platform": "x", "account": "@acme", "post_id": str(n), "text": text})
        for n, text in enumerate(texts)
    ]
    posts.write_text("\n".join(lines), encoding="utf-8")
    here = {PREFIX + "HOME": str(home), PREFIX + "INDEX_INTERVAL_S": "0.05"}
    settings = await found(load_settings({**here, PREFIX + "SEARCH_URL": url}))
    on_whoosh = CommandLine(home, search_url=url)
    on_whoosh("import", str(posts), "--format", "ndjson")
    counted = on_whoosh("search", QUERIES[0], "--count", "--json").json()
    looked = on_whoosh("doctor").out

    assert counted["engine"] == f"whoosh3 {version('whoosh3')}"
    assert counted["covered"]["records"] == len(texts)
    assert f"whoosh3 {version('whoosh3')}" in looked
    async with serving(settings) as services:
        hold = await services.holds.place(
            name="Acme", reason="suit", query=QUERIES[0], actor=COUNSEL
        )
        assert hold.records == counted["count"] > 0
        await services.ingest.submit([an_arrival(b"{}", post_id="new")], actor=AGENT)
        by_whoosh = await eventually(lambda: _counts(services, len(texts) + 1))
    async with serving(load_settings(here)) as services:
        by_tantivy = await eventually(lambda: _counts(services, len(texts) + 1))
    assert by_whoosh == by_tantivy
    assert all(0 < count <= len(texts) for count in by_whoosh.values())


async def _counts(services: Services, posts: int) -> dict[str, int]:
    """Return what each query counts once all posts are covered, and nothing before."""
    try:
        answers = [await services.searching.count(query, actor=COUNSEL) for query in QUERIES]
    except SearchUnavailable:  # the index is just being made
        return {}
    if any(answer.covered.records < posts for answer in answers):
        return {}
    return {answer.query: answer.count for answer in answers}
