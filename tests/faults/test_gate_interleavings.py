"""Holds, events and schedules between the steps of a destruction, in every order of two of them.

Every transaction of a destruction is in turn with those of the others, so that what can happen in
between is a matter of at which of its steps it happens. Each is tried at each, and each two at each
two: whatever is held or not due when a record is condemned or claimed keeps its bytes, and what
came too late is told so. In the end the batch is done, and the log explains the store.
"""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations_with_replacement, permutations, product
from pathlib import Path
from typing import Any

import pytest

from archiver.app import Services
from archiver.assurance.verification import verify_full
from archiver.config import Settings
from archiver.db import batches
from archiver.db import disposed as disposed_rows
from archiver.disposal.stated_events import NewEvent
from archiver.errors import Conflict, InvalidInput
from archiver.model.actor import Actor, Role
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.disposal import MANAGER, NINE_YEARS, Time, approved, opened
from tests.fakes.disposal_people import ADA, RITA, employ
from tests.fakes.postgres import Postgres
from tests.integration.test_destruction import readable

OFFICER = Actor(name="otto", roles=frozenset(Role))
STEPS = ("before", "condemned", "published", "claimed", "removed", "after")
"""Where something can happen: before the gate; behind its `dis` entries; when they are public; when
what will remain is written; when the objects are gone; when the batch is done."""

LAST_LOOK = STEPS.index("published")
"""What happened up to here is seen by the claim."""

WITH_KEYS = STEPS.index("claimed")
"""Up to here the keys are there: a hold that the store has by now keeps the record as well."""


class Archive:
    """One post whose account was closed nine years ago, in an approved batch."""

    def __init__(self, services: Services, time: Time, batch_id: str, record_id: str) -> None:
        self.services = services
        self.record_id = record_id
        self.time = time
        self.batch_id = batch_id
        self.hold_id = ""

    async def place(self) -> None:
        try:
            hold = await self.services.holds.place(
                name="H", reason="suit", record_ids=[self.record_id], actor=OFFICER
            )
        except InvalidInput:  # it is told that there is no such record any more
            assert await is_destroyed(self.services, self.record_id)
            return
        self.hold_id = hold.id

    async def release(self) -> None:
        if self.hold_id:
            await self.services.holds.release(self.hold_id, reason="settled", actor=OFFICER)
            self.hold_id = ""

    async def late(self) -> None:
        """The account was closed years later than was stated."""
        (event,) = (await self.services.keeping.events.list(actor=RITA)).items
        await self.services.keeping.events.correct(
            event.row.id, happened_at=self.time.now, reason="wrong year", actor=RITA
        )
        await self.services.keeping.refiling.finish()

    async def longer(self) -> None:
        await bring_into_force(self.services, self.time, period="P20Y")


ACTS: dict[str, Callable[[Archive], Awaitable[None]]] = {
    "place": Archive.place,
    "release": Archive.release,
    "late": Archive.late,
    "longer": Archive.longer,
}
KEEPS_BY_TIME = {"late", "longer"}
Plan = tuple[tuple[str, int], ...]
"""What happens at which step, in the order it happens."""


def plans() -> Iterable[Plan]:
    """Each act at each step, and each two different acts at each two steps, in either order."""
    steps = range(len(STEPS))
    yield ()
    yield from (((name, at),) for name, at in product(ACTS, steps) if name != "release")
    for (one, other), (first, second) in product(
        permutations(ACTS, 2), combinations_with_replacement(steps, 2)
    ):
        if one != "release":  # nothing is held yet
            yield (one, first), (other, second)


def must_stay(plan: Plan) -> bool:
    """Whether the record is held, or not due, at the gate or the claim; or held with its keys."""
    if any(name in KEEPS_BY_TIME and at <= LAST_LOOK for name, at in plan):
        return True
    return any(_held_at(plan, at) for at in (0, LAST_LOOK, WITH_KEYS))


def _held_at(plan: Plan, step: int) -> bool:
    acts = [name for name, at in plan if at <= step and name in {"place", "release"}]
    return bool(acts) and acts[-1] == "place"


async def bring_into_force(services: Services, time: Time, **changed: Any) -> None:
    """Change the terms of the class of all posts: by Rita, approved by Ada, and refiled."""
    plan = services.plan
    draft = await plan.drafts.make("default", reason="counsel asks", actor=RITA)
    body = json.loads(draft.row.body)
    for term in body["terms"]:
        term.update(changed)
    draft = await plan.drafts.edit(draft.row.id, body=body, actor=RITA)
    await plan.life.submit(draft.row.id, actor=RITA)
    await plan.life.approve(draft.row.id, reason="seen", actor=ADA)
    time.now = time.now.replace(microsecond=0)
    time.pass_by(NINE_YEARS / 3285)  # a day
    await services.keeping.refiling.finish()


async def prepare(settings: Settings, time: Time) -> str:
    """Found an archive with the post in an approved batch; return the batch."""
    await found_whole(settings, clock=time)
    async with opened(settings, time) as services:
        await employ(services, RITA, ADA)
        await bring_into_force(services, time, trigger="event:account_closed")
        await services.ingest.submit([an_arrival(b"one")], actor=AGENT)
        (row,) = await stored_posts(services)
        event = NewEvent(
            name="account_closed",
            happened_at=time.now,
            platform=row.platform,
            account=row.account,
        )
        await services.keeping.events.state(event, actor=RITA)
        await services.keeping.refiling.finish()
        await services.locks.keep(actor=OFFICER)
        time.pass_by(NINE_YEARS)
        (row,) = await stored_posts(services)
        batch_id = await approved(services, [row])
        await services.loops.catch_up()
    return batch_id


def scheduled(archive: Archive, plan: Plan) -> Callable[[int], Awaitable[None]]:
    """Let the acts of a plan happen at the steps of the next execution, each once."""
    waiting = list(plan)

    async def reach(step: int) -> None:
        while waiting and waiting[0][1] <= step:
            await ACTS[waiting.pop(0)[0]](archive)

    destruction: Any = archive.services.destruction
    publish, mirror = destruction._require_published, destruction._mirror_holds
    remove, forget = destruction._erasure.remove, destruction._index.forget

    async def published(dis_index: int) -> int:
        await reach(STEPS.index("condemned"))
        return int(await publish(dis_index))

    async def mirrored() -> None:
        await reach(STEPS.index("published"))
        await mirror()

    async def removed(doomed: object) -> None:
        await reach(STEPS.index("claimed"))
        await remove(doomed)

    async def forgot(indexes: Sequence[int]) -> bool:
        await reach(STEPS.index("removed"))
        return bool(await forget(indexes))

    destruction._require_published, destruction._mirror_holds = published, mirrored
    destruction._erasure.remove, destruction._index.forget = removed, forgot
    return reach


async def trial(settings: Settings, time: Time, batch_id: str, plan: Plan) -> None:
    """Run one order of things, and require what must be true at its end."""
    async with opened(settings, time) as services:
        (row,) = await stored_posts(services)
        archive = Archive(services, time, batch_id, row.id)
        reach = scheduled(archive, plan)
        await reach(0)
        with suppress(Conflict):  # ends were being worked out: it is gone on with
            await services.destruction.execute(batch_id, actor=MANAGER)
        await reach(len(STEPS))
        await finished(services, batch_id)
        is_gone = await is_destroyed(services, row.id)
        assert is_gone != must_stay(plan), plan
        if not is_gone:
            await readable(services, [row])
        await services.locks.keep(actor=OFFICER)  # years have passed in a moment
        await services.loops.catch_up()
        target = replace(services.verifying.target(), clock=time)
        assert (await verify_full(target, workers=1, content=True)).problems == (), plan


async def is_destroyed(services: Services, record_id: str) -> bool:
    async with services.database.reading() as tx:
        return await disposed_rows.find_remains(tx, record_id) is not None


async def finished(services: Services, batch_id: str) -> None:
    """Go on with a batch until it is done, as the loop of a process does."""
    async with services.database.reading() as tx:
        state = (await batches.get(tx, batch_id)).state
    if state != "done":
        await services.destruction.execute(batch_id, actor=MANAGER)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Time, str]:
    home, time = tmp_path_factory.mktemp("prepared") / "home", Time()
    return home, time, asyncio.run(prepare(settings_for(home), time))


async def copied(prepared: tuple[Path, Time, str], home: Path, plan: Plan) -> None:
    origin, started, batch_id = prepared
    shutil.copytree(origin, home)
    await trial(settings_for(home), Time(started.now), batch_id, plan)


SOME: tuple[Plan, ...] = (
    (("late", 2),),
    (("longer", 1),),
    (("place", 3),),
    (("place", 4),),
    (),
    (("place", 1),),
    (("place", 1), ("release", 2)),
)


@pytest.mark.parametrize("plan", SOME[:4], ids=str)
async def test_what_keeps_a_record_when_it_is_claimed_keeps_its_bytes(
    prepared: tuple[Path, Time, str], tmp_path: Path, plan: Plan
) -> None:
    await copied(prepared, tmp_path / "home", plan)


@pytest.mark.faults
async def test_in_every_order_of_two_nothing_held_or_not_due_is_destroyed(
    prepared: tuple[Path, Time, str], tmp_path: Path
) -> None:
    for number, plan in enumerate(plans()):
        await copied(prepared, tmp_path / str(number), plan)
        shutil.rmtree(tmp_path / str(number))


@pytest.mark.faults
@pytest.mark.integration
@pytest.mark.parametrize("plan", SOME, ids=str)
async def test_and_so_on_postgresql(postgres: Postgres, tmp_path: Path, plan: Plan) -> None:
    settings = settings_for(tmp_path / "home", database_url=postgres.fresh_database())
    time = Time()
    await trial(settings, time, await prepare(settings, time), plan)
