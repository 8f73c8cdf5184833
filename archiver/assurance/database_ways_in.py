"""Passwords, passkeys, tokens, links, sessions: each against the event that made it.

Whoever can write to the database could put in a password of their own, or a key, and sign in as
somebody else. No event holds a secret, but each that makes one holds its fingerprint
(`model.fingerprint`), and what is kept must be of that. The newest event of a way in counts. One
that is missing is no problem: it lets nobody in, and a recovered archive has none.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from archiver.assurance.database_check import REBUILD
from archiver.assurance.report import Findings
from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db.ways_in import (
    IDENTITY,
    LINK,
    PASSKEY,
    PASSWORD,
    SESSION,
    TOKEN,
    Way,
    WaysIn,
)
from archiver.model.fingerprint import FINGERPRINT
from archiver.model.person import Method
from archiver.preserve.event_record import EventBody, moment_of
from archiver.preserve.secret_effects import EXPIRES_AT
from archiver.preserve.secret_effects import LINK as LINK_DETAIL
from archiver.preserve.segments.manifest import parse_moment

_LINK_LASTS_MS = timedelta(hours=72) // timedelta(milliseconds=1)
_SESSION_LASTS_MS = timedelta(hours=24) // timedelta(milliseconds=1)
"""The longest that a session can be set to last."""

_SAME_PERSON = (
    "disable them (`muniment user disable`), look in the audit trail at what was done in their "
    "name since, and give them a new link (`muniment user link`) once"
)
_NEXT: Mapping[str, str] = {
    PASSWORD: _SAME_PERSON + " it is settled",
    IDENTITY: _SAME_PERSON + " it is settled",
    PASSKEY: "disable the person (`muniment user disable`) and look in the audit trail at what was "
    "done in their name since",
    TOKEN: "revoke it (`muniment token revoke`) and look in the audit trail at what was done with "
    "it since",
    LINK: "give the person a new link (`muniment user link`), which ends it",
    SESSION: "end the person's sessions (`muniment user disable`) and look in the audit trail at "
    "what was done in their name since",
}
_TABLES: Mapping[str, str] = {
    PASSWORD: "person",
    IDENTITY: "person",
    PASSKEY: "passkey",
    TOKEN: "token",
    LINK: "invitation",
    SESSION: "session",
}
_PLURALS: Mapping[str, str] = {
    PASSWORD: "passwords",
    IDENTITY: "identities at the provider",
    PASSKEY: "passkeys",
    TOKEN: "API tokens",
    LINK: "sign-in links",
    SESSION: "sessions",
}


@dataclass(slots=True)
class _Stated:
    """What events say of one way in. `older`: one of them is of a version without fingerprints.

    `fingerprints` are those it may have: of a session, or of a password that was hashed anew, each
    that it had.
    """

    person_id: str
    fingerprints: set[str] = field(default_factory=set)
    expires_at: int = 0
    older: bool = False
    at: int = 0


class WaysInCheck:
    """Takes in events as they are opened, in any order; compares when all are known.

    `known` are the ways in of when the run began, when `below` entries were sequenced.
    """

    def __init__(self, *, known: WaysIn, below: int, findings: Findings) -> None:
        self._known = known
        self._below = below
        self._findings = findings
        self._events: list[tuple[int, EventBody]] = []
        self._older_identities: set[str] = set()
        self._stated: dict[tuple[str, str], _Stated] = {}
        self._older_links: dict[str, int] = {}
        self._spent_links: set[str] = set()

    def take(self, log_index: int, body: EventBody) -> None:
        """Take in one event. Of sessions only those that are there are kept in memory."""
        if log_index >= self._below or body.result != "ok" or body.action not in _READERS:
            return
        if body.object_type == "session":
            if FINGERPRINT not in body.details and body.details.get("method") == Method.OIDC:
                self._older_identities.add(body.actor)
            if (SESSION, body.object_id) not in self._known.ways:
                return
        self._events.append((log_index, body))

    def finish(self, *, now_ms: int, but_first: str) -> None:
        """Compare each way in; `but_first` is what has to be done before what a problem says."""
        for _, body in sorted(self._events, key=lambda each: each[0]):
            try:
                _READERS[Action(body.action)](self, body, _stated_by(body))
            except ValueError as error:
                self._findings.problem(
                    f"the event {body.action} of {body.object_type} {body.object_id} cannot be "
                    f"read: {error}"
                )
        older: Counter[str] = Counter()
        for (kind, each), way in sorted(self._known.ways.items()):
            if way.expires_at and way.expires_at <= now_ms:
                continue
            stated = self._stated.get((kind, each))
            if self._is_older(kind, way, stated, now_ms):
                older[kind] += 1
            elif what := _wrong(kind, each, way, stated):
                self._problem(kind, f"{what}; {but_first}{_NEXT[kind]}; then {REBUILD}")
        if older:
            named = ", ".join(f"{count} {_PLURALS[kind]}" for kind, count in sorted(older.items()))
            self._findings.not_checked.append(
                f"that these are those that their owners set: {named}. The newest event of each is "
                "of a version that stated no fingerprint yet; it is compared once it is set again"
            )

    def _is_older(self, kind: str, way: Way, stated: _Stated | None, now_ms: int) -> bool:
        """Whether the newest event of a way in is of a version that stated no fingerprint."""
        if stated is not None:
            in_time = kind != SESSION or now_ms < stated.at + _SESSION_LASTS_MS
            return stated.older and stated.person_id in {"", way.person_id} and in_time
        if kind == IDENTITY:
            return self._known.emails.get(way.person_id) in self._older_identities
        made_at = self._older_links.get(way.person_id)
        return kind == LINK and made_at is not None and way.expires_at <= made_at + _LINK_LASTS_MS

    def _problem(self, kind: str, what: str) -> None:
        self._findings.problem(what, object_key=f"database:{_TABLES[kind]}")

    def _token_created(self, body: EventBody, stated: _Stated) -> None:
        stated.person_id = ""
        self._stated.setdefault((TOKEN, body.object_id), stated)

    def _passkey_added(self, body: EventBody, stated: _Stated) -> None:
        self._stated.setdefault((PASSKEY, body.object_id), stated)

    def _passkey_removed(self, body: EventBody, _stated: _Stated) -> None:
        self._stated.pop((PASSKEY, body.object_id), None)

    def _linked(self, body: EventBody, stated: _Stated) -> None:
        """A link was made; older ones of the person ended."""
        stated.person_id = person_id = body.object_id
        ended = [
            key
            for key, each in self._stated.items()
            if key[0] == LINK and each.person_id == person_id
        ]
        for key in ended:
            del self._stated[key]
            self._spent_links.add(key[1])
        self._older_links.pop(person_id, None)
        if stated.older:
            self._older_links[person_id] = stated.at
        else:
            self._stated[LINK, str(body.details.get(LINK_DETAIL))] = stated

    def _password_set(self, body: EventBody, stated: _Stated) -> None:
        stated.person_id = person_id = body.object_id
        if link := str(body.details.get(LINK_DETAIL, "")):
            if link in self._spent_links:
                return  # of two who used it at once the other was faster
            self._spent_links.add(link)
            made = self._stated.pop((LINK, link), None)
            was_made = made is not None and made.person_id == person_id
            if not was_made and self._older_links.pop(person_id, None) is None:
                self._problem(
                    LINK,
                    f"person {person_id}: their password was set by the link {link} at {body.at}, "
                    "expected the event of who made that link for them, found none: somebody put "
                    f"it into the database. {_NEXT[PASSWORD].capitalize()}",
                )
        self._stated[PASSWORD, person_id] = stated

    def _password_hashed(self, body: EventBody, stated: _Stated) -> None:
        known = self._stated.get((PASSWORD, body.object_id))
        if known is not None:
            known.fingerprints |= stated.fingerprints
            known.older = False

    def _identity_linked(self, body: EventBody, stated: _Stated) -> None:
        stated.person_id = body.object_id
        self._stated[IDENTITY, body.object_id] = stated

    def _session_proved(self, body: EventBody, stated: _Stated) -> None:
        known = self._stated.setdefault((SESSION, body.object_id), stated)
        known.fingerprints |= stated.fingerprints
        known.older = known.older or stated.older


_READERS = {
    Action.TOKEN_CREATED: WaysInCheck._token_created,  # noqa: SLF001 - its own class
    Action.PASSKEY_ADDED: WaysInCheck._passkey_added,  # noqa: SLF001
    Action.PASSKEY_REMOVED: WaysInCheck._passkey_removed,  # noqa: SLF001
    Action.PERSON_LINKED: WaysInCheck._linked,  # noqa: SLF001
    Action.PASSWORD_SET: WaysInCheck._password_set,  # noqa: SLF001
    Action.PASSWORD_HASHED: WaysInCheck._password_hashed,  # noqa: SLF001
    Action.IDENTITY_LINKED: WaysInCheck._identity_linked,  # noqa: SLF001
    Action.SESSION_STARTED: WaysInCheck._session_proved,  # noqa: SLF001
    Action.SESSION_CONFIRMED: WaysInCheck._session_proved,  # noqa: SLF001
}


def _stated_by(body: EventBody) -> _Stated:
    """Return what an event says of the way in it is about. Raises ValueError."""
    found = body.details.get(FINGERPRINT)
    until = parse_moment(str(body.details.get(EXPIRES_AT, "")))
    return _Stated(
        person_id=str(body.details.get("person", "")),
        fingerprints=set() if found is None else {str(found)},
        expires_at=0 if until is None else to_millis(until),
        older=found is None,
        at=moment_of(body),
    )


def _wrong(kind: str, each: str, way: Way, stated: _Stated | None) -> str:
    """Return in words how a way in is not as events make it, or nothing."""
    whose = f"person {way.person_id}, " if way.person_id else ""
    named = f"{whose}{kind}" if each == way.person_id else f"{whose}{kind} {each}"
    if stated is None and kind == TOKEN:
        return ""  # it is named where its roles are compared
    if stated is None:
        return f"{named}: expected none, as no event made it, found one: it was put in by hand"
    if stated.person_id not in {"", way.person_id}:
        return f"{named}: expected it to be of person {stated.person_id}, as its event states"
    if way.fingerprint not in stated.fingerprints:
        return (
            f"{named}: expected the one of its newest event, found another, as their fingerprints "
            "differ: it was put in by hand"
        )
    if kind == LINK and way.expires_at != stated.expires_at:
        return f"{named}: expected it to end when its event states, found another moment"
    return ""
