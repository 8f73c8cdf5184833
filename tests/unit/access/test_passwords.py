from datetime import timedelta

import pytest

from archiver.access import password_rules, passwords
from archiver.access.password_rules import check_password, hash_password, is_outdated, matches
from archiver.access.throttle import TRIES, Tally, Throttle, lock_for
from archiver.audit.actions import Action
from archiver.errors import Conflict, Denied, InvalidInput, TooMany
from archiver.model.actor import Role
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState
from tests.unit.access.house import CLI, PASSWORD, START, House, secret_of

HERE = "192.0.2.7"
OTHER = "a heron, seven harbours"


@pytest.mark.parametrize(
    "password",
    [
        "eleven char",
        "x" * 257,
        "aaaaaaaaaaaa",
        "123456789012",
        "Password1234",
        "!!dragon-2026-11-22!!",
        "rosa.records forever",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff441234",  # the same in full width
    ],
)
def test_a_password_that_others_would_guess_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_password(password, email="rosa.records@example.com")

    assert refused.value.pointer == "password"
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct horse battery staple", "ключ от старого дома", "x1!" * 5 + "ab"]
)
def test_length_is_enough_in_any_script(password: str) -> None:
    check_password(password, email="al@example.com")


async def test_the_same_keys_on_another_system_give_the_same_password() -> None:
    encoded = await hash_password("cafe\u0301 au lait noir")

    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await matches(encoded, "caf\u00e9 au lait noir")
    assert not await matches(encoded, "cafe au lait noir")
    assert not is_outdated(encoded)
    assert is_outdated(encoded.replace("t=2", "t=1"))


async def test_an_unknown_person_costs_the_same_work_and_the_same_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.person_with_password("rosa@example.com", Role.AUDITOR)
    await house.person("pass@example.com", Role.AUDITOR)
    checked: list[str] = []
    real = password_rules._HASHER.verify

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(password_rules._ORIGINAL, name)  # type: ignore[attr-defined]

        def verify(self, encoded: str, password: str) -> bool:
            checked.append(encoded.partition("$")[2].rpartition("$")[0].rpartition("$")[0])
            return real(encoded, password)

    monkeypatch.setattr(password_rules, "_ORIGINAL", password_rules._HASHER, raising=False)
    monkeypatch.setattr(password_rules, "_HASHER", Watched())
    told = set()
    for email in ("rosa@example.com", "pass@example.com", "nobody@example.com", "", "\0"):
        with pytest.raises(Denied) as refused:
            await house.access.passwords.sign_in(email, "wrong password", address=HERE)
        told.add(str(refused.value))

    assert len(told) == 1
    assert checked == ["argon2id$v=19$m=19456,t=2,p=1"] * 5


async def test_the_right_password_lets_in_in_any_case_of_the_email(house: House) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)

    assert await house.access.passwords.sign_in(" ROSA@example.com", PASSWORD, address="") == rosa


async def test_an_older_hash_is_renewed_when_its_password_comes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)
    before = (await house.access.roster.get(rosa)).password_hash
    monkeypatch.setattr(passwords, "is_outdated", lambda _: True)

    await house.access.passwords.sign_in("rosa@example.com", PASSWORD, address="")

    after = (await house.access.roster.get(rosa)).password_hash
    assert after != before
    assert after is not None
    assert await matches(after, PASSWORD)


@pytest.mark.parametrize(
    ("failures", "lock"),
    [
        (0, None),
        (9, None),
        (10, timedelta(minutes=15)),
        (11, timedelta(minutes=30)),
        (12, timedelta(hours=1)),
        (16, timedelta(hours=16)),
        (17, timedelta(days=1)),
        (10_000, timedelta(days=1)),
    ],
)
def test_locks_begin_at_ten_and_double_to_a_day(failures: int, lock: timedelta | None) -> None:
    assert lock_for(failures) == lock


async def fail(house: House, times: int) -> None:
    for _ in range(times):
        house.later(seconds=5)
        with pytest.raises(Denied):
            await house.access.passwords.sign_in("rosa@example.com", OTHER, address=HERE)


async def test_ten_wrong_passwords_lock_the_password_and_nothing_else(house: House) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)
    sign_in, sessions = house.access.passwords.sign_in, house.access.sessions
    await fail(house, 10)

    with pytest.raises(Denied):
        await sign_in("rosa@example.com", PASSWORD, address=HERE)
    await sessions.start(rosa, method=Method.PASSKEY)  # her passkey still lets her in
    assert house.trail.actions.count(Action.PERSON_LOCKED) == 1

    house.later(minutes=15)
    assert await sign_in("rosa@example.com", PASSWORD, address=HERE) == rosa


async def test_one_wrong_password_after_a_lock_locks_for_longer(house: House) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)
    await fail(house, 10)
    house.later(minutes=15)
    await fail(house, 1)

    until = (await house.access.people.show(rosa, actor=CLI)).locked_until
    assert until == house.now + timedelta(minutes=30)


async def test_wrong_passwords_are_told_once_a_minute_with_their_number(house: House) -> None:
    await house.person_with_password("rosa@example.com", Role.AUDITOR)
    await fail(house, 9)
    house.later(minutes=1)
    await fail(house, 1)

    tries = [
        line.details["tries"] for line in house.trail.lines if line.action is Action.SESSION_REFUSED
    ]
    assert tries == [1, 9]
    assert OTHER not in repr(house.trail.lines)


def test_an_address_that_tries_too_often_waits() -> None:
    throttle = Throttle()
    for _ in range(TRIES):
        throttle.take(HERE, START)

    with pytest.raises(TooMany) as refused:
        throttle.take(HERE, START)
    throttle.take("198.51.100.1", START)

    assert refused.value.retry_after_s == 3
    throttle.take(HERE, START + timedelta(seconds=3))
    with pytest.raises(TooMany):
        throttle.take(HERE, START + timedelta(seconds=3))
    with pytest.raises(TooMany):  # a clock set back fills no bucket
        throttle.take(HERE, START - timedelta(days=1))


def test_a_tally_tells_at_once_and_then_once_a_minute() -> None:
    tally = Tally()
    told = [tally.add("x", START + timedelta(seconds=20 * n)) for n in range(7)]

    assert told == [1, 0, 0, 3, 0, 0, 3]


async def test_changing_ones_password_ends_all_other_sessions(house: House) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)
    here, there = await house.sign_in(rosa), await house.sign_in(rosa)
    sessions = house.access.sessions
    signed_in = await sessions.authenticate(here)
    change = house.access.passwords.change

    with pytest.raises(Denied):
        await change(
            OTHER, OTHER, session_id=signed_in.session_id, actor=signed_in.actor, address=HERE
        )
    await change(
        PASSWORD, OTHER, session_id=signed_in.session_id, actor=signed_in.actor, address=HERE
    )

    await sessions.authenticate(here)
    with pytest.raises(Denied):
        await sessions.authenticate(there)
    assert await house.access.passwords.sign_in("rosa@example.com", OTHER, address=HERE) == rosa


async def test_a_link_works_once_and_opening_it_does_not_use_it_up(house: House) -> None:
    people, invitations = house.access.people, house.access.invitations
    grants = Grants(roles=frozenset({Role.AUDITOR}))
    made = await people.invite("Rosa", "rosa@example.com", grants, actor=CLI)
    secret = secret_of((await invitations.link(made.id, actor=CLI)).path)

    for _ in range(2):
        assert (await invitations.open(secret)).new
    with pytest.raises(InvalidInput):
        await invitations.accept(secret, "short")
    assert await invitations.accept(secret, PASSWORD) == made.id

    with pytest.raises(Denied):
        await invitations.open(secret)
    with pytest.raises(Denied):
        await invitations.accept(secret, OTHER)
    assert (await people.show(made.id, actor=CLI)).state is PersonState.ACTIVE
    assert secret not in repr(house.trail.lines)


@pytest.mark.parametrize("end", ["later", "newer", "disabled"])
async def test_a_link_ends_with_time_a_newer_one_or_its_person(house: House, end: str) -> None:
    invitations = house.access.invitations
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    secret = secret_of((await invitations.link(rosa, actor=CLI)).path)

    if end == "later":
        house.later(hours=72)
    elif end == "newer":
        await invitations.link(rosa, actor=CLI)
    else:
        await house.access.people.disable(rosa, actor=CLI)

    with pytest.raises(Denied):
        await invitations.accept(secret, PASSWORD)


async def test_a_new_password_by_link_ends_sessions_and_locks(house: House) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)
    secret = await house.sign_in(rosa)
    await fail(house, 10)
    link = await house.access.invitations.link(rosa, actor=CLI)

    await house.access.invitations.accept(secret_of(link.path), OTHER)

    with pytest.raises(Denied):
        await house.access.sessions.authenticate(secret)
    assert await house.access.passwords.sign_in("rosa@example.com", OTHER, address="") == rosa


async def test_a_disabled_person_gets_no_link_and_no_session(house: House) -> None:
    rosa = await house.person_with_password("rosa@example.com", Role.AUDITOR)
    await house.access.people.disable(rosa, actor=CLI)

    with pytest.raises(Conflict):
        await house.access.invitations.link(rosa, actor=CLI)
    with pytest.raises(Denied):
        await house.access.passwords.sign_in("rosa@example.com", PASSWORD, address="")
