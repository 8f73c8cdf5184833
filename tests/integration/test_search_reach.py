"""A limited person's search: exactly the whole search of their part, and no word of the rest."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CursorResult, Executable, insert, update

from archiver.access.rules import Reach
from archiver.audit.actions import Action
from archiver.db import reach as reach_rows
from archiver.db.tables import account, record
from archiver.db.transaction import Transaction
from archiver.errors import InvalidInput
from archiver.legal.answers import Overview
from archiver.legal.asking import Asked, Filter
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.post import Change
from search.calendar import Interval
from search.index import Order
from search.query import COUNTED, DateName, FieldName
from tests.fakes.small_archive import COUNSEL, START, SmallArchive, arrival, small_archive

FIELDS = COUNTED


def limited(*, unit: str = "", matter: str = "") -> Actor:
    part = LimitedRole(role=Role.COUNSEL, unit=unit, matter=matter)
    return Actor(name=f"of {unit}{matter}", roles=frozenset(), limited=frozenset({part}))


TREASURY, RETAIL = limited(unit="Treasury"), limited(unit="Retail")
NOBODY = limited(unit="Nothing is of this unit")
SMITH = limited(matter="Smith")


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """@acme (Treasury) on mergers, @Acme (Retail) on picnics, @globex of no unit on both."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        async with opened.database.transaction() as tx:
            for number, (handle, unit) in enumerate(
                [("@acme", "Treasury"), ("@Acme", "Retail"), ("@globex", "")]
            ):
                row = {
                    "id": f"{number:026}",
                    "platform": "mastodon",
                    "handle": handle,
                    "title": "",
                    "custodian": "",
                    "unit": unit,
                    "registered_at": 0,
                    "changed_at": 0,
                }
                await tx.execute(insert(account), row)
        texts = {"@acme": "the merger", "@Acme": "a picnic", "@globex": "merger and picnic"}
        for handle, text in texts.items():
            for number in range(3):
                await opened.capture(
                    arrival(
                        f"{handle}{number}",
                        f"{text} {number}",
                        account=handle,
                        posted_at=START.replace(year=2020 + number),
                        change=Change.EDITED if number == 2 else Change.CREATED,
                        media=b"film" if number else b"",
                    )
                )
        await opened.index_all()
        yield opened


async def overview(archive: SmallArchive, query: str, actor: Actor, **asked: object) -> Overview:
    return await archive.searching.overview(
        Asked(query=query, **asked),  # type: ignore[arg-type]
        facets=FIELDS,
        interval=Interval.YEAR,
        actor=actor,
    )


def numbers(found: Overview) -> dict[str, object]:
    """Return every number an answer tells."""
    assert found.histogram is not None
    return {
        "count": found.answer.count,
        "covered": (found.answer.covered.records, found.answer.covered.not_searchable),
        "hits": [hit.text for hit in found.answer.hits],
        "facets": {facet.field: (facet.values, facet.other) for facet in found.facets},
        "bars": [(bucket.label, count) for bucket, count in found.histogram.bars],
        "undated": found.histogram.undated,
        "accounts": found.accounts,
        "wider": found.wider,
    }


async def test_a_part_shows_exactly_what_the_whole_shows_of_it(archive: SmallArchive) -> None:
    own = await overview(archive, "merger OR picnic", TREASURY)
    whole = await overview(archive, "merger AND NOT picnic", COUNSEL)

    assert own.answer.within == ("unit Treasury",)
    assert whole.answer.within == ()
    mine, theirs = numbers(own), numbers(whole)
    assert mine.pop("covered") == (3, 0)
    assert theirs.pop("covered") == (9, 0)
    assert mine == theirs
    assert mine["accounts"] == 1
    assert mine["bars"] == [("2020", 1), ("2021", 1), ("2022", 1)]
    assert own.answer.covered.log_size == 9


async def test_what_only_another_unit_said_leaves_no_trace(archive: SmallArchive) -> None:
    found = await overview(archive, "picnic", TREASURY)
    absent = await overview(archive, "nobodyeversaidthis", TREASURY)

    assert numbers(found) == numbers(absent)
    assert numbers(found) == {
        "count": 0,
        "covered": (3, 0),
        "hits": [],
        "facets": dict.fromkeys(FIELDS, ((), 0)),
        "bars": [],
        "undated": 0,
        "accounts": 0,
        "wider": (),
    }
    assert (await archive.searching.count("picnic", actor=TREASURY)).count == 0
    assert (await archive.searching.ids("picnic", actor=TREASURY)).ids == ()
    assert (await archive.searching.search("picnic", actor=TREASURY)).hits == ()


async def test_accounts_that_differ_only_in_case_are_not_shown_to_each_others_unit(
    archive: SmallArchive,
) -> None:
    found = await overview(archive, "account:@acme", RETAIL)

    assert [hit.account for hit in found.answer.hits] == ["@Acme"] * 3
    assert found.accounts == 1


async def test_who_holds_a_role_in_an_empty_unit_finds_nothing(archive: SmallArchive) -> None:
    found = await overview(archive, "", NOBODY)

    assert (found.answer.count, found.answer.covered.records) == (0, 0)
    assert found.answer.within == ("unit Nothing is of this unit",)


async def test_a_matter_is_what_its_holds_ever_held(archive: SmallArchive) -> None:
    view = await archive.holds.place(
        name="Smith", reason="litigation", matter="Smith", query="merger", actor=COUNSEL
    )
    found = await overview(archive, "", SMITH)
    assert found.answer.count == view.records == 6
    assert dict(numbers(found)["facets"])[FieldName.ACCOUNT] == (  # type: ignore[call-overload]
        (("@acme", 3), ("@globex", 3)),
        0,
    )

    more = await archive.holds.place(
        name="More", reason="litigation", matter="Smith", query="picnic AND 0", actor=COUNSEL
    )
    assert more.records == 2
    again = await archive.searching.count("picnic OR merger", actor=SMITH)
    assert again.count == 7
    assert again.within == ("matter Smith",)


async def test_units_and_matters_add_up(archive: SmallArchive) -> None:
    await archive.holds.place(
        name="S", reason="litigation", matter="Smith", query="picnic AND 0", actor=COUNSEL
    )
    both = Actor(
        name="both", roles=frozenset(), limited=frozenset({*TREASURY.limited, *SMITH.limited})
    )
    found = await overview(archive, "", both)

    assert found.answer.count == found.answer.covered.records == 5
    assert found.answer.within == ("unit Treasury", "matter Smith")


async def test_the_database_and_the_index_agree_on_what_is_within_reach(
    archive: SmallArchive,
) -> None:
    await archive.holds.place(
        name="S", reason="litigation", matter="Smith", query="merger AND 0", actor=COUNSEL
    )
    for units, matters in [({"Treasury"}, set()), (set(), {"Smith"}), ({"Retail"}, {"Smith"})]:
        actor = Actor(
            name="x",
            roles=frozenset(),
            limited=frozenset(
                [LimitedRole(role=Role.COUNSEL, unit=unit) for unit in units]
                + [LimitedRole(role=Role.COUNSEL, matter=matter) for matter in matters]
            ),
        )
        reach = Reach(units=frozenset(units), matters=frozenset(matters))
        async with archive.database.reading() as tx:
            seen = await reach_rows.in_reach(tx, reach, range(50))
        found = await archive.searching.search("mastodon OR NOT mastodon", limit=50, actor=actor)
        assert {hit.log_index for hit in found.hits} == seen


async def test_posts_that_cannot_be_searched_are_counted_and_listed_within_reach(
    archive: SmallArchive,
) -> None:
    async with archive.database.transaction() as tx:
        unreadable = record.c.post_id.in_(["@acme1", "@globex1", "@globex2"])
        await tx.execute(update(record).where(unreadable).values(searchable=False))

    whole = await archive.searching.not_searchable(limit=2, actor=COUNSEL)
    rest = await archive.searching.not_searchable(limit=2, cursor=whole.next_cursor, actor=COUNSEL)
    mine = await archive.searching.not_searchable(actor=TREASURY)
    theirs = await archive.searching.not_searchable(actor=RETAIL)

    assert [row.post_id for row in (*whole.records, *rest.records)] == [
        *("@globex2", "@globex1", "@acme1")
    ]
    assert (whole.total, rest.next_cursor) == (3, "")
    assert [row.post_id for row in mine.records] == ["@acme1"]
    assert (theirs.total, theirs.records) == (0, ())
    assert (await archive.searching.count("a", actor=TREASURY)).covered.not_searchable == 1
    with pytest.raises(InvalidInput, match="next_cursor"):
        await archive.searching.not_searchable(cursor="nonsense", actor=COUNSEL)


async def test_what_the_index_has_not_read_is_told_within_reach(archive: SmallArchive) -> None:
    await archive.capture(arrival("late", "picnic, late", account="@Acme"))

    mine = (await overview(archive, "", TREASURY)).freshness
    theirs = (await overview(archive, "", RETAIL)).freshness

    assert (mine.waiting, theirs.waiting) == (0, 1)
    assert mine.read == 9
    assert theirs.log_size > 9
    assert mine.current_to is not None
    assert not mine.behind


async def test_a_cursor_is_of_use_for_no_other_question_order_or_part(
    archive: SmallArchive,
) -> None:
    first = await archive.searching.search("merger", limit=1, actor=COUNSEL)
    cursor = first.next_cursor

    for query, order, actor in [
        ("picnic", Order.NEWEST, COUNSEL),
        ("merger", Order.OLDEST, COUNSEL),
        ("merger", Order.NEWEST, TREASURY),
    ]:
        with pytest.raises(InvalidInput, match="another"):
            await archive.searching.overview(
                Asked(query=query), cursor=cursor, order=order, actor=actor
            )
    again = await archive.searching.overview(Asked(query="MERGER"), cursor=cursor, actor=COUNSEL)
    assert again.answer.hits[0].text == "the merger 2"


@pytest.mark.parametrize("query", ["(merger", "merger picnic", "nofield:x"])
async def test_a_wrong_query_is_told_alike_to_everyone(archive: SmallArchive, query: str) -> None:
    told = []
    for actor in (COUNSEL, TREASURY, NOBODY):
        with pytest.raises(InvalidInput) as caught:
            await overview(archive, query, actor)
        told.append((str(caught.value), caught.value.pointer))

    assert len(set(told)) == 1


async def test_a_search_of_a_part_is_one_event_that_says_so(archive: SmallArchive) -> None:
    await overview(archive, "merger", TREASURY)

    (event,) = await archive.events_about(TREASURY.name)
    assert event.action == Action.SEARCH_RUN
    assert '"within":"unit Treasury"' in event.details
    assert '"count":3' in event.details


async def test_filters_narrow_and_can_be_told_as_one_query(archive: SmallArchive) -> None:
    asked = Asked(
        query="merger OR picnic",
        include=(Filter(FieldName.ACCOUNT, "@acme"), Filter(FieldName.ACCOUNT, "@globex")),
        exclude=(Filter(FieldName.CHANGE, "edited"),),
        since="2021-01-01",
        until="2022-12-31",
        clock=DateName.POSTED,
    )
    found = await archive.searching.overview(asked, facets=FIELDS, actor=COUNSEL)

    assert [hit.text for hit in found.answer.hits] == [
        *("merger and picnic 1", "a picnic 1", "the merger 1")
    ]
    assert found.as_query == (
        "(merger OR picnic) AND (account:@acme OR account:@globex) AND NOT is:edited AND "
        "posted:2021-01-01T00:00:00Z..2023-01-01T00:00:00Z"
    )
    alone = await archive.searching.overview(Asked(query=found.as_query), actor=COUNSEL)
    assert alone.answer.count == found.answer.count == 3
    facets = {facet.field: dict(facet.values) for facet in found.facets}
    # Counted as if the field itself were not filtered: what another value would add.
    assert facets[FieldName.CHANGE] == {"created": 3, "edited": 3}
    assert facets[FieldName.HAS] == {"media": 3, "text": 3}


async def test_a_chosen_value_that_is_rare_is_shown_with_its_count(archive: SmallArchive) -> None:
    asked = Asked(include=(Filter(FieldName.ACCOUNT, "@nobody"),))

    found = await archive.searching.overview(asked, facets=(FieldName.ACCOUNT,), actor=COUNSEL)

    assert dict(found.facets[0].values) == {"@acme": 6, "@globex": 3, "@nobody": 0}


async def test_without_a_hit_the_counts_without_each_condition_are_told(
    archive: SmallArchive,
) -> None:
    found = await overview(
        archive,
        "merger",
        TREASURY,
        include=(Filter(FieldName.LANG, "xx"),),
        since="2020-01-01",
        until="2020-12-31",
    )

    assert found.answer.count == 0
    assert found.wider == (("q", 0), ("f:lang", 1), ("dates", 0))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"since": "yesterday"}, "from"),
        ({"until": "2026-13-01"}, "to"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "to"),
    ],
)
async def test_dates_that_are_none_are_refused_where_they_stand(
    archive: SmallArchive, changes: dict[str, str], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await overview(archive, "", COUNSEL, **changes)
    assert caught.value.pointer == pointer


async def test_hits_say_where_their_words_stand(archive: SmallArchive) -> None:
    hit = (await archive.searching.search("picnic AND merger", actor=COUNSEL)).hits[0]

    assert [hit.text[start:end] for start, end in hit.marks] == ["merger", "picnic"]


async def test_a_page_costs_the_same_statements_however_many_hits_it_shows(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Transaction.execute
    statements: list[Executable] = []

    async def counted(
        self: Transaction, statement: Executable, values: Any = None
    ) -> CursorResult[*tuple[Any, ...]]:
        statements.append(statement)
        return await execute(self, statement, values)

    monkeypatch.setattr(Transaction, "execute", counted)
    # Its event waits for the index from here on, which every search then looks for.
    await archive.searching.count("merger", actor=TREASURY)
    told = []
    for limit in (1, 3):
        statements.clear()
        await archive.searching.overview(Asked(), limit=limit, facets=FIELDS, actor=TREASURY)
        told.append([str(statement) for statement in statements])

    assert len(told[0]) == len(told[1]) > 0, told
