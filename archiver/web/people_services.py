"""What the web asks of people, their links and passwords: protocols, as in `services`."""

from collections.abc import Sequence
from typing import Protocol

from archiver.access.invitations import Link, Welcome
from archiver.access.people import PeopleFilter
from archiver.access.roster import PersonView
from archiver.model.actor import Actor
from archiver.model.grants import Grants
from archiver.model.person import Preferences


class People(Protocol):
    """Manages people: `archiver.access.people.People`."""

    async def list(
        self, chosen: PeopleFilter | None = None, *, actor: Actor
    ) -> Sequence[PersonView]:
        """Return the people, by name."""

    async def show(self, person_id: str, *, actor: Actor) -> PersonView:
        """Return one person."""

    async def invite(self, name: str, email: str, grants: Grants, *, actor: Actor) -> PersonView:
        """Take somebody into the register."""

    async def grant(
        self, person_id: str, grants: Grants, *, reason: str = "", actor: Actor
    ) -> PersonView:
        """Let somebody hold exactly these roles."""

    async def disable(self, person_id: str, *, reason: str = "", actor: Actor) -> PersonView:
        """Let somebody act no more."""

    async def enable(self, person_id: str, *, reason: str = "", actor: Actor) -> PersonView:
        """Let them act again."""

    async def prefer(self, preferences: Preferences, *, actor: Actor) -> None:
        """Keep how somebody likes their pages."""


class Invitations(Protocol):
    """One-time links: `archiver.access.invitations.Invitations`."""

    async def link(self, person_id: str, *, actor: Actor) -> Link:
        """Make a link."""

    async def open(self, secret: str) -> Welcome:
        """Return whom a link is for."""

    async def accept(self, secret: str, password: str) -> str:
        """Set the password of whoever has the link; return their id."""


class Passwords(Protocol):
    """Signing in with a password: `archiver.access.passwords.Passwords`."""

    async def sign_in(self, email: str, password: str, *, address: str) -> str:
        """Return whose e-mail and password these are."""

    async def prove(self, password: str, *, actor: Actor, address: str) -> None:
        """Pass if it is the actor's password."""

    async def change(
        self, current: str, new: str, *, session_id: str, actor: Actor, address: str
    ) -> None:
        """Give oneself another password."""
