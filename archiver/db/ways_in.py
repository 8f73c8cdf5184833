"""What the database keeps of the ways to sign in, as fingerprints: for verification.

Secrets leave the database as fingerprints only (`model.fingerprint`).
"""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from archiver.db.tables import invitation, passkey, person, session, token
from archiver.db.transaction import Transaction
from archiver.model.fingerprint import fingerprint

PASSWORD, IDENTITY, PASSKEY = "password", "identity", "passkey"
TOKEN, LINK, SESSION = "token", "link", "session"


class Way(NamedTuple):
    """One way in: whose it is, the fingerprint of what opens it, until when it is good.

    `expires_at` is milliseconds, 0 for a way that does not expire by itself; of a token nobody
    keeps it here, as it is compared elsewhere. A token is nobody's: its `person_id` is empty.
    """

    person_id: str
    fingerprint: str
    expires_at: int = 0


class WaysIn(NamedTuple):
    """Every way in that there is, by kind and id, and everybody's e-mail by their id.

    Passwords and identities go by the person's id, passkeys by their id in base64url. Links that
    were used and sessions that ended are left out.
    """

    ways: Mapping[tuple[str, str], Way]
    emails: Mapping[str, str]


async def ways_in(tx: Transaction) -> WaysIn:
    """Return every way to sign in."""
    ways: dict[tuple[str, str], Way] = {}
    emails: dict[str, str] = {}
    columns = (person.c.id, person.c.email, person.c.password_hash, person.c.subject)
    for whose, email, password, subject in await tx.execute(select(*columns)):
        emails[whose] = email
        if password is not None:
            ways[PASSWORD, whose] = Way(whose, _of(password))
        if subject is not None:
            ways[IDENTITY, whose] = Way(whose, _of(subject))
    keys = (passkey.c.credential_id, passkey.c.person_id, passkey.c.public_key)
    for credential_id, whose, public_key in await tx.execute(select(*keys)):
        ways[PASSKEY, _base64url(credential_id)] = Way(whose, _of(public_key))
    for token_id, sha256 in await tx.execute(select(token.c.id, token.c.sha256)):
        ways[TOKEN, token_id] = Way("", _of(sha256))
    for kind, table, unused in (
        (LINK, invitation, invitation.c.used_at.is_(None)),
        (SESSION, session, session.c.ended_at.is_(None)),
    ):
        held = (table.c.id, table.c.person_id, table.c.sha256, table.c.expires_at)
        for each, whose, sha256, expires_at in await tx.execute(select(*held).where(unused)):
            ways[kind, each] = Way(whose, _of(sha256), expires_at)
    return WaysIn(ways, emails)


def _of(stored: Any) -> str:
    # SQLite keeps in a column whatever somebody puts there.
    return fingerprint(stored if isinstance(stored, str | bytes) else repr(stored))


def _base64url(stored: Any) -> str:
    raw = stored if isinstance(stored, bytes) else repr(stored).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
