"""The file plan of a whole archive: it survives crashes and losses, and every way of capture."""

import asyncio
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archiver.app import Services, open_services
from archiver.capture.importers import Chunk, ImportOptions, chunks
from archiver.cli.init import establish
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db.tables import metadata
from archiver.model.actor import Actor, Role
from archiver.preserve.plan_versions import KNOWN_WITHIN
from tests.fakes.archive import AGENT, an_arrival, found, publish, settings_for
from tests.fakes.faulty_commits import FaultyCommits
from tests.fakes.faulty_store import Fault
from tests.integration.test_recover import lose_database, recover

RITA = Actor(
    name="rita", roles=frozenset({Role.RECORDS_MANAGER}), via="session", person_id="01RITA"
)
ADA = Actor(name="ada", roles=frozenset({Role.COUNSEL}), via="session", person_id="01ADA")
BEN = Actor(name="ben", roles=frozenset({Role.COUNSEL}), via="session", person_id="01BEN")
WHY = "the rule got longer"
_NOT_REBUILT = ("log_state", "token", "follower", "log_entry", "segment", "record", "event")
"""Beside what recovery itself adds, compared apart, and what stays lost."""


class Later:
    """A clock that a test moves ahead of the real one."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


async def submitted(services: Services, *, years: int = 9) -> str:
    drafts = services.plan.drafts
    draft = await drafts.make("default", reason=WHY, actor=RITA)
    body: dict[str, Any] = json.loads(draft.row.body)
    for term in body["terms"]:
        term["period"] = f"P{years}Y"
    await drafts.edit(draft.row.id, body=body, actor=RITA)
    await services.plan.life.submit(draft.row.id, actor=RITA)
    return draft.row.id


async def captured(services: Services, text: str) -> str:
    (outcome,) = await services.ingest.submit([an_arrival(text.encode())], actor=AGENT)
    return outcome.record_id


async def version_of(services: Services, record_id: str) -> int:
    record = metadata.tables["record"]
    async with services.database.reading() as tx:
        found = await tx.execute(select(record.c.schedule_version).where(record.c.id == record_id))
        return int(found.scalar_one())


async def rows_of(services: Services, *left_out: str) -> dict[str, set[tuple[object, ...]]]:
    async with services.database.reading() as tx:
        return {
            name: {tuple(row) for row in await tx.execute(select(table))}
            for name, table in metadata.tables.items()
            if name not in left_out
        }


async def test_the_plan_that_was_made_is_the_plan_that_is_rebuilt(tmp_path: Path) -> None:
    local_settings = settings_for(tmp_path / "home")
    await establish(local_settings, {Role.ADMINISTRATOR})
    async with open_services(local_settings) as services:
        plan = services.plan
        first, second = await captured(services, "one"), await captured(services, "two")
        await plan.life.approve(await submitted(services), reason="right", actor=ADA)
        await plan.life.refuse(await submitted(services, years=3), reason="too short", actor=ADA)
        left = await submitted(services, years=4)
        await plan.classes.add("new", title="New", authority="Board", parent="default", actor=RITA)
        await plan.classes.close("house-7y", reason="unused", actor=RITA)
        await plan.reclassifying.reclassify(
            "us-sec-17a4-comms", record_ids=[first], reason="a broker's", actor=RITA
        )
        stop = services.disposition.stop
        await stop.stop(reason="the clock", actor=ADA)
        await stop.resume(reason="set right", actor=BEN)
        await stop.stop(reason="again", actor=RITA)
        await publish(services)
        before = await rows_of(services)
    lose_database(local_settings)
    told = await recover(local_settings)
    assert told["problems"] == []

    async with open_services(local_settings) as services:
        after = await rows_of(services)
        waits = await services.plan.drafts.show(left, actor=ADA)
        assert await services.plan.drafts.list(open_only=True, actor=ADA) == (waits,)
        assert await version_of(services, second) == 1
    for name in ("plan_draft", "approval", "schedule", "class_rules", "file_class"):
        assert after[name] == before[name], name
    assert after["disposal_stop"] == before["disposal_stop"]
    assert before["record"] <= after["record"]
    assert waits.row.state == "submitted"


@pytest.mark.parametrize("fault", [Fault.NOT_DONE, Fault.DONE])
async def test_an_approval_whose_answer_was_lost_counts_wholly_or_not_at_all(
    local_settings: Settings, commits: FaultyCommits, fault: Fault
) -> None:
    async with open_services(local_settings) as services:
        draft_id = await submitted(services)
        commits.faults.append(fault)
        # The event is stored: the commit is tried again, and what it does is done once.
        view = await services.plan.life.approve(draft_id, reason="right", actor=ADA)
        assert view.row.state == "approved"
        versions = await services.filing.schedules("default", actor=ADA)
        assert [each["version"] for each in versions] == [2, 1]


async def test_an_approval_that_is_stored_and_not_sequenced_is_adopted_at_the_next_start(
    tmp_path: Path,
) -> None:
    settings = await found(settings_for(tmp_path / "home"))
    async with open_services(settings) as services:
        draft_id = await submitted(services)
        await publish(services)
    copy = tmp_path / "copy"
    shutil.copytree(settings.home, copy)  # as of before the approval: what a crash left of it
    async with open_services(settings) as services:
        await services.plan.life.approve(draft_id, reason="right", actor=ADA)
        approved = await rows_of(services, *_NOT_REBUILT)
    for path in settings.home.glob("archive.db*"):
        path.unlink()
    for path in copy.glob("archive.db*"):
        shutil.copy2(path, settings.home / path.name)

    async with open_services(settings) as services:  # the store knows more than the database
        adopted = await rows_of(services, *_NOT_REBUILT)

    for name in ("plan_draft", "approval", "schedule"):
        assert adopted[name] == approved[name], name


async def test_an_import_under_way_files_by_what_is_approved_meanwhile(tmp_path: Path) -> None:
    clock = Later()
    settings = await found(settings_for(tmp_path / "home"), clock=clock)
    wire = {"platform": "example", "account": "acme"}
    lines = [json.dumps({**wire, "post_id": str(n), "text": "x"}).encode() for n in range(2)]
    async with open_services(settings, clock=clock) as services:
        draft_id = await submitted(services)
        # Another process approves: this one's plan learns of it only by looking.
        async with open_services(settings, clock=clock) as other:

            def parts() -> Iterator[Chunk]:
                yield from chunks("ndjson", [_file(tmp_path, lines[:1])], _OPTIONS)
                approving = other.plan.life.approve(draft_id, reason="right", actor=ADA)
                asyncio.run_coroutine_threadsafe(approving, loop).result()
                clock.ahead += KNOWN_WITHIN
                yield from chunks("ndjson", [_file(tmp_path, lines[1:])], _OPTIONS)

            loop = asyncio.get_running_loop()
            with ProcessPoolExecutor(1) as pool:
                report = await services.importing.run(
                    parts(), source="f", actor=AGENT, executor=pool, workers=1
                )
        record = metadata.tables["record"]
        async with services.database.reading() as tx:
            rows = await tx.execute(
                select(record.c.post_id, record.c.schedule_version).where(
                    record.c.entry_type == "rec"
                )
            )
            versions = {row.post_id: row.schedule_version for row in rows}
    assert report.captured == 2
    assert versions == {"0": 1, "1": 2}


async def test_a_schedule_outlives_the_loss_of_the_event_that_added_its_class(
    local_settings: Settings,
) -> None:
    """Founded without its events, the archive knows of its classes by their rows alone."""
    async with open_services(local_settings) as services:
        record_id = await captured(services, "one")
        await services.plan.life.approve(await submitted(services), reason="right", actor=ADA)
        await publish(services)
    lose_database(local_settings)

    told = await recover(local_settings)

    assert any("file plan cannot be read" in str(each) for each in told["problems"])
    async with open_services(local_settings) as services:
        versions = await services.filing.schedules("default", actor=ADA)
        assert [each["version"] for each in versions] == [2, 1]
        assert (await services.plan.classes.show("default", actor=ADA)).row.revision == 1
        assert await version_of(services, record_id) == 1


_OPTIONS = ImportOptions()


def _file(folder: Path, lines: Sequence[bytes]) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.ndjson"
    path.write_bytes(b"\n".join(lines))
    return path
