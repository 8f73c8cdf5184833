"""A destruction dies at each of its steps, before or after it was done, and is gone on with.

Whatever the step: nothing held or unexpired ever loses a byte, and in the end nothing of the
condemned is left, the log explains what is gone, and the batch is done.
"""

import asyncio
import inspect
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archiver.app import Services
from archiver.assurance.verification import verify_full
from archiver.db import batches
from archiver.db import ledger as ledger_rows
from archiver.db import segments as segment_rows
from archiver.db.tables import event
from archiver.errors import Conflict
from archiver.model.actor import Actor, Role
from archiver.preserve.reader import RecordReader
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.disposal import MANAGER, NINE_YEARS, Time, approved, opened
from tests.fakes.disposal_people import ADA, BEN, RITA

OFFICER = Actor(name="otto", roles=frozenset(Role))
CANARY = b"xyzzycanary"
A_FEW = (3, 9, 13, 17)


class Died(BaseException):
    """The process is gone: nothing catches this."""


class Harm:
    """Counts steps and dies at one of them. `done` is whether the step was done all the same."""

    def __init__(self, at: int, *, done: bool) -> None:
        self.count = 0
        self._at = at
        self._done = done

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            number = self._begin()
            result = call(*args, **kwargs)
            self._end(number)
            return result

        return step

    def around_async(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def step(*args: Any, **kwargs: Any) -> Any:
            number = self._begin()
            result = await call(*args, **kwargs)
            self._end(number)
            return result

        return step

    def _begin(self) -> int:
        self.count += 1
        if self.count == self._at and not self._done:
            raise Died
        return self.count

    def _end(self, number: int) -> None:
        if number == self._at and self._done:
            raise Died


class Stepping:
    """A part of the archive as a destruction sees it: some of its calls are steps."""

    def __init__(self, part: object, harm: Harm, *names: str) -> None:
        self._part = part
        self._harm = harm
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in self._names:
            return found
        if inspect.iscoroutinefunction(found):
            return self._harm.around_async(found)
        return self._harm.around(found)


def harmed(services: Services, harm: Harm) -> None:
    """Make every write of a destruction a step; how events die is for `test_kill`."""
    destruction: Any = services.destruction
    destruction._database = Stepping(destruction._database, harm, "run")
    destruction._trail = Stepping(destruction._trail, harm, "record")
    destruction._gate._trail = destruction._trail
    destruction._index = Stepping(destruction._index, harm, "forget", "scrub")
    removal = destruction._removal
    removal.store = Stepping(removal.store, harm, "delete", "put", "set_legal_hold")
    destruction._removal = Stepping(removal, harm, "remove", "let_go", "put")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Time, str]:
    """An archive with an approved batch: a segment that dies whole, and one that is shared."""
    return asyncio.run(prepare(tmp_path_factory.mktemp("prepared") / "home"))


async def prepare(home: Path) -> tuple[Path, Time, str]:
    time = Time()
    settings = await found_whole(settings_for(home), clock=time)
    async with opened(settings, time) as services:
        for texts, media in ((("one", "two"), (b"f" * 400_000,)), (("three", "held", "five"), ())):
            await services.ingest.submit(
                [an_arrival(CANARY + b" " + each.encode(), media=media) for each in texts],
                actor=AGENT,
            )
        await services.loops.catch_up()
        posts = await stored_posts(services)
        await services.holds.place(name="Q", reason="suit", record_ids=[posts[3].id], actor=OFFICER)
        time.pass_by(NINE_YEARS)
        young = [an_arrival(b"plughyoung")]
        await services.ingest.submit(young, actor=AGENT)
        batch_id = await approved(services, posts)
        await services.loops.catch_up()
    return home, time, batch_id


async def dies_and_goes_on(
    prepared: tuple[Path, Time, str], home: Path, at: int, *, done: bool
) -> bool:
    """Run one trial; return whether the harm was met."""
    origin, started, batch_id = prepared
    shutil.copytree(origin, home)
    settings, time = settings_for(home), Time(started.now)
    harm = Harm(at, done=done)
    died = False
    try:
        async with opened(settings, time) as services:
            harmed(services, harm)
            await services.destruction.execute(batch_id, actor=MANAGER)
    except Died:
        died = True
    async with opened(settings, time) as services:
        await require_the_others(services)
        await services.destruction.resume()
        if await state_of(services, batch_id) == "approved":  # it died before anything was judged
            await services.destruction.execute(batch_id, actor=MANAGER)
        assert await state_of(services, batch_id) == "done"
        await require_the_others(services)
        await services.loops.catch_up()
        target = replace(services.verifying.target(), clock=time)
        report = await verify_full(target, workers=1, content=True)
        assert report.problems == ()
        assert dict(report.counts)["destroyed, as the log says"] == 4
    return died


async def state_of(services: Services, batch_id: str) -> str:
    async with services.database.reading() as tx:
        return (await batches.get(tx, batch_id)).state


async def require_the_others(services: Services) -> None:
    """The held post and the young one open from the store's bytes, whatever happened."""
    reader = RecordReader(services.archive.id, services.store.blocking, services.epochs)
    opened_posts = []
    for row in await stored_posts(services):
        async with services.database.reading() as tx:
            segment = await segment_rows.get(tx, row.segment_id)
            (entry,) = await ledger_rows.entries(tx, row.log_index, row.log_index + 1)
        try:
            record = reader.open(segment, row, entry)
        except Exception:  # noqa: BLE001 - the condemned may be gone by now
            continue
        opened_posts.append(reader.part(record, 0).content)
    assert {CANARY + b" held", b"plughyoung"} <= set(opened_posts)


async def refusals(services: Services) -> int:
    async with services.database.reading() as tx:
        rows = await tx.execute(select(event.c.result).where(event.c.action.like("disposal:%")))
        return sum(row.result == "refused" for row in rows)


async def test_what_a_stop_interrupts_goes_on_by_itself_when_it_is_lifted(
    prepared: tuple[Path, Time, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, started, batch_id = prepared
    shutil.copytree(origin, tmp_path / "home")
    async with opened(settings_for(tmp_path / "home"), Time(started.now)) as services:
        use = services.disposition
        publish = services.destruction._require_published

        async def stopped_and_publish(dis_index: int) -> int:
            await use.stop.stop(reason="a subpoena", actor=ADA)
            return await publish(dis_index)

        monkeypatch.setattr(services.destruction, "_require_published", stopped_and_publish)
        with pytest.raises(Conflict, match="all disposal is stopped: a subpoena"):
            await use.executions.execute(batch_id, actor=RITA)
        monkeypatch.undo()
        loops = {chore.name: chore.act for chore in services.loops.chores}

        # However long it lasts, that it waits is told, and is no event again and again.
        attempts = await refusals(services)
        for _ in range(3):
            assert "all disposal is stopped: a subpoena" in await loops["disposal"]()
        assert await refusals(services) == attempts
        assert await state_of(services, batch_id) == "executing"

        await use.stop.resume(reason="it was withdrawn", actor=BEN)
        assert await loops["disposal"]() == ""
        assert await loops["certificates"]() == ""
        assert await state_of(services, batch_id) == "done"
        assert (await use.certificates.show(batch_id, actor=ADA)).row.records == 4
        await require_the_others(services)


async def test_while_one_carries_out_a_batch_the_loop_of_another_only_waits(
    prepared: tuple[Path, Time, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, started, batch_id = prepared
    shutil.copytree(origin, tmp_path / "home")
    async with opened(settings_for(tmp_path / "home"), Time(started.now)) as services:
        loops = {chore.name: chore.act for chore in services.loops.chores}
        publish = services.destruction._require_published

        async def meanwhile(dis_index: int) -> int:
            attempts = await refusals(services)
            assert "another process is carrying out a batch" in await loops["disposal"]()
            assert await refusals(services) == attempts
            return await publish(dis_index)

        monkeypatch.setattr(services.destruction, "_require_published", meanwhile)
        await services.disposition.executions.execute(batch_id, actor=RITA)
        assert await state_of(services, batch_id) == "done"


@pytest.mark.parametrize("at", A_FEW)
async def test_a_destruction_that_dies_is_gone_on_with(
    prepared: tuple[Path, Time, str], tmp_path: Path, at: int
) -> None:
    assert await dies_and_goes_on(prepared, tmp_path / "home", at, done=at % 2 == 0)


@pytest.mark.faults
@pytest.mark.parametrize("done", [False, True])
async def test_a_destruction_may_die_at_every_step(
    prepared: tuple[Path, Time, str],
    tmp_path: Path,
    done: bool,  # noqa: FBT001 - pytest hands parameters over by name
) -> None:
    at = 1
    while await dies_and_goes_on(prepared, tmp_path / f"home{at}", at, done=done):
        shutil.rmtree(tmp_path / f"home{at}")
        at += 1
    assert at > max(A_FEW)
