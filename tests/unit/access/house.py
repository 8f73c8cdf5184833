# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""A small archive's access over a real database, with a clock the test moves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archiver.access.opening import Access, open_access
from archiver.access.people import join
from archiver.audit.actions import Action
from archiver.config import load_settings
from archiver.db.transaction import Database
from archiver.ids import Ulids
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method
from archiver.preserve.event_effects import Effect

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLI = Actor(name="cli:root", roles=frozenset(Role), via="cli")
PASSWORD = "seven herons over the harbour"


@dataclass(frozen=True)
class Line:
    """One event as it was recorded."""

    action: Action
    actor: str
    object_id: str
    details: dict[str, str | int | bool]


class Trail:
    """Remembers events, and does what they do, as the write path does."""

    def __init__(self, database: Database) -> None:
        self.lines: list[Line] = []
        self.failure: Exception | None = None
        self._database = database

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
        effect: Effect | None = None,
        at: datetime | None = None,
    ) -> int:
        if self.failure is not None:
            raise self.failure
        self.lines.append(Line(action, actor.name, object_id, dict(details or {})))
        if effect is not None:
            async with self._database.transaction() as tx:
                await tx.run_sync(effect.apply)
        return len(self.lines)

    @property
    def actions(self) -> list[Action]:
        return [line.action for line in self.lines]


class House:
    """Access as one process has it; `other()` is a second process over the same database."""

    def __init__(self, database: Database, **settings: str) -> None:
        self.database = database
        self.now = START
        self.trail = Trail(database)
        self.settings = load_settings(
            {f"MUNIMENT_{name.upper()}": value for name, value in settings.items()}
        )
        self.access = self.other()

    def other(self) -> Access:
        return open_access(
            database=self.database,
            clock=lambda: self.now,
            ulids=Ulids(),
            trail=self.trail,
            settings=self.settings,
        )

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    async def person(self, email: str, *held: Role | LimitedRole) -> str:
        """Have somebody come in without a password, and return their id."""
        name = email.partition("@")[0].title()
        made = await self.access.people.invite(name, email, Grants.of(held), actor=CLI)
        await join(self.access.roster, made.id, method=Method.OIDC)
        return made.id

    async def person_with_password(self, email: str, *held: Role | LimitedRole) -> str:
        """Have somebody come in who sets `PASSWORD` with their link, and return their id."""
        person_id = await self.person(email, *held)
        link = await self.access.invitations.link(person_id, actor=CLI)
        return await self.access.invitations.accept(secret_of(link.path), PASSWORD)

    async def sign_in(self, person_id: str) -> str:
        return await self.access.sessions.start(person_id, method=Method.PASSWORD)

    async def actor(self, person_id: str) -> Actor:
        return (await self.access.sessions.authenticate(await self.sign_in(person_id))).actor


def secret_of(path: str) -> str:
    found = re.fullmatch(r"/welcome/([A-Za-z0-9_-]{43})", path)
    assert found is not None
    return found[1]
