# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""People, their sessions and their links in memory, for tests of the face alone."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from archiver.access.invitations import Link, Welcome
from archiver.access.password_rules import check_password
from archiver.access.people import PeopleFilter
from archiver.access.roster import PersonView
from archiver.access.rules import Permission, require
from archiver.access.sessions import SessionView, SignedIn, csrf_of
from archiver.errors import Denied, InvalidInput, NotFound
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState, Preferences

PASSWORD = "a word, and several more"
PERSON = "01KAM0PERSN000000000000001"
SECRET = "s" * 43
NOW = datetime(2026, 11, 21, 22, 1, 26, tzinfo=UTC)


def a_person(person_id: str = PERSON, name: str = "Rosa <i>Records</i>") -> PersonView:
    """Return a person as they are shown; the name is hostile."""
    return PersonView(
        id=person_id,
        name=name,
        email="rosa@example.com",
        state=PersonState.ACTIVE,
        grants=Grants(
            roles=frozenset({Role.RECORDS_MANAGER}),
            limited=frozenset({LimitedRole(role=Role.REVIEWER, unit="<b>Treasury</b>")}),
        ),
        created_at=NOW,
        created_by="cli:root",
        last_sign_in_at=None,
        locked_until=None,
        has_password=True,
        has_provider=False,
    )


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
        self,
        person_id: str,
        *,
        method: Method,
        address: str = "",
        agent: str = "",
        replacing: str = "",
    ) -> str:
        self.live.pop(replacing, None)
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


@dataclass
class FakePeople:
    """One person, whoever is asked for; acts are noted."""

    acts: list[str] = field(default_factory=list)
    preferences: list[Preferences] = field(default_factory=list)

    async def list(
        self, chosen: PeopleFilter | None = None, *, actor: Actor
    ) -> tuple[PersonView, ...]:
        require(actor, Permission.READ_AUDIT)
        return tuple(each for each in (a_person(),) if (chosen or PeopleFilter()).lets(each))

    async def show(self, person_id: str, *, actor: Actor) -> PersonView:
        if person_id != actor.person_id:
            require(actor, Permission.READ_AUDIT)
        return a_person(person_id)

    async def invite(self, name: str, email: str, grants: Grants, *, actor: Actor) -> PersonView:
        require(actor, Permission.MANAGE_ACCESS)
        if "@" not in email:
            raise InvalidInput("expected an e-mail address", pointer="email")
        self.acts.append(f"invited {name} {email} {grants.to_text()}")
        return a_person(name=name)

    async def grant(
        self, person_id: str, grants: Grants, *, reason: str = "", actor: Actor
    ) -> PersonView:
        require(actor, Permission.MANAGE_ACCESS)
        self.acts.append(f"granted {grants.to_text()} because {reason}")
        return replace(a_person(person_id), grants=grants)

    async def disable(self, person_id: str, *, reason: str = "", actor: Actor) -> PersonView:
        require(actor, Permission.MANAGE_ACCESS)
        self.acts.append(f"disabled because {reason}")
        return replace(a_person(person_id), state=PersonState.DISABLED)

    async def enable(self, person_id: str, *, reason: str = "", actor: Actor) -> PersonView:
        require(actor, Permission.MANAGE_ACCESS)
        self.acts.append(f"enabled because {reason}")
        return a_person(person_id)

    async def prefer(self, preferences: Preferences, *, actor: Actor) -> None:
        self.preferences.append(preferences)


@dataclass
class FakeInvitations:
    """A link, `SECRET`, that works until it was used."""

    used: bool = False

    async def link(self, person_id: str, *, actor: Actor) -> Link:
        require(actor, Permission.MANAGE_ACCESS)
        return Link(path=f"/welcome/{SECRET}", expires_at=NOW, email="rosa@example.com")

    async def open(self, secret: str) -> Welcome:
        if secret != SECRET or self.used:
            raise Denied("this link was used already or is too old")
        return Welcome(person_id=PERSON, name="Rosa", email="rosa@example.com", new=True)

    async def accept(self, secret: str, password: str) -> str:
        welcome = await self.open(secret)
        check_password(password, email=welcome.email)
        self.used = True
        return welcome.person_id


@dataclass
class FakePasswords:
    """Everybody's password is `PASSWORD`."""

    failure: Exception | None = None
    addresses: list[str] = field(default_factory=list)

    async def sign_in(self, email: str, password: str, *, address: str) -> str:
        self._check(password, address)
        return PERSON

    async def prove(self, password: str, *, actor: Actor, address: str) -> None:
        self._check(password, address)

    async def change(
        self, current: str, new: str, *, session_id: str, actor: Actor, address: str
    ) -> None:
        self._check(current, address)
        check_password(new, email=actor.name)

    def _check(self, password: str, address: str) -> None:
        self.addresses.append(address)
        if self.failure is not None:
            raise self.failure
        if password != PASSWORD:
            raise Denied("e-mail and password do not fit")
