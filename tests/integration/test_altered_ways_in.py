"""A way in that somebody put into the database by SQL is found, and whose it is.

One archive is built once: two people came by their links and have passwords, one has a passkey and
removed another, one has a link that waits, all are signed in, and there is a token. Each test gets
a copy of its folder and changes rows, as somebody with the file could.
"""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from archiver.access.passkey_ceremony import Site
from archiver.app import Services
from archiver.assurance import head
from archiver.assurance.report import Problem, Report
from archiver.errors import Denied
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from archiver.model.person import Method
from tests.fakes.archive import found_whole, settings_for
from tests.fakes.authenticator import SoftwareAuthenticator
from tests.fakes.disposal import Time, opened
from tests.integration.test_altered_rows import NOBODY, Change, Copy, require_found
from tests.integration.test_recover import copy_database, lose_database, recover, restore_database

CLI = Actor(name="cli:root", roles=frozenset(Role), via="cli")
PASSWORD = "seven herons over the harbour"
NEWER = "eleven herons under the harbour"
SITE = Site(origin="https://archive.example.com", rp_id="archive.example.com")


class Built(NamedTuple):
    """The archive. Ann and Bea have passwords, Ann a passkey; Cleo has no way in yet.

    Dora's link waits. `removed` is a row of a passkey that Ann removed, as an SQL text.
    """

    home: Path
    now: datetime
    ann: str
    bea: str
    cleo: str
    dora: str
    session: str
    token: str
    link: str
    passkey: str
    removed: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return asyncio.run(_build(tmp_path_factory.mktemp("built") / "home"))


async def _build(home: Path) -> Built:
    time = Time(datetime(2025, 3, 4, tzinfo=UTC))
    settings = await found_whole(settings_for(home), clock=time)
    async with opened(settings, time) as services:
        ann, bea = [await _with_password(services, name) for name in ("ann", "bea")]
        cleo, dora = [await _invited(services, name) for name in ("cleo", "dora")]
        await services.invitations.link(dora, actor=CLI)
        secret = await services.sessions.start(ann, method=Method.PASSWORD)
        signed_in = await services.sessions.authenticate(secret)
        await _add_passkey(services, signed_in.actor, "kept")
        removed = await _add_passkey(services, signed_in.actor, "removed")
        row = _one(
            home,
            "SELECT quote(credential_id), quote(public_key) FROM passkey WHERE name = 'removed'",
        )
        await services.passkeys.remove(removed, actor=signed_in.actor)
        await services.passwords.change(
            PASSWORD, NEWER, session_id=signed_in.session_id, actor=signed_in.actor, address=""
        )
        await services.sessions.confirm(signed_in.session_id, method=Method.PASSWORD)
        token, _ = await services.tokens.create("feed", {Role.REVIEWER}, actor=CLI)
        await services.loops.catch_up()
        return Built(
            home,
            time.now,
            ann,
            bea,
            cleo,
            dora,
            signed_in.session_id,
            token.id,
            str(_one(home, "SELECT id FROM invitation WHERE used_at IS NULL")[0]),
            str(_one(home, "SELECT quote(credential_id) FROM passkey")[0]),
            ", ".join((str(row[0]), f"'{ann}'", str(row[1]), "0, 'x', 1, NULL")),
        )


async def _invited(services: Services, name: str) -> str:
    grants = Grants.of([Role.COUNSEL])
    made = await services.people.invite(name, f"{name}@example.com", grants, actor=CLI)
    return made.id


async def _with_password(services: Services, name: str) -> str:
    link = await services.invitations.link(await _invited(services, name), actor=CLI)
    return await services.invitations.accept(link.path.rpartition("/")[2], PASSWORD)


async def _add_passkey(services: Services, actor: Actor, name: str) -> str:
    offer = await services.passkeys.offer_new(site=SITE, actor=actor)
    answer = SoftwareAuthenticator(SITE.origin).create(offer.options)
    view = await services.passkeys.add(
        answer, name=name, cookie=offer.cookie, site=SITE, actor=actor
    )
    return view.id


def _one(home: Path, statement: str) -> tuple[object, ...]:
    with closing(sqlite3.connect(home / "archive.db")) as connection:
        (row,) = connection.execute(statement).fetchall()
        return tuple(row)


@pytest.fixture
def copy(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy[Built]:
    monkeypatch.setattr(head, "PUBLICATION_S", 0.0)
    shutil.copytree(built.home, tmp_path / "home")
    return Copy(built, tmp_path / "home")


async def test_ways_in_that_people_made_are_no_problem_and_all_are_covered(
    copy: Copy[Built],
) -> None:
    report = await copy.verified()
    assert report.problems == ()
    assert not [each for each in report.not_checked if "owners set" in each]


PLANTED: dict[str, tuple[Change, ...]] = {
    "passwords": (
        Change(
            "person {ann}, password: expected the one of its newest event, found another, as "
            "their fingerprints differ: it was put in by hand; disable them",
            (
                (
                    "UPDATE person SET password_hash = (SELECT password_hash FROM person "
                    "WHERE id = '{bea}') WHERE id = '{ann}'"
                ),
            ),
            "database:person",
        ),
        Change(
            "person {cleo}, password: expected none, as no event made it, found one",
            (
                (
                    "UPDATE person SET password_hash = (SELECT password_hash FROM person "
                    "WHERE id = '{bea}') WHERE id = '{cleo}'"
                ),
            ),
            "database:person",
        ),
        Change(
            "person {bea}, identity: expected none, as no event made it, found one",
            ("UPDATE person SET subject = 'https://login.example 7' WHERE id = '{bea}'",),
            "database:person",
        ),
    ),
    "keys": (
        Change(
            "person {ann}, passkey ",
            ("UPDATE passkey SET public_key = x'a501' WHERE credential_id = {passkey}",),
            "database:passkey",
        ),
        Change(
            "expected none, as no event made it, found one: it was put in by hand; disable the per",
            ("INSERT INTO passkey VALUES ({removed})",),
            "database:passkey",
        ),
        Change(
            "person {bea}, passkey ",
            ("INSERT INTO passkey VALUES (x'ab', '{bea}', x'a501', 0, 'x', 1, NULL)",),
            "database:passkey",
        ),
        Change(
            "token {token}: expected the one of its newest event, found another, as their "
            "fingerprints differ: it was put in by hand; revoke it",
            ("UPDATE token SET sha256 = x'00' WHERE id = '{token}'",),
            "database:token",
        ),
    ),
    "what lasts a while": (
        Change(
            "person {dora}, link {link}: expected the one of its newest event, found another",
            ("UPDATE invitation SET sha256 = x'00' WHERE id = '{link}'",),
            "database:invitation",
        ),
        Change(
            f"link {NOBODY}: expected none, as no event made it, found one",
            (
                (
                    f"INSERT INTO invitation SELECT '{NOBODY}', '{{ann}}', x'01', expires_at, "
                    "NULL FROM invitation WHERE id = '{link}'"
                ),
            ),
            "database:invitation",
        ),
        Change(
            "person {ann}, session {session}: expected the one of its newest event, found",
            ("UPDATE session SET sha256 = x'00' WHERE id = '{session}'",),
            "database:session",
        ),
        Change(
            f"person {{bea}}, session {NOBODY}: expected none, as no event made it, found one",
            (
                (
                    f"INSERT INTO session SELECT '{NOBODY}', x'01', '{{bea}}', method, "
                    "started_at, seen_at, expires_at, confirmed_at, NULL, address, agent, NULL, "
                    "NULL FROM session WHERE id = '{session}'"
                ),
            ),
            "database:session",
        ),
    ),
}


@pytest.mark.parametrize("kind", PLANTED)
async def test_a_way_in_that_was_planted_is_found_and_only_it(copy: Copy[Built], kind: str) -> None:
    copy.sql(*(statement for each in PLANTED[kind] for statement in each.statements))
    report = await copy.verified()
    require_found(report, copy, PLANTED[kind])
    assert len(report.problems) == len(PLANTED[kind]), report.problems


async def test_a_passkey_that_was_given_to_somebody_else_is_found(copy: Copy[Built]) -> None:
    copy.sql("UPDATE passkey SET person_id = '{bea}'")
    (problem,) = (await copy.verified()).problems
    assert "expected it to be of person {ann}, as its event states".format(**copy.words) in (
        problem.what
    )


async def test_a_link_that_was_used_and_is_good_again_is_found(copy: Copy[Built]) -> None:
    copy.sql("UPDATE invitation SET used_at = NULL WHERE person_id = '{ann}'")
    (problem,) = (await copy.verified()).problems
    assert problem.object_key == "database:invitation"


async def test_a_password_set_by_a_planted_link_is_found_when_the_link_is_gone(
    copy: Copy[Built],
) -> None:
    secret = "A" * 43
    copy.sql(
        f"INSERT INTO invitation SELECT '{NOBODY}', '{{bea}}', "
        "x'" + _sha256(secret) + "', expires_at, NULL FROM invitation WHERE id = '{link}'"
    )
    time = Time(copy.built.now)
    async with opened(settings_for(copy.home), time) as services:
        assert await services.invitations.accept(secret, NEWER) == copy.built.bea
        await services.loops.catch_up()
    copy.sql(f"DELETE FROM invitation WHERE id = '{NOBODY}'")

    (problem,) = (await copy.verified()).problems

    assert f"their password was set by the link {NOBODY}" in problem.what
    assert problem.what.startswith(f"person {copy.built.bea}: ")


async def test_a_way_in_that_is_missing_lets_nobody_in_and_is_no_problem(
    copy: Copy[Built],
) -> None:
    copy.sql(
        "UPDATE person SET password_hash = NULL",
        "DELETE FROM passkey",
        "DELETE FROM session",
        "DELETE FROM invitation",
    )
    assert (await copy.verified()).problems == ()


async def test_a_recovered_archive_has_no_way_in_and_no_problem(copy: Copy[Built]) -> None:
    lose_database(settings_for(copy.home))
    await recover(settings_for(copy.home))

    assert _of_rows(await copy.verified()) == []

    async with opened(settings_for(copy.home), Time(copy.built.now)) as services:
        link = await services.invitations.link(copy.built.ann, actor=CLI)
        assert await services.invitations.accept(link.path[9:], PASSWORD) == copy.built.ann
        await services.loops.catch_up()
    assert _of_rows(await copy.verified()) == []


async def test_a_password_replaced_since_a_backup_is_not_that_of_the_restored_one(
    copy: Copy[Built], tmp_path: Path
) -> None:
    copy_database(settings_for(copy.home), tmp_path / "backup.db")
    built = copy.built
    async with opened(settings_for(copy.home), Time(built.now)) as services:
        link = await services.invitations.link(built.bea, actor=CLI)
        await services.invitations.accept(link.path[9:], NEWER)
        signed_in = Actor(
            name="ann@example.com", roles=frozenset(), via="session:x", person_id=built.ann
        )
        for each in await services.passkeys.list(actor=signed_in):
            await services.passkeys.remove(each.id, actor=signed_in)
        await services.loops.catch_up()
    restore_database(settings_for(copy.home), tmp_path / "backup.db")
    await recover(settings_for(copy.home))

    assert _of_rows(await copy.verified()) == []
    async with opened(settings_for(copy.home), Time(built.now)) as services:
        with pytest.raises(Denied):
            await services.passwords.sign_in("bea@example.com", PASSWORD, address="")
        with pytest.raises(Denied):
            await services.passwords.sign_in("bea@example.com", NEWER, address="")
        assert await services.passwords.sign_in("ann@example.com", NEWER, address="") == built.ann
        assert not await services.passkeys.are_there(built.ann)


def _of_rows(report: Report) -> list[Problem]:
    """The problems of rows: recovering locked what a copy of this time does not expect."""
    return [each for each in report.problems if each.object_key.startswith("database:")]


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
