"""Signing in with a password, proving with it who one is, and changing it.

Whoever asks learns only whether e-mail and password fit. An unknown e-mail costs the same work and
gets the same words as a wrong password, a locked or a disabled person (ASVS 6.3.8): the answer does
not tell who is here.
"""

from datetime import datetime

from archiver.access.password_rules import check_password, hash_password, is_outdated, matches
from archiver.access.roster import Roster, Trail
from archiver.access.sessions import Sessions
from archiver.access.throttle import Tally, Throttle, lock_for
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import people as rows
from archiver.db.people import PersonRow
from archiver.db.transaction import Database
from archiver.errors import Denied
from archiver.model.actor import Actor
from archiver.model.fingerprint import FINGERPRINT, fingerprint
from archiver.model.person import Method, PersonState
from archiver.preserve.person_effects import PERSON
from archiver.preserve.secret_effects import PasswordHashedAnew, PasswordSet

_NOBODY = "somebody unknown"


class Passwords:
    """The use cases on passwords. `throttle` is shared by all ways in that can be guessed."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        trail: Trail,
        roster: Roster,
        sessions: Sessions,
        throttle: Throttle,
    ) -> None:
        self._database = database
        self._clock = clock
        self._trail = trail
        self._roster = roster
        self._sessions = sessions
        self._throttle = throttle
        self._refusals = Tally()

    async def sign_in(self, email: str, password: str, *, address: str) -> str:
        """Return the id of the person whose e-mail and password these are.

        Raises:
            TooMany: this address tries too often.
            Denied: they do not fit, or this person's password is locked or of no use.
        """
        now = self._clock()
        self._throttle.take(address, now)
        whose = await self._roster.find_by_email(email)
        if not await self._fits(whose, password, now) or whose is None:
            await self._refuse(whose, now)
            raise Denied(
                "e-mail and password do not fit, or this password is locked for a while after ten "
                "wrong ones; try again, use a passkey, or ask an administrator for a new link"
            )
        return whose.id

    async def prove(self, password: str, *, actor: Actor, address: str) -> None:
        """Pass if it is the actor's own password; wrong ones count as at sign-in.

        Raises:
            TooMany, Denied: as `sign_in`.
        """
        now = self._clock()
        self._throttle.take(address, now)
        whose = await self._roster.get(actor.person_id)
        if not await self._fits(whose, password, now):
            await self._refuse(whose, now)
            raise Denied("this is not your password, or it is locked for a while; try again")

    async def change(
        self, current: str, new: str, *, session_id: str, actor: Actor, address: str
    ) -> None:
        """Give oneself another password; all other sessions end.

        Raises:
            TooMany, Denied: as `prove`.
            InvalidInput: the new one is not taken.
        """
        await self.prove(current, actor=actor, address=address)
        whose = await self._roster.get(actor.person_id)
        check_password(new, email=whose.email)
        encoded = await hash_password(new)
        stated = PasswordSet(
            person_id=whose.id,
            fingerprint=fingerprint(encoded),
            at=to_millis(self._clock()),
            encoded=encoded,
        )
        await self._trail.record(
            Action.PASSWORD_SET,
            actor=actor,
            object_type=PERSON,
            object_id=whose.id,
            details={FINGERPRINT: stated.fingerprint},
            effect=stated,
        )
        await self._sessions.end_all_of(whose.id, but=session_id)

    async def _fits(self, whose: PersonRow | None, password: str, now: datetime) -> bool:
        active = whose is not None and whose.state == PersonState.ACTIVE
        encoded = whose.password_hash if whose is not None and active else None
        same = await matches(encoded, password)  # in every case: see the module's first words
        if whose is None or encoded is None or not same or _is_locked(whose, now):
            return False
        if is_outdated(encoded):
            await self._hash_anew(whose, encoded, password)
        return True

    async def _hash_anew(self, whose: PersonRow, before: str, password: str) -> None:
        """Keep a password under newer parameters. An event, as verification compares hashes."""
        encoded = await hash_password(password)
        await self._trail.record(
            Action.PASSWORD_HASHED,
            actor=_claimed(whose),
            object_type=PERSON,
            object_id=whose.id,
            details={FINGERPRINT: fingerprint(encoded)},
            effect=PasswordHashedAnew(person_id=whose.id, before=before, encoded=encoded),
        )

    async def _refuse(self, whose: PersonRow | None, now: datetime) -> None:
        """Count a wrong password, lock after too many, and leave an event, one a minute at most."""
        if whose is not None and whose.password_hash is not None and not _is_locked(whose, now):
            await self._count(whose, now)
        key = "" if whose is None else whose.id
        tries = self._refusals.add(key, now)
        if tries:
            await self._trail.record(
                Action.SESSION_REFUSED,
                actor=_claimed(whose),
                object_type=PERSON,
                object_id=key,
                result="refused",
                details={"method": Method.PASSWORD.value, "tries": tries},
            )

    async def _count(self, whose: PersonRow, now: datetime) -> None:
        async with self._database.transaction() as tx:
            failures = await rows.count_failure(tx, whose.id)
            lock = lock_for(failures)
            if lock is not None:
                await rows.change(tx, whose.id, locked_until=to_millis(now + lock))
        if lock is not None:
            await self._trail.record(
                Action.PERSON_LOCKED,
                actor=_claimed(whose),
                object_type=PERSON,
                object_id=whose.id,
                details={"failures": failures, "until": rfc3339(now + lock)},
            )


def _is_locked(whose: PersonRow, now: datetime) -> bool:
    return whose.locked_until is not None and now < from_millis(whose.locked_until)


def _claimed(whose: PersonRow | None) -> Actor:
    # Not what was typed: people type passwords into the wrong field.
    name = _NOBODY if whose is None else whose.email
    return Actor(name=name, roles=frozenset(), via=Method.PASSWORD)
