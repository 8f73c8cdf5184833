"""What events about people change: who there is, whether they may act, and as what.

Each event states the whole of it, not the difference, so that the newest one alone gives the row:
whoever sequences an old event late gives nobody back a role that was taken from them since.
Passwords, passkeys and sessions are in no event (decision 0021); `secret_effects` tells of them.
"""

from dataclasses import dataclass

from archiver.db import people as person_rows
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.grants import Grants
from archiver.model.person import PersonState
from archiver.preserve.effect import SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

PERSON = "person"
"""The object type of these events."""

STATED = frozenset(
    {
        "person:invited",
        "person:joined",
        "person:granted",
        "person:disabled",
        "person:enabled",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStated(SelfStated):
    """What stands of a person from the moment `at` on, in milliseconds."""

    person_id: str
    name: str
    email: str
    state: PersonState
    grants: Grants
    at: int
    by: str

    def apply(self, connection: Connection) -> bool:
        """Make the row say so, where nothing newer stands."""
        person_rows.state_person(
            connection,
            person_id=self.person_id,
            name=self.name,
            email=self.email,
            state=self.state,
            grants=self.grants,
            at=self.at,
            by=self.by,
        )
        return False


def person_details(
    *, name: str, email: str, state: PersonState, grants: Grants
) -> dict[str, str | int | bool]:
    """Return the details that `person_effect` reads; `roles` says the grants to people."""
    return {
        "name": name,
        "email": email,
        "state": state.value,
        "roles": ", ".join(grants.lines),
        "grants": grants.to_text(),
    }


def person_effect(body: EventBody) -> PersonStated | None:
    """Return what an event about a person changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state the person whole.
    """
    if body.action not in STATED:
        return None
    ulid_bytes(body.object_id)
    return PersonStated(
        person_id=body.object_id,
        name=detail_of(body, "name", str),
        email=detail_of(body, "email", str),
        state=PersonState(detail_of(body, "state", str)),
        grants=Grants.from_text(detail_of(body, "grants", str)),
        at=moment_of(body),
        by=body.actor,
    )
