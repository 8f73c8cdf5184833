"""Every table the product gives away, after hostile words went in wherever words can go in.

A cell that a spreadsheet would run is on the reader's machine what a script is in their browser
(CWE-1236). The tables are opened as a spreadsheet opens them and every cell is looked at.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.assurance.audit_filter import filter_from
from archiver.capture.decoding import decode_capture
from archiver.capture.import_request import ImportRequest
from archiver.csv_rows import BOM
from archiver.errors import ArchiverError
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from archiver.model.person import Method
from archiver.model.post import Provenance
from tests.fakes.archive import eventually
from tests.fakes.divided_archive import DividedArchive, Visitor, divided_archive

BEGINNINGS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d", "\u00a0@")
ACTIVE = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
WORDS = [f'{begin}HYPERLINK("http://evil.example","x")' for begin in BEGINNINGS]


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DividedArchive]:
    async with divided_archive(tmp_path / "home", near=3, far=3) as opened:
        yield opened


@pytest.fixture
async def everybody(archive: DividedArchive) -> Visitor:
    """Somebody of all roles, whose name is a formula."""
    sessions = archive.services.sessions
    person = await archive.person(WORDS[0], "=all@example.com", Grants.of(Role))
    cookie = await sessions.start(person, method=Method.PASSWORD, agent=WORDS[1])
    signed_in = await sessions.authenticate(cookie)
    return Visitor(name="all", actor=signed_in.actor, cookie=cookie, csrf=signed_in.csrf, token="")


def active_cells(table: bytes) -> list[str]:
    """Return the cells that a spreadsheet would run; the table has rows at all."""
    assert table.startswith(BOM)
    rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    return [cell for row in rows for cell in row if ACTIVE.match(cell)]


async def ended(archive: DividedArchive, job_id: str, actor: Actor) -> JobView:
    async def has_ended() -> bool:
        return not (await archive.services.work.show(job_id, actor=actor)).is_under_way

    await eventually(has_ended)
    return await archive.services.work.show(job_id, actor=actor)


async def fetched(archive: DividedArchive, path: str, who: Visitor) -> bytes:
    answer = await archive.send("GET", path, who)
    assert answer.status == 200
    return await answer.read()


async def test_the_table_of_the_trail_runs_nothing(
    archive: DividedArchive, everybody: Visitor
) -> None:
    services, who = archive.services, everybody.actor
    for number, words in enumerate(WORDS):
        body = {
            "platform": "mastodon", "post_id": words, "account": words, "text": words,
            "author": {"id": words, "handle": words, "name": words}, "tags": [words],
        }  # fmt: skip
        arrival = decode_capture(
            json.dumps(body).encode(), provenance=Provenance(method="push", source=words)
        )
        (kept,) = await services.ingest.submit([arrival], actor=who)
        await services.holds.place(
            name=words, matter=words, reason=words, record_ids=[kept.record_id], actor=who
        )
        for act in (
            services.accounts.register(platform="x", handle=words, title=words, actor=who),
            services.tokens.create(words, {Role.REVIEWER}, actor=who),
            services.people.invite(words, f"={number}@example.com", Grants(), actor=who),
            services.searching.count(words, actor=who),
        ):
            try:
                await act
            except ArchiverError:  # what is refused may leave an event as well
                continue

    answer = await archive.send("POST", "/audit/export", everybody)
    assert answer.status == 303
    job = await ended(archive, answer.headers["Location"].rpartition("/")[2], who)
    bundle = zipfile.ZipFile(
        io.BytesIO(await fetched(archive, f"/jobs/{job.id}/result", everybody))
    )
    table = bundle.read(next(name for name in bundle.namelist() if name.endswith(".csv")))

    assert table.decode().count("HYPERLINK") > 5 * len(WORDS)
    assert active_cells(table) == []
    assert filter_from({}) is not None


async def test_the_table_of_jobs_runs_nothing(archive: DividedArchive, everybody: Visitor) -> None:
    for words in WORDS:
        await archive.services.work.start(
            "verification", subject=words, arguments={"percent": None}, actor=everybody.actor
        )

    table = await fetched(archive, "/jobs.csv", everybody)

    assert table.decode().count("HYPERLINK") == len(WORDS)
    assert active_cells(table) == []


async def test_the_table_of_what_an_import_refused_runs_nothing(
    archive: DividedArchive, everybody: Visitor
) -> None:
    imports, who = archive.services.imports, everybody.actor
    lines = [json.dumps({"platform": words, words: words, "post_id": words}) for words in WORDS]
    receiving = await imports.receive('=1+1".jsonl', size=10_000, actor=who)
    receiving.write("\n".join([*lines, *WORDS]).encode())
    upload = await imports.finish(receiving, actor=who)
    job = await imports.start(upload.id, ImportRequest(format="ndjson"), actor=who)
    done = await ended(archive, job.id, who)
    assert done.file is not None, done

    table = await fetched(archive, f"/jobs/{job.id}/result", everybody)

    assert len(table.splitlines()) > len(WORDS)
    assert active_cells(table) == []
