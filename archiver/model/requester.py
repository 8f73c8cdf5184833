"""Who asked for what goes on by itself: told from others, and written down with their rights."""

import json

from archiver.model.actor import Actor, LimitedRole, Role


def requester_of(actor: Actor) -> str:
    """Return what tells whose a job is: the person's id, or how else they came."""
    return actor.person_id or actor.via


def actor_text(actor: Actor) -> str:
    """Return the rights an actor has now, as JSON. Broken glass does not outlive its session."""
    return json.dumps(
        {
            "name": actor.name,
            "roles": sorted(actor.roles),
            "via": actor.via,
            "limited": [[each.role, each.unit, each.matter] for each in sorted(actor.limited)],
            "person_id": actor.person_id,
        },
        ensure_ascii=False,
    )


def actor_of(text: str) -> Actor:
    """Return the actor that `actor_text` wrote down."""
    read = json.loads(text)
    return Actor(
        name=read["name"],
        roles=frozenset(Role(role) for role in read["roles"]),
        via=read["via"],
        limited=frozenset(
            LimitedRole(role=Role(role), unit=unit, matter=matter)
            for role, unit, matter in read["limited"]
        ),
        person_id=read["person_id"],
    )
