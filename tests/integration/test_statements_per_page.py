"""No page asks the database more often because a list grew.

Each page is read from two archives' worth of data: ten of everything, then sixty, which is more
than one page of any list. The background loops rest, so that what is counted is the page's own.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event

from archiver.app import Services, open_services
from archiver.db.transaction import Database
from archiver.disposal.stated_events import NewEvent
from archiver.legal.asking import Asked
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from archiver.web.server import create_app
from tests.fakes.archive import AGENT, an_arrival, found, settings_for

FEW, MANY = 10, 60
COUNTED = 1
"""A list that fills its page is counted by one more statement; one asked row by row adds forty."""

EVERYBODY = Actor(name="everybody", roles=frozenset(Role), via="cli")
Face = TestClient[web.Request, web.Application]

PAGES = (
    "/",
    "/search",
    "/search?q=word",
    "/search?q=word&f=platform:example",
    "/search/not-searchable",
    "/search/preview/{record}",
    "/accounts",
    "/accounts?sort=-records",
    "/classes",
    "/classes/default",
    "/classes/rules",
    "/classes/new",
    "/classes/report",
    "/classes/default/records",
    "/drafts",
    "/drafts/new?class=default",
    "/disposition/stop",
    "/retention-events",
    "/retention-events/new",
    "/retention-events/{retention_event}",
    "/retention-events/{retention_event}/correct?happened_at=2026-03-31",
    "/retention-events/{retention_event}/withdraw",
    "/approvals",
    "/privacy",
    "/records/{record}",
    "/records/{record}?tab=thread",
    "/records/{record}?tab=versions",
    "/records/{record}?tab=media",
    "/records/{record}?tab=metadata",
    "/records/{record}?tab=custody",
    "/records/{record}?tab=raw",
    "/sets",
    "/sets/new?q=word",
    "/terms",
    "/terms/new",
    "/api/v1/sets",
    "/api/v1/term-reports",
    "/saved-searches",
    "/api/v1/saved-searches",
    "/holds",
    "/holds/{hold}",
    "/holds/new?q=word",
    "/holds/{hold}/release",
    "/jobs",
    "/imports",
    "/integrity",
    "/audit",
    "/audit/about/record/{record}",
    "/audit/about/hold/{hold}",
    "/settings",
    "/people",
    "/people/tokens",
    "/me/activity",
    "/help",
    "/about",
    "/style",
    "/api/v1/holds",
    "/api/v1/accounts",
    "/api/v1/classes",
    "/api/v1/class-tree",
    "/api/v1/class-rules",
    "/api/v1/class-report",
    "/api/v1/classes/default",
    "/api/v1/classes/default/records",
    "/api/v1/drafts",
    "/api/v1/retention-events",
    "/api/v1/disposition/due",
    "/api/v1/batches",
    "/api/v1/certificates",
    "/api/v1/privacy-requests",
    "/api/v1/people",
    "/api/v1/tokens",
    "/api/v1/jobs",
    "/api/v1/events",
    "/api/v1/search?q=word&facets=true",
    "/api/v1/records/{record}",
    "/api/v1/records/{record}/versions",
)


@dataclass
class Statements:
    """The statements a database was sent."""

    sent: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, database: Database) -> Iterator["Statements"]:
        """Count what is sent within."""
        # Every engine there is, reading and writing, is asked; some share a pool.
        engines = {
            id(engine): engine
            for engine in (
                database._reading.sync_engine,
                database._writing.sync_engine,
                database._direct_reading,
                database._direct_writing,
            )
            if engine is not None
        }

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            self.sent.append(statement)

        for engine in engines.values():
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield self
        finally:
            for engine in engines.values():
                event.remove(engine, "before_cursor_execute", note)


class Office:
    """An archive that can be given more of everything, and asked for pages."""

    def __init__(self, services: Services, face: Face, headers: dict[str, str]) -> None:
        self.services = services
        self.face = face
        self._headers = headers
        self._size = 0
        self.names: dict[str, str] = {}

    async def grow(self, size: int) -> None:
        """Bring posts, versions, accounts, holds, people, tokens and jobs to `size` each."""
        services = self.services
        numbers = range(self._size, size)
        arrivals = []
        for number in numbers:
            one = an_arrival(f"word {number}".encode(), post_id=f"post-{number}")
            own = replace(one.post, account=f"account-{number}", conversation_id="talk")
            version = an_arrival(f"word v{number}".encode(), post_id="post-0")
            again = replace(version.post, account="account-0", conversation_id="talk")
            arrivals += [replace(one, post=own), replace(version, post=again)]
        outcomes = await services.ingest.submit(arrivals, actor=AGENT)
        self.names.setdefault("record", outcomes[0].record_id)
        await services.loops.catch_up()
        await services.account_totals.catch_up()
        for number in numbers:
            hold = await services.holds.place(
                name=f"hold {number}",
                reason="a test",
                record_ids=[self.names["record"]],
                actor=EVERYBODY,
            )
            self.names.setdefault("hold", hold.id)
            await services.saved_searches.save(
                Asked(query=f"word AND {number}"),
                name=f"search {number}",
                shared_with="everybody",
                actor=EVERYBODY,
            )
            await services.people.invite(
                f"Person {number}",
                f"p{number}@example.com",
                Grants(roles=frozenset({Role.AUDITOR})),
                actor=EVERYBODY,
            )
            await services.tokens.create(
                f"token {number}",
                {Role.AUDITOR},
                expires_at=services.clock() + timedelta(days=9),
                actor=EVERYBODY,
            )
            plan = services.plan
            await plan.drafts.make("default", reason="a test", actor=EVERYBODY)
            stated = await services.keeping.events.state(
                NewEvent(
                    name="case_closed",
                    happened_at=services.clock(),
                    platform="x",
                    account=f"a{number}",
                ),
                actor=EVERYBODY,
            )
            self.names.setdefault("retention_event", stated.row.id)
            await plan.classes.add(
                f"class-{number}", title="A class", authority="a test", actor=EVERYBODY
            )
            someone = replace(EVERYBODY, via=f"token:{number}")  # one alone may ask for twenty
            await services.work.start_verification(percent=1.0, actor=someone)
        await services.loops.catch_up()
        self._size = size

    async def read(self, page: str) -> list[str]:
        """Return the statements that a page takes once what is remembered is remembered."""
        path = page.format(**self.names)
        await self._get(path)  # the first time fills what a process remembers (keys, tokens)
        # Twice, because what is remembered of a token is forgotten by the clock.
        return min([await self._sent(path), await self._sent(path)], key=len)

    async def _sent(self, path: str) -> list[str]:
        counted = Statements()
        with counted.of(self.services.database):
            await self._get(path)
        return counted.sent

    async def _get(self, path: str) -> None:
        answer = await self.face.get(path, headers=self._headers, allow_redirects=False)
        assert answer.status == 200, f"{path}: {answer.status}\n{(await answer.text())[:2000]}"


@asynccontextmanager
async def office(home: Path) -> AsyncIterator[Office]:
    """A new archive being served, its background loops at rest."""
    settings = await found(settings_for(home))
    async with open_services(settings) as services:
        _, secret = await services.tokens.create("everybody", set(Role), actor=EVERYBODY)
        async with TestClient(TestServer(create_app(services))) as face:
            yield Office(services, face, {"Authorization": f"Bearer {secret}"})


@pytest.fixture
async def counts(tmp_path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """What each page sends with few and with many of everything."""
    async with office(tmp_path / "home") as opened:
        await opened.grow(FEW)
        few = {page: await opened.read(page) for page in PAGES}
        await opened.grow(MANY)
        many = {page: await opened.read(page) for page in PAGES}
    return {page: (few[page], many[page]) for page in PAGES}


async def test_no_page_asks_the_database_more_often_as_lists_grow(
    counts: dict[str, tuple[list[str], list[str]]],
) -> None:
    for page, (few, many) in counts.items():
        print(f"{len(few):4} {len(many):4}  {page}")
    grown = {
        page: (len(few), len(many), _more_often(few, many))
        for page, (few, many) in counts.items()
        if len(many) > len(few) + COUNTED
    }

    assert grown == {}


def _more_often(few: list[str], many: list[str]) -> list[str]:
    return sorted({each[:200] for each in many if many.count(each) > few.count(each)})
