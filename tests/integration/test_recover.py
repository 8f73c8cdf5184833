"""`muniment recover`: the database is a view; lost or old, it comes back from the store."""

import argparse
import asyncio
import json
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archiver.app import Services, open_services
from archiver.assurance import rebuilding
from archiver.assurance.verification import verify_full
from archiver.cli.init import establish
from archiver.cli.main import main
from archiver.cli.output import Output
from archiver.cli.recover import recover_archive
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db.tables import metadata
from archiver.db.transaction import Database
from archiver.errors import (
    ArchiverError,
    ConfigurationError,
    Conflict,
    Denied,
    IntegrityError,
    StorageUnavailable,
)
from archiver.legal.hold_views import HoldView
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor, Role
from archiver.preserve.ledger import integrator
from archiver.preserve.ledger.entry import HoldEntry, OtherEntry, decode_entry
from archiver.preserve.object_keys import segment_prefix
from tests.conftest import BUCKET
from tests.fakes.archive import (
    AGENT,
    an_arrival,
    publish,
    require_included,
    row_and_entry,
    settings_for,
)
from tests.fakes.faulty_store import Call, Fault, FaultyStore
from tests.fakes.postgres import Postgres
from tests.fakes.seaweedfs import SeaweedFS

OFFICER = Actor(name="carla", roles=frozenset(Role))
WHY = "litigation expected"
_VIEWS = ("log_state", "token", "follower")  # that recovery need not bring back as they were

Rows = dict[str, set[tuple[object, ...]]]


@pytest.fixture
async def lived_in(tmp_path: Path) -> Settings:
    """An archive with posts, a film, a duplicate's original, and holds of every kind; published."""
    settings = settings_for(tmp_path / "home")
    await establish(settings, {Role.ADMINISTRATOR})
    await live(settings)
    return settings


async def live(settings: Settings) -> dict[str, HoldView]:
    """Use the archive for a day: capture, search, hold, release; all of it is published."""
    async with open_services(settings) as services:
        for number in range(4):
            await capture(services, *(f"merger {number} {n}" for n in range(5)))
        await services.ingest.submit(
            [an_arrival(b"the film", media=(b"f" * 400_000,))], actor=AGENT
        )
        views = await hold_some(services)
        await register_some(services)
        await report_some(services)
        await publish(services)
        return views


async def capture(services: Services, *texts: str) -> list[str]:
    """Capture posts and return their ids."""
    arrivals = [an_arrival(text.encode(), idempotency_key=text) for text in texts]
    return [each.record_id for each in await services.ingest.submit(arrivals, actor=AGENT)]


async def hold_some(services: Services) -> dict[str, HoldView]:
    """Place holds by query, by account and by ids, and one that is released again."""
    place = services.holds.place
    ids = [row[0] for row in await query(services.database, "record", "id", entry_type="rec")]
    views = {
        "query": await place(name="q", reason=WHY, query='"merger 1"', actor=OFFICER),
        "accounts": await place(
            name="a", matter="24-1", reason=WHY, accounts=["acme"], actor=OFFICER
        ),
        "ids": await place(name="i", reason=WHY, record_ids=ids[:3], actor=OFFICER),
        "released": await place(name="r", reason=WHY, query="merger", actor=OFFICER),
    }
    await services.holds.release(views["released"].id, reason="settled", actor=OFFICER)
    return views


async def report_some(services: Services) -> None:
    """Freeze what a search finds and report terms over it."""
    frozen = await services.frozen_sets.freeze("merger", name="M", actor=OFFICER)
    terms = Wanted(terms='"merger 1"\nmerg*\noops AND', set_id=frozen.id)
    await services.term_reports.make(terms, actor=OFFICER)


async def register_some(services: Services) -> None:
    """Register accounts; one moves to another unit, one is closed."""
    register = services.accounts.register
    moved = await register(platform="example", handle="acme", unit="Legal", actor=OFFICER)
    closed = await register(platform="example", handle="old", actor=OFFICER)
    await services.accounts.change(moved.id, unit="Treasury", custodian="P. Ray", actor=OFFICER)
    await services.accounts.close(closed.id, reason="left", actor=OFFICER)


async def query(
    database: Database, table: str, column: str, **where: object
) -> list[tuple[Any, ...]]:
    found = metadata.tables[table]
    statement = select(found.c[column])
    for name, value in where.items():
        statement = statement.where(found.c[name] == value)
    async with database.reading() as tx:
        return [tuple(row) for row in await tx.execute(statement)]


async def rows_of(services: Services) -> Rows:
    """Every row of every table that recovery must bring back."""
    async with services.database.reading() as tx:
        return {
            name: {tuple(row) for row in await tx.execute(select(table))}
            for name, table in metadata.tables.items()
            if name not in _VIEWS
        }


async def snapshot(settings: Settings) -> Rows:
    async with open_services(settings) as services:
        return await rows_of(services)


async def recover(
    settings: Settings, *, given_up: Sequence[str] = (), dry_run: bool = False, workers: int = 1
) -> dict[str, Any]:
    """Recover as the command does."""
    args = argparse.Namespace(given_up=list(given_up), dry_run=dry_run, workers=workers)
    return await recover_archive(settings, args, Output(json=True))


def lose_database(settings: Settings) -> None:
    """Delete the database and the index, as a lost disk does."""
    for path in settings.home.glob("archive.db*"):
        path.unlink()
    shutil.rmtree(settings.home / "index", ignore_errors=True)


def copy_database(settings: Settings, target: Path) -> None:
    """Back the database up, as SQLite's own backup does."""
    with (
        closing(sqlite3.connect(settings.home / "archive.db")) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def restore_database(settings: Settings, source: Path) -> None:
    lose_database(settings)
    shutil.copyfile(source, settings.home / "archive.db")


async def require_verified(settings: Settings) -> None:
    """Everything stored is as promised, and the database agrees with it, content included."""
    async with open_services(settings) as services:
        await publish(services)
        report = await verify_full(services.verifying.target(), workers=1, content=True)
    assert [problem.what for problem in report.problems] == []


def objects(settings: Settings, *, kind: str) -> list[Path]:
    """The stored segments of posts (`default`) or of events (`muniment-audit`), oldest first."""
    root = settings.home / "store"
    return sorted((path for path in root.glob(f"seg/*/{kind}/*/*.seg")), key=lambda path: path.name)


def damage(path: Path, *, at: int = 60) -> bytes:
    """Change one byte of a stored object; return what it was."""
    sound = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
    return sound


def put_back(path: Path, sound: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(sound)


class TestLost:
    async def test_every_row_comes_back_as_it_was(self, lived_in: Settings) -> None:
        before = await snapshot(lived_in)
        lose_database(lived_in)

        told = await recover(lived_in)

        assert (told["found"], told["problems"], told["holds"]) == ("lost", [], 4)
        after = await snapshot(lived_in)
        assert {name: rows - after[name] for name, rows in before.items()} == {
            name: set() for name in before
        }
        new = {name for name, rows in after.items() if rows - before[name]}
        assert new == {"log_entry", "segment", "record", "event"}
        await require_verified(lived_in)

    async def test_search_and_holds_answer_the_same(self, lived_in: Settings) -> None:
        async def answers() -> list[object]:
            async with open_services(lived_in) as services:
                await services.loops.catch_up()
                found = await services.searching.search("merger", actor=OFFICER)
                holds = await services.hold_register.list(actor=OFFICER)
                members = [
                    await services.hold_register.members(each.id, actor=OFFICER) for each in holds
                ]
                return [found.count, [hit.id for hit in found.hits], holds, members]

        before = await answers()
        lose_database(lived_in)
        await recover(lived_in)
        assert await answers() == before

    async def test_a_retry_still_finds_its_post(self, lived_in: Settings) -> None:
        lose_database(lived_in)
        await recover(lived_in)
        async with open_services(lived_in) as services:
            sent = [an_arrival(b"merger 0 0", idempotency_key="merger 0 0")]
            (outcome,) = await services.ingest.submit(sent, actor=AGENT)
        assert outcome.status == "unchanged"

    async def test_tokens_are_gone_and_a_new_administrator_is_made(
        self, lived_in: Settings
    ) -> None:
        old = (lived_in.home / "admin.token").read_text().strip()
        lose_database(lived_in)
        told = await recover(lived_in)
        async with open_services(lived_in) as services:
            with pytest.raises(Denied):
                await services.tokens.authenticate(old)
            actor = await services.tokens.authenticate(told["token"])
        assert Role.ADMINISTRATOR in actor.roles
        kept = lived_in.home / "admin-2.token"
        assert (told["token_file"], kept.read_text().strip()) == (str(kept), told["token"])

    async def test_the_log_says_in_public_that_it_goes_on_after_a_loss(
        self, lived_in: Settings
    ) -> None:
        lose_database(lived_in)
        told = await recover(lived_in)
        async with open_services(lived_in) as services, services.database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
            entries = [decode_entry(data) for data in await ledger_rows.entries(tx, 0, end)]
        (said,) = [e for e in entries if isinstance(e, OtherEntry) and e.kind == "recovered"]
        assert said.fields == {"s": told["log"]["sequenced"]}

    async def test_a_dry_run_says_the_same_and_changes_nothing(self, lived_in: Settings) -> None:
        lose_database(lived_in)
        present = {path.name for path in lived_in.home.iterdir()}
        planned = await recover(lived_in, dry_run=True)
        assert {path.name for path in lived_in.home.iterdir()} == present
        done = await recover(lived_in)
        assert planned["added"] == done["added"]
        assert (planned["log"], planned["holds"]) == (done["log"], done["holds"])

    async def test_init_and_serve_refuse_and_name_the_command(self, lived_in: Settings) -> None:
        lose_database(lived_in)
        with pytest.raises(ConfigurationError, match="muniment recover"):
            await establish(lived_in, {Role.ADMINISTRATOR})
        with pytest.raises(ConfigurationError):
            await snapshot(lived_in)

    async def test_nothing_is_rebuilt_beside_an_open_archive(self, lived_in: Settings) -> None:
        async with open_services(lived_in):
            with pytest.raises(Conflict, match="stop `muniment serve`"):
                await recover(lived_in)

    async def test_a_whole_database_is_left_as_it_is(self, lived_in: Settings) -> None:
        before = await snapshot(lived_in)
        told = await recover(lived_in)
        assert (told["found"], told["added"]["records"], told["problems"]) == ("complete", 0, [])
        assert await snapshot(lived_in) == before

    @pytest.mark.parametrize("workers", [2])
    async def test_worker_processes_do_the_same(self, lived_in: Settings, workers: int) -> None:
        before = await snapshot(lived_in)
        lose_database(lived_in)
        await recover(lived_in, workers=workers)
        after = await snapshot(lived_in)
        assert all(rows <= after[name] for name, rows in before.items())


class TestInterrupted:
    @pytest.mark.parametrize(
        "stride", [pytest.param(1, marks=pytest.mark.faults, id="each"), pytest.param(4, id="some")]
    )
    async def test_killed_after_any_commit_it_is_run_again_and_ends_right(
        self, lived_in: Settings, monkeypatch: pytest.MonkeyPatch, stride: int
    ) -> None:
        before = await snapshot(lived_in)
        monkeypatch.setattr(rebuilding, "LOADED_AT_ONCE", 3)
        monkeypatch.setattr(rebuilding, "ENTRIES_AT_ONCE", 20)
        kills = 0
        for commit in count(random.randrange(stride), stride):
            lose_database(lived_in)
            with monkeypatch.context() as patch:
                died = dying_after(patch, commit)
                try:
                    await recover(lived_in)
                except Killed:
                    with pytest.raises(ArchiverError):
                        await snapshot(lived_in)
            if not died:
                break
            told = await recover(lived_in)
            assert (told["problems"], told["holds"]) == ([], 4)
            after = await snapshot(lived_in)
            assert all(rows <= after[name] for name, rows in before.items()), commit
            kills += 1
        assert kills > 8 // stride
        await require_verified(lived_in)

    async def test_a_checkpoint_that_cuts_a_segment_keeps_its_indexes(
        self, lived_in: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with open_services(lived_in) as services:
            await capture(services, *(f"cut {n}" for n in range(10)))
            monkeypatch.setattr(integrator, "MAX_BATCH", 4)
            await services.loops.integrate_once()
            promised = await rows_of(services)
        monkeypatch.undo()
        lose_database(lived_in)
        told = await recover(lived_in)
        assert told["waiting"]["records"] == 0
        after = await snapshot(lived_in)
        assert promised["record"] <= after["record"]
        await require_verified(lived_in)

    async def test_what_was_written_and_not_signed_keeps_its_indexes(
        self, lived_in: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(*_: object) -> bytes:
            raise StorageUnavailable("killed before it signed")

        async with open_services(lived_in) as services:
            # Two segments, the later one sequenced first: their ids alone tell the wrong order.
            await asyncio.gather(
                capture(services, "one"),
                services.holds.place(name="n", reason=WHY, accounts=["acme"], actor=OFFICER),
                capture(services, "two"),
            )
            monkeypatch.setattr(integrator, "sign_checkpoint", die)
            with pytest.raises(StorageUnavailable):
                await services.loops.integrate_once()
            promised = await rows_of(services)
        monkeypatch.undo()
        lose_database(lived_in)
        await recover(lived_in)
        after = await snapshot(lived_in)
        assert promised["record"] <= after["record"]
        assert promised["hold"] <= after["hold"]
        await require_verified(lived_in)

    async def test_what_was_in_no_bundle_is_adopted_and_proved_by_its_hash(
        self, lived_in: Settings
    ) -> None:
        async with open_services(lived_in) as services:
            ids = await capture(services, "late one", "late two")
            view = await services.holds.place(
                name="late", reason=WHY, record_ids=ids, actor=OFFICER
            )
        lose_database(lived_in)
        told = await recover(lived_in)
        assert told["waiting"]["records"] == 3
        async with open_services(lived_in) as services:
            head = await publish(services)
            for record_id in ids:
                row, entry = await row_and_entry(services, record_id)
                require_included(services, head, row.log_index, entry)
            assert (await services.hold_register.show(view.id, actor=OFFICER)).state == "active"
            members = await services.hold_register.members(view.id, actor=OFFICER)
            assert [record_id for _, record_id in members] == ids
        await require_verified(lived_in)


class Killed(BaseException):
    """The process is gone."""


def dying_after(patch: pytest.MonkeyPatch, commits: int) -> list[int]:
    """Let `commits` transactions of the recovery commit, and die in the next one."""
    real = Database.run
    left, died = [commits], []

    async def run(self: Database, work: Any, *, writes: bool) -> Any:
        if writes and getattr(work, "func", None) is not None:
            name = work.func.__module__
            if name.startswith(("archiver.db.rebuilding", "archiver.assurance")):
                if not left[0]:
                    died.append(1)
                    raise Killed
                left[0] -= 1
        return await real(self, work, writes=writes)

    patch.setattr(Database, "run", run)
    return died


class TestBehind:
    async def test_a_restored_backup_is_caught_up(self, tmp_path: Path, lived_in: Settings) -> None:
        backup = tmp_path / "backup.db"
        copy_database(lived_in, backup)
        async with open_services(lived_in) as services:
            await capture(services, "after the backup")
            await services.holds.place(name="n", reason=WHY, query="backup", actor=OFFICER)
            first = (await services.hold_register.list(actor=OFFICER))[-1]
            await services.holds.release(first.id, reason="settled", actor=OFFICER)
            await publish(services)
        before = await snapshot(lived_in)
        restore_database(lived_in, backup)
        with pytest.raises(IntegrityError, match="muniment recover"):
            await snapshot(lived_in)

        told = await recover(lived_in)

        assert (told["found"], told["problems"], told["token"]) == ("behind", [], None)
        after = await snapshot(lived_in)
        missing = {name: rows - after[name] for name, rows in before.items() if rows - after[name]}
        assert missing == {}
        await require_verified(lived_in)

    async def test_a_token_revoked_after_the_backup_stays_revoked(
        self, tmp_path: Path, lived_in: Settings
    ) -> None:
        async with open_services(lived_in) as services:
            view, secret = await services.tokens.create("agent", {Role.COUNSEL}, actor=OFFICER)
            backup = tmp_path / "backup.db"
            await publish(services)
        copy_database(lived_in, backup)
        async with open_services(lived_in) as services:
            await services.tokens.revoke(view.id, actor=OFFICER)
            await publish(services)
        restore_database(lived_in, backup)
        await recover(lived_in)
        async with open_services(lived_in) as services:
            with pytest.raises(Denied):
                await services.tokens.authenticate(secret)

    async def test_entries_that_contradict_the_store_are_named_and_kept(
        self, tmp_path: Path, lived_in: Settings
    ) -> None:
        backup = tmp_path / "backup.db"
        copy_database(lived_in, backup)
        async with open_services(lived_in) as services:
            await capture(services, "after the backup")
            await publish(services)
            end = (await publish(services)).size
        restore_database(lived_in, backup)
        with closing(sqlite3.connect(lived_in.home / "archive.db")) as other, other:
            (first,) = other.execute("SELECT next_index FROM log_state").fetchone()
            assert first < end
            other.execute("INSERT INTO log_entry VALUES (?, ?)", (first, b'{"v":1,"t":"gap"}'))
        with pytest.raises(IntegrityError, match=f"entry {first} of the log .* move this database"):
            await recover(lived_in)
        with pytest.raises(IntegrityError):
            await snapshot(lived_in)

        lose_database(lived_in)
        assert (await recover(lived_in))["problems"] == []

    async def test_another_archives_database_is_refused(
        self, tmp_path: Path, lived_in: Settings
    ) -> None:
        other = settings_for(tmp_path / "other")
        await establish(other, {Role.ADMINISTRATOR})
        copy_database(other, tmp_path / "other.db")
        restore_database(lived_in, tmp_path / "other.db")
        with pytest.raises(ConfigurationError, match="is of archive"):
            await recover(lived_in)

    async def test_an_empty_store_is_not_taken_for_the_archive(
        self, tmp_path: Path, lived_in: Settings
    ) -> None:
        other = settings_for(tmp_path / "other")
        await establish(other, {Role.ADMINISTRATOR})
        lose_database(lived_in)
        wrong = lived_in.model_copy(update={"store_url": f"file:{other.home / 'store'}"})
        with pytest.raises(ConfigurationError, match="nothing of archive"):
            await recover(wrong)


class TestDamage:
    async def test_one_damaged_segment_is_named_and_the_rest_is_there(
        self, lived_in: Settings
    ) -> None:
        before = await snapshot(lived_in)
        path = objects(lived_in, kind="default")[1]
        sound = damage(path)
        lose_database(lived_in)

        told = await recover(lived_in)

        named = {problem["object"] for problem in told["problems"]}
        assert str(path.relative_to(lived_in.home / "store")) in named
        after = await snapshot(lived_in)
        lost = before["record"] - after["record"]
        assert {record[1] for record in lost} == {
            problem["record"] for problem in told["problems"] if problem["record"]
        }
        assert before["hold_record"] <= after["hold_record"]

        put_back(path, sound)
        again = await recover(lived_in)
        assert (again["problems"], again["added"]["records"]) == ([], len(lost))
        whole = await snapshot(lived_in)
        assert all(rows <= whole[name] for name, rows in before.items())
        await require_verified(lived_in)

    @pytest.mark.parametrize("content", [b"", b"x" * 500])
    async def test_a_segment_that_is_wrecked_altogether_stops_nothing_else(
        self, lived_in: Settings, content: bytes
    ) -> None:
        before = await snapshot(lived_in)
        path = objects(lived_in, kind="default")[0]
        sound = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(content)
        lose_database(lived_in)
        told = await recover(lived_in)
        assert told["problems"]
        assert before["hold"] <= (await snapshot(lived_in))["hold"]

        put_back(path, sound)
        assert (await recover(lived_in))["problems"] == []
        whole = await snapshot(lived_in)
        assert before["record"] <= whole["record"]

    async def test_a_file_plan_that_cannot_be_read_is_said_and_taken_from_the_templates(
        self, lived_in: Settings
    ) -> None:
        damage(objects(lived_in, kind="muniment-audit")[0])
        lose_database(lived_in)
        told = await recover(lived_in)
        assert any("file plan" in problem["what"] for problem in told["problems"])
        async with open_services(lived_in) as services:
            assert len(await services.filing.classes(actor=OFFICER)) > 30
            await capture(services, "life goes on")

    async def test_a_damaged_bundle_is_named_and_nothing_is_opened(
        self, lived_in: Settings
    ) -> None:
        bundles = lived_in.home.glob("store/log/*/tile/entries/000.p/*")
        path = max(
            (each for each in bundles if each.name.isdigit()), key=lambda each: int(each.name)
        )
        damage(path, at=30)
        lose_database(lived_in)
        with pytest.raises(IntegrityError, match="second copy") as error:
            await recover(lived_in)
        assert "tile/entries/000" in str(error.value)
        with pytest.raises(ConfigurationError):
            await snapshot(lived_in)

    async def test_a_checkpoint_signed_by_another_key_is_not_believed(
        self, tmp_path: Path, lived_in: Settings
    ) -> None:
        other = settings_for(tmp_path / "other")
        await establish(other, {Role.ADMINISTRATOR})
        foreign = max(other.home.glob("store/log/*/checkpoints/*"))
        newest = max(
            path for path in lived_in.home.glob("store/log/*/checkpoints/*") if path.name.isdigit()
        )
        put_back(newest, foreign.read_bytes())
        put_back(newest.parents[1] / "checkpoint", foreign.read_bytes())
        lose_database(lived_in)
        with pytest.raises(IntegrityError, match="cannot be trusted"):
            await recover(lived_in)


class TestHolds:
    async def test_a_hold_whose_event_is_lost_closes_the_archive(self, lived_in: Settings) -> None:
        async with open_services(lived_in) as services:
            views = await services.hold_register.list(actor=OFFICER)
            wanted = next(view for view in views if view.name == "i")
            path = await segment_of_event(services, lived_in, "hold:placed", wanted.id)
            await publish(services)
        damage(path)
        lose_database(lived_in)

        with pytest.raises(IntegrityError, match=f"hold {wanted.id}") as error:
            await recover(lived_in)
        assert "--without-hold" in str(error.value)
        with pytest.raises(ConfigurationError):
            await snapshot(lived_in)

        told = await recover(lived_in, given_up=[wanted.id])
        assert any(wanted.id in problem["what"] for problem in told["problems"])
        assert told["holds"] == 3

    async def test_an_object_held_by_no_known_hold_is_told_and_stays_held(
        self, lived_in: Settings
    ) -> None:
        async with open_services(lived_in) as services:
            await capture(services, "strange")
            await publish(services)
            store = services.store.blocking
            key = list(store.list_keys(segment_prefix(services.archive.id) + "default/"))[-1]
            for hold in await services.hold_register.list(actor=OFFICER):
                if hold.state == "active":
                    await services.holds.release(hold.id, reason="done", actor=OFFICER)
            await publish(services)
            store.set_legal_hold(key, version_id=store.head(key).version_id, on=True)
        lose_database(lived_in)

        told = await recover(lived_in)

        assert [problem["object"] for problem in told["problems"]] == [key]
        async with open_services(lived_in) as services:
            await services.holds.mirror()
            assert services.store.blocking.head(key).legal_hold

    @pytest.mark.parametrize("fault", Fault)
    async def test_a_hold_is_in_force_or_not_after_a_crash_never_in_part(
        self, lived_in: Settings, faulty_stores: list[FaultyStore], fault: Fault
    ) -> None:
        failed: list[str] = []

        def plan(call: Call) -> Fault | None:
            if call.operation == "put" and "/muniment-audit/" in call.key and not failed:
                failed.append(call.key)
                return fault
            return None

        async with open_services(lived_in) as services:
            before = len(await services.hold_register.list(actor=OFFICER))
            faulty_stores[-1].plan = plan
            with pytest.raises(StorageUnavailable):
                await services.holds.place(name="n", reason=WHY, accounts=["acme"], actor=OFFICER)
            await asyncio.sleep(0.1)  # the other of the two puts ends
        async with open_services(lived_in) as services:
            holds = await services.hold_register.list(actor=OFFICER)
            in_force = services.recovered.segments == 1
            assert len(holds) == before + in_force
            assert in_force == (fault is Fault.DONE)
            if in_force:
                await require_stated(services, holds[0])
        lose_database(lived_in)
        assert (await recover(lived_in))["holds"] == before + in_force

    async def test_a_hold_lost_with_its_database_before_publication_is_stated_again(
        self, lived_in: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with open_services(lived_in) as services:
            view = await services.holds.place(
                name="n", reason=WHY, accounts=["acme"], actor=OFFICER
            )
            # The event is published, the entry that follows it is not.
            monkeypatch.setattr(integrator, "MAX_BATCH", 1)
            await services.loops.integrate_once()
            state = await query(services.database, "log_state", "size")
            entry = await query(services.database, "log_entry", "entry", log_index=state[0][0])
            assert isinstance(decode_entry(entry[0][0]), HoldEntry)
        monkeypatch.undo()
        lose_database(lived_in)
        told = await recover(lived_in)
        assert (told["holds"], told["problems"]) == (5, [])
        async with open_services(lived_in) as services:
            await require_stated(services, view)
        await require_verified(lived_in)


async def segment_of_event(
    services: Services, settings: Settings, action: str, object_id: str
) -> Path:
    """The stored segment in which an event is."""
    ((record_id,),) = await query(
        services.database, "event", "record_id", action=action, object_id=object_id
    )
    ((segment,),) = await query(services.database, "record", "segment_id", id=record_id)
    return next(path for path in objects(settings, kind="muniment-audit") if path.stem == segment)


async def require_stated(services: Services, view: HoldView) -> None:
    """The log states the hold exactly once, with its digest."""
    async with services.database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        entries = [decode_entry(data) for data in await ledger_rows.entries(tx, 0, end)]
    stated = [e for e in entries if isinstance(e, HoldEntry) and e.id == view.id and e.on]
    assert [(e.count, e.members_sha256.hex()) for e in stated] == [
        (view.records, view.members_sha256)
    ]


async def test_server_mode_recovers_on_s3_and_postgresql(
    tmp_path: Path, seaweedfs: SeaweedFS, postgres: Postgres
) -> None:
    settings = settings_for(
        tmp_path / "home",
        database_url=postgres.fresh_database(),
        store_url=seaweedfs.store_url(BUCKET, "recovered"),
    )
    await establish(settings, {Role.ADMINISTRATOR})
    await live(settings)
    before = await snapshot(settings)
    shutil.rmtree(settings.home / "index")
    lost = settings.model_copy(update={"database_url": postgres.fresh_database()})

    told = await recover(lost)

    assert (told["found"], told["problems"], told["holds"]) == ("lost", [], 4)
    after = await snapshot(lost)
    assert {name: rows - after[name] for name, rows in before.items()} == {
        name: set() for name in before
    }
    await require_verified(lost)


def test_the_command_tells_what_it_did_and_ends_with_1_if_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path / "home")
    asyncio.run(establish(settings, {Role.ADMINISTRATOR}))
    asyncio.run(live(settings))
    monkeypatch.delenv("MUNIMENT_DATABASE_URL", raising=False)
    command = ["recover", "--home", str(settings.home), "--workers", "1"]
    lose_database(settings)

    assert main([*command, "--dry-run"]) == 0
    assert "would be rebuilt" in capsys.readouterr().out
    assert main(command) == 0
    assert "admin-2.token" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"] == "complete"

    damage(objects(settings, kind="default")[0])
    lose_database(settings)
    assert main(command) == 1
    assert "PROBLEM  seg/" in capsys.readouterr().out
    assert main(["search", "merger", "--count", "--home", str(settings.home)]) == 0


async def test_the_founding_is_stated_in_the_log_in_full(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home").model_copy(update={"zone": "Europe/Paris"})
    await establish(settings, {Role.ADMINISTRATOR})
    before = await snapshot(settings)
    lose_database(settings)
    # What the settings say now is of no account.
    await recover(settings.model_copy(update={"zone": "UTC", "default_class": "us-sec-17a4-b4"}))
    after = await snapshot(settings)
    for table in ("archive", "file_class", "schedule", "class_rules"):
        assert after[table] == before[table], table
