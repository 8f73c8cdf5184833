"""Jobs: each runs once, tells how far it is, can be cancelled, is never lost in silence."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.access.rules import Permission
from archiver.audit.actions import Action
from archiver.db.jobs import JobState
from archiver.db.transaction import Database
from archiver.errors import (
    ArchiverError,
    ConfigurationError,
    Conflict,
    Denied,
    IntegrityError,
    InvalidInput,
    NotFound,
    StorageUnavailable,
)
from archiver.ids import Ulids
from archiver.jobs import work_runner
from archiver.jobs.work import MOST_PER_PERSON, Kind, Result, Work
from archiver.jobs.work_run import Run, WorkFiles
from archiver.jobs.work_runner import INTERRUPTED, LOST_AFTER, Runner
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.requester import actor_of, actor_text
from tests.fakes.small_archive import MovingClock

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def person(name: str, *roles: Role, limited: frozenset[LimitedRole] = frozenset()) -> Actor:
    return Actor(
        name=name, roles=frozenset(roles), via="web", person_id=f"P-{name}", limited=limited
    )


AUDREY = person("audrey", Role.AUDITOR)
CARLA = person("carla", Role.COUNSEL)
OMAR = person("omar", Role.OPERATOR)
VERA = person("vera", Role.REVIEWER)


@dataclass
class Noted:
    """What would have been an event."""

    events: list[tuple[Action, str]] = field(default_factory=list)

    async def record(self, action: Action, *, actor: Actor, **_: object) -> int:
        self.events.append((action, actor.name))
        return len(self.events)


@dataclass
class Shop:
    """The jobs of one database, and processes that run them."""

    database: Database
    clock: MovingClock
    work: Work
    files: WorkFiles
    trail: Noted
    ran: Counter[str] = field(default_factory=Counter)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def runner(self, name: str = "A") -> Runner:
        return Runner(
            name=name,
            database=self.database,
            kinds=self.work.kinds,
            clock=self.clock,
            files=self.files,
        )

    async def start(self, kind: str = "count", *, actor: Actor = AUDREY, **arguments: int) -> str:
        job = await self.work.start(kind, subject="ten things", arguments=arguments, actor=actor)
        return job.id

    async def show(self, job_id: str, *, actor: Actor = AUDREY) -> JobView:
        return await self.work.show(job_id, actor=actor)

    async def count(self, run: Run) -> Result:
        self.ran[run.id] += 1
        run.progress("Counting", 10, 10)
        return {"counted": 10, "private": {"first": "one"}}

    async def wait(self, run: Run) -> Result:
        """Go on until told to stop, or let through the gate."""
        self.began.set()
        while not self.gate.is_set():
            run.progress("Waiting", 1, 4)
            await asyncio.sleep(0.01)
        return {}

    async def write(self, run: Run) -> Result:
        run.result_path.write_bytes(b"words of a post")
        run.keep("bundle.zip", "application/zip")
        return {}


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    clock, files, trail = MovingClock(NOW), WorkFiles(tmp_path / "work"), Noted()
    work = Work(
        database=database,
        clock=clock,
        ulids=Ulids(),
        trail=trail,  # type: ignore[arg-type] # it only notes what it is asked to record
        files=files,
    )
    shop = Shop(database=database, clock=clock, work=work, files=files, trail=trail)
    verify, export = Permission.VERIFY, Permission.EXPORT
    work.register(
        Kind(name="count", title="Count", permission=verify, run=shop.count),
        Kind(name="wait", title="Wait", permission=verify, run=shop.wait),
        Kind(name="bundle", title="Bundle", permission=export, run=shop.write, holds_content=True),
        Kind(name="report", title="Report", permission=verify, run=shop.write),
        Kind(name="part", title="Part", permission=export, run=shop.count, in_part=True),
    )
    return shop


class TestRunning:
    async def test_a_job_runs_and_tells_what_it_did(self, shop: Shop) -> None:
        job_id = await shop.start()
        assert (await shop.show(job_id)).state is JobState.QUEUED

        await shop.runner().work_off()

        job = await shop.show(job_id)
        assert (job.state, job.phase, job.done, job.total) == (JobState.DONE, "Counting", 10, 10)
        assert job.result == {"counted": 10}
        assert job.private == {"first": "one"}
        assert [words for _, words in job.lines] == ["Counting"]

    async def test_of_several_processes_one_runs_a_job(self, shop: Shop) -> None:
        jobs = [await shop.start() for _ in range(12)]

        await asyncio.gather(*(shop.runner(name).work_off() for name in "ABC"))

        assert shop.ran == dict.fromkeys(jobs, 1)
        assert {(await shop.show(job)).state for job in jobs} == {JobState.DONE}

    async def test_a_job_asked_for_while_the_loop_idles_begins_at_once(self, shop: Shop) -> None:
        runner = shop.runner()
        shop.work.news = runner.notify
        loop = asyncio.create_task(_for_ever(runner))
        try:
            await asyncio.sleep(0)
            job_id = await shop.start()
            await _until(shop, job_id, JobState.DONE)
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def test_arguments_and_rights_reach_the_process_that_runs_it(self, shop: Shop) -> None:
        seen: list[Run] = []

        async def look(run: Run) -> Result:
            seen.append(run)
            return {}

        shop.work.register(
            Kind(name="look", title="Look", permission=Permission.EXPORT, run=look, in_part=True)
        )
        limited = person(
            "lena", limited=frozenset({LimitedRole(role=Role.COUNSEL, unit="Treasury")})
        )
        await shop.start("look", actor=limited, number=7)

        await shop.runner().work_off()

        assert (seen[0].arguments, seen[0].actor) == ({"number": 7}, limited)

    def test_broken_glass_does_not_outlive_its_session(self) -> None:
        broken = replace(OMAR, broken_glass="a subpoena")

        assert actor_of(actor_text(broken)) == OMAR

    async def test_an_estimate_is_made_from_the_pace_and_only_while_it_runs(
        self, shop: Shop
    ) -> None:
        job_id = await shop.start("wait")
        running = asyncio.create_task(shop.runner().work_off())
        await _until(shop, job_id, JobState.RUNNING, lambda job: job.done == 1)

        shop.clock.pass_by(timedelta(seconds=10))
        job = await shop.show(job_id)

        assert job.estimated_end == shop.clock.now + timedelta(seconds=30)
        shop.gate.set()
        await running
        assert (await shop.show(job_id)).estimated_end is None


class TestFailing:
    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (InvalidInput("expected a date, found 'x'"), "expected a date, found 'x'"),
            (StorageUnavailable("the disk is full"), "the disk is full"),
            (ConfigurationError("postgres://user:secret@db"), "misconfigured"),
            (IntegrityError("/srv/store/seg/1 differs"), "verify the archive"),
            (RuntimeError("a bug in /srv/app.py"), "nobody foresaw"),
        ],
    )
    async def test_an_error_is_told_in_words_and_what_names_hosts_is_not(
        self, shop: Shop, error: Exception, told: str
    ) -> None:
        async def fail(_: Run) -> Result:
            raise error

        shop.work.register(Kind(name="fail", title="Fail", permission=Permission.VERIFY, run=fail))
        job_id = await shop.start("fail")

        await shop.runner().work_off()

        job = await shop.show(job_id)
        assert job.state is JobState.FAILED
        assert told in job.error
        assert "secret" not in job.error
        assert "/srv" not in job.error

    async def test_one_failing_job_does_not_keep_the_next_from_running(self, shop: Shop) -> None:
        async def fail(_: Run) -> Result:
            raise ArchiverError("no")

        shop.work.register(Kind(name="fail", title="Fail", permission=Permission.VERIFY, run=fail))
        failing, counting = await shop.start("fail"), await shop.start()

        await shop.runner().work_off()

        assert (await shop.show(failing)).state is JobState.FAILED
        assert (await shop.show(counting)).state is JobState.DONE

    async def test_the_job_of_a_dead_process_is_interrupted_and_not_begun_again(
        self, shop: Shop
    ) -> None:
        job_id = await shop.start("wait")
        dead = asyncio.create_task(shop.runner("dead").work_off())
        await shop.began.wait()
        await _kill(dead)
        assert (await shop.show(job_id)).state is JobState.RUNNING

        shop.clock.pass_by(LOST_AFTER + timedelta(seconds=1))
        await shop.runner("alive").work_off()

        job = await shop.show(job_id)
        assert (job.state, job.error) == (JobState.FAILED, INTERRUPTED)
        assert job.may_start_again

    async def test_a_process_that_was_taken_for_dead_stops_and_changes_nothing(
        self, shop: Shop
    ) -> None:
        job_id = await shop.start("wait")
        slow = asyncio.create_task(shop.runner("slow").work_off())
        await shop.began.wait()

        shop.clock.pass_by(LOST_AFTER + timedelta(seconds=1))
        other = shop.runner("other")
        while (await shop.show(job_id)).state is JobState.RUNNING:  # it may say it lives first
            shop.clock.pass_by(LOST_AFTER + timedelta(seconds=1))
            await other.work_off()
        await slow

        assert (await shop.show(job_id)).error == INTERRUPTED

    async def test_a_process_that_slept_does_not_take_itself_for_dead(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work_runner, "_BEAT_S", 60)  # it looks before it says that it lives
        monkeypatch.setattr(work_runner, "_IDLE_S", 0.01)
        job_id = await shop.start("wait")
        loop = asyncio.create_task(_for_ever(shop.runner()))
        await shop.began.wait()

        shop.clock.pass_by(timedelta(hours=8))
        await asyncio.sleep(0.2)
        shop.gate.set()
        while (job := await shop.show(job_id)).state is JobState.RUNNING:  # noqa: ASYNC110 - as in `_until`
            await asyncio.sleep(0.01)
        assert (job.state, job.error) == (JobState.DONE, "")

        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)

    async def test_stopping_the_process_interrupts_its_jobs_and_says_so(self, shop: Shop) -> None:
        job_id = await shop.start("wait")
        loop = asyncio.create_task(_for_ever(shop.runner()))
        await shop.began.wait()
        started = time.monotonic()

        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)

        job = await shop.show(job_id)
        assert (job.state, job.error) == (JobState.FAILED, INTERRUPTED)
        assert time.monotonic() - started < work_runner._GRACE_S

    async def test_an_ended_job_is_started_again_with_the_same_arguments(self, shop: Shop) -> None:
        job_id = await shop.start(number=3)
        await shop.runner().work_off()

        again = await shop.work.again(job_id, actor=AUDREY)
        await shop.runner().work_off()

        assert again.id != job_id
        assert (await shop.show(again.id)).state is JobState.DONE


class TestCancelling:
    async def test_a_waiting_job_is_cancelled_at_once_and_never_runs(self, shop: Shop) -> None:
        job_id = await shop.start()

        job = await shop.work.cancel(job_id, actor=AUDREY)
        await shop.runner().work_off()

        assert (job.state, job.cancelled_by) == (JobState.CANCELLED, "audrey")
        assert shop.ran == {}
        assert shop.trail.events == [(Action.JOB_CANCELLED, "audrey")]

    async def test_a_running_job_stops_where_it_tells_how_far_it_is(self, shop: Shop) -> None:
        job_id = await shop.start("wait")
        running = asyncio.create_task(shop.runner().work_off())
        await shop.began.wait()

        await shop.work.cancel(job_id, actor=AUDREY)
        await running

        job = await shop.show(job_id)
        assert (job.state, job.done) == (JobState.CANCELLED, 1)

    async def test_work_in_a_thread_is_stopped_as_well(self, shop: Shop) -> None:
        began, left = asyncio.Event(), []

        def busy(run: Run, begin: Callable[[], object]) -> None:
            try:
                while True:
                    run.progress("Busy", 1, 2)
                    begin()
                    time.sleep(0.01)
            finally:
                left.append("the thread has ended")

        async def work(run: Run) -> Result:
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(busy, run, lambda: loop.call_soon_threadsafe(began.set))
            return {}

        shop.work.register(Kind(name="busy", title="Busy", permission=Permission.VERIFY, run=work))
        job_id = await shop.start("busy")
        running = asyncio.create_task(shop.runner().work_off())
        await began.wait()

        await shop.work.cancel(job_id, actor=AUDREY)
        await running

        assert (await shop.show(job_id)).state is JobState.CANCELLED
        assert left == ["the thread has ended"]

    async def test_work_that_does_not_listen_is_cut_off(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work_runner, "_GRACE_S", 0.05)

        async def deaf(_: Run) -> Result:
            shop.began.set()
            await asyncio.Event().wait()
            return {}

        shop.work.register(Kind(name="deaf", title="Deaf", permission=Permission.VERIFY, run=deaf))
        job_id = await shop.start("deaf")
        running = asyncio.create_task(shop.runner().work_off())
        await shop.began.wait()

        await shop.work.cancel(job_id, actor=AUDREY)
        await running

        assert (await shop.show(job_id)).state is JobState.CANCELLED

    async def test_an_ended_job_cannot_be_cancelled(self, shop: Shop) -> None:
        job_id = await shop.start()
        await shop.runner().work_off()

        with pytest.raises(Conflict, match="has ended"):
            await shop.work.cancel(job_id, actor=AUDREY)

    async def test_only_who_operates_cancels_the_jobs_of_others(self, shop: Shop) -> None:
        job_id = await shop.start(actor=CARLA)

        with pytest.raises(NotFound):
            await shop.work.cancel(job_id, actor=VERA)
        with pytest.raises(Denied):
            await shop.work.cancel(job_id, actor=AUDREY)  # sees it, and changes nothing
        assert (await shop.work.cancel(job_id, actor=OMAR)).state is JobState.CANCELLED


class TestWhoMay:
    @pytest.mark.parametrize(
        ("kind", "actor"), [("count", VERA), ("bundle", OMAR), ("bundle", AUDREY), ("part", VERA)]
    )
    async def test_each_kind_asks_for_its_permission(
        self, shop: Shop, kind: str, actor: Actor
    ) -> None:
        with pytest.raises(Denied):
            await shop.start(kind, actor=actor)

    async def test_people_limited_to_a_part_ask_only_for_what_keeps_to_it(self, shop: Shop) -> None:
        lena = person("lena", limited=frozenset({LimitedRole(role=Role.COUNSEL, unit="Treasury")}))

        assert await shop.start("part", actor=lena)
        with pytest.raises(Denied):
            await shop.start("bundle", actor=lena)

    async def test_people_see_their_own_jobs_and_who_reads_settings_sees_all(
        self, shop: Shop
    ) -> None:
        hers = await shop.start(actor=CARLA)
        his = await shop.start(actor=OMAR)

        of_carla = await shop.work.list(actor=CARLA)
        of_omar = await shop.work.list(actor=OMAR)
        only_his = await shop.work.list(mine=True, actor=OMAR)

        assert [job.id for job in of_carla.items] == [hers]
        assert of_carla.total == sum(of_carla.states.values()) == 1
        assert {job.id for job in of_omar.items} == {hers, his}
        assert [job.id for job in only_his.items] == [his]
        with pytest.raises(NotFound):
            await shop.show(his, actor=CARLA)

    async def test_nobody_reads_content_through_the_file_of_another(self, shop: Shop) -> None:
        job_id = await shop.start("bundle", actor=CARLA)
        await shop.runner().work_off()

        hers = await shop.show(job_id, actor=CARLA)
        seen_by_others = await shop.show(job_id, actor=OMAR)

        assert hers.file is not None
        assert seen_by_others.file is None
        for other in (OMAR, AUDREY, VERA):
            with pytest.raises(NotFound):
                await shop.work.file(job_id, actor=other)
        found = await shop.work.file(job_id, actor=CARLA)
        assert found.path.read_bytes() == b"words of a post"
        assert shop.trail.events == [(Action.JOB_FETCHED, "carla")]

    async def test_who_lost_the_permission_no_longer_fetches_their_file(self, shop: Shop) -> None:
        job_id = await shop.start("bundle", actor=CARLA)
        await shop.runner().work_off()

        with pytest.raises(Denied):
            await shop.work.file(job_id, actor=replace(CARLA, roles=frozenset({Role.REVIEWER})))

    async def test_what_is_told_in_private_is_told_to_who_asked(self, shop: Shop) -> None:
        job_id = await shop.start(actor=CARLA)
        await shop.runner().work_off()

        assert (await shop.show(job_id, actor=CARLA)).private == {"first": "one"}
        assert (await shop.show(job_id, actor=OMAR)).private == {}

    async def test_a_person_has_only_so_many_jobs_under_way(self, shop: Shop) -> None:
        for _ in range(MOST_PER_PERSON):
            await shop.start()

        with pytest.raises(Conflict, match="under way"):
            await shop.start()
        assert await shop.start(actor=CARLA)


class TestFilesAndLists:
    async def test_a_file_is_kept_for_seven_days(self, shop: Shop) -> None:
        job_id = await shop.start("report")
        await shop.runner().work_off()

        shop.clock.pass_by(timedelta(days=6, hours=23))
        await shop.runner().sweep()
        assert (await shop.work.file(job_id, actor=AUDREY)).path.exists()

        shop.clock.pass_by(timedelta(hours=2))
        await shop.runner().sweep()
        assert shop.files.all() == []
        assert (await shop.show(job_id)).file is None
        with pytest.raises(NotFound):
            await shop.work.file(job_id, actor=AUDREY)

    async def test_a_folder_no_job_knows_is_deleted(self, shop: Shop) -> None:
        shop.files.folder("01KAM0NBDYKN0WS00000000001")

        await shop.runner().sweep()

        assert shop.files.all() == []

    async def test_a_list_goes_on_where_its_page_ended(self, shop: Shop) -> None:
        jobs = [await shop.start() for _ in range(5)]

        first = await shop.work.list(limit=3, actor=AUDREY)
        second = await shop.work.list(limit=3, cursor=first.next_cursor, actor=AUDREY)

        found = [job.id for job in (*first.items, *second.items)]
        assert found == jobs[::-1]
        assert (first.total, second.next_cursor) == (5, "")

    @pytest.mark.parametrize("field", ["state", "cursor"])
    async def test_a_filter_that_is_none_is_refused(self, shop: Shop, field: str) -> None:
        with pytest.raises(InvalidInput):
            await shop.work.list(**{field: "nonsense"}, actor=AUDREY)  # type: ignore[arg-type] # one of two texts

    async def test_arguments_have_a_limit(self, shop: Shop) -> None:
        with pytest.raises(InvalidInput, match="arguments"):
            await shop.work.start(
                "count", subject="much", arguments={"ids": "x" * 70_000}, actor=AUDREY
            )


async def _for_ever(runner: Runner) -> None:
    while True:
        await runner.act()


async def _until(
    shop: Shop,
    job_id: str,
    state: JobState,
    more: Callable[[JobView], bool] = lambda _job: True,
) -> None:
    while (job := await shop.show(job_id)).state is not state or not more(job):  # noqa: ASYNC110 - a row tells no event
        await asyncio.sleep(0.01)


async def _kill(process: "asyncio.Task[None]") -> None:
    """End a process's tasks without letting any say goodbye: what is left is what it wrote."""
    mine = [process, *(task for task in asyncio.all_tasks() if task.get_name().startswith("job "))]
    for task in mine:
        task.cancel()
    await asyncio.gather(*mine, return_exceptions=True)
