"""Browser sessions: started by a proof of identity, idle and absolute limits, listed and revocable.

The browser holds 32 random bytes, the database their SHA-256: nothing to guess, nothing to steal
from a backup. The secret is made anew at sign-in and at every later proof of identity, so a secret
that somebody planted in a browser beforehand never becomes a session (fixation).

A page needs several requests, so what the database said is believed for five seconds of the
injected clock; whatever this process changes takes effect in it at once.
"""

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from archiver.access.rules import Permission, allowed, allowed_somewhere, require
from archiver.access.tokens import Trail
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import people as person_rows
from archiver.db import sessions as rows
from archiver.db.people import PersonRow
from archiver.db.sessions import SessionRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor
from archiver.model.fingerprint import FINGERPRINT, fingerprint
from archiver.model.person import Method, PersonState, Preferences

BELIEVED_FOR = timedelta(seconds=5)
CONFIRMED_FOR = timedelta(minutes=10)
"""How long after a proof of identity acts with legal effect need no new one."""
GLASS_FOR = timedelta(minutes=30)

_SEEN_EVERY_MS = 60_000
_KEPT_MS = 30 * 86_400_000
_CACHE_LIMIT = 10_000
_WORDS_LIMIT = 300
_REASON = range(10, 1001)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody's browser session as one request sees it.

    `csrf` is what forms of this session carry. `expires_at` is when it ends unless it is used
    before (or at all, once the absolute limit comes first). `glass` is the reason for which content
    is being read behind broken glass until `glass_until`, empty but for that.
    """

    actor: Actor
    name: str
    session_id: str
    csrf: str = field(repr=False)
    preferences: Preferences
    confirmed_at: datetime
    method: str
    expires_at: datetime
    glass: str = ""
    glass_until: datetime | None = None

    def is_confirmed(self, now: datetime) -> bool:
        """Return whether the last proof of identity is young enough for acts with legal effect."""
        return now - self.confirmed_at < CONFIRMED_FOR


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """What may be shown of a session: when, from where, by which proof; never its secret."""

    id: str
    person_id: str
    method: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    current: bool

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document of this session."""
        return {
            "id": self.id,
            "method": self.method,
            "started_at": rfc3339(self.started_at),
            "seen_at": rfc3339(self.seen_at),
            "expires_at": rfc3339(self.expires_at),
            "address": self.address,
            "agent": self.agent,
            "current": self.current,
        }


@dataclass(slots=True)
class _Known:
    """What the database said at `at`, and when the session was last used since."""

    at: int
    session: SessionRow
    person: PersonRow
    seen_at: int


class Sessions:
    """The use cases on browser sessions, with the memory that keeps pages off the database."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ulids: Ulids,
        trail: Trail,
        idle: timedelta,
        longest: timedelta,
        randomness: Randomness = os.urandom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ulids = ulids
        self._trail = trail
        self._idle_ms = int(idle.total_seconds() * 1000)
        self._longest_ms = int(longest.total_seconds() * 1000)
        self._randomness = randomness
        self._known: dict[bytes, _Known] = {}
        self._changes = 0

    async def start(
        self,
        person_id: str,
        *,
        method: Method,
        address: str = "",
        agent: str = "",
        replacing: str = "",
    ) -> str:
        """Start a session of a person who has just proved who they are; return its new secret.

        Args:
            person_id: who.
            method: how they proved it.
            address: where they come from, for the list of sessions.
            agent: the browser's name for itself, likewise.
            replacing: the secret this browser had until now; its session ends.

        Raises:
            NotFound: no such person.
            Denied: (`authenticated` false) they are not active.
        """
        now = self._clock()
        async with self._database.reading() as tx:
            whose = await person_rows.get(tx, person_id)
        if whose.state != PersonState.ACTIVE:
            raise Denied(
                f"expected an active person, found one who is {whose.state}; ask an administrator",
                authenticated=False,
            )
        secret, at = self._new_secret(), to_millis(now)
        row = SessionRow(
            id=self._ulids.one(now),
            sha256=_hash(secret),
            person_id=whose.id,
            method=method,
            started_at=at,
            seen_at=at,
            expires_at=at + self._longest_ms,
            confirmed_at=at,
            ended_at=None,
            address=address[:_WORDS_LIMIT],
            agent=_printable(agent)[:_WORDS_LIMIT],
            glass_until=None,
            glass_reason=None,
        )
        said = {"method": method, "person": whose.id, FINGERPRINT: fingerprint(row.sha256)}
        await self._note(Action.SESSION_STARTED, _actor(row, whose, at), row, **said)
        async with self._database.transaction() as tx:
            await rows.forget_before(tx, at - _KEPT_MS)
            await rows.end_by_hash(tx, _hash(replacing), at=at)
            await rows.add(tx, row)
            await person_rows.change(tx, whose.id, last_sign_in_at=at, failures=0)
        self._known.pop(_hash(replacing), None)
        return secret

    async def authenticate(self, secret: str) -> SignedIn:
        """Return who is signed in with this secret, and count it as use of the session.

        Raises:
            Denied: (`authenticated` false) no session has it, or it ended, expired or was idle.
            DatabaseUnavailable: it could not be asked; nobody is let in meanwhile.
        """
        now = to_millis(self._clock())
        known = await self._look_up(secret, now) if _SECRET.fullmatch(secret) else None
        if known is None or not self._is_live(known.session, known.seen_at, now, known.person):
            raise Denied("your session has ended; sign in again", authenticated=False)
        known.seen_at = max(known.seen_at, now)
        if now - known.session.seen_at >= _SEEN_EVERY_MS:
            async with self._database.transaction() as tx:
                await rows.change(tx, known.session.id, seen_at=now)
            known.session = replace(known.session, seen_at=now)
        return self._signed_in(known, secret, now)

    async def confirm(self, session_id: str, *, method: Method) -> str:
        """Note that the person has proved again who they are; return the session's new secret.

        The old secret opens nothing from now on.

        Raises:
            NotFound: there is no such live session.
        """
        row, whose = await self._live(session_id)
        now = to_millis(self._clock())
        secret = self._new_secret()
        said = {"method": method, "person": whose.id, FINGERPRINT: fingerprint(_hash(secret))}
        await self._note(Action.SESSION_CONFIRMED, _actor(row, whose, now), row, **said)
        await self._change(session_id, sha256=_hash(secret), confirmed_at=now, seen_at=now)
        return secret

    async def end(self, session_id: str, *, actor: Actor) -> None:
        """Sign out. Raises NotFound: the session is not the actor's, or not live."""
        row, whose = await self._live(session_id)
        if whose.id != actor.person_id:
            raise _unknown(session_id)
        await self._note(Action.SESSION_ENDED, actor, row)
        await self._change(session_id, ended_at=to_millis(self._clock()))

    async def list(self, *, person_id: str = "", actor: Actor) -> tuple[SessionView, ...]:
        """Return the live sessions of a person, or one's own; newest first.

        Raises:
            Denied: they are somebody else's, and the actor may not manage access.
        """
        person_id = person_id or actor.person_id
        if person_id != actor.person_id:
            require(actor, Permission.MANAGE_ACCESS)
        now = to_millis(self._clock())
        async with self._database.reading() as tx:
            found = await rows.list_of(tx, person_id, now=now)
        return tuple(_view(row, actor) for row in found if row.seen_at + self._idle_ms > now)

    async def revoke(self, session_id: str, *, actor: Actor) -> None:
        """End a session from elsewhere: one's own, or anybody's for who manages access.

        Raises:
            NotFound: no such live session, or not one that the actor may know of.
        """
        row, _ = await self._live(session_id)
        if row.person_id != actor.person_id and not allowed(actor, Permission.MANAGE_ACCESS):
            raise _unknown(session_id)
        await self._note(Action.SESSION_REVOKED, actor, row, person=row.person_id)
        await self._change(session_id, ended_at=to_millis(self._clock()))

    async def end_all_of(self, person_id: str, *, but: str = "") -> None:
        """End a person's sessions, all or `but` one; the act that calls for it is the event."""
        async with self._database.transaction() as tx:
            await rows.end_all_of(tx, person_id, at=to_millis(self._clock()), but=but)
        self.forget()

    async def break_glass(self, session_id: str, reason: str, *, actor: Actor) -> None:
        """Let this session read content for half an hour, for a reason every auditor sees.

        Raises:
            Denied: the actor may not break the glass.
            Conflict: their roles let them read content anyway.
            InvalidInput: the reason has fewer than 10 or more than 1,000 characters.
            NotFound: the session is not theirs.
        """
        require(actor, Permission.BREAK_GLASS)
        if allowed_somewhere(replace(actor, broken_glass=""), Permission.READ_CONTENT):
            raise Conflict("your roles let you read content; there is no glass to break")
        reason = reason.strip()
        if len(reason) not in _REASON:
            raise InvalidInput(
                f"expected a reason of {_REASON.start} to {_REASON.stop - 1} characters, found "
                f"{len(reason)}; auditors will read it",
                pointer="reason",
            )
        row, whose = await self._live(session_id)
        if whose.id != actor.person_id:
            raise _unknown(session_id)
        until = to_millis(self._clock() + GLASS_FOR)
        ends = rfc3339(from_millis(until))
        await self._note(Action.GLASS_BROKEN, actor, row, reason=reason, until=ends)
        await self._change(session_id, glass_until=until, glass_reason=reason)

    async def mend_glass(self, session_id: str, *, actor: Actor) -> None:
        """End reading behind broken glass. Raises NotFound: the session is not the actor's."""
        row, whose = await self._live(session_id)
        if whose.id != actor.person_id:
            raise _unknown(session_id)
        await self._note(Action.GLASS_MENDED, actor, row)
        await self._change(session_id, glass_until=None, glass_reason=None)

    def forget(self) -> None:
        """Believe nothing any more: somebody's roles, state or sessions have changed."""
        self._changes += 1
        self._known.clear()

    async def _look_up(self, secret: str, now: int) -> _Known | None:
        hashed = _hash(secret)
        known = self._known.get(hashed)
        # A clock that was set back must not keep an ended session alive: no age below nought.
        if known is not None and 0 <= now - known.at < BELIEVED_FOR.total_seconds() * 1000:
            return known
        changes = self._changes
        async with self._database.reading() as tx:
            found = await rows.find_by_hash(tx, hashed)
        if found is None:
            return None
        row, whose = found
        seen_at = row.seen_at if known is None else max(row.seen_at, known.seen_at)
        fresh = _Known(now, row, whose, seen_at)
        if changes == self._changes:  # else what was read may be of before the change
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            self._known[hashed] = fresh
        return fresh

    async def _live(self, session_id: str) -> tuple[SessionRow, PersonRow]:
        async with self._database.reading() as tx:
            row = await rows.get(tx, session_id)
            whose = None if row is None else await person_rows.get(tx, row.person_id)
        now = to_millis(self._clock())
        if row is None or whose is None or not self._is_live(row, row.seen_at, now, whose):
            raise _unknown(session_id)
        return row, whose

    async def _change(self, session_id: str, **values: object) -> None:
        async with self._database.transaction() as tx:
            await rows.change(tx, session_id, **values)
        self.forget()

    async def _note(
        self, action: Action, actor: Actor, row: SessionRow, **details: str | int | bool
    ) -> None:
        await self._trail.record(
            action, actor=actor, object_type="session", object_id=row.id, details=details
        )

    def _is_live(self, row: SessionRow, seen_at: int, now: int, whose: PersonRow) -> bool:
        return (
            row.ended_at is None
            and now < row.expires_at
            and now < seen_at + self._idle_ms
            and whose.state == PersonState.ACTIVE
        )

    def _new_secret(self) -> str:
        return base64.urlsafe_b64encode(self._randomness(32)).rstrip(b"=").decode()

    def _signed_in(self, known: _Known, secret: str, now: int) -> SignedIn:
        row, whose = known.session, known.person
        until = _glass_until(row, now)
        return SignedIn(
            actor=_actor(row, whose, now),
            name=whose.name,
            session_id=row.id,
            csrf=csrf_of(secret),
            preferences=Preferences.from_text(whose.preferences),
            confirmed_at=from_millis(row.confirmed_at),
            method=row.method,
            expires_at=from_millis(min(row.expires_at, known.seen_at + self._idle_ms)),
            glass="" if until is None else row.glass_reason or "",
            glass_until=None if until is None else from_millis(until),
        )


def csrf_of(secret: str) -> str:
    """Return what forms of the session with this secret carry; another site cannot know it."""
    mac = hmac.digest(secret.encode(), b"csrf", "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _actor(row: SessionRow, whose: PersonRow, now: int) -> Actor:
    return Actor(
        name=whose.email,
        roles=whose.grants.roles,
        via=f"session:{row.id}",
        limited=whose.grants.limited,
        person_id=whose.id,
        broken_glass="" if _glass_until(row, now) is None else row.glass_reason or "",
    )


def _glass_until(row: SessionRow, now: int) -> int | None:
    return row.glass_until if row.glass_until is not None and now < row.glass_until else None


def _view(row: SessionRow, actor: Actor) -> SessionView:
    return SessionView(
        id=row.id,
        person_id=row.person_id,
        method=row.method,
        started_at=from_millis(row.started_at),
        seen_at=from_millis(row.seen_at),
        expires_at=from_millis(row.expires_at),
        address=row.address,
        agent=row.agent,
        current=actor.via == f"session:{row.id}",
    )


def _unknown(session_id: str) -> NotFound:
    return NotFound(f"no live session has the id {session_id!r}; list them to see their ids")


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
