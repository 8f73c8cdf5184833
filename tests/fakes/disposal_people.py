"""Who works disposal batches in tests: each is a person of their own."""

from archiver.app import Services
from archiver.audit.actions import Action
from archiver.db import people
from archiver.model.actor import SYSTEM, Actor, Role
from archiver.model.grants import Grants
from archiver.model.person import PersonState
from archiver.preserve.person_effects import PERSON, person_details

RITA = Actor(
    name="rita",
    roles=frozenset({Role.RECORDS_MANAGER}),
    via="session",
    person_id="01K00000000000000000000RTA",
)
MARA = Actor(
    name="mara",
    roles=frozenset({Role.RECORDS_MANAGER}),
    via="session",
    person_id="01K00000000000000000000MRA",
)
PROGRAM = Actor(name="a program", roles=frozenset({Role.RECORDS_MANAGER}), via="token:2")
ADA = Actor(
    name="ada",
    roles=frozenset({Role.COUNSEL}),
    via="session",
    person_id="01K00000000000000000000ADA",
)
BEN = Actor(
    name="ben",
    roles=frozenset({Role.COUNSEL}),
    via="session",
    person_id="01K00000000000000000000BEN",
)
RITA_AS_COUNSEL = Actor(
    name="rita",
    roles=frozenset({Role.COUNSEL}),
    via="session",
    person_id=RITA.person_id,
)
TOKEN = Actor(name="a token", roles=frozenset({Role.COUNSEL}), via="token:1")
OPERATOR = Actor(
    name="olaf",
    roles=frozenset({Role.OPERATOR}),
    via="session",
    person_id="01K00000000000000000000XAF",
)


async def employ(services: Services, *actors: Actor) -> None:
    """Let these be people of the archive, with the roles they act in; once is enough."""
    async with services.database.reading() as tx:
        known = {row.id for row in await people.list_all(tx)}
    for actor in actors:
        if actor.person_id not in known:
            await state(services, actor)


async def state(
    services: Services, actor: Actor, *, at: PersonState = PersonState.ACTIVE, roles: bool = True
) -> None:
    """Let an event say where somebody stands; without `roles` they have none any more."""
    await services.trail.record(
        Action.PERSON_GRANTED,
        actor=SYSTEM,
        object_type=PERSON,
        object_id=actor.person_id,
        details=person_details(
            name=actor.name,
            email=f"{actor.name}@example.com",
            state=at,
            grants=Grants(roles=actor.roles if roles else frozenset()),
        ),
    )
