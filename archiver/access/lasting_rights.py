"""What somebody may do now who asked for something that goes on without them.

A subscription outlives the session or request that made it. Before each time it acts, the rights of
whoever asked are read anew: a role that was taken, a person who left, a token that ended or was
revoked no longer see anything through it.
"""

from datetime import datetime

from archiver.access.tokens import actor_of
from archiver.db import people as person_rows
from archiver.db import tokens as token_rows
from archiver.db.transaction import Transaction
from archiver.errors import NotFound
from archiver.model.actor import Actor
from archiver.model.person import PersonState

_TOKEN = "token:"  # noqa: S105 - the beginning of how an actor came, not a secret


async def rights_now(tx: Transaction, requester: Actor, now: datetime) -> Actor | None:
    """Return the requester with the rights they have now; None where they may not act any more."""
    if requester.person_id:
        return await _person(tx, requester)
    if requester.via.startswith(_TOKEN):
        return await _token(tx, requester, now)
    return requester  # the command line, which may do everything on its machine anyhow


async def _person(tx: Transaction, requester: Actor) -> Actor | None:
    try:
        row = await person_rows.get(tx, requester.person_id)
    except NotFound:
        return None
    if row.state != PersonState.ACTIVE:
        return None
    return Actor(
        name=row.email,
        roles=row.grants.roles,
        limited=row.grants.limited,
        via=requester.via,
        person_id=row.id,
    )


async def _token(tx: Transaction, requester: Actor, now: datetime) -> Actor | None:
    stored = await token_rows.get(tx, requester.via.removeprefix(_TOKEN))
    if stored is None or stored.revoked_at is not None:
        return None
    if stored.expires_at is not None and stored.expires_at <= now:
        return None
    return actor_of(stored)
