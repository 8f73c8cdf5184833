"""One-time links: how somebody comes in for the first time, or again without their password.

The secret in the link is 32 random bytes, kept as a hash. It works once and for three days; opening
the page does not use it up, for mail programs open links too. A new link ends the older ones.
"""

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from archiver.access.password_rules import check_password, hash_password
from archiver.access.people import join
from archiver.access.roster import Roster, Trail
from archiver.access.rules import Permission, require
from archiver.access.sessions import Sessions
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import invitations as rows
from archiver.db import people as person_rows
from archiver.db.invitations import InvitationRow
from archiver.db.people import PersonRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor
from archiver.model.fingerprint import FINGERPRINT, fingerprint
from archiver.model.person import Method, PersonState
from archiver.preserve.secret_effects import EXPIRES_AT, LINK, LinkMade, PasswordSet

LASTS = timedelta(hours=72)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to hand over: its path holds the secret, and is shown this once."""

    path: str
    expires_at: datetime
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Whom an open link is for. `new` is false where they had signed in before."""

    person_id: str
    name: str
    email: str
    new: bool


class Invitations:
    """The use cases on one-time links."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ulids: Ulids,
        trail: Trail,
        roster: Roster,
        sessions: Sessions,
        randomness: Randomness = os.urandom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ulids = ulids
        self._trail = trail
        self._roster = roster
        self._sessions = sessions
        self._randomness = randomness

    async def link(self, person_id: str, *, actor: Actor) -> Link:
        """Make a link for somebody to set a password with; older links of theirs end.

        Raises:
            Denied: the actor may not manage access, or it is themselves.
            NotFound: no such person.
            Conflict: they are disabled.
        """
        require(actor, Permission.MANAGE_ACCESS)
        if person_id == actor.person_id:
            raise Denied("change your own password in your account")
        whose = await self._roster.get(person_id)
        if whose.state == PersonState.DISABLED:
            raise Conflict(f"{whose.email} is disabled; enable them first")
        now = self._clock()
        secret = base64.urlsafe_b64encode(self._randomness(32)).rstrip(b"=").decode()
        row = InvitationRow(
            id=self._ulids.one(now),
            person_id=person_id,
            sha256=_hash(secret),
            expires_at=to_millis(now + LASTS),
            used_at=None,
        )
        await self._trail.record(
            Action.PERSON_LINKED,
            actor=actor,
            object_type="person",
            object_id=person_id,
            details={
                "email": whose.email,
                LINK: row.id,
                EXPIRES_AT: rfc3339(from_millis(row.expires_at)),
                FINGERPRINT: fingerprint(row.sha256),
            },
            effect=LinkMade(person_id=person_id, at=to_millis(now), row=row),
        )
        return Link(
            path=f"/welcome/{secret}", expires_at=from_millis(row.expires_at), email=whose.email
        )

    async def open(self, secret: str) -> Welcome:
        """Return whom a link is for; it can be opened again.

        Raises:
            Denied: it was used, is too old, or never was; the three are not told apart.
        """
        _, whose = await self._open(secret)
        return Welcome(
            person_id=whose.id,
            name=whose.name,
            email=whose.email,
            new=whose.state == PersonState.INVITED,
        )

    async def accept(self, secret: str, password: str) -> str:
        """Set the password of whoever has the link; return their id. The link is used up.

        Every session they had ends, and a lock after wrong passwords with it.

        Raises:
            Denied: as `open`.
            InvalidInput: the password is not taken; the link stays.
        """
        row, whose = await self._open(secret)
        check_password(password, email=whose.email)
        encoded = await hash_password(password)
        stated = PasswordSet(
            person_id=whose.id,
            fingerprint=fingerprint(encoded),
            at=to_millis(self._clock()),
            link=row.id,
            encoded=encoded,
        )
        await self._trail.record(
            Action.PASSWORD_SET,
            actor=Actor(
                name=whose.email, roles=whose.grants.roles, via=Method.LINK, person_id=whose.id
            ),
            object_type="person",
            object_id=whose.id,
            details={LINK: row.id, FINGERPRINT: stated.fingerprint},
            effect=stated,
        )
        if (await self._roster.get(whose.id)).password_hash != encoded:
            raise _unknown()  # of two who used the link at once the other was faster
        await self._sessions.end_all_of(whose.id)
        await join(self._roster, whose.id, method=Method.LINK)
        return whose.id

    async def _open(self, secret: str) -> tuple[InvitationRow, PersonRow]:
        if not _SECRET.fullmatch(secret):
            raise _unknown()
        async with self._database.reading() as tx:
            row = await rows.find_by_hash(tx, _hash(secret))
            whose = None if row is None else await person_rows.get(tx, row.person_id)
        now = to_millis(self._clock())
        if row is None or whose is None or row.used_at is not None or row.expires_at <= now:
            raise _unknown()
        if whose.state == PersonState.DISABLED:
            raise _unknown()
        return row, whose


def _unknown() -> Denied:
    return Denied("this link was used already or is too old; ask an administrator for a new one")


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
