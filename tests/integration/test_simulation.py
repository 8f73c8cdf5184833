"""A simulation tells of every record what the retention engine tells, summed up."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from archiver.audit.actions import Action
from archiver.clock import from_millis
from archiver.db.facts import facts_of
from archiver.db.file_plan import get_schedule
from archiver.db.retained import held_among, media_among
from archiver.db.tables import record, segment
from archiver.db.transaction import Database
from archiver.disposal.kept_simulations import KeptSimulations, members_of
from archiver.disposal.simulation import Simulation
from archiver.disposal.simulation_result import Category, Place, Selection, SimulationResult
from archiver.errors import Denied, InvalidInput
from archiver.model.actor import Actor, Role
from retention.decisions import Keep, State, decide, retain_until
from retention.facts import Hold
from retention.periods import Period
from retention.rules import Rule, RuleSet
from retention.schedules import Schedule
from tests.fakes.random_archives import (
    ACCOUNTS,
    CLASSES,
    RandomArchive,
    archives,
    schedules_of,
    written,
)
from tests.fakes.small_archive import AGENT, SmallArchive, arrival, small_archive

MANAGER = Actor(name="rita", roles=frozenset({Role.RECORDS_MANAGER}))
HOLD = Hold(id="h", matter="m", placed_at=datetime(2020, 1, 1, tzinfo=UTC))

Found = Counter[tuple[Place, Category | str]]

at_random = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def simulation_on(database: Database, now: datetime) -> Simulation:
    """Simulations that record no event: nobody is asking."""
    return Simulation(database=database, clock=lambda: now, trail=None)  # type: ignore[arg-type]


def counted(result: SimulationResult) -> Found:
    """Records and bytes of every number of a simulation but those that are zero."""
    found: Found = Counter()
    for place, line in result.lines.items():
        for name, count in (
            ("before", line.before),
            ("after", line.after),
            *line.found.items(),
        ):
            if count.records:
                found[place, name] += count.bytes * 1_000 + count.records
    return found


async def one_by_one(
    database: Database, archive: RandomArchive, subject: Schedule | RuleSet
) -> Found:
    """The same numbers, from the engine's answers on each record."""
    in_force = {each.class_code: each for each in archive.schedules}
    found: Found = Counter()
    async with database.reading() as tx:
        rows = (
            await tx.execute(
                select(record, segment.c.lock_until)
                .join(segment, segment.c.id == record.c.segment_id)
                .order_by(record.c.log_index)
            )
        ).all()
        facts = await facts_of(tx, [row.log_index for row in rows])
        held = await tx.run_sync(lambda sync: held_among(sync, 0, 99))
        media = await tx.run_sync(lambda sync: media_among(sync, 0, 99))
    for row in rows:
        of = facts[row.log_index]
        if isinstance(subject, Schedule):
            if row.class_code != subject.class_code:
                continue
            after_class, after = row.class_code, subject
        else:
            after_class = subject.assign(of).class_code
            after = in_force[after_class]
        holds = (HOLD,) if row.log_index in held else ()
        lock = from_millis(row.lock_until) if row.lock_until else None
        size = (row.frame_length + media.get(row.log_index, 0)) * 1_000 + 1
        keeps = retain_until(of, in_force[row.class_code]), retain_until(of, after)
        states = [
            decide(of, each, holds, archive.now, lock_until=lock).state
            for each in (in_force[row.class_code], after)
        ]
        unheld = decide(of, after, (), archive.now, lock_until=lock).state
        was, place = (
            Place(year(keep), row.platform, row.account, code)
            for keep, code in zip(keeps, (row.class_code, after_class), strict=True)
        )
        found[was, "before"] += size
        found[place, "after"] += size
        for category, applies in {
            Category.LONGER: rank(keeps[1]) > rank(keeps[0]),
            Category.SHORTER: rank(keeps[1]) < rank(keeps[0]),
            Category.NEWLY_DUE: states[1] is State.ELIGIBLE and states[0] is not State.ELIGIBLE,
            Category.NO_LONGER_DUE: states[0] is State.ELIGIBLE and states[1] is not State.ELIGIBLE,
            Category.HELD: bool(holds) and unheld in (State.ELIGIBLE, State.LOCKED),
            Category.LOCKED: states[1] is State.LOCKED or outlasts(lock, keeps, archive.now, holds),
            Category.AWAITING: keeps[1].kind is State.AWAITING_EVENT,
            Category.MOVED: after_class != row.class_code,
        }.items():
            if applies:
                found[place, category] += size
    return found


def rank(keep: Keep) -> tuple[int, datetime | None]:
    order = [State.RETAIN, State.AWAITING_EVENT, State.PERMANENT]
    return order.index(keep.kind), keep.until


def year(keep: Keep) -> str:
    if keep.until is not None:
        return str((keep.until - timedelta(milliseconds=1)).year)
    return "permanent" if keep.kind is State.PERMANENT else "awaiting"


def outlasts(
    lock: datetime | None, keeps: tuple[Keep, Keep], now: datetime, holds: tuple[Hold, ...]
) -> bool:
    """Whether a lock keeps what a change would let go sooner."""
    until = keeps[1].until
    shorter = rank(keeps[1]) < rank(keeps[0])
    return bool(not holds and shorter and lock and until and lock > max(until, now))


async def kept_opens_the_same_lists(
    simulation: Simulation, subject: Schedule | RuleSet, result: SimulationResult
) -> None:
    """Each number of a kept simulation opens the list that walking the archive gives."""
    with TemporaryDirectory() as folder:
        kept = KeptSimulations(Path(folder) / "simulations", lambda: result.as_of)
        kept.keep(result)
        found = kept.find(result.digest)
    assert found is not None
    assert (counted(found), found.summary()) == (counted(result), result.summary())
    for place, line in found.lines.items():
        for category, count in line.found.items():
            wanted = Selection(
                category=category,
                year=place.year,
                platform=place.platform,
                account=place.account,
                class_code=place.class_code,
            )
            members = members_of(found, wanted, after=-1, limit=200)
            walked = await simulation.records(subject, wanted, limit=200, actor=MANAGER)
            assert await simulation.at(subject, members, actor=MANAGER) == walked
            assert len(members) == count.records
            assert members_of(found, wanted, after=members[0].log_index, limit=1) == members[1:2]


@at_random
@given(archive=archives, proposed=schedules_of("default", 2))
async def test_a_simulated_schedule_counts_what_the_engine_decides_of_each_record(
    migrated_sqlite: Path, archive: RandomArchive, proposed: Schedule
) -> None:
    async with written(archive, migrated_sqlite) as database:
        simulation = simulation_on(database, archive.now)
        result = await simulation.of_schedule(proposed)

        assert counted(result) == await one_by_one(database, archive, proposed)
        await kept_opens_the_same_lists(simulation, proposed, result)


rule_sets = st.builds(
    lambda rules, default: RuleSet(version=2, default_class=default, rules=tuple(rules)),
    st.lists(
        st.builds(
            Rule,
            id=st.uuids().map(lambda each: each.hex[:8]),
            class_code=st.sampled_from(CLASSES),
            accounts=st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=2).map(tuple),
        ),
        max_size=2,
        unique_by=lambda rule: rule.id,
    ),
    st.sampled_from(CLASSES),
)


@at_random
@given(archive=archives, rules=rule_sets)
async def test_simulated_rules_count_what_the_engine_decides_of_each_record(
    migrated_sqlite: Path, archive: RandomArchive, rules: RuleSet
) -> None:
    async with written(archive, migrated_sqlite) as database:
        simulation = simulation_on(database, archive.now)
        result = await simulation.of_rules(rules)

        assert counted(result) == await one_by_one(database, archive, rules)
        await kept_opens_the_same_lists(simulation, rules, result)


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


async def default_schedule(archive: SmallArchive, years: int) -> Schedule:
    """The default schedule with all its periods of so many years."""
    async with archive.database.reading() as tx:
        body = await get_schedule(tx, "default", 1)
    before = Schedule.from_dict(body)
    terms = tuple(replace(term, period=Period(years=years)) for term in before.terms)
    return replace(before, version=2, terms=terms)


class TestAsking:
    async def test_a_number_opens_its_list_page_by_page_and_the_asking_is_an_event(
        self, archive: SmallArchive
    ) -> None:
        outcomes = [
            *await archive.capture(*(arrival(f"p{n}", f"text {n}") for n in range(5))),
            *await archive.capture(arrival("other", "text", account="@shop")),
        ]
        simulation = Simulation(database=archive.database, clock=archive.clock, trail=archive.trail)
        longer = await default_schedule(archive, 20)

        result = await simulation.run(longer, actor=MANAGER)

        assert result.total.found[Category.LONGER].records == 6
        assert list(result.by_year()) == ["2033", "2046"]
        assert {account for _, account in result.by_account()} == {"@acme", "@shop"}
        (event, *_) = await archive.events_about("default")
        assert event.action == Action.PLAN_SIMULATED
        wanted = Selection(category=Category.LONGER, account="@acme", year="2046")
        first = await simulation.records(longer, wanted, limit=3, actor=MANAGER)
        rest = await simulation.records(
            longer, wanted, after=first[-1].log_index, limit=3, actor=MANAGER
        )
        assert [each.id for each in (*first, *rest)] == [
            outcome.record_id for outcome in outcomes[:5]
        ]
        assert first[0].to_dict()["after"] == "2046-03-03T00:00:00.000Z"

    async def test_who_may_not_read_the_file_plan_simulates_nothing(
        self, archive: SmallArchive
    ) -> None:
        simulation = Simulation(database=archive.database, clock=archive.clock, trail=archive.trail)
        schedule = await default_schedule(archive, 1)
        wanted = Selection(category=Category.LONGER)
        with pytest.raises(Denied):
            await simulation.run(schedule, actor=AGENT)
        with pytest.raises(Denied):
            await simulation.records(schedule, wanted, actor=AGENT)
        with pytest.raises(InvalidInput):
            await simulation.records(schedule, wanted, limit=201, actor=MANAGER)

    async def test_rules_that_name_a_class_without_a_schedule_are_not_simulated(
        self, archive: SmallArchive
    ) -> None:
        simulation = Simulation(database=archive.database, clock=archive.clock, trail=archive.trail)
        with pytest.raises(InvalidInput, match="nowhere"):
            await simulation.of_rules(RuleSet(version=2, default_class="nowhere"))
