"""A sample archive served as in earnest, with a person of each role, for tests in a browser.

It runs in a thread with an event loop of its own, because Playwright's synchronous interface wants
the test's thread. `run` reaches the same services the pages use.
"""

import asyncio
import queue
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from archiver.app import Services, open_services
from archiver.capture.decoding import decode_capture
from archiver.capture.sample_company import ACCOUNTS, COMPANY, posts
from archiver.clock import to_millis
from archiver.config import Settings
from archiver.db import people as person_rows
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState
from archiver.model.post import Provenance
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from archiver.web.session import COOKIE
from tests.fakes.archive import AGENT, found, settings_for

POSTS = 240
HELD = 'whatsapp OR complaint OR "guaranteed returns"'
MATTER = "Halloran inquiry"
CORPORATE, BROKERS = "Corporate", "Brokers"
"""The units of the registered accounts: the company's own, and those of its people."""
_SEED = 17
_BATCH = 80
T = TypeVar("T")


class Site:
    """The served archive. `url` has no slash at its end."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.services: Services
        self.url = ""
        self.app: web.Application
        self.people: dict[str, str] = {}
        self._home = home
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._ready: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._in_thread, name="site")

    def start(self) -> None:
        """Found, fill and serve the archive; return when all of it can be searched."""
        self._thread.start()
        failed = self._ready.get()
        if failed is not None:
            self._thread.join()
            raise failed

    def stop(self) -> None:
        """Stop serving and close the archive."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine of the services gives, run where they live."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result()

    def actor(self, role: Role) -> Actor:
        """Return the person of a role as use cases see them."""
        return self._as(role, self.person(role))

    def person(self, role: Role, *, unit: str = "", matter: str = "") -> str:
        """Return the id of a person who holds this role and no other, over all or over a part."""
        key = f"{role}/{unit}/{matter}"
        if key not in self.people:
            self.people[key] = self.run(self._make_person(role, unit=unit, matter=matter))
        return self.people[key]

    def another(self, role: Role) -> str:
        """Return the id of one more person who holds this role and no other."""
        key = f"{role}/another"
        if key not in self.people:
            self.people[key] = self.run(self._make_person(role, unit="", matter=""))
        return self.people[key]

    def cookie(self, person_id: str) -> dict[str, str]:
        """Return the cookie of a new session of a person, as Playwright takes it."""
        sessions = self.services.sessions
        secret = self.run(sessions.start(person_id, method=Method.PASSWORD, agent="a test"))
        return {"name": COOKIE, "value": secret, "url": self.url}

    def _as(self, role: Role, person_id: str) -> Actor:
        return Actor(name=_name(role), roles=frozenset({role}), via="web", person_id=person_id)

    def _in_thread(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            self._ready.put(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        founded = await self._founded()
        settings = founded.model_copy(update=self._settings)
        async with self._open(settings) as self.services:
            services = self.services
            loops = [asyncio.create_task(loop()) for loop in services.loops.all()]
            self.app = create_app(services)
            runner = web.AppRunner(self.app, **CONNECTION)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                await self._fill()
                self._ready.put(None)
                await self._stop.wait()
            finally:
                await runner.cleanup()
                for loop in loops:
                    loop.cancel()
                await asyncio.gather(*loops, return_exceptions=True)

    async def _founded(self) -> Settings:
        return await found(settings_for(self._home))

    def _open(self, settings: Settings) -> AbstractAsyncContextManager[Services]:
        return open_services(settings)

    async def _fill(self) -> None:
        services = self.services
        operator = Actor(name=_name(Role.OPERATOR), roles=frozenset({Role.OPERATOR}))
        for account in ACCOUNTS:
            await services.accounts.register(
                platform=account.platform,
                handle=account.handle,
                title=account.name,
                custodian=account.custodian,
                unit=CORPORATE if account.name == COMPANY else BROKERS,
                actor=operator,
            )
        here = Provenance(method="demo")
        captures = list(posts(_SEED, services.clock(), POSTS))
        arrivals = [decode_capture(body, provenance=here) for body in captures]
        for at in range(0, len(arrivals), _BATCH):
            await services.ingest.submit(arrivals[at : at + _BATCH], actor=AGENT)
        counsel = Actor(name=_name(Role.COUNSEL), roles=frozenset({Role.COUNSEL}))
        while await self._searchable(counsel) < POSTS:  # noqa: ASYNC110 - the index tells no event
            await asyncio.sleep(0.05)
        await services.holds.place(
            name="Halloran and the guaranteed returns",
            matter=MATTER,
            reason="Inquiry by the regulator of 12 October 2026",
            query=HELD,
            actor=counsel,
        )

    async def _searchable(self, actor: Actor) -> int:
        answer = await self.services.searching.count("is:created OR is:edited", actor=actor)
        covered: Any = answer.to_dict()["covered"]
        return int(covered["records"])

    # Rows instead of invitations: what a role sees is tested here, not how people come to it.
    async def _make_person(self, role: Role, *, unit: str, matter: str) -> str:
        services = self.services
        now = services.clock()
        number = len(self.people) + 1
        person_id = f"01K0000000000000000000{number:04}"
        part = LimitedRole(role=role, unit=unit, matter=matter) if unit or matter else None
        held = Grants.of([part or role])
        async with services.database.transaction() as tx:
            await tx.run_sync(
                lambda connection: person_rows.state_person(
                    connection,
                    person_id=person_id,
                    name=_name(role),
                    email=f"{role}.{number}@example.com",
                    state=PersonState.ACTIVE,
                    grants=held,
                    at=to_millis(now),
                    by="the test",
                )
            )
        return person_id


def _name(role: Role) -> str:
    names: dict[Role, str] = {
        Role.ADMINISTRATOR: "Ada Quist",
        Role.RECORDS_MANAGER: "Renske Vermaat",
        Role.COUNSEL: "Jonas Rivera",
        Role.REVIEWER: "Priya Anand",
        Role.SUPERVISOR: "Sam Whitlock",
        Role.AUDITOR: "Odile Marchetti",
        Role.OPERATOR: "Ike Obuya",
        Role.CAPTURE_AGENT: "Capture agent",
    }
    return names[role]
