"""Managing people: inviting, granting and taking roles, disabling; and what each may do in words.

Nobody changes their own roles or state, whatever their role. Links to sign in with are made by
`invitations`; what passwords do stands in `passwords`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from archiver.access.roster import PersonView, Roster, Trail, fold_email, view_of
from archiver.access.rules import PERMISSIONS, Permission, require
from archiver.audit.actions import Action
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState, Preferences

_REASON_LIMIT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFilter:
    """Which people a list shows; empty conditions let everybody through."""

    words: str = ""
    role: str = ""
    state: str = ""

    def lets(self, person: PersonView) -> bool:
        """Return whether the list shows this person."""
        held = {*person.grants.roles, *(each.role for each in person.grants.limited)}
        return (
            self.words.strip().casefold() in f"{person.name} {person.email}".casefold()
            and (not self.role or self.role in held)
            and (not self.state or self.state == person.state)
        )


class People:
    """The use cases on people."""

    def __init__(self, *, roster: Roster, trail: Trail) -> None:
        self._roster = roster
        self._trail = trail

    async def list(
        self, chosen: PeopleFilter | None = None, *, actor: Actor
    ) -> Sequence[PersonView]:
        """Return the people, by name. Raises Denied."""
        require(actor, Permission.READ_AUDIT)
        chosen = chosen or PeopleFilter()
        everybody = [view_of(row) for row in await self._roster.list_all()]
        shown = tuple(person for person in everybody if chosen.lets(person))
        await self._trail.record(
            Action.PERSON_VIEWED, actor=actor, object_type="person", details={"shown": len(shown)}
        )
        return shown

    async def show(self, person_id: str, *, actor: Actor) -> PersonView:
        """Return one person: anybody for who reads the audit trail, else oneself.

        Raises:
            Denied, NotFound: as they say.
        """
        if person_id == actor.person_id:
            return view_of(await self._roster.get(person_id))
        require(actor, Permission.READ_AUDIT)
        found = view_of(await self._roster.get(person_id))
        await self._trail.record(
            Action.PERSON_VIEWED, actor=actor, object_type="person", object_id=person_id
        )
        return found

    async def invite(self, name: str, email: str, grants: Grants, *, actor: Actor) -> PersonView:
        """Take somebody into the register; a link lets them in (`Invitations.link`).

        Raises:
            Denied: the actor may not manage access, or would give roles to themselves.
            InvalidInput, Conflict: as `Roster.invite`.
        """
        require(actor, Permission.MANAGE_ACCESS)
        if fold_email(email) == actor.name:
            raise _own()
        return view_of(await self._roster.invite(name, email, grants, actor=actor))

    async def grant(
        self, person_id: str, grants: Grants, *, reason: str = "", actor: Actor
    ) -> PersonView:
        """Let somebody hold exactly these roles from now on.

        Raises:
            Denied: the actor may not manage access, or it is themselves.
            InvalidInput: the reason is too long.
            NotFound, Conflict: as `Roster.restate`.
        """
        reason = self._check(person_id, reason, actor)
        return view_of(
            await self._roster.restate(
                person_id, Action.PERSON_GRANTED, grants=grants, reason=reason, actor=actor
            )
        )

    async def disable(self, person_id: str, *, reason: str = "", actor: Actor) -> PersonView:
        """Let somebody act no more and end their sessions; what they did stays theirs.

        Raises:
            Denied, InvalidInput, NotFound, Conflict: as `grant`; or they are disabled already.
        """
        reason = self._check(person_id, reason, actor)
        if (await self._roster.get(person_id)).state == PersonState.DISABLED:
            raise Conflict("this person is disabled already")
        return view_of(
            await self._roster.restate(
                person_id,
                Action.PERSON_DISABLED,
                state=PersonState.DISABLED,
                reason=reason,
                actor=actor,
            )
        )

    async def enable(self, person_id: str, *, reason: str = "", actor: Actor) -> PersonView:
        """Let a disabled person act again, with the roles they had; who never came is invited.

        Raises:
            Denied, InvalidInput, NotFound, Conflict: as `grant`; or they are not disabled.
        """
        reason = self._check(person_id, reason, actor)
        row = await self._roster.get(person_id)
        if row.state != PersonState.DISABLED:
            raise Conflict("this person is not disabled")
        came = row.last_sign_in_at is not None
        return view_of(
            await self._roster.restate(
                person_id,
                Action.PERSON_ENABLED,
                state=PersonState.ACTIVE if came else PersonState.INVITED,
                reason=reason,
                actor=actor,
            )
        )

    async def prefer(self, preferences: Preferences, *, actor: Actor) -> None:
        """Keep how somebody likes their pages. Raises Denied: it is no person who asks."""
        if not actor.person_id:
            raise Denied("preferences are those of a person who has signed in, not of a token")
        await self._roster.keep(actor.person_id, preferences=preferences.to_text())

    @staticmethod
    def _check(person_id: str, reason: str, actor: Actor) -> str:
        require(actor, Permission.MANAGE_ACCESS)
        if person_id == actor.person_id:
            raise _own()
        if len(reason) > _REASON_LIMIT:
            raise InvalidInput(
                f"expected a reason of at most {_REASON_LIMIT} characters, found {len(reason)}",
                pointer="reason",
            )
        return reason.strip()


async def join(roster: Roster, person_id: str, *, method: Method) -> PersonView:
    """Note that an invited person has come and proved who they are; they are active from now on.

    Raises:
        NotFound: no such person.
        Denied: (`authenticated` false) they were disabled.
    """
    row = await roster.get(person_id)
    if row.state == PersonState.DISABLED:
        raise Denied("you were disabled here; ask an administrator", authenticated=False)
    if row.state == PersonState.INVITED:
        whose = Actor(name=row.email, roles=frozenset(), via=method, person_id=row.id)
        row = await roster.restate(
            person_id, Action.PERSON_JOINED, state=PersonState.ACTIVE, actor=whose
        )
    return view_of(row)


def may_do(role: Role) -> str:
    """Return what a role may do, as half a sentence: `search, read content, …`."""
    return ", ".join(each.replace("-", " ") for each in Permission if each in PERMISSIONS[role])


def _own() -> Denied:
    return Denied("nobody changes their own roles or state; ask another administrator")
