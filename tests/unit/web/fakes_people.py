# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""People, their sessions and their links in memory, for tests of the face alone."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from archiver.access.sessions import SessionView, SignedIn, csrf_of
from archiver.errors import Denied, NotFound
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.person import Method, Preferences

NOW = datetime(2026, 11, 21, 22, 1, 26, tzinfo=UTC)


def an_actor(*roles: Role, limited: tuple[LimitedRole, ...] = (), who: str = "rosa") -> Actor:
    """Return a person in a browser."""
    return Actor(
        name=f"{who}@example.com",
        roles=frozenset(roles),
        limited=frozenset(limited),
        via="session:S",
        person_id=f"01KAM0PERS{who.upper():0>16}",
    )


@dataclass
class FakeSessions:
    """Sessions by secret; `sign_in` makes one of an actor."""

    live: dict[str, SignedIn] = field(default_factory=dict)
    failure: Exception | None = None
    now: datetime = NOW
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def sign_in(self, actor: Actor, *, confirmed_at: datetime = NOW) -> str:
        number = next(self.ids)
        secret = f"{number:0>43}"
        self.live[secret] = SignedIn(
            actor=replace(actor, via=f"session:S{number}"),
            name=actor.name.partition("@")[0].title(),
            session_id=f"S{number}",
            csrf=csrf_of(secret),
            preferences=Preferences(),
            confirmed_at=confirmed_at,
            method=Method.PASSWORD,
            expires_at=self.now + timedelta(minutes=30),
        )
        return secret

    async def start(
        self, person_id: str, *, method: Method, address: str = "", agent: str = ""
    ) -> str:
        return self.sign_in(an_actor(Role.AUDITOR))

    async def authenticate(self, secret: str) -> SignedIn:
        if self.failure is not None:
            raise self.failure
        if secret not in self.live:
            raise Denied("your session has ended; sign in again", authenticated=False)
        return self.live[secret]

    async def confirm(self, session_id: str, *, method: Method) -> str:
        old = self._secret_of(session_id)
        signed_in = self.live.pop(old)
        return self.sign_in(signed_in.actor, confirmed_at=self.now)

    async def end(self, session_id: str, *, actor: Actor) -> None:
        del self.live[self._secret_of(session_id)]

    async def list(self, *, person_id: str = "", actor: Actor) -> tuple[SessionView, ...]:
        return tuple(
            SessionView(
                id=each.session_id,
                person_id=each.actor.person_id,
                method=each.method,
                started_at=NOW,
                seen_at=NOW,
                expires_at=each.expires_at,
                address="192.0.2.7",
                agent="Firefox",
                current=each.actor.via == actor.via,
            )
            for each in self.live.values()
            if each.actor.person_id == (person_id or actor.person_id)
        )

    async def revoke(self, session_id: str, *, actor: Actor) -> None:
        del self.live[self._secret_of(session_id)]

    async def break_glass(self, session_id: str, reason: str, *, actor: Actor) -> None:
        secret = self._secret_of(session_id)
        self.live[secret] = replace(self.live[secret], glass=reason)

    async def mend_glass(self, session_id: str, *, actor: Actor) -> None:
        secret = self._secret_of(session_id)
        self.live[secret] = replace(self.live[secret], glass="")

    def _secret_of(self, session_id: str) -> str:
        for secret, signed_in in self.live.items():
            if signed_in.session_id == session_id:
                return secret
        raise NotFound(f"no live session {session_id!r}")
