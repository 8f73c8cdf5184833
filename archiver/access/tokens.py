"""API tokens: made once, shown once, kept as a hash, scoped to roles, expiring, revocable.

A secret is `mun_` and 43 base64url characters (32 random bytes); the fixed prefix lets secret
scanners find one that leaked into a repository. With 256 random bits a plain SHA-256 is enough at
rest: there is nothing to guess, so nothing to slow down with a password hash.

`authenticate` is on the path of every captured post, so what the database said about a hash is
believed for five seconds of the injected clock. A revocation is therefore immediate in the process
that did it and at most five seconds late in the others.

Every token expires, and none manages access, except those that the command line makes: whoever may
run it on this machine can open the archive without any token.
"""

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from archiver.access.rules import PERMISSIONS, Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, rfc3339
from archiver.db import tokens as queries
from archiver.db.tokens import StoredToken
from archiver.db.transaction import Database
from archiver.errors import Denied, InvalidInput, NotFound
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.fingerprint import FINGERPRINT, fingerprint
from archiver.model.grants import grant

LASTS = timedelta(days=90)
"""How long a token lasts where nothing else is said."""
LONGEST = timedelta(days=366)
BELIEVED_FOR = timedelta(seconds=5)
_CACHE_LIMIT = 10_000
_NAME_LIMIT = 200
_COMMAND_LINE = "cli"
_USED_EVERY = timedelta(hours=1)
_SECRET = re.compile(r"mun_[A-Za-z0-9_-]{43}", re.ASCII)


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
        """Make one event durable. Raises OperatorError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """What may be shown of a token: everything but its secret, which nobody has."""

    id: str
    name: str
    roles: tuple[Role, ...]
    state: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    unit: str = ""
    matter: str = ""
    created_by: str = ""
    last_used_at: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document of this token."""
        return {
            "id": self.id,
            "name": self.name,
            "roles": list(self.roles),
            "unit": self.unit,
            "matter": self.matter,
            "state": self.state,
            "created_by": self.created_by,
            "created_at": rfc3339(self.created_at),
            "expires_at": _shown(self.expires_at),
            "revoked_at": _shown(self.revoked_at),
            "last_used_at": _shown(self.last_used_at),
        }


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database said about a hash at `at`. `stored` is None for an unknown one."""

    at: datetime
    stored: StoredToken | None = None
    actor: Actor | None = None


class Tokens:
    """The use cases on API tokens, with the memory that keeps them off the capture path."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ulids: Ulids,
        trail: Trail,
        randomness: Randomness = os.urandom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ulids = ulids
        self._trail = trail
        self._randomness = randomness
        self._known: dict[bytes, _Known] = {}
        self._looking: dict[bytes, asyncio.Future[_Known]] = {}

    async def create(
        self,
        name: str,
        roles: Collection[Role],
        *,
        unit: str = "",
        matter: str = "",
        expires_at: datetime | None = None,
        actor: Actor,
    ) -> tuple[TokenView, str]:
        """Make a token and return it with its secret, which is never shown again.

        Args:
            name: whose it is; events name it.
            roles: what it may do.
            unit: limits all its roles to this unit's accounts.
            matter: limits them to this matter; not together with `unit`.
            expires_at: when it ends; in 90 days, unless told.
            actor: who makes it.

        Raises:
            Denied: the actor may not manage access, or the token would and is not made by the
                command line.
            InvalidInput: no name, or one like a person's; no role, a unit and a matter, or an
                expiry that is not within the next 366 days.
        """
        require(actor, Permission.MANAGE_ACCESS)
        now = self._clock()
        expires_at = now + LASTS if expires_at is None else expires_at
        _check(name, roles, expires_at, now)
        _check_power(roles, unit, matter, actor)
        secret = "mun_" + base64.urlsafe_b64encode(self._randomness(32)).rstrip(b"=").decode()
        stored = StoredToken(
            id=self._ulids.one(now),
            name=name,
            sha256=_hash(secret),
            roles=frozenset(roles),
            created_at=now,
            expires_at=expires_at,
            unit=unit.strip(),
            matter=matter.strip(),
            created_by=actor.name,
        )
        await self._trail.record(
            Action.TOKEN_CREATED,
            actor=actor,
            object_type="token",
            object_id=stored.id,
            details={
                "name": name,
                "roles": " ".join(sorted(roles)),
                "unit": stored.unit,
                "matter": stored.matter,
                "expires_at": rfc3339(expires_at),
                FINGERPRINT: fingerprint(stored.sha256),
            },
        )
        async with self._database.transaction() as tx:
            await queries.add(tx, stored)
        return _view(stored, now), secret

    async def authenticate(self, secret: str) -> Actor:
        """Return the actor whose token this is.

        Raises:
            Denied: (`authenticated` false) unknown, revoked or expired, or not a token at all.
        """
        now = self._clock()
        known = await self._look_up(secret, now) if _SECRET.fullmatch(secret) else _Known(now)
        if known.actor is None or known.stored is None or _state(known.stored, now) != "active":
            raise Denied(
                "expected a valid API token (`mun_…`), found one that is unknown, revoked or "
                "expired; ask an administrator for a new one",
                authenticated=False,
            )
        return known.actor

    async def list(self, *, actor: Actor) -> tuple[TokenView, ...]:
        """Return every token, revoked ones included, oldest first. Raises Denied."""
        require(actor, Permission.MANAGE_ACCESS)
        now = self._clock()
        async with self._database.reading() as tx:
            return tuple(_view(stored, now) for stored in await queries.list_all(tx))

    async def revoke(self, token_id: str, *, actor: Actor) -> TokenView:
        """Revoke a token for good; revoking it again changes nothing.

        Raises:
            Denied: the actor may not manage access.
            NotFound: no such token.
        """
        require(actor, Permission.MANAGE_ACCESS)
        now = self._clock()
        async with self._database.reading() as tx:
            if await queries.get(tx, token_id) is None:
                raise _unknown(token_id)
        await self._trail.record(
            Action.TOKEN_REVOKED, actor=actor, object_type="token", object_id=token_id
        )
        async with self._database.transaction() as tx:
            stored = await queries.revoke(tx, token_id, now)
        self._known.clear()
        if stored is None:
            raise _unknown(token_id)
        return _view(stored, now)

    async def _look_up(self, secret: str, now: datetime) -> _Known:
        hashed = _hash(secret)
        known = self._known.get(hashed)
        # A clock that was set back must not keep a revoked token alive: no age below nought.
        if known is not None and timedelta() <= now - known.at < BELIEVED_FOR:
            return known
        # One look-up for all requests that wait for the same token, not one each.
        looking = self._looking.get(hashed)
        if looking is None:
            looking = self._looking[hashed] = asyncio.ensure_future(self._ask(hashed, now))
            looking.add_done_callback(lambda _: self._looking.pop(hashed))
        return await asyncio.shield(looking)

    async def _ask(self, hashed: bytes, now: datetime) -> _Known:
        async with self._database.reading() as tx:
            stored = await queries.find_by_hash(tx, hashed)
        if stored is not None and _is_used_again(stored, now):
            async with self._database.transaction() as tx:
                await queries.note_use(tx, stored.id, now)
        known = _Known(now, stored, None if stored is None else actor_of(stored))
        if len(self._known) >= _CACHE_LIMIT:
            self._known.clear()
        self._known[hashed] = known
        return known


def _check(name: str, roles: Collection[Role], expires_at: datetime, now: datetime) -> None:
    if not name.strip() or len(name) > _NAME_LIMIT:
        raise InvalidInput(
            f"expected a token name of 1 to {_NAME_LIMIT} characters, found {len(name)}",
            pointer="/name",
        )
    if "@" in name:  # events name people by their e-mail, and tokens by this
        raise InvalidInput(
            f"expected a token name without @, found {name!r}: the audit trail must not take it "
            "for a person",
            pointer="/name",
        )
    if not roles:
        raise InvalidInput(
            f"expected at least one role of {', '.join(Role)}, found none", pointer="/roles"
        )
    if expires_at.tzinfo is None or not now < expires_at <= now + LONGEST:
        raise InvalidInput(
            f"expected an expiry after {rfc3339(now)} and within {LONGEST.days} days, with its "
            f"time zone, found {expires_at.isoformat()}",
            pointer="/expires_at",
        )


def _check_power(roles: Collection[Role], unit: str, matter: str, actor: Actor) -> None:
    for role in roles:
        grant(role, unit=unit, matter=matter)
        if Permission.MANAGE_ACCESS in PERMISSIONS[role] and actor.via != _COMMAND_LINE:
            raise Denied(
                f"a token cannot be {role}: only people manage access, and the command line on "
                "the archive's own machine (`muniment token create`)"
            )


def _unknown(token_id: str) -> NotFound:
    return NotFound(f"no token has the id {token_id!r}; list them to see their ids")


def _is_used_again(stored: StoredToken, now: datetime) -> bool:
    live = _state(stored, now) == "active"
    return live and (stored.last_used_at is None or now - stored.last_used_at >= _USED_EVERY)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def actor_of(stored: StoredToken) -> Actor:
    """Return who acts with a token, whether it is still good or not."""
    via = f"token:{stored.id}"
    if not stored.unit and not stored.matter:
        return Actor(name=stored.name, roles=stored.roles, via=via)
    limited = frozenset(
        LimitedRole(role=role, unit=stored.unit, matter=stored.matter) for role in stored.roles
    )
    return Actor(name=stored.name, roles=frozenset(), via=via, limited=limited)


def _state(stored: StoredToken, now: datetime) -> str:
    if stored.revoked_at is not None:
        return "revoked"
    if stored.expires_at is not None and stored.expires_at <= now:
        return "expired"
    return "active"


def _view(stored: StoredToken, now: datetime) -> TokenView:
    return TokenView(
        id=stored.id,
        name=stored.name,
        roles=tuple(sorted(stored.roles)),
        state=_state(stored, now),
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        revoked_at=stored.revoked_at,
        unit=stored.unit,
        matter=stored.matter,
        created_by=stored.created_by,
        last_used_at=stored.last_used_at,
    )


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
