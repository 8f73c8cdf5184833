"""Who somebody of the identity provider is here, and what they may do: decided at every sign-in.

Nobody takes over an account by an e-mail address. A person is found by issuer and subject. Only
somebody who has no way to sign in yet is found by e-mail, provided that the provider says it was
verified: the invited, and those whom a recovery brought back without their keys.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from archiver.access.oidc import Departure, OpenIdConnect
from archiver.access.oidc_claims import Identity
from archiver.access.oidc_roles import GroupRoles
from archiver.audit.actions import Action
from archiver.clock import Clock
from archiver.db import passkeys as passkey_rows
from archiver.db import people as rows
from archiver.db.people import PersonRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.model.grants import Grants
from archiver.model.person import PersonState
from archiver.preserve.person_effects import PERSON, person_details


class Trail(Protocol):
    """Where events go: `archiver.audit.trail.Trail`."""

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
    ) -> object:
        """Make one event durable, and what it changes with it. Raises OperatorError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Who proved who they are. `session_id` names the session they confirm, or is empty."""

    person_id: str
    session_id: str
    next_path: str


class ProviderSignIn:
    """Signing in with the provider that the settings name.

    `groups` is None where roles are given here, by hand. `end_sessions` ends those of a person who
    holds no role any more.
    """

    def __init__(
        self,
        conversation: OpenIdConnect,
        *,
        label: str,
        groups: GroupRoles | None,
        create_people: bool,
        database: Database,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
        end_sessions: Callable[[str], Awaitable[None]],
    ) -> None:
        self.label = label
        self._conversation = conversation
        self._groups = groups
        self._create_people = create_people
        self._database = database
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._end_sessions = end_sessions

    async def begin(self, *, redirect_uri: str, next_path: str) -> Departure:
        """Return where the browser goes to sign in. Raises PeerUnavailable."""
        return await self._conversation.begin(redirect_uri=redirect_uri, next_path=next_path)

    async def begin_again(
        self, *, redirect_uri: str, next_path: str, session_id: str, actor: Actor
    ) -> Departure:
        """Return where the browser goes to prove once more who is signed in.

        Raises:
            Conflict: they have not signed in with the provider before.
            PeerUnavailable: it does not answer.
        """
        async with self._database.reading() as tx:
            whose = await rows.get(tx, actor.person_id)
        if not whose.subject:
            raise Conflict(
                f"you do not sign in with {self.label}; confirm with your password or a passkey"
            )
        return await self._conversation.begin(
            redirect_uri=redirect_uri,
            next_path=next_path,
            session_id=session_id,
            subject=whose.subject,
        )

    async def complete(self, answer: Mapping[str, str], *, cookie: str) -> Proven:
        """Return whom the provider's answer proves, with the roles that their groups give.

        Raises:
            Denied: the answer is not good, or whoever it proves may not come in here.
            PeerUnavailable: the provider does not answer.
        """
        arrival = await self._conversation.complete(answer, cookie=cookie)
        try:
            person_id = await self._settle(arrival.identity)
        except Denied as error:
            await self._note_refusal(arrival.identity, error)
            raise
        return Proven(
            person_id=person_id, session_id=arrival.session_id, next_path=arrival.next_path
        )

    async def _settle(self, who: Identity) -> str:
        async with self._database.reading() as tx:
            known = await rows.find_by_subject(tx, who.key)
            linked = known is not None
            if known is None and who.email:
                known = await rows.find_by_email(tx, who.email)
            ways = 0 if known is None else len(await passkey_rows.list_of(tx, known.id))
        if known is None:
            return await self._create(who)
        if known.state == PersonState.DISABLED:
            raise Denied("your access to this archive was ended; ask an administrator")
        if not linked and (known.subject or known.password_hash or ways):
            raise Denied(
                f"{who.email} signs in another way here, and is not taken over by {self.label}; "
                "use your password or a passkey, or ask an administrator"
            )
        return await self._admit(who, known, linked=linked)

    async def _admit(self, who: Identity, known: PersonRow, *, linked: bool) -> str:
        grants = self._grants(who, known.grants)
        if not grants:
            await self._withdraw(who, known)
            raise self._without_role()
        if known.state == PersonState.INVITED:
            await self._state(Action.PERSON_JOINED, who, known.id, known, grants)
        elif grants != known.grants:
            await self._state(Action.PERSON_GRANTED, who, known.id, known, grants)
        if not linked:
            await self._link(who, known.id)
        return known.id

    async def _create(self, who: Identity) -> str:
        grants = self._grants(who, Grants())
        if not grants or not self._create_people:
            raise self._without_role()
        if not who.email:
            raise Denied(
                f"{self.label} does not say that your e-mail address was verified, so you cannot "
                "be told apart from others; ask its administrator"
            )
        person_id = self._ulids.one(self._clock())
        await self._state(Action.PERSON_ARRIVED, who, person_id, None, grants)
        await self._link(who, person_id)
        return person_id

    def _grants(self, who: Identity, held: Grants) -> Grants:
        return held if self._groups is None else self._groups.after(who.groups, held)

    async def _withdraw(self, who: Identity, known: PersonRow) -> None:
        if known.grants:
            await self._state(Action.PERSON_GRANTED, who, known.id, known, Grants())
        await self._end_sessions(known.id)

    async def _link(self, who: Identity, person_id: str) -> None:
        async with self._database.transaction() as tx:
            await rows.change(tx, person_id, subject=who.key)

    async def _state(
        self,
        action: Action,
        who: Identity,
        person_id: str,
        known: PersonRow | None,
        grants: Grants,
    ) -> None:
        """Record what stands of the person from now on; the event is what changes the row."""
        details = person_details(
            name=known.name if known else who.name,
            email=known.email if known else who.email,
            state=PersonState.ACTIVE,
            grants=grants,
        )
        # Roles change by the provider's word; coming is the person's own act.
        changed = action is Action.PERSON_GRANTED
        actor = Actor(
            name=f"provider {who.issuer}" if changed else str(details["email"]),
            roles=frozenset(),
            via="oidc",
            person_id="" if changed else person_id,
        )
        await self._trail.record(
            action,
            actor=actor,
            object_type=PERSON,
            object_id=person_id,
            details={**details, "subject": who.key},
        )

    async def _note_refusal(self, who: Identity, error: Denied) -> None:
        await self._trail.record(
            Action.SESSION_REFUSED,
            actor=Actor(name=who.email or who.subject, roles=frozenset(), via="oidc"),
            result="refused",
            details={"method": "oidc", "subject": who.key, "reason": str(error)},
        )

    def _without_role(self) -> Denied:
        return Denied(
            f"{self.label} knows you, but none of your groups has a role in this archive; ask an "
            "administrator of the archive, and sign in again afterwards"
        )
