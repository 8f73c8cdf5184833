"""The people of the demonstration: one for each role, and one who sees a single unit.

They all have one password, made anew each time; a real archive hands out one-time links.
"""

import secrets
from dataclasses import dataclass

from archiver.app import Services
from archiver.capture.sample_company import COMPANY
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants

UNIT = "Treasury"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePerson:
    """One person: how they are called, and what they hold."""

    name: str
    held: Role | LimitedRole

    @property
    def email(self) -> str:
        """What they sign in with: their first name at the company."""
        return f"{self.name.partition(' ')[0].lower()}@example.com"


PEOPLE = (
    SamplePerson(name="Ada Admin", held=Role.ADMINISTRATOR),
    SamplePerson(name="Rosa Records", held=Role.RECORDS_MANAGER),
    SamplePerson(name="Carl Counsel", held=Role.COUNSEL),
    SamplePerson(name="Cora Counsel", held=Role.COUNSEL),
    SamplePerson(name="Rita Review", held=Role.REVIEWER),
    SamplePerson(name="Sam Supervisor", held=Role.SUPERVISOR),
    SamplePerson(name="Aron Audit", held=Role.AUDITOR),
    SamplePerson(name="Olga Operator", held=Role.OPERATOR),
    SamplePerson(name="Theo Treasury", held=LimitedRole(role=Role.RECORDS_MANAGER, unit=UNIT)),
)
"""Capture agents are programs, so nobody is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """The people who dispose, as use cases see them, and everybody's password."""

    records_manager: Actor
    approvers: tuple[Actor, ...]
    password: str


async def settle_people(services: Services, *, actor: Actor) -> Staff:
    """Invite everybody and set their password, as each would with their link.

    Raises:
        OperatorError: it could not be written.
    """
    password = secrets.token_urlsafe(12)
    held: dict[Role | LimitedRole, list[Actor]] = {}
    for person in PEOPLE:
        made = await services.people.invite(
            person.name, person.email, Grants.of([person.held]), actor=actor
        )
        link = await services.invitations.link(made.id, actor=actor)
        await services.invitations.accept(link.path.rpartition("/")[2], password)
        grants = Grants.of([person.held])
        signed_in = Actor(name=person.email, roles=grants.roles, via="session", person_id=made.id)
        held.setdefault(person.held, []).append(signed_in)
    return Staff(
        records_manager=held[Role.RECORDS_MANAGER][0],
        approvers=tuple(held[Role.COUNSEL]),
        password=password,
    )


def told(password: str) -> list[str]:
    """Return the lines that say how to sign in."""
    width = max(len(person.email) for person in PEOPLE)
    lines = [f"{COMPANY} is signed in to with the password {password} as"]
    for person in PEOPLE:
        (held,) = Grants.of([person.held]).lines
        lines.append(f"    {person.email:{width}}  {person.name} ({held.replace('-', ' ', 1)})")
    return lines
