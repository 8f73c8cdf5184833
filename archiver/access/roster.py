"""Who there is, and what stands of them: the one place where that is changed, always by an event.

The event is the act (`preserve.person_effects`); the row follows from it in the same transaction.
What holds for everybody is asked here: nobody holds roles that belong apart, and somebody is always
left who can manage access. Who may ask for a change is asked by the use cases that call.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archiver.access.rules import conflicts
from archiver.access.sessions import Sessions
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import people as rows
from archiver.db.people import PersonRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, InvalidInput
from archiver.ids import Ulids
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from archiver.model.person import PersonState
from archiver.preserve.person_effects import PERSON, PersonStated, person_details
from archiver.preserve.secret_effects import LinkMade, PasswordHashedAnew, PasswordSet

WHOLE_ONLY = frozenset({Role.ADMINISTRATOR, Role.OPERATOR, Role.CAPTURE_AGENT})
"""Roles that are held over the whole archive or not at all."""

Stated = PersonStated | LinkMade | PasswordSet | PasswordHashedAnew
"""What the events of people change, where more is at hand than they say."""

_NAME_LIMIT = 200
_EMAIL_LIMIT = 254
# Enough to tell an address from a slip of the pen; that it is somebody's, only they can show.
_EMAIL = re.compile(r"[^\s@<>\"',;:\\]+@[^\s@<>\"',;:\\]+")


class Trail(Protocol):
    """Where events go: `archiver.audit.trail.Trail`, effects included."""

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
        effect: Stated | None = None,
        at: datetime | None = None,
    ) -> object:
        """Make one event durable, with what it changes. Raises OperatorError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """What may be shown of a person: who, in which state, as what; no hash and no secret."""

    id: str
    name: str
    email: str
    state: PersonState
    grants: Grants
    created_at: datetime
    created_by: str
    last_sign_in_at: datetime | None
    locked_until: datetime | None
    has_password: bool
    has_provider: bool

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document of this person."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "state": self.state.value,
            "roles": list(self.grants.lines),
            "created_at": rfc3339(self.created_at),
            "created_by": self.created_by,
            "last_sign_in_at": _shown(self.last_sign_in_at),
            "locked_until": _shown(self.locked_until),
            "has_password": self.has_password,
            "has_provider": self.has_provider,
        }


class Roster:
    """The register of people of one archive."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ulids: Ulids,
        trail: Trail,
        sessions: Sessions,
        allow_conflicting_roles: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ulids = ulids
        self._trail = trail
        self._sessions = sessions
        self._allow_conflicts = allow_conflicting_roles
        self._changing = asyncio.Lock()

    async def get(self, person_id: str) -> PersonRow:
        """Return one person. Raises NotFound."""
        async with self._database.reading() as tx:
            return await rows.get(tx, person_id)

    async def find_by_email(self, email: str) -> PersonRow | None:
        """Return whose e-mail it is, in any case of letters, or None."""
        async with self._database.reading() as tx:
            return await rows.find_by_email(tx, fold_email(email))

    async def find_by_subject(self, subject: str) -> PersonRow | None:
        """Return whom an identity provider knows as `<issuer> <sub>`, or None."""
        async with self._database.reading() as tx:
            return await rows.find_by_subject(tx, subject)

    async def list_all(self) -> list[PersonRow]:
        """Return everybody, by name."""
        async with self._database.reading() as tx:
            return await rows.list_all(tx)

    async def keep(self, person_id: str, **values: object) -> None:
        """Set what no event states, such as `preferences`, or states by a fingerprint."""
        async with self._database.transaction() as tx:
            await rows.change(tx, person_id, **values)
        self._sessions.forget()

    async def invite(self, name: str, email: str, grants: Grants, *, actor: Actor) -> PersonRow:
        """Take somebody into the register, who has not come yet.

        Raises:
            InvalidInput: no name, no e-mail address, no role, or an administrator of a part.
            Conflict: the e-mail is somebody's already, or the roles belong to two people.
        """
        name, email = " ".join(name.split()), fold_email(email)
        check_identity(name, email)
        if not grants:
            raise InvalidInput("expected at least one role, found none", pointer="roles")
        self._check_grants(grants)
        if await self.find_by_email(email) is not None:
            raise _taken(email)
        now = self._clock()
        stated = PersonStated(
            person_id=self._ulids.one(now),
            name=name,
            email=email,
            state=PersonState.INVITED,
            grants=grants,
            at=to_millis(now),
            by=actor.name,
        )
        await self._record(Action.PERSON_INVITED, stated, "", actor)
        found = await self.find_by_email(email)
        if found is None or found.id != stated.person_id:  # invited by somebody else meanwhile
            raise _taken(email)
        return found

    async def restate(
        self,
        person_id: str,
        action: Action,
        *,
        state: PersonState | None = None,
        grants: Grants | None = None,
        reason: str = "",
        actor: Actor,
    ) -> PersonRow:
        """Change somebody's state or grants; what is not given stays. In effect when it returns.

        Raises:
            NotFound: no such person.
            InvalidInput: a role is limited to a part that only makes sense over the whole.
            Conflict: nobody could manage access any more, or the roles belong to two people.
        """
        async with self._changing:
            row = await self.get(person_id)
            if grants is not None:
                self._check_grants(grants)
            stated = PersonStated(
                person_id=row.id,
                name=row.name,
                email=row.email,
                state=PersonState(row.state) if state is None else state,
                grants=row.grants if grants is None else grants,
                # Of a clock that was set back: the newer statement has to be the later one.
                at=max(to_millis(self._clock()), row.stated_at),
                by=actor.name,
            )
            await self._require_administrator_left(row, stated)
            await self._record(action, stated, reason, actor)
        self._sessions.forget()
        if stated.state is PersonState.DISABLED:
            await self._sessions.end_all_of(person_id)
        return await self.get(person_id)

    async def _record(
        self, action: Action, stated: PersonStated, reason: str, actor: Actor
    ) -> None:
        details = person_details(
            name=stated.name, email=stated.email, state=stated.state, grants=stated.grants
        )
        await self._trail.record(
            action,
            actor=actor,
            object_type=PERSON,
            object_id=stated.person_id,
            details={**details, "reason": reason} if reason else details,
            effect=stated,
            at=from_millis(stated.at),
        )

    async def _require_administrator_left(self, row: PersonRow, stated: PersonStated) -> None:
        stays = stated.state is PersonState.ACTIVE and Role.ADMINISTRATOR in stated.grants.roles
        if stays:
            return
        async with self._database.reading() as tx:
            administrators = await rows.active_administrators(tx)
        if administrators == {row.id}:
            raise Conflict(
                f"{row.email} is the last active administrator; make somebody else administrator "
                "first"
            )

    def _check_grants(self, grants: Grants) -> None:
        for held in grants.limited:
            if held.role in WHOLE_ONLY:
                raise InvalidInput(
                    f"the role {held.role} is held over the whole archive or not at all, found it "
                    f"limited to {held.unit or held.matter!r}",
                    pointer="roles",
                )
        found = conflicts(grants.roles)
        if found and not self._allow_conflicts:
            acts = "; ".join(f"{first} and {second}" for first, second in found)
            raise Conflict(
                f"these roles would let one person do what belongs to two ({acts}); give them to "
                "two people, or set MUNIMENT_ALLOW_CONFLICTING_ROLES for an archive run by one"
            )


def fold_email(email: str) -> str:
    """Return an e-mail address as it is kept: in lower case, without space around it."""
    return email.strip().lower()


def view_of(row: PersonRow) -> PersonView:
    """Return what may be shown of a person."""
    return PersonView(
        id=row.id,
        name=row.name,
        email=row.email,
        state=PersonState(row.state),
        grants=row.grants,
        created_at=from_millis(row.created_at),
        created_by=row.created_by,
        last_sign_in_at=_moment(row.last_sign_in_at),
        locked_until=_moment(row.locked_until),
        has_password=row.password_hash is not None,
        has_provider=row.subject is not None,
    )


def check_identity(name: str, email: str) -> None:
    """Pass if somebody of this name and folded address can be in the register.

    Raises:
        InvalidInput: `pointer` names which of the two cannot.
    """
    if not name.isprintable() or not 1 <= len(name) <= _NAME_LIMIT:
        raise InvalidInput(
            f"expected a name of 1 to {_NAME_LIMIT} printable characters, found {len(name)}",
            pointer="name",
        )
    if len(email) > _EMAIL_LIMIT or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidInput(
            f"expected an e-mail address like ada@example.com, found {email[:80]!r}",
            pointer="email",
        )


def _taken(email: str) -> Conflict:
    return Conflict(f"somebody with the e-mail {email} is here already; find them in the list")


def _moment(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
