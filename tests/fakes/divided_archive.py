"""A served archive of two halves that must not know of each other, and people of either.

`NEAR` is a unit and a matter that limited people are limited to; `FAR` is the other. Every field of
everything far holds the word `CANARY`, which nothing near does: whoever of the near half is sent it
was sent what is not theirs. Posts of both halves share common words, so that both are found.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer

from archiver.app import Services
from archiver.capture.decoding import decode_capture
from archiver.clock import Clock, system_clock, to_millis
from archiver.db import passkeys as passkey_rows
from archiver.db import people as person_rows
from archiver.db import subscriptions as subscription_rows
from archiver.db.passkeys import PasskeyRow
from archiver.db.subscriptions import DEAD, DeliveryRow
from archiver.errors import SearchUnavailable
from archiver.legal.asking import Asked
from archiver.legal.subscription_views import ChannelName, Pace
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState
from archiver.model.post import Provenance
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from archiver.web.session import COOKIE
from tests.fakes.archive import AGENT, eventually, found, serving, settings_for

CANARY = "zanzibarite"
NEAR, FAR = "Treasury", f"Wealth {CANARY}"
"""The units; matters have the same names."""
WORDS = ("merger", "picnic", "dividend", "guaranteed", "lunch", "quarter")
ROOT = Actor(name="root", roles=frozenset({Role.ADMINISTRATOR}), via="cli")
OPERATOR = Actor(name="ike", roles=frozenset({Role.OPERATOR}), via="cli")
COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL}), via="cli")
_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who is signed in, and how their requests say so."""

    name: str
    actor: Actor
    cookie: str
    csrf: str
    token: str


@dataclass
class Half:
    """What one half consists of: the word in all its fields, the ids of its objects by kind."""

    name: str
    mark: str
    records: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)


class DividedArchive:
    """The archive, its halves, and a client that asks as whom one says."""

    def __init__(self, services: Services, client: TestClient[Any, Any]) -> None:
        self.services = services
        self.client = client
        self.origin = f"http://{client.host}:{client.port}"
        self.near, self.far = Half(NEAR, "near"), Half(FAR, CANARY)
        self._numbers = count(1)
        self._posts = 0

    async def send(
        self,
        method: str,
        path: str,
        who: Visitor,
        *,
        form: Mapping[str, str] | None = None,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> ClientResponse:
        """Ask as a page does, with cookie, origin and form token; of the API, with a token."""
        sent: dict[str, str] = dict(headers or {})
        if path.startswith(("/api/", "/log/")):
            sent["Authorization"] = f"Bearer {who.token}"
            return await self.client.request(
                method, path, json=document, headers=sent, allow_redirects=False
            )
        sent |= {"Cookie": f"{COOKIE}={who.cookie}", "Origin": self.origin}
        data = None if method == "GET" else {"csrf": who.csrf, **(form or {})}
        return await self.client.request(
            method, path, data=data, headers=sent, allow_redirects=False
        )

    async def visitor(self, role: Role, *, unit: str = "", matter: str = "") -> Visitor:
        """Return a new person of a role over a part, signed in, with a token of the same rights."""
        number = next(self._numbers)
        where = f" of the unit {unit}" if unit else f" of the matter {matter}" if matter else ""
        part = LimitedRole(role=role, unit=unit, matter=matter) if where else role
        email = f"{role}.{number}@example.com"
        person_id = await self.person(f"{role}{where}", email, Grants.of([part]))
        services = self.services
        cookie = await services.sessions.start(person_id, method=Method.PASSWORD)
        signed_in = await services.sessions.authenticate(cookie)
        _, token = await services.tokens.create(
            f"{role} {number}", {role}, unit=unit, matter=matter, actor=ROOT
        )
        return Visitor(
            name=f"{role}{where}",
            actor=signed_in.actor,
            cookie=cookie,
            csrf=signed_in.csrf,
            token=token,
        )

    async def person(self, name: str, email: str, grants: Grants) -> str:
        """Take somebody into the register, without an invitation."""
        person_id = f"01K0000000000000000000{next(self._numbers):04}"
        at = to_millis(self.services.clock())
        async with self.services.database.transaction() as tx:
            await tx.run_sync(
                lambda connection: person_rows.state_person(
                    connection,
                    person_id=person_id,
                    name=name,
                    email=email,
                    state=PersonState.ACTIVE,
                    grants=grants,
                    at=at,
                    by="the test",
                )
            )
        return person_id

    async def fill(self, half: Half, posts: int) -> None:
        """Give a half everything there is: account, posts, hold, person, token, job, event."""
        services, mark = self.services, half.mark
        account = await services.accounts.register(
            platform="mastodon",
            handle=f"@{mark}",
            title=f"{mark} title",
            custodian=f"{mark} custodian",
            unit=half.name,
            actor=OPERATOR,
        )
        half.ids["account"] = account.id
        await self.say(half, posts)
        hold = await services.holds.place(
            name=f"{mark} hold",
            matter=half.name,
            reason=f"{mark} reason",
            record_ids=half.records[:2],
            accounts=[f"@{mark}"],
            actor=COUNSEL,
        )
        half.ids["hold"] = hold.id
        half.ids["record"] = half.records[0]
        await self._fill_access(half, mark)

    async def say(self, half: Half, posts: int) -> None:
        """Let a half say more; all of it can be searched when this returns."""
        start = len(half.records)
        bodies = [_post(half.mark, number) for number in range(start, start + posts)]
        here = Provenance(method="push", source="test")
        arrivals = [decode_capture(body, provenance=here) for body in bodies]
        outcomes = await self.services.ingest.submit(arrivals, actor=AGENT)
        half.records += [outcome.record_id for outcome in outcomes]
        self._posts += posts

        async def searchable() -> bool:
            try:
                answer = await self.services.searching.count("lang:en", actor=COUNSEL)
            except SearchUnavailable:  # the index is just being created
                return False
            return answer.covered.records >= self._posts

        await eventually(searchable)

    async def come_to_rest(self) -> None:
        """Wait until no job is under way, whose events would come at any moment."""

        async def at_rest() -> bool:
            jobs = await self.services.work.list(actor=OPERATOR)
            return not any(job.is_under_way for job in jobs.items)

        await eventually(at_rest)

    async def _fill_access(self, half: Half, mark: str) -> None:
        services, ids = self.services, half.ids
        part = LimitedRole(role=Role.OPERATOR, unit=half.name)
        grants = Grants.of([Role.OPERATOR, Role.COUNSEL, part])
        ids["person"] = await self.person(f"{mark} person", f"{mark}@example.com", grants)
        secret = await services.sessions.start(
            ids["person"], method=Method.PASSWORD, agent=f"{mark} browser", address=f"{mark} place"
        )
        signed_in = await services.sessions.authenticate(secret)
        ids["session"] = signed_in.session_id
        token, _ = await services.tokens.create(
            f"{mark} token", {Role.AUDITOR}, unit=half.name, actor=ROOT
        )
        ids["token"] = token.id
        job = await services.work.start(
            "evidence",
            subject=f"{mark} evidence",
            object_type="hold",
            object_id=ids["hold"],
            arguments={"hold_id": ids["hold"]},
            actor=signed_in.actor,
        )
        ids["job"] = job.id
        name = f"{mark}.jsonl"
        receiving = await services.imports.receive(name, size=100, actor=signed_in.actor)
        receiving.write(_post(mark, 10_000))
        ids["upload"] = (await services.imports.finish(receiving, actor=signed_in.actor)).id
        credential = f"{mark} passkey".encode()
        async with services.database.transaction() as tx:
            await passkey_rows.add(
                tx,
                PasskeyRow(
                    credential_id=credential,
                    person_id=ids["person"],
                    public_key=b"key",
                    sign_count=0,
                    name=f"{mark} passkey",
                    created_at=0,
                    last_used_at=None,
                ),
            )
        ids["passkey"] = base64.urlsafe_b64encode(credential).rstrip(b"=").decode()
        await self._fill_saved(half, mark, signed_in.actor)
        await self._fill_sets(half, mark, signed_in.actor)
        await services.records.show(ids["record"], actor=signed_in.actor)
        timeline = await services.audit.about("record", ids["record"], actor=_AUDITOR)
        ids["event"] = timeline.page.items[0].row.record_id

    async def _fill_sets(self, half: Half, mark: str, actor: Actor) -> None:
        """Give a half a frozen set, and a report of terms over it."""
        services = self.services
        frozen = await services.frozen_sets.freeze("merger", name=f"{mark} set", actor=actor)
        wanted = Wanted(terms=f"merger\n{mark}", set_id=frozen.id, name=f"{mark} report")
        report = await services.term_reports.make(wanted, actor=actor)
        half.ids.update({"set": frozen.id, "term-report": report.id})

    async def _fill_saved(self, half: Half, mark: str, actor: Actor) -> None:
        """Give a half a saved search, shared within it, and one who was to be told of it."""
        services, ids = self.services, half.ids
        saved = await services.saved_searches.save(
            Asked(query=f"{mark} OR merger"),
            name=f"{mark} search",
            description=f"{mark} description",
            shared_with=f"unit:{half.name}",
            actor=actor,
        )
        told = await services.subscriptions.create(
            saved.id,
            channel=ChannelName.WEBHOOK,
            target=f"https://{mark}.example/hook",
            pace=Pace.DAILY,
            actor=actor,
        )
        ids |= {"saved-search": saved.id, "subscription": told.row.id}
        ids["delivery"] = f"01K000000000000000000D{next(self._numbers):04}"
        async with services.database.transaction() as tx:
            given_up = DeliveryRow(
                id=ids["delivery"],
                subscription_id=told.row.id,
                first_index=0,
                end_index=1,
                hits=1,
                version=1,
                state=DEAD,
                attempts=8,
                next_at=0,
                problem=f"{mark} problem",
                created_at=0,
            )
            await tx.run_sync(lambda connection: subscription_rows.settle(connection, given_up))


_AUDITOR = Actor(name="audrey", roles=frozenset({Role.AUDITOR}), via="cli")


def _post(mark: str, number: int) -> bytes:
    """Return one capture whose every field holds the mark, and its text some common words."""
    text = f"{mark} {WORDS[number % 6]} and {WORDS[(number * 5 + number // 6) % 6]} {number}"
    said: dict[str, object] = {
        "platform": "mastodon",
        "post_id": f"{mark}-{number}",
        "account": f"@{mark}",
        "text": text,
        "lang": "en",
        "posted_at": f"20{20 + number % 6}-0{1 + number % 9}-11T10:00:00Z",
        "permalink": f"https://{mark}.example/{number}",
        "conversation_id": f"{mark} conversation",
        "author": {"id": f"{mark} id", "handle": f"@{mark}", "name": f"{mark} author"},
        "tags": [f"{mark}tag", WORDS[number % 6]],
        "payload": {"said": text, "summary": f"{mark} alt"},
    }
    if number:
        said["in_reply_to"] = f"{mark}-{number - 1}"
    if number < 2:
        content = base64.b64encode(_PICTURE + mark.encode()).decode()
        name = f"{mark}.png"
        said["media"] = [{"name": name, "media_type": "image/png", "content_base64": content}]
    return json.dumps(said).encode()


@asynccontextmanager
async def divided_archive(
    home: Path, *, near: int = 9, far: int = 14, clock: Clock = system_clock
) -> AsyncIterator[DividedArchive]:
    """Found, fill and serve the archive."""
    settings = await found(settings_for(home), clock=clock)
    async with serving(settings, clock=clock) as services:
        server = TestServer(create_app(services))
        await server.start_server(**CONNECTION)
        async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
            archive = DividedArchive(services, client)
            await archive.fill(archive.near, near)
            await archive.fill(archive.far, far)
            await archive.come_to_rest()
            yield archive
