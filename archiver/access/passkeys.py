"""Passkeys: added by whoever is signed in, used to sign in and to prove it once more, removed.

Each ceremony is begun by `offer…`, which gives the browser a challenge and a sealed cookie that
remembers it, and ended once with what the authenticator signed. A counter that did not go up means
that two authenticators hold one key: the answer is refused, and the refusal is an event.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from archiver.access.browser_state import BrowserState
from archiver.access.passkey_ceremony import (
    Site,
    base64url,
    creation_options,
    credential_id_of,
    from_base64url,
    request_options,
    user_handle_of,
    verify_assertion,
    verify_creation,
)
from archiver.access.tokens import Trail
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import passkeys as rows
from archiver.db import people as person_rows
from archiver.db.passkeys import PasskeyRow
from archiver.db.people import PersonRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.ids import Randomness
from archiver.model.actor import Actor
from archiver.model.fingerprint import FINGERPRINT, fingerprint

PURPOSE = "passkey ceremony"
_CHALLENGE_BYTES = 32
_NAME_LIMIT = 100
_MOST = 20


class Challenge(msgspec.Struct, frozen=True):
    """What a ceremony has to remember. `person_id` is empty where anybody may answer."""

    act: str
    challenge: bytes
    person_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the browser gets: the options as JSON, and the cookie that goes with them."""

    options: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyView:
    """What may be shown of a passkey."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document of this passkey."""
        return {
            "id": self.id,
            "name": self.name,
            "created_at": rfc3339(self.created_at),
            "last_used_at": None if self.last_used_at is None else rfc3339(self.last_used_at),
        }


class Passkeys:
    """The use cases on passkeys. People see and change their own, and nobody else's."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        trail: Trail,
        kept: BrowserState[Challenge],
        randomness: Randomness,
    ) -> None:
        self._database = database
        self._clock = clock
        self._trail = trail
        self._kept = kept
        self._randomness = randomness

    async def offer_new(self, *, site: Site, actor: Actor) -> Offer:
        """Begin to add a passkey for the person who is signed in.

        Raises:
            Denied: a token is no person.
            Conflict: they have twenty already.
        """
        async with self._database.reading() as tx:
            whose = await _person(tx, actor)
            known = await rows.list_of(tx, whose.id)
        if len(known) >= _MOST:
            raise Conflict(f"expected at most {_MOST} passkeys; remove one that is not used first")
        challenge, cookie = self._challenge("add", whose.id)
        options = creation_options(
            site,
            challenge,
            person_id=whose.id,
            sign_in_name=whose.email,
            name=whose.name,
            known=[row.credential_id for row in known],
        )
        return Offer(options=options, cookie=cookie)

    async def add(
        self, answer: str, *, name: str, cookie: str, site: Site, actor: Actor
    ) -> PasskeyView:
        """Keep the passkey that the browser made.

        Raises:
            Denied: it is not the answer to this person's challenge.
            InvalidInput: the name is empty or too long.
            Conflict: it is registered already.
        """
        name = _checked(name)
        challenge = self._open(cookie, "add", actor.person_id)
        made = verify_creation(answer, site, challenge.challenge)
        now = self._clock()
        row = PasskeyRow(
            credential_id=made.credential_id,
            person_id=actor.person_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            created_at=to_millis(now),
            last_used_at=None,
        )
        async with self._database.reading() as tx:
            if await rows.get(tx, row.credential_id) is not None:
                raise Conflict("this passkey is registered already; use it, or make another")
        await self._note(
            Action.PASSKEY_ADDED, row, actor, **{FINGERPRINT: fingerprint(row.public_key)}
        )
        async with self._database.transaction() as tx:
            await rows.add(tx, row)
        return _view(row)

    async def offer(self, *, site: Site, actor: Actor | None = None) -> Offer:
        """Begin a proof of identity: anybody's, to sign in, or the `actor`'s own once more.

        Raises:
            NotFound: the actor has no passkey.
        """
        if actor is None:
            challenge, cookie = self._challenge("sign-in", "")
            return Offer(options=request_options(site, challenge), cookie=cookie)
        async with self._database.reading() as tx:
            known = [row.credential_id for row in await rows.list_of(tx, actor.person_id)]
        if not known:
            raise NotFound("you have no passkey; prove who you are another way")
        challenge, cookie = self._challenge("confirm", actor.person_id)
        return Offer(options=request_options(site, challenge, allowed=known), cookie=cookie)

    async def prove(
        self, answer: str, *, cookie: str, site: Site, actor: Actor | None = None
    ) -> str:
        """Return the id of the person whose passkey answered; with an `actor`, it must be theirs.

        Raises:
            Denied: no passkey of ours, not the answer to this challenge, or a copied passkey.
        """
        act, person_id = ("sign-in", "") if actor is None else ("confirm", actor.person_id)
        challenge = self._open(cookie, act, person_id)
        row, whose = await self._known(answer)
        if person_id not in {"", row.person_id}:
            raise Denied("this is another person's passkey; use one of yours")
        count = verify_assertion(answer, site, challenge.challenge, public_key=row.public_key)
        async with self._database.transaction() as tx:
            rose = await rows.advance(
                tx, row.credential_id, sign_count=count, at=to_millis(self._clock())
            )
        if not rose:
            await self._refuse_copy(row, whose, count)
        return row.person_id

    async def are_there(self, person_id: str) -> bool:
        """Return whether a person has a passkey to sign in with."""
        async with self._database.reading() as tx:
            return bool(await rows.list_of(tx, person_id))

    async def list(self, *, actor: Actor) -> tuple[PasskeyView, ...]:
        """Return one's own passkeys, oldest first."""
        async with self._database.reading() as tx:
            return tuple(_view(row) for row in await rows.list_of(tx, actor.person_id))

    async def show(self, passkey_id: str, *, actor: Actor) -> PasskeyView:
        """Return one of one's own passkeys. Raises NotFound."""
        async with self._database.reading() as tx:
            return _view(await _own(tx, passkey_id, actor))

    async def rename(self, passkey_id: str, name: str, *, actor: Actor) -> None:
        """Give a passkey of one's own another name. Raises NotFound, InvalidInput."""
        name = _checked(name)
        async with self._database.reading() as tx:
            row = await _own(tx, passkey_id, actor)
        await self._note(Action.PASSKEY_RENAMED, replace(row, name=name), actor)
        async with self._database.transaction() as tx:
            await rows.rename(tx, row.credential_id, name)

    async def remove(self, passkey_id: str, *, actor: Actor) -> None:
        """Remove a passkey of one's own, so that it signs nobody in any more.

        Raises:
            NotFound: no such passkey of theirs.
            Conflict: it is the last way they have to sign in.
        """
        async with self._database.reading() as tx:
            row = await _own(tx, passkey_id, actor)
            whose = await _person(tx, actor)
            others = len(await rows.list_of(tx, actor.person_id)) - 1
        if not (others or whose.password_hash or whose.subject):
            raise Conflict(
                "this passkey is your only way to sign in; add another or set a password first"
            )
        await self._note(Action.PASSKEY_REMOVED, row, actor)
        async with self._database.transaction() as tx:
            await rows.remove(tx, row.credential_id)

    def _challenge(self, act: str, person_id: str) -> tuple[bytes, str]:
        challenge = self._randomness(_CHALLENGE_BYTES)
        return challenge, self._kept.seal(Challenge(act, challenge, person_id))

    def _open(self, cookie: str, act: str, person_id: str) -> Challenge:
        kept = self._kept.open_once(cookie)
        if (kept.act, kept.person_id) != (act, person_id):
            raise Denied(f"expected a passkey's answer to {act}, found one to something else")
        return kept

    async def _known(self, answer: str) -> tuple[PasskeyRow, PersonRow]:
        credential_id, handle = credential_id_of(answer), user_handle_of(answer)
        async with self._database.reading() as tx:
            row = await rows.get(tx, credential_id)
            # WebAuthn section 7.2 step 6: the passkey must be of whom it says it is.
            if row is None or handle not in {"", row.person_id}:
                raise Denied(
                    "this archive does not know that passkey; it may have been removed. Sign in "
                    "another way and add it again"
                )
            return row, await person_rows.get(tx, row.person_id)

    async def _refuse_copy(self, row: PasskeyRow, whose: PersonRow, count: int) -> None:
        actor = Actor(name=whose.email, roles=frozenset(), via="passkey", person_id=whose.id)
        await self._trail.record(
            Action.PASSKEY_COPIED,
            actor=actor,
            object_type="passkey",
            object_id=base64url(row.credential_id),
            result="refused",
            details={"name": row.name, "expected_over": row.sign_count, "found": count},
        )
        raise Denied(
            "this passkey was refused: another copy of it seems to be in use. Sign in another way, "
            "remove it, and tell your administrator"
        )

    async def _note(self, action: Action, row: PasskeyRow, actor: Actor, **more: str) -> None:
        await self._trail.record(
            action,
            actor=actor,
            object_type="passkey",
            object_id=base64url(row.credential_id),
            details={"name": row.name, "person": row.person_id, **more},
        )


async def _person(tx: Transaction, actor: Actor) -> PersonRow:
    if not actor.person_id:
        raise Denied("expected a person who signed in, found a token; passkeys are people's")
    return await person_rows.get(tx, actor.person_id)


async def _own(tx: Transaction, passkey_id: str, actor: Actor) -> PasskeyRow:
    try:
        row = await rows.get(tx, from_base64url(passkey_id))
    except InvalidInput:
        row = None
    if row is None or row.person_id != actor.person_id:
        raise NotFound(f"you have no passkey {passkey_id[:80]!r}; list yours to see them")
    return row


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _NAME_LIMIT or not name.isprintable():
        raise InvalidInput(
            f"expected a name of 1 to {_NAME_LIMIT} printable characters, such as `Blue security "
            "key`",
            pointer="name",
        )
    return name


def _view(row: PasskeyRow) -> PasskeyView:
    return PasskeyView(
        id=base64url(row.credential_id),
        name=row.name,
        created_at=from_millis(row.created_at),
        last_used_at=None if row.last_used_at is None else from_millis(row.last_used_at),
    )
