"""Who works disposal batches in tests: each is a person of their own."""

from archiver.model.actor import Actor, Role

RITA = Actor(
    name="rita",
    roles=frozenset({Role.RECORDS_MANAGER}),
    via="session",
    person_id="01K00000000000000000000RTA",
)
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
