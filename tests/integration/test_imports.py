"""Importing a sent file: what is looked at is what is imported, and hostile files stay outside."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.app import Services, open_services
from archiver.audit.actions import Action
from archiver.capture.import_request import ImportRequest
from archiver.config import Settings
from archiver.db import integrity as rows
from archiver.db.jobs import JobState
from archiver.errors import Denied, InvalidInput, NotFound, TooLarge
from archiver.jobs.imports import LOOKED_AT
from archiver.jobs.loops import LoopState
from archiver.jobs.uploads import Upload
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor, Role
from tests.fakes.archive import found, read_back, settings_for, stored_posts

OMAR = Actor(name="omar", roles=frozenset({Role.OPERATOR}), via="web", person_id="P-omar")
OLGA = Actor(name="olga", roles=frozenset({Role.OPERATOR}), via="web", person_id="P-olga")
AUDREY = Actor(name="audrey", roles=frozenset({Role.AUDITOR}), via="web", person_id="P-audrey")
MAPPED = ImportRequest(
    platform="x",
    account="@acme",
    fields=("post_id=id", "text=text", "posted_at=at"),
    zone="UTC",
)


def table(rows: int, *, bad: tuple[int, ...] = ()) -> bytes:
    """A CSV of posts; the lines in `bad` have a time that is none."""
    lines = ["id,text,at"]
    lines += [
        f"{number},post {number},{'soon' if number in bad else '2026-11-20 09:30'}"
        for number in range(1, rows + 1)
    ]
    return "\n".join(lines).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def outside_uploads(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "uploads" not in path.parts}


@dataclass
class Desk:
    """An open archive at which files are sent."""

    settings: Settings
    services: Services

    async def send(self, content: bytes, name: str = "posts.csv", *, actor: Actor = OMAR) -> Upload:
        imports = self.services.imports
        receiving = await imports.receive(name, size=len(content), actor=actor)
        receiving.write(content)
        return await imports.finish(receiving, actor=actor)

    async def run(self, upload: Upload, request: ImportRequest, *, actor: Actor = OMAR) -> JobView:
        job = await self.services.imports.start(upload.id, request, actor=actor)
        await self.services.runner.work_off()
        return await self.services.work.show(job.id, actor=actor)

    async def stored(self) -> int:
        return len(await stored_posts(self.services))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    settings = await found(settings_for(tmp_path / "home"))
    async with open_services(settings) as services:
        yield Desk(settings=settings, services=services)


class TestLooking:
    async def test_the_first_posts_are_shown_and_nothing_is_stored(self, desk: Desk) -> None:
        upload = await desk.send(table(30, bad=(2,)))

        preview = await desk.services.imports.preview(upload.id, MAPPED, actor=OMAR)

        assert preview.request.format == "csv"
        assert len(preview.posts) + len(preview.refused) == LOOKED_AT
        assert preview.posts[0].text == "post 1"
        assert preview.posts[0].account == "@acme"
        assert [each.line for each in preview.refused] == [3]
        assert preview.more
        assert await desk.stored() == 0

    async def test_what_cannot_be_read_says_why_and_lets_choose_again(self, desk: Desk) -> None:
        upload = await desk.send(b"no format at all")

        preview = await desk.services.imports.preview(upload.id, ImportRequest(), actor=OMAR)

        assert "format" in preview.problem
        assert preview.posts == ()

    @pytest.mark.parametrize(
        ("request_", "pointer"),
        [
            (ImportRequest(format="docx"), "format"),
            (ImportRequest(format="csv", zone="Mars/Olympus"), "zone"),
            (ImportRequest(format="csv", fields=("post_id=id", "nonsense=x")), "map"),
        ],
    )
    async def test_a_choice_there_is_not_is_named(
        self, desk: Desk, request_: ImportRequest, pointer: str
    ) -> None:
        upload = await desk.send(table(3))

        preview = await desk.services.imports.preview(upload.id, request_, actor=OMAR)

        assert preview.pointer == pointer
        with pytest.raises(InvalidInput):
            await desk.services.imports.start(upload.id, request_, actor=OMAR)

    async def test_only_the_sender_looks_at_a_file(self, desk: Desk) -> None:
        upload = await desk.send(table(3))

        with pytest.raises(NotFound):
            await desk.services.imports.preview(upload.id, MAPPED, actor=OLGA)
        with pytest.raises(NotFound):
            await desk.services.imports.start(upload.id, MAPPED, actor=OLGA)

    async def test_who_may_not_capture_sends_nothing(self, desk: Desk) -> None:
        with pytest.raises(Denied):
            await desk.send(table(3), actor=AUDREY)

    async def test_a_file_that_says_it_is_too_large_is_not_begun(self, desk: Desk) -> None:
        with pytest.raises(TooLarge):
            await desk.services.imports.receive("x.zip", size=2 << 30, actor=OMAR)

        assert not (desk.settings.home / "uploads").exists()


class TestImporting:
    async def test_every_post_is_captured_and_every_refusal_told_to_the_sender(
        self, desk: Desk
    ) -> None:
        job = await desk.run(await desk.send(table(30, bad=(2, 7))), MAPPED)

        assert job.state is JobState.DONE, job.error
        assert dict(job.result) == {"read": 30, "captured": 28, "unchanged": 0, "refused": 2}
        assert await desk.stored() == 28
        assert [each["line"] for each in job.private["refused"]] == [3, 8]  # type: ignore[attr-defined] # JSON
        kept = await desk.services.work.file(job.id, actor=OMAR)
        read = list(csv.reader(io.StringIO(kept.path.read_text(encoding="utf-8-sig"))))
        assert [row[0] for row in read] == ["line", "3", "8"]

    async def test_who_reads_settings_sees_the_counts_and_no_word_of_the_file(
        self, desk: Desk
    ) -> None:
        job = await desk.run(await desk.send(table(3, bad=(2,))), MAPPED)

        seen = await desk.services.work.show(job.id, actor=AUDREY)

        assert seen.result["refused"] == 1
        assert (dict(seen.private), seen.file) == ({}, None)

    async def test_a_record_says_the_name_the_file_was_sent_under(self, desk: Desk) -> None:
        await desk.run(await desk.send(table(1), "Jänner export.csv"), MAPPED)

        (row,) = await stored_posts(desk.services)
        opened = await read_back(desk.services, row.id)
        assert "Jänner export.csv" in str(opened.manifest)
        assert "content.csv" not in str(opened.manifest)

    async def test_the_same_file_again_changes_nothing(self, desk: Desk) -> None:
        upload = await desk.send(table(5))
        first = await desk.run(upload, MAPPED)

        again = await desk.services.work.again(first.id, actor=OMAR)
        await desk.services.runner.work_off()

        job = await desk.services.work.show(again.id, actor=OMAR)
        assert (job.result["captured"], job.result["unchanged"]) == (0, 5)
        assert await desk.stored() == 5

    async def test_it_is_one_event_and_stands_in_the_history(self, desk: Desk) -> None:
        job = await desk.run(await desk.send(table(4, bad=(1,))), MAPPED)

        history = await desk.services.imports.history(actor=AUDREY)

        (past,) = history.past
        assert (past.by, past.source, past.job_id) == ("omar", "posts.csv", job.id)
        assert (past.read, past.captured, past.refused) == (4, 3, 1)
        assert history.jobs == ()
        async with desk.services.database.reading() as tx:
            events = await rows.newest_events(tx, Action.IMPORT_FINISHED.value, 10)
        assert len(events) == 1

    async def test_a_file_that_is_no_longer_kept_fails_in_words(self, desk: Desk) -> None:
        upload = await desk.send(table(3))
        job = await desk.services.imports.start(upload.id, MAPPED, actor=OMAR)
        upload.path.unlink()
        (upload.path.parent / "about.json").unlink()

        await desk.services.runner.work_off()

        ended = await desk.services.work.show(job.id, actor=OMAR)
        assert ended.state is JobState.FAILED
        assert "send it again" in ended.error
        history = await desk.services.imports.history(actor=AUDREY)
        assert [each.id for each in history.jobs] == [job.id]

    async def test_the_loops_of_the_process_keep_their_state_while_it_imports(
        self, desk: Desk
    ) -> None:
        states = desk.services.loops.states
        stopped = states["integrator"] = LoopState(problem="the root differs", stopped=True)

        await desk.run(await desk.send(table(3)), MAPPED)

        assert states["integrator"] is stopped


HOSTILE = {
    "a path out of the archive": zipped({"../../etc/passwd.json": b"[]"}),
    "an absolute path": zipped({"/etc/passwd.json": b"[]"}),
    "a windows path": zipped({"..\\..\\a.json": b"[]"}),
    "a bomb": zipped({"bomb.json": b"[" + b" " * (64 << 20) + b"]"}),
    "an archive in an archive": zipped({"inner.zip": zipped({"a.json": b"[]"})}),
    "a zip cut short": zipped({"a.json": b"[1, 2, 3]" * 99})[:-30],
    "no zip at all": b"PK\x03\x04" + bytes(200),
}


class TestHostileFiles:
    @pytest.mark.parametrize("name", HOSTILE)
    async def test_it_is_refused_in_words_and_nothing_is_written_elsewhere(
        self, desk: Desk, name: str, tmp_path: Path
    ) -> None:
        before = outside_uploads(tmp_path)
        upload = await desk.send(HOSTILE[name], "../../export.zip")

        preview = await desk.services.imports.preview(upload.id, ImportRequest(), actor=OMAR)

        assert preview.problem or preview.refused
        assert preview.posts == ()
        assert outside_uploads(tmp_path) == before

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_importing_it_unseen_stores_nothing(self, desk: Desk, name: str) -> None:
        upload = await desk.send(HOSTILE[name], "export.zip")

        job = await desk.run(upload, ImportRequest(format="json"))

        assert job.state in {JobState.FAILED, JobState.DONE}
        assert job.result.get("captured", 0) == 0
        assert await desk.stored() == 0
