"""After a disposal every byte there is is searched for what was destroyed, and nothing is found.

The store, its second copy, the database with its log and its free pages, every file of the index,
the folders of jobs and uploads, temporary files and all that the process printed.
"""

import json
import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from archiver.app import Services
from archiver.config import Settings
from archiver.db.tables import metadata
from archiver.legal.asking import Asked
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor, Role
from archiver.model.post import Arrival, Author, Change, Part, PartRole, Post, Provenance
from archiver.preserve.store.opening import open_store
from tests.fakes.archive import found_whole, settings_for
from tests.fakes.bank import Bank, Record
from tests.fakes.copied_archive import CopiedArchive
from tests.fakes.database_fixtures import *  # noqa: F403 - pytest finds fixtures by name
from tests.fakes.disposal import NINE_YEARS, Time, opened
from tests.fakes.remnants import remnants

if TYPE_CHECKING:
    from tests.fakes.postgres import Postgres

EVERYBODY = Actor(
    name="olga", roles=frozenset(Role), via="session", person_id="01K0000000000000000000XLGA"
)
FILM = b"zorkmidfilm" + random.Random("film").randbytes(400_000)
PICTURE = b"zorkmidpicture" + random.Random("picture").randbytes(4_000)

GONE = (
    b"zorkmidcanary",  # a word of the text
    b"zorkmidearlier",  # of the version before an edit
    b"zorkmidtag",  # a hashtag
    b"zorkmidhandle",  # of an author of whom no record is left
    b"zorkmidname",
    b"zorkmidid",  # the platform's number of the post
    b"zorkmidthread",
    FILM[:40],
    FILM[200_000:200_040],
    PICTURE[:40],
)
SAID = (b"zorkmidcanary", b"zorkmidearlier", *GONE[-3:])
STAYS = b"plughstays"


def post(words: str, *, who: str, number: str, change: Change = Change.CREATED) -> Arrival:
    """A post of somebody, with a picture, a film and a thread."""
    raw = f'{{"text": "{words}", "by": "{who}", "id": "{number}"}}'.encode()
    media = (FILM, PICTURE) if who == "zorkmidhandle" else ()
    return Arrival(
        post=Post(
            platform="example",
            account="acme",
            post_id=number,
            change=change,
            posted_at=None,
            text=words,
            author=Author(id=f"{who}-1", handle=who, name="zorkmidname" if media else who),
            conversation_id="zorkmidthread" if media else "",
            tags=("zorkmidtag",) if media else (),
        ),
        parts=(
            Part(name="post.json", role=PartRole.RAW, media_type="application/json", content=raw),
            *(
                Part(name=f"{n}.jpg", role=PartRole.MEDIA, media_type="image/jpeg", content=each)
                for n, each in enumerate(media)
            ),
        ),
        provenance=Provenance(method="push", source="test"),
    )


@dataclass(frozen=True, kw_only=True)
class Place:
    """An archive in a folder, and the server of its database if it has one."""

    settings: Settings
    time: Time
    folder: Path
    server: "Postgres | None"

    def remnants(self, words: Sequence[bytes] = GONE) -> list[str]:
        """Where any of the words is found; a server's memory is written to its files first.

        But not in the log of a server, which it writes over when it has written enough.
        """
        found = remnants(self.folder, words)
        if self.server is not None:
            self.server.checkpoint()
            of_server = remnants(self.server.folder, words, plain=True)
            found += [each for each in of_server if " in db/pg_wal/" not in each]
        return found


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("SQLITE_TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    server: Postgres | None = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
    url = server.fresh_database() if server else ""
    request.getfixturevalue("temporary")
    time = Time()
    settings = await found_whole(settings_for(tmp_path / "home", database_url=url), clock=time)
    copy = f"file:{tmp_path / 'copy'}"
    open_store(copy, clock=time, create=True).close()
    settings = settings.model_copy(update={"second_store_url": copy})
    yield Place(settings=settings, time=time, folder=tmp_path, server=server)
    if server:
        server.drop_database(url)


async def used_in_every_way(services: Services, records: list[Record]) -> None:
    """Do what may leave words of posts somewhere; no query is typed with words that will go."""
    await services.searching.search("wall", actor=EVERYBODY)
    await services.saved_searches.save(Asked(query="wall"), name="walls", actor=EVERYBODY)
    kept = await services.frozen_sets.freeze("wall", name="walls", actor=EVERYBODY)
    await services.term_reports.make(Wanted(terms="wall", set_id=kept.id), actor=EVERYBODY)
    for each in records:
        await services.records.show(each.id, actor=EVERYBODY)
    await services.work.start(
        "evidence",
        subject="for court",
        arguments={"record_ids": [each.id for each in records]},
        actor=EVERYBODY,
    )
    await services.runner.work_off()
    await CopiedArchive(services).copy()


async def test_of_what_was_destroyed_not_a_byte_is_left_anywhere(
    place: Place, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with opened(place.settings, place.time) as services:
        bank = Bank(services, place.time)
        gone = await bank.capture(
            [
                post("wall zorkmidearlier #zorkmidtag", who="zorkmidhandle", number="zorkmidid"),
                post("wall plughstays", who="keeper", number="1"),
            ]
        )
        stays = gone.pop()
        gone += await bank.capture(
            [
                post(
                    "wall zorkmidcanary #zorkmidtag @zorkmidhandle",
                    who="zorkmidhandle",
                    number="zorkmidid",
                    change=Change.EDITED,
                )
            ]
        )
        await used_in_every_way(services, [*gone, stays])
        await bank.hold([stays])
    said = [*capfd.readouterr()]
    before = place.remnants()
    for word in (
        b"zorkmidcanary",
        b"zorkmidearlier",
        b"zorkmidtag",
        b"zorkmidhandle",
        b"zorkmidid",
    ):
        assert any(repr(word) in each for each in before), (word, before)

    place.time.pass_by(NINE_YEARS)
    async with opened(place.settings, place.time) as services:
        bank = Bank(services, place.time)
        (batch,) = await bank.form_batches()
        certificate = await bank.execute(await bank.approve(batch))
        assert certificate.row.records == len(gone)
        report = await bank.verify()
        assert (report.problems, bank.destroyed(report)) == ((), len(gone))
        await bank.require_intact([stays])
        assert "zorkmidcanary" not in certificate.row.body
    said += [*capfd.readouterr()]
    (tmp_path / "printed").write_text("\n".join(said), encoding="utf-8")

    assert place.remnants() == []
    if place.server is not None:  # and its log never had a word of what people said
        assert remnants(place.server.folder, SAID, plain=True) == []
    assert place.remnants([STAYS]) != []


async def test_words_that_a_pattern_stood_for_stay_as_evidence_and_the_certificate_says_so(
    tmp_path: Path,
) -> None:
    time = Time()
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    async with opened(settings, time) as services:
        await Bank(services, time).capture([post("zorkmidcanary", who="somebody", number="1")])
        await services.frozen_sets.freeze("zorkmidca*", actor=EVERYBODY)
    time.pass_by(NINE_YEARS)
    async with opened(settings, time) as services:
        bank = Bank(services, time)
        (batch,) = await bank.form_batches()
        certificate = await bank.execute(await bank.approve(batch))
        holding = set()
        async with services.database.reading() as tx:
            for name, table in metadata.tables.items():
                rows = [str(tuple(row)) for row in await tx.execute(select(table))]
                if any("zorkmidcanary" in row for row in rows):
                    holding.add(name)

    assert holding == {"event", "frozen_set"}
    remains = json.loads(certificate.row.body)["certificate"]["remains"]
    assert any("words that a search for a pattern had listed" in each for each in remains)
    assert remnants(tmp_path, [b"zorkmidcanary"]) == ["b'zorkmidcanary' in home/archive.db"]
