"""A new version of the analyzer: what it changes is told when the index is built anew."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.audit.actions import Action
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.reindexing import Rebuilt, Reindexing
from archiver.model.actor import Actor, Role
from search.analyzer import ANALYZER_VERSION, PRESENT, rules_of, tokens, version_in
from search.engines.tantivy import schema, snapshot
from tests.fakes.small_archive import COUNSEL, SmallArchive, arrival, small_archive

OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))
OLDER = ANALYZER_VERSION.replace(PRESENT.name, "muniment-1")
TEXTS = ("merger ‼", "merger ⁉", "merger", "picnic ‼")


@pytest.fixture
async def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SmallArchive]:
    """An archive whose index, and a frozen set, are of the older version."""
    url = f"sqlite:///{tmp_path / 'archive.db'}"
    async with small_archive(tmp_path / "home", url) as opened:
        with monkeypatch.context() as older:
            layout = schema.LAYOUT.replace(ANALYZER_VERSION, OLDER)
            older.setattr(schema, "LAYOUT", layout)
            older.setattr(snapshot, "LAYOUT", layout)
            older.setattr("archiver.legal.frozen_sets.ANALYZER_VERSION", OLDER)
            for number, text in enumerate(TEXTS):
                await opened.capture(arrival(f"p{number}", text))
            await opened.index_all()
            for query in ("merger AND NOT ❗", "picnic"):
                await opened.frozen_sets.freeze(query, actor=COUNSEL)
            await opened.holds.place(name="H", reason="suit", query="❗", actor=COUNSEL)
            await opened.index_all()
            opened.index.close()
        yield opened


async def rebuilt(archive: SmallArchive) -> Rebuilt:
    reindexing = Reindexing(
        index=archive.index,
        database=archive.database,
        documents=archive.documents,
        clock=archive.clock,
        trail=archive.trail,
    )
    return await reindexing.run(actor=OPERATOR, progress=lambda _done, _total: None)


async def test_a_rebuild_tells_which_words_and_which_queries_find_other_posts(
    archive: SmallArchive,
) -> None:
    change = (await rebuilt(archive)).change

    assert change is not None
    assert change.found is not None
    assert (change.before, change.after, change.not_told) == (OLDER, ANALYZER_VERSION, "")
    assert (change.found.posts, change.found.changed, change.asked) == (4, 3, 3)
    told = {each["token"]: (each["lost"], each["gained"]) for each in change.tokens()}
    assert told == {"❗": (0, 3), "❓": (0, 1)}
    (frozen, _), (hold,) = await sets_and_holds(archive)
    queries = {
        each.name: (each.before, each.after, each.left, each.came) for each in change.found.queries
    }
    assert queries == {f"set:{frozen}": (3, 1, 2, 0), f"hold:{hold}": (0, 3, 0, 3)}
    (event,) = [each for each in await archive.events_about("olga") if "rebuilt" in each.action]
    assert json.loads(event.details)["queries_changed"] == 2
    assert "❗" not in json.dumps(change.to_dict(), ensure_ascii=False)


async def sets_and_holds(archive: SmallArchive) -> tuple[list[str], list[str]]:
    sets = [each.id for each in await archive.frozen_sets.list(actor=COUNSEL)]
    holds = await archive.hold_register.list(actor=COUNSEL)
    return sorted(sets), [each.id for each in holds]


async def test_it_is_told_although_another_index_was_begun_at_the_start_and_only_once(
    archive: SmallArchive,
) -> None:
    comparison = IndexComparison(
        index=archive.index,
        database=archive.database,
        clock=archive.clock,
        stopwatch=lambda: 0.0,
        trail=archive.trail,
    )
    await archive.index_all()
    await comparison.act()
    lost = [
        each for each in await archive.events_about("system") if each.action == Action.INDEX_LOST
    ]
    assert [version_in(json.loads(each.details)["layout"]) for each in lost] == [OLDER]

    first, second = await rebuilt(archive), await rebuilt(archive)

    assert first.change is not None
    assert second.change is None


async def test_rules_that_are_not_kept_are_said_to_be_unknown(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.analyzer.OLDER", ())
    change = (await rebuilt(archive)).change
    assert change is not None
    assert change.found is None
    assert "the rules of muniment-1" in change.not_told
    assert change.to_dict()["not_told"]


def test_the_older_version_read_every_text_but_for_two_emoji_as_this_one_does() -> None:
    older = rules_of(OLDER)
    assert older is not None
    assert tokens("what ‼ now ⁉", older) == ["what", "now"]
    assert tokens("what ‼ now ⁉") == ["what", "❗", "❗", "now", "❗", "❓"]
    other = "#Café ™ 👍🏽 東京 don\N{RIGHT SINGLE QUOTATION MARK}t"
    assert tokens(other, older) == tokens(other)
    assert rules_of("muniment-0 regex-1 unicode-1") is None
