"""What events about ways to sign in change: links made, passwords set, passkeys removed.

No event holds a secret (decision 0021), only its fingerprint (`model.fingerprint`). Whoever sets a
password has it at hand, and it is set by the transaction that sequences the event. Where only the
event is left, after a crash or in a database restored from a backup of before, a password that is
not the one it tells of is forgotten: nobody signs in with one that was replaced. A segment restored
late may so cost somebody their password, and gives nobody an older one.
"""

import base64
from dataclasses import dataclass, field

from archiver.db import invitations as invitation_rows
from archiver.db import passkeys as passkey_rows
from archiver.db import people as person_rows
from archiver.db.invitations import InvitationRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.fingerprint import FINGERPRINT, fingerprint
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

LINKED = "person:linked"
PASSWORD_SET = "password:set"  # noqa: S105 - the name of an act
PASSKEY_REMOVED = "passkey:removed"
LINK = "link"
"""The detail that names a one-time link: one that was made, or one that a password was set by."""
EXPIRES_AT = "expires_at"
"""The detail that says until when a link that was made can be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMade(SelfStated):
    """A one-time link was made at `at` in milliseconds; older ones of the person end.

    `row` is None where only the event is left.
    """

    person_id: str
    at: int
    row: InvitationRow | None = None

    def apply(self, connection: Connection) -> bool:
        """End the older links, and keep this one."""
        invitation_rows.replace_all_of(connection, self.person_id, self.row, at=self.at)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSet(SelfStated):
    """Somebody's password was set, at `at` in milliseconds; by a link, which is used up.

    `encoded` is None where only the event is left.
    """

    person_id: str
    fingerprint: str
    at: int
    link: str = ""
    encoded: str | None = field(default=None, repr=False)

    def apply(self, connection: Connection) -> bool:
        """Set it, or forget another one; nothing where the link was used before."""
        if self.link and not invitation_rows.use_up(connection, self.link, at=self.at):
            return False
        if self.encoded is not None:
            person_rows.set_password(connection, self.person_id, self.encoded)
            return False
        known = person_rows.password_of(connection, self.person_id)
        if known is not None and fingerprint(known) != self.fingerprint:
            person_rows.set_password(connection, self.person_id, None)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordHashedAnew(SelfStated):
    """The same password is kept under newer parameters; nothing where another was set meanwhile."""

    person_id: str
    before: str = field(repr=False)
    encoded: str = field(repr=False)

    def apply(self, connection: Connection) -> bool:
        """Put the one hash in the place of the other."""
        if person_rows.password_of(connection, self.person_id) == self.before:
            person_rows.set_password(connection, self.person_id, self.encoded)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRemoved(SelfStated):
    """A passkey was removed; so it is in a database restored from a backup of before."""

    credential_id: bytes

    def apply(self, connection: Connection) -> bool:
        """Forget the passkey, where it is known."""
        passkey_rows.forget(connection, self.credential_id)
        return False


def link_made(body: EventBody, _part: PartOf) -> LinkMade:
    """Return what the event of a one-time link changes. Raises ValueError: it says no moment."""
    return LinkMade(person_id=body.object_id, at=moment_of(body))


def password_set(body: EventBody, _part: PartOf) -> PasswordSet | None:
    """Return what a password's event changes; None for one of a version without fingerprints.

    Raises:
        ValueError, InvalidInput: it does not state whose it is.
    """
    if FINGERPRINT not in body.details:
        return None
    ulid_bytes(body.object_id)
    return PasswordSet(
        person_id=body.object_id,
        fingerprint=detail_of(body, FINGERPRINT, str),
        at=moment_of(body),
        link=detail_of(body, LINK, str) if LINK in body.details else "",
    )


def passkey_removed(body: EventBody, _part: PartOf) -> PasskeyRemoved:
    """Return what the event of a removed passkey changes. Raises ValueError: it names none."""
    return PasskeyRemoved(credential_id=_from_base64url(body.object_id))


def _from_base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
