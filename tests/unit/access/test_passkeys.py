"""A passkey proves who somebody is: once per challenge, on our site, and from one authenticator."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from archiver.access.browser_state import BrowserState
from archiver.access.passkey_ceremony import CREDENTIAL_LIMIT, Site, base64url, from_base64url
from archiver.access.passkeys import PURPOSE, Challenge, Passkeys
from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db.tables import passkey, person
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.model.actor import Actor, Role
from tests.fakes.authenticator import PRESENT, VERIFIED, Lies, SoftwareAuthenticator

START = datetime(2026, 1, 1, tzinfo=UTC)
SITE = Site(origin="https://archive.example.com", rp_id="archive.example.com")
KEY = bytes(range(32))
ADA = Actor(name="ada@example.com", roles=frozenset(), person_id="01KAM0PERSON0000000000ADA1")
BOB = Actor(name="bob@example.com", roles=frozenset(), person_id="01KAM0PERSON0000000000B0B1")
TOKEN = Actor(name="a bridge", roles=frozenset({Role.CAPTURE_AGENT}))


class Events:
    """A trail that remembers."""

    def __init__(self) -> None:
        self.actions: list[tuple[Action, str]] = []

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        assert object_type == "passkey"
        assert object_id
        assert details
        self.actions.append((action, f"{actor.name} {result}"))


class World:
    """Servers over one database, Ada's authenticator, and a clock the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START
        self.events = Events()
        self.passkeys = self.server()
        self.device = SoftwareAuthenticator(SITE.origin)

    def server(self) -> Passkeys:
        kept = BrowserState(
            Challenge, purpose=PURPOSE, key=KEY, clock=lambda: self.now, randomness=os.urandom
        )
        return Passkeys(
            database=self.database,
            clock=lambda: self.now,
            trail=self.events,
            kept=kept,
            randomness=os.urandom,
        )

    async def register(
        self, device: SoftwareAuthenticator | None = None, actor: Actor = ADA, name: str = "Key"
    ) -> str:
        offer = await self.passkeys.offer_new(site=SITE, actor=actor)
        answer = (device or self.device).create(offer.options)
        view = await self.passkeys.add(
            answer, name=name, cookie=offer.cookie, site=SITE, actor=actor
        )
        return view.id

    async def sign_in(self, device: SoftwareAuthenticator | None = None, **lies: Any) -> str:
        offer = await self.passkeys.offer(site=SITE)
        answer = (device or self.device).get(offer.options, Lies(**lies))
        return await self.passkeys.prove(answer, cookie=offer.cookie, site=SITE)

    async def change_person(self, **values: object) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(update(person).where(person.c.id == ADA.person_id).values(**values))


@pytest.fixture
async def world(database: Database) -> World:
    async with database.transaction() as tx:
        for each in (ADA, BOB):
            row = {"id": each.person_id, "name": each.name, "email": each.name, "state": "active"}
            at = {"created_at": to_millis(START), "stated_at": to_millis(START), "created_by": "x"}
            await tx.execute(insert(person).values(**row, **at, preferences=""))
    return World(database)


async def test_a_passkey_signs_in_the_person_who_added_it(world: World) -> None:
    await world.register()

    assert await world.sign_in() == ADA.person_id
    assert await world.sign_in() == ADA.person_id


async def test_ed25519_passkeys_are_taken_too(world: World) -> None:
    device = SoftwareAuthenticator(SITE.origin, key=Ed25519PrivateKey.generate())
    await world.register(device)

    assert await world.sign_in(device) == ADA.person_id


async def test_an_authenticator_without_a_counter_signs_in_again_and_again(world: World) -> None:
    world.device.counts = False
    await world.register()

    assert await world.sign_in() == ADA.person_id
    assert await world.sign_in() == ADA.person_id


LIES: dict[str, dict[str, Any]] = {
    "wrong origin": {"origin": "https://archive.example.com.evil.example"},
    "origin without TLS": {"origin": "http://archive.example.com"},
    "origin of another port": {"origin": "https://archive.example.com:8443"},
    "wrong rp": {"rp_id": "example.com"},
    "wrong challenge": {"challenge": base64url(bytes(32))},
    "no challenge": {"challenge": ""},
    "nobody present": {"flags": VERIFIED},
    "user not verified": {"flags": PRESENT},
    "the other ceremony": {"kind": "webauthn.other"},
    "inside another site": {"cross_origin": True},
}


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
async def test_an_answer_made_elsewhere_signs_nobody_in(world: World, lies: dict[str, Any]) -> None:
    await world.register()

    with pytest.raises(Denied):
        await world.sign_in(**lies)


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
async def test_a_passkey_made_elsewhere_is_not_kept(world: World, lies: dict[str, Any]) -> None:
    offer = await world.passkeys.offer_new(site=SITE, actor=ADA)
    answer = world.device.create(offer.options, Lies(**lies))

    with pytest.raises(Denied):
        await world.passkeys.add(answer, name="Key", cookie=offer.cookie, site=SITE, actor=ADA)
    assert await world.passkeys.list(actor=ADA) == ()


async def test_an_answer_is_good_once(world: World) -> None:
    await world.register()
    offer = await world.passkeys.offer(site=SITE)
    answer = world.device.get(offer.options)
    await world.passkeys.prove(answer, cookie=offer.cookie, site=SITE)

    with pytest.raises(Denied, match="not used before"):
        await world.passkeys.prove(answer, cookie=offer.cookie, site=SITE)


async def test_an_answer_replayed_at_another_server_is_refused_by_its_counter(
    world: World,
) -> None:
    await world.register()
    offer = await world.passkeys.offer(site=SITE)
    answer = world.device.get(offer.options)
    await world.passkeys.prove(answer, cookie=offer.cookie, site=SITE)

    with pytest.raises(Denied, match="another copy"):
        await world.server().prove(answer, cookie=offer.cookie, site=SITE)


async def test_another_server_of_the_archive_takes_the_answer(world: World) -> None:
    await world.register()
    offer = await world.passkeys.offer(site=SITE)

    answer = world.device.get(offer.options)

    assert await world.server().prove(answer, cookie=offer.cookie, site=SITE) == ADA.person_id


async def test_a_challenge_ends_after_ten_minutes(world: World) -> None:
    await world.register()
    offer = await world.passkeys.offer(site=SITE)
    answer = world.device.get(offer.options)
    world.now += timedelta(minutes=10)

    with pytest.raises(Denied, match="last ten minutes"):
        await world.passkeys.prove(answer, cookie=offer.cookie, site=SITE)


async def test_a_challenge_of_one_browser_is_not_anothers(world: World) -> None:
    await world.register()
    mine = await world.passkeys.offer(site=SITE)
    thieves = await world.passkeys.offer(site=SITE)
    answer = world.device.get(mine.options)

    with pytest.raises(Denied):
        await world.passkeys.prove(answer, cookie=thieves.cookie, site=SITE)


async def test_a_copied_passkey_is_refused_and_the_refusal_is_an_event(world: World) -> None:
    await world.register()
    copy = world.device.copy()
    await world.sign_in()
    await world.sign_in()

    with pytest.raises(Denied, match="another copy"):
        await world.sign_in(copy)
    assert world.events.actions[-1] == (Action.PASSKEY_COPIED, "ada@example.com refused")


async def test_nobody_raises_the_alarm_of_a_copy_without_the_key(world: World) -> None:
    await world.register()
    await world.sign_in()
    stranger = SoftwareAuthenticator(SITE.origin, credential_id=world.device.credential_id)
    stranger.user_handle = world.device.user_handle

    with pytest.raises(Denied):
        await world.sign_in(stranger)
    assert world.events.actions == [(Action.PASSKEY_ADDED, "ada@example.com ok")]


async def test_a_passkey_that_says_it_is_somebody_elses_is_refused(world: World) -> None:
    await world.register()

    with pytest.raises(Denied, match="does not know"):
        await world.sign_in(user_handle=BOB.person_id)


async def test_who_confirms_needs_a_passkey_of_their_own(world: World) -> None:
    await world.register()
    bobs = SoftwareAuthenticator(SITE.origin)
    await world.register(bobs, BOB)
    offer = await world.passkeys.offer(site=SITE, actor=ADA)

    assert [each["id"] for each in json.loads(offer.options)["allowCredentials"]] == [
        base64url(world.device.credential_id)
    ]
    with pytest.raises(Denied, match="another person's"):
        await world.passkeys.prove(
            bobs.get(offer.options), cookie=offer.cookie, site=SITE, actor=ADA
        )


async def test_an_answer_to_sign_in_confirms_nothing(world: World) -> None:
    await world.register()
    offer = await world.passkeys.offer(site=SITE)
    answer = world.device.get(offer.options)

    with pytest.raises(Denied, match="something else"):
        await world.passkeys.prove(answer, cookie=offer.cookie, site=SITE, actor=ADA)


async def test_signing_in_tells_nobody_who_has_a_passkey(world: World) -> None:
    await world.register()

    offer = await world.passkeys.offer(site=SITE)

    assert json.loads(offer.options)["allowCredentials"] == []
    assert "ada" not in offer.options


async def test_an_authenticator_is_told_which_passkeys_it_need_not_make_again(
    world: World,
) -> None:
    await world.register()

    options = json.loads((await world.passkeys.offer_new(site=SITE, actor=ADA)).options)

    assert [each["id"] for each in options["excludeCredentials"]] == [
        base64url(world.device.credential_id)
    ]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["user"]["name"] == "ada@example.com"


async def test_one_passkey_belongs_to_one_person(world: World) -> None:
    await world.register()

    with pytest.raises(Conflict):
        await world.register(actor=BOB)


async def test_a_token_has_no_passkeys(world: World) -> None:
    with pytest.raises(Denied, match="token"):
        await world.passkeys.offer_new(site=SITE, actor=TOKEN)


async def test_twenty_passkeys_are_enough(world: World) -> None:
    for number in range(20):
        await world.register(SoftwareAuthenticator(SITE.origin), name=f"Key {number}")

    with pytest.raises(Conflict, match="at most 20"):
        await world.register(SoftwareAuthenticator(SITE.origin))


async def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(world: World) -> None:
    first = await world.register()
    await world.register(SoftwareAuthenticator(SITE.origin), name="Spare")

    for act in (world.passkeys.show, world.passkeys.remove):
        with pytest.raises(NotFound):
            await act(first, actor=BOB)
    with pytest.raises(NotFound):
        await world.passkeys.rename(first, "Mine", actor=BOB)
    await world.passkeys.rename(first, "  Blue   key ", actor=ADA)
    assert (await world.passkeys.show(first, actor=ADA)).name == "Blue key"
    await world.passkeys.remove(first, actor=ADA)

    assert [view.name for view in await world.passkeys.list(actor=ADA)] == ["Spare"]
    with pytest.raises(Denied, match="does not know"):
        await world.sign_in()
    assert [action for action, _ in world.events.actions[2:]] == [
        Action.PASSKEY_RENAMED,
        Action.PASSKEY_REMOVED,
    ]


@pytest.mark.parametrize("way", [{"password_hash": "$argon2id$"}, {"subject": "https://id ada"}])
async def test_the_last_way_to_sign_in_is_not_removed(world: World, way: dict[str, object]) -> None:
    only = await world.register()

    with pytest.raises(Conflict, match="only way to sign in"):
        await world.passkeys.remove(only, actor=ADA)
    await world.change_person(**way)
    await world.passkeys.remove(only, actor=ADA)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\u202eb"])
async def test_a_passkeys_name_can_be_read(world: World, name: str) -> None:
    with pytest.raises(InvalidInput):
        await world.register(name=name)


@pytest.mark.parametrize("passkey_id", ["", "!", "AAAA", "ä"])
async def test_an_id_that_is_none_is_not_found(world: World, passkey_id: str) -> None:
    with pytest.raises(NotFound):
        await world.passkeys.show(passkey_id, actor=ADA)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=False)
@given(garbage=st.text(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "signature",
                         "authenticatorData", "attestationObject", "userHandle"]), inner, max_size=6
    ),
).map(json.dumps))  # fmt: skip
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_garbage_for_an_answer_is_refused_and_breaks_nothing(
    world: World, garbage: str
) -> None:
    signing_in = await world.passkeys.offer(site=SITE)
    with pytest.raises(Denied):
        await world.passkeys.prove(garbage, cookie=signing_in.cookie, site=SITE)
    adding = await world.passkeys.offer_new(site=SITE, actor=ADA)
    with pytest.raises(Denied):
        await world.passkeys.add(garbage, name="Key", cookie=adding.cookie, site=SITE, actor=ADA)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=False)
@given(
    name=st.sampled_from(["clientDataJSON", "authenticatorData", "signature", "userHandle"]),
    place=st.integers(0, 10_000),
    flip=st.integers(1, 255),
)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_a_genuine_answer_with_one_byte_changed_is_refused(
    world: World, name: str, place: int, flip: int
) -> None:
    if not await world.passkeys.list(actor=ADA):
        await world.register()
    offer = await world.passkeys.offer(site=SITE)
    answer = _damaged(world.device.get(offer.options), name, place, flip)

    with pytest.raises(Denied):
        await world.passkeys.prove(answer, cookie=offer.cookie, site=SITE)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=False)
@given(
    name=st.sampled_from(["clientDataJSON", "attestationObject"]),
    place=st.integers(0, 10_000),
    flip=st.integers(1, 255),
)
@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_a_damaged_new_passkey_breaks_nothing(
    world: World, name: str, place: int, flip: int
) -> None:
    offer = await world.passkeys.offer_new(site=SITE, actor=ADA)
    made = SoftwareAuthenticator(SITE.origin).create(offer.options)
    answer = _damaged(made, name, place, flip)

    try:  # nothing signs a new passkey: a changed id or counter is another good one
        view = await world.passkeys.add(
            answer, name="Key", cookie=offer.cookie, site=SITE, actor=ADA
        )
    except Denied:
        return
    await world.passkeys.rename(view.id, "Taken", actor=ADA)
    async with world.database.transaction() as tx:
        await tx.execute(delete(passkey))


def _damaged(answer: str, name: str, place: int, flip: int) -> str:
    document = json.loads(answer)
    raw = bytearray(from_base64url(document["response"][name]))
    raw[place % len(raw)] ^= flip
    document["response"][name] = base64url(bytes(raw))
    return json.dumps(document)


async def test_an_answer_too_large_to_be_one_is_refused_unread(world: World) -> None:
    offer = await world.passkeys.offer(site=SITE)

    with pytest.raises(Denied, match="at most"):
        await world.passkeys.prove("[" * (CREDENTIAL_LIMIT + 1), cookie=offer.cookie, site=SITE)


@given(garbage=st.text(max_size=100) | st.binary(max_size=100).map(base64url))
def test_garbage_for_a_cookie_is_refused(garbage: str) -> None:
    kept = BrowserState(
        Challenge, purpose=PURPOSE, key=KEY, clock=lambda: START, randomness=os.urandom
    )

    with pytest.raises(Denied):
        kept.open_once(garbage)


def test_a_cookie_of_one_purpose_serves_no_other() -> None:
    of_passkeys, of_others = (
        BrowserState(Challenge, purpose=each, key=KEY, clock=lambda: START, randomness=os.urandom)
        for each in (PURPOSE, "another")
    )

    with pytest.raises(Denied):
        of_others.open_once(of_passkeys.seal(Challenge("sign-in", b"c", "")))
