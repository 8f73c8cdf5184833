"""Who somebody of the identity provider is here, and what they may do: decided at every sign-in.

Nobody takes over an account by an e-mail address. A person is found by issuer and subject. Only
somebody who has no way to sign in yet is found by e-mail, provided that the provider says it was
verified: the invited, and those whom a recovery brought back without their keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from archiver.access.oidc import Departure, OpenIdConnect
from archiver.access.oidc_claims import Identity
from archiver.access.oidc_roles import GroupRoles
from archiver.access.passkeys import Passkeys
from archiver.access.people import join
from archiver.access.roster import Roster
from archiver.access.sessions import Sessions
from archiver.access.tokens import Trail
from archiver.audit.actions import Action
from archiver.db.people import PersonRow
from archiver.errors import CallerError, Conflict, Denied
from archiver.model.actor import Actor
from archiver.model.fingerprint import FINGERPRINT, fingerprint
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Who proved who they are. `session_id` names the session they confirm, or is empty."""

    person_id: str
    session_id: str
    next_path: str


class ProviderSignIn:
    """Signing in with the provider that the settings name.

    `groups` is None where roles are given here, by hand.
    """

    def __init__(
        self,
        conversation: OpenIdConnect,
        *,
        label: str,
        groups: GroupRoles | None,
        create_people: bool,
        roster: Roster,
        passkeys: Passkeys,
        sessions: Sessions,
        trail: Trail,
    ) -> None:
        self.label = label
        self._conversation = conversation
        self._groups = groups
        self._create_people = create_people
        self._roster = roster
        self._passkeys = passkeys
        self._sessions = sessions
        self._trail = trail

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
        whose = await self._roster.get(actor.person_id)
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
            Conflict: the roles of their groups belong to two people, or they were the last
                administrator.
            PeerUnavailable: the provider does not answer.
        """
        arrival = await self._conversation.complete(answer, cookie=cookie)
        try:
            person_id = await self._settle(arrival.identity)
        except CallerError as error:
            await self._note_refusal(arrival.identity, error)
            raise
        return Proven(
            person_id=person_id, session_id=arrival.session_id, next_path=arrival.next_path
        )

    async def _settle(self, who: Identity) -> str:
        known = await self._roster.find_by_subject(who.key)
        if known is None:
            known = await self._link(who)
        if known.state == PersonState.DISABLED:
            raise Denied("your access to this archive was ended; ask an administrator")
        grants = self._grants(who, known.grants)
        if not grants:
            await self._withdraw(who, known)
            raise self._without_role()
        if grants != known.grants:
            await self._restate(who, known, grants)
        await join(self._roster, known.id, method=Method.OIDC)
        return known.id

    async def _link(self, who: Identity) -> PersonRow:
        """Return the person this identity is from now on: one who has no way in yet, or a new one.

        Raises:
            Denied: their e-mail is that of somebody who signs in another way, or is not verified.
        """
        if not who.email:
            raise Denied(
                f"{self.label} does not say that your e-mail address was verified, so nobody can "
                "tell who you are here; ask its administrator"
            )
        known = await self._roster.find_by_email(who.email)
        if known is None:
            known = await self._create(who)
        elif known.subject or known.password_hash or await self._passkeys.are_there(known.id):
            raise Denied(
                f"{who.email} signs in another way here, and is not taken over by {self.label}; "
                "use your password or a passkey, or ask an administrator"
            )
        await self._trail.record(
            Action.IDENTITY_LINKED,
            actor=Actor(name=known.email, roles=frozenset(), via=Method.OIDC, person_id=known.id),
            object_type="person",
            object_id=known.id,
            details={FINGERPRINT: fingerprint(who.key)},
        )
        await self._roster.keep(known.id, subject=who.key)
        return known

    async def _create(self, who: Identity) -> PersonRow:
        grants = self._grants(who, Grants())
        if not grants or not self._create_people:
            raise self._without_role()
        return await self._roster.invite(who.name, who.email, grants, actor=_provider(who))

    def _grants(self, who: Identity, held: Grants) -> Grants:
        return held if self._groups is None else self._groups.after(who.groups, held)

    async def _restate(self, who: Identity, known: PersonRow, grants: Grants) -> None:
        await self._roster.restate(
            known.id, Action.PERSON_GRANTED, grants=grants, actor=_provider(who)
        )

    async def _withdraw(self, who: Identity, known: PersonRow) -> None:
        await self._sessions.end_all_of(known.id)
        if known.grants:
            await self._restate(who, known, Grants())

    async def _note_refusal(self, who: Identity, error: CallerError) -> None:
        await self._trail.record(
            Action.SESSION_REFUSED,
            actor=Actor(name=who.email or who.subject, roles=frozenset(), via=Method.OIDC),
            result="refused",
            details={"method": Method.OIDC, "subject": who.key, "reason": str(error)},
        )

    def _without_role(self) -> Denied:
        return Denied(
            f"{self.label} knows you, but none of your groups has a role in this archive; ask an "
            "administrator of the archive, and sign in again afterwards"
        )


def _provider(who: Identity) -> Actor:
    """Return who gives roles and takes them: what the groups say is the provider's word."""
    return Actor(name=f"provider {who.issuer}", roles=frozenset(), via=Method.OIDC)
