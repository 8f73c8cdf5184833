"""Counts that do not leak: a limited person's numbers are those of their records.

Queries are made at random from words, fields and operators; each is answered by the index and by
going through the few records one by one. Whole-archive numbers would differ, and never appear.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import insert, update

from archiver.db.tables import account, record
from archiver.errors import InvalidInput
from archiver.legal.asking import Asked
from archiver.model.actor import Actor, LimitedRole, Role
from search.calendar import Interval
from search.query import FieldName
from tests.fakes.small_archive import COUNSEL, START, SmallArchive, arrival, small_archive

SEED = 7
WORDS = ("merger", "picnic", "dividend", "lunch", "quarter", "canary")
UNITS = {"@acme": "Treasury", "@Acme": "Retail", "@globex": ""}
MATTER = "Smith"


@dataclass(frozen=True)
class Said:
    """One record as the test knows it."""

    account: str
    words: frozenset[str]
    posted_at: datetime
    searchable: bool


@dataclass(frozen=True)
class Condition:
    """A random query, and which records it means."""

    text: str
    wanted: tuple[frozenset[str], ...]
    unwanted: frozenset[str]
    account: str

    def means(self, said: Said) -> bool:
        return (
            said.searchable
            and all(said.words & any_of for any_of in self.wanted)
            and not said.words & self.unwanted
            and self.account.lower() in {"", said.account.lower()}  # search folds case
        )


def limited(**part: str) -> Actor:
    held = frozenset({LimitedRole(role=Role.REVIEWER, **part)})
    return Actor(name=f"of {part}", roles=frozenset(), limited=held, via="web")


def a_condition(random: Random) -> Condition:
    """Return a query of up to three words together, with alternatives, exclusions, an account."""
    wanted = [random.sample(WORDS, random.randint(1, 3)) for _ in range(random.randint(1, 2))]
    unwanted = random.sample(WORDS, random.choice([0, 0, 1]))
    of = random.choice(["", "", *UNITS])
    terms = [f"({' OR '.join(each)})" for each in wanted]
    terms += [f"NOT {word}" for word in unwanted]
    terms += [f'account:"{of}"'] if of else []
    random.shuffle(terms)
    return Condition(
        text=" AND ".join(terms),
        wanted=tuple(map(frozenset, wanted)),
        unwanted=frozenset(unwanted),
        account=of,
    )


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        async with opened.database.transaction() as tx:
            for number, (handle, unit) in enumerate(UNITS.items()):
                row = {
                    "id": f"{number:026}", "platform": "mastodon", "handle": handle, "title": "",
                    "custodian": "", "unit": unit, "registered_at": 0, "changed_at": 0,
                }  # fmt: skip
                await tx.execute(insert(account), row)
        yield opened


async def fill(archive: SmallArchive, random: Random, count: int) -> tuple[list[Said], set[int]]:
    """Let the accounts say random things; return them, and which a hold of the matter has."""
    said, ids = [], []
    for number in range(count):
        of = random.choice(tuple(UNITS))
        searchable = random.random() > 0.1
        words = random.sample(WORDS, random.randint(1, 4)) if searchable else []
        at = START - timedelta(days=random.randint(0, 1500))
        posted = arrival(f"p{number}", " ".join(words), account=of, posted_at=at)
        (kept,) = await archive.capture(posted)
        ids.append(kept.record_id)
        said.append(Said(of, frozenset(words), at, searchable))
    await archive.index_all()
    async with archive.database.transaction() as tx:
        silent = [ids[at] for at, each in enumerate(said) if not each.searchable]
        await tx.execute(update(record).where(record.c.id.in_(silent)).values(searchable=False))
    members = set(random.sample(range(count), count // 5))
    await archive.holds.place(
        name="h",
        matter=MATTER,
        reason="r",
        record_ids=[ids[each] for each in sorted(members)],
        actor=COUNSEL,
    )
    return said, members


@pytest.mark.parametrize("queries", [15, pytest.param(200, marks=pytest.mark.faults)])
async def test_every_number_a_limited_person_sees_is_of_their_records(
    archive: SmallArchive, queries: int
) -> None:
    random = Random(SEED)
    said, members = await fill(archive, random, 90)
    parts = {
        limited(unit="Treasury"): [each for each in said if UNITS[each.account] == "Treasury"],
        limited(unit="Retail"): [each for each in said if UNITS[each.account] == "Retail"],
        limited(matter=MATTER): [said[each] for each in sorted(members)],
    }
    differing = numbers = 0
    for condition in (a_condition(random) for _ in range(queries)):
        everywhere = sum(map(condition.means, said))
        for actor, theirs in parts.items():
            mine = [each for each in theirs if condition.means(each)]
            differing += len(mine) != everywhere
            found = await archive.searching.overview(
                Asked(query=condition.text),
                limit=100,
                facets=(FieldName.ACCOUNT,),
                interval=Interval.YEAR,
                actor=actor,
            )
            covered = found.answer.covered
            assert found.answer.count == len(mine), condition.text
            assert len(found.answer.hits) == len(mine), condition.text
            assert found.accounts == len({each.account for each in mine}), condition.text
            assert covered.records == len(theirs)
            assert covered.not_searchable == sum(not each.searchable for each in theirs)
            (facet,) = found.facets
            told = dict(facet.values)
            assert told == dict(Counter(each.account.lower() for each in mine)), condition.text
            assert facet.other == 0
            assert found.histogram is not None
            years = {bucket.label: count for bucket, count in found.histogram.bars if count}
            assert years == dict(Counter(str(each.posted_at.year) for each in mine))
            counted = await archive.searching.count(condition.text, actor=actor)
            assert counted.count == len(mine)
            numbers += 8

    print(
        f"{queries} queries x {len(parts)} people = {queries * len(parts)} answers, {numbers} "
        f"numbers compared; the whole archive's count is another in {differing}"
    )
    assert differing > queries


async def test_a_cursor_of_somebody_else_opens_nothing_of_theirs(archive: SmallArchive) -> None:
    random = Random(SEED)
    await fill(archive, random, 30)
    whole = await archive.searching.search("NOT nothing", limit=2, actor=COUNSEL)
    mine = limited(unit="Treasury")

    for cursor in (whole.next_cursor, whole.next_cursor + "x", "x" * 100):
        with pytest.raises(InvalidInput):
            await archive.searching.search("NOT nothing", limit=2, cursor=cursor, actor=mine)
