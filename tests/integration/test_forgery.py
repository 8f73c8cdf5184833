"""Forms that another site sends with somebody's cookie, every one of them, on a real archive.

Whatever a browser with a session changes needs the word of the browser (`Origin`) and the token of
the session. Here every route that changes something is asked in each wrong way, and what the
database holds is compared before and after.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archiver.db.tables import metadata
from archiver.db.transaction import Database
from archiver.errors import Denied
from archiver.model.actor import Role
from archiver.model.grants import Grants
from archiver.model.person import Method
from archiver.web.routes import ROUTES
from archiver.web.routing import Access, Route
from archiver.web.session import COOKIE
from tests.fakes.divided_archive import ROOT, DividedArchive, divided_archive
from tests.integration.test_access_attempts import FORM, address, kind_of

EVIL = "https://evil.example"
CHANGING = [route for route in ROUTES if route.method != "GET"]
PAGES = [route for route in CHANGING if route.is_page and route.permission is not Access.PUBLIC]
PUBLIC = [route for route in CHANGING if route.is_page and route.permission is Access.PUBLIC]
PROGRAMS = [route for route in CHANGING if not route.is_page]
WATCHED = (
    *("account", "approval", "event", "hold", "hold_record", "invitation", "passkey", "person"),
    *("person_role", "record", "saved_search", "saved_search_version", "subscription", "token"),
    *("frozen_set", "frozen_members", "term_report", "term_hits"),
    *("batch", "batch_record", "batch_approval", "batch_package", "certificate", "disposed"),
)
"""Tables whose every row must stay as it is; of jobs and sessions, which go on by themselves, ids
are compared."""
PASSWORD = "seven herons over the harbour"


class Forger:
    """Somebody who may do everything, and what is sent in their name."""

    def __init__(self, archive: DividedArchive, cookie: str, csrf: str, other_csrf: str) -> None:
        self.archive = archive
        own = {"Origin": archive.origin}
        self.cookie = {"Cookie": f"{COOKIE}={cookie}"}
        self.csrf = csrf
        self.ways: Mapping[str, tuple[dict[str, str], str]] = {
            "no token": (own, ""),
            "a wrong token": (own, "x" * len(csrf)),
            "the token of another session": (own, other_csrf),
            "from another site": ({"Origin": EVIL}, csrf),
            "from a page that hides its origin": ({"Origin": "null"}, csrf),
            "from nowhere": ({}, csrf),
            "from another port": ({"Origin": archive.origin.rsplit(":", 1)[0] + ":1"}, csrf),
            "by a name that begins alike": ({"Origin": f"{archive.origin}.evil.example"}, csrf),
            "as another site's form": ({"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}, csrf),
            "from a sibling of the host": ({"Sec-Fetch-Site": "same-site"}, csrf),
        }

    async def send(self, route: Route, headers: Mapping[str, str], csrf: str) -> int:
        answer = await self.archive.client.request(
            route.method,
            address_of(route, self.archive),
            data={**FORM, "csrf": csrf} if csrf else dict(FORM),
            headers={**self.cookie, **headers},
            allow_redirects=False,
        )
        return answer.status


def address_of(route: Route, archive: DividedArchive) -> str:
    """Where a form is sent to: what is there if the archive has one of it, else what could be."""
    if kind_of(route):
        return address(route, archive.near)
    return re.sub(r"{\w+}", "0" * 26, route.template.replace("{code}", "default"))


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[DividedArchive]:
    async with divided_archive(tmp_path / "home", near=3, far=3) as opened:
        yield opened


@pytest.fixture
async def forger(archive: DividedArchive) -> Forger:
    sessions = archive.services.sessions
    person = await archive.person("All", "all@example.com", Grants.of(Role))
    cookie, other = [await sessions.start(person, method=Method.PASSWORD) for _ in range(2)]
    return Forger(
        archive,
        cookie,
        (await sessions.authenticate(cookie)).csrf,
        (await sessions.authenticate(other)).csrf,
    )


async def everything(database: Database) -> dict[str, Any]:
    """Return what the watched tables hold."""
    async with database.reading() as tx:
        held: dict[str, Any] = {
            name: sorted(map(repr, (await tx.execute(select(metadata.tables[name]))).all()))
            for name in WATCHED
        }
        for name in ("job", "session"):
            ids = await tx.execute(select(metadata.tables[name].c.id))
            held[name] = sorted(ids.scalars())
    return held


async def test_no_form_of_another_site_changes_anything(
    archive: DividedArchive, forger: Forger
) -> None:
    before, statuses = await everything(archive.services.database), Counter[int]()
    wrong = []
    for route, (way, (headers, csrf)) in product(PAGES, forger.ways.items()):
        status = await forger.send(route, headers, csrf)
        statuses[status] += 1
        if status != 403:
            wrong.append(f"{route.method} {route.template} with {way}: {status}")
    for route in PAGES:
        path = address_of(route, archive)
        answer = await archive.client.get(
            path, params={**FORM, "csrf": forger.csrf}, headers=forger.cookie, allow_redirects=False
        )
        statuses[answer.status] += 1
        if answer.status >= 500:
            wrong.append(f"GET {route.template}: {answer.status}")
    after = await everything(archive.services.database)
    # Looking at a page is an event; that is all a GET may leave.
    looked = set(after.pop("event")) - set(before.pop("event"))
    after.pop("record"), before.pop("record")

    print(
        f"{len(PAGES)} routes x ({len(forger.ways)} wrong ways + a GET) = {statuses.total()} "
        f"forgeries, {dict(statuses)}, obeyed: {len(wrong)}"
    )
    assert wrong == []
    assert after == before
    done = ("placed", "released", "granted", "disabled", "created", "revoked", "changed", "closed")
    assert [event for event in looked if any(f"'{word}'" in event for word in done)] == []


async def test_the_same_forms_act_when_they_come_from_the_page(
    archive: DividedArchive, forger: Forger
) -> None:
    before = await everything(archive.services.database)
    statuses = Counter(
        [
            await forger.send(route, {"Origin": archive.origin}, forger.csrf)
            for route in PAGES
            if route.template not in {"/sign-out", "/me/sessions/{id}/end"}
        ]
    )

    assert statuses[403] < 8, statuses
    assert await everything(archive.services.database) != before


async def test_public_forms_take_nothing_from_another_site(archive: DividedArchive) -> None:
    person = await archive.person("New", "new@example.com", Grants.of([Role.REVIEWER]))
    link = await archive.services.invitations.link(person, actor=ROOT)
    before = await everything(archive.services.database)
    for route, headers in product(PUBLIC, ({"Origin": EVIL}, {"Origin": "null"}, {})):
        answer = await archive.client.request(
            route.method,
            route.template.replace("/welcome/{secret}", link.path),
            data={"email": "new@example.com", "password": PASSWORD, "again": PASSWORD},
            headers=headers,
            allow_redirects=False,
        )
        assert answer.status == 403, f"{route.template} with {headers}"
        assert "Set-Cookie" not in answer.headers

    assert await everything(archive.services.database) == before


def _anywhere(route: Route) -> str:
    return re.sub(r"{\w+}", "any", route.template)


async def test_the_api_obeys_no_cookie_without_the_form_token(
    archive: DividedArchive, forger: Forger
) -> None:
    before = await everything(archive.services.database)
    for route, (headers, _) in product(PROGRAMS, forger.ways.values()):
        answer = await archive.client.request(
            route.method,
            address(route, archive.near) if kind_of(route) else _anywhere(route),
            json=FORM,
            headers={**forger.cookie, **headers},
        )
        assert answer.status == 403, f"{route.method} {route.template} with {headers}"

    assert await everything(archive.services.database) == before


async def test_a_secret_that_was_planted_never_becomes_a_session(archive: DividedArchive) -> None:
    services, planted = archive.services, "p" * 43
    person = await archive.person("New", "new@example.com", Grants.of([Role.AUDITOR]))
    link = await services.invitations.link(person, actor=ROOT)
    headers = {"Origin": archive.origin, "Cookie": f"{COOKIE}={planted}"}
    fields = {"email": "new@example.com", "password": PASSWORD, "again": PASSWORD}
    secrets = []

    for path in (link.path, "/sign-in", "/sign-in"):
        answer = await archive.client.post(
            path, data=fields, headers=headers, allow_redirects=False
        )
        assert answer.status == 303, await answer.text()
        secrets.append(answer.cookies[COOKIE].value)
        headers["Cookie"] = f"{COOKIE}={secrets[-1]}"

    assert len({planted, *secrets}) == 4
    for ended in (planted, *secrets[:-1]):  # each sign-in ends the session the browser had
        with pytest.raises(Denied):
            await services.sessions.authenticate(ended)
    signed_in = await services.sessions.authenticate(secrets[-1])
    confirmed = await archive.client.post(
        "/confirm",
        data={**fields, "csrf": signed_in.csrf},
        headers=headers,
        allow_redirects=False,
    )
    assert confirmed.cookies[COOKIE].value not in {planted, *secrets}
    with pytest.raises(Denied):
        await services.sessions.authenticate(secrets[-1])
