"""What counts of the events about a way in: the newest, and those of older versions as unknown."""

from collections.abc import Iterable

import pytest

from archiver.assurance.database_ways_in import WaysInCheck
from archiver.assurance.report import Findings
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
from archiver.preserve.event_record import EventBody

ANN, BEA = "01JNF77H01CX0G569QJE3P27V1", "01JNF77H01CX0G569QJE3P27V2"
HOUR = 3_600_000
START = 1_741_046_400_000  # 2025-03-04
Found = dict[tuple[str, str], Way]


def event(
    action: str, object_id: str, object_type: str = "person", /, *, hour: int = 0, **details: str
) -> EventBody:
    return EventBody(
        at=f"2025-03-04T{hour:02}:00:00.000Z",
        actor="ann@example.com",
        roles=[],
        via="cli",
        action=action,
        object_type=object_type,
        object_id=object_id,
        result="ok",
        details=dict(details),
    )


def checked(events: Iterable[EventBody], found: Found, *, hour: int = 1) -> Findings:
    """Compare what was found with events in their order; they are taken in backwards."""
    findings = Findings()
    known = WaysIn(found, {ANN: "ann@example.com", BEA: "bea@example.com"})
    check = WaysInCheck(known=known, below=100, findings=findings)
    for log_index, body in reversed(list(enumerate(events))):
        check.take(log_index, body)
    check.finish(now_ms=START + hour * HOUR, but_first="")
    return findings


def problems(events: Iterable[EventBody], found: Found, *, hour: int = 1) -> list[str]:
    findings = checked(events, found, hour=hour)
    assert not findings.not_checked, findings.not_checked
    return [each.what for each in findings.problems]


def is_unknown(events: Iterable[EventBody], found: Found, words: str, *, hour: int = 1) -> bool:
    """Whether it is no problem, and the report says in these words that it was not compared."""
    findings = checked(events, found, hour=hour)
    return not findings.problems and [words in each for each in findings.not_checked] == [True]


def test_the_newest_password_counts() -> None:
    events = [
        event("password:set", ANN, fingerprint="first"),
        event("password:set", ANN, fingerprint="second"),
    ]

    assert problems(events, {(PASSWORD, ANN): Way(ANN, "second")}) == []
    (problem,) = problems(events, {(PASSWORD, ANN): Way(ANN, "first")})
    assert problem.startswith(f"person {ANN}, password: expected the one of its newest event")


def test_a_password_that_was_hashed_anew_is_the_same_password() -> None:
    events = [
        event("password:set", ANN, fingerprint="first"),
        event("password:hashed", ANN, fingerprint="anew"),
    ]

    assert problems(events, {(PASSWORD, ANN): Way(ANN, "anew")}) == []
    assert problems([*events, event("password:set", ANN, fingerprint="x")], {}) == []
    assert problems(events, {(PASSWORD, ANN): Way(ANN, "other")})


def test_an_event_of_an_older_version_makes_a_password_unknown_until_it_is_set_again() -> None:
    older = event("password:set", ANN)

    assert is_unknown([older], {(PASSWORD, ANN): Way(ANN, "x")}, "1 passwords")
    assert problems(
        [older, event("password:set", ANN, fingerprint="a")], {(PASSWORD, ANN): Way(ANN, "x")}
    )
    assert problems([older], {(PASSWORD, BEA): Way(BEA, "x")})


def test_nobody_hides_behind_an_older_event_of_a_passkey_that_was_removed_since() -> None:
    added = event("passkey:added", "K", "passkey", person=ANN, name="k")
    found = {(PASSKEY, "K"): Way(ANN, "x")}

    assert is_unknown([added], found, "1 passkeys")
    assert problems([added, event("passkey:removed", "K", "passkey", person=ANN)], found)
    assert problems([added], {(PASSKEY, "K"): Way(BEA, "x")})


def test_a_token_of_an_older_version_is_unknown_and_the_first_event_of_one_counts() -> None:
    older = event("token:created", "T", "token", name="feed")
    created = event("token:created", "T", "token", name="feed", fingerprint="first")
    again = event("token:created", "T", "token", name="feed", fingerprint="second")

    assert is_unknown([older], {(TOKEN, "T"): Way("", "x")}, "1 API tokens")
    assert problems([created, again], {(TOKEN, "T"): Way("", "first")}) == []
    assert problems([created, again], {(TOKEN, "T"): Way("", "second")})


def test_a_session_of_an_older_version_is_unknown_for_as_long_as_one_can_last() -> None:
    started = event("session:started", "S", "session", method="password")
    found = {(SESSION, "S"): Way(ANN, "x", START + 99 * HOUR)}

    assert is_unknown([started], {(SESSION, "S"): Way(BEA, "x", START + 9 * HOUR)}, "1 sessions")
    assert problems([started], found, hour=25)


def test_a_session_may_have_any_secret_that_it_had_and_no_other() -> None:
    events = [
        event("session:started", "S", "session", person=ANN, fingerprint="first"),
        event("session:confirmed", "S", "session", person=ANN, fingerprint="second"),
    ]

    for fingerprint in ("first", "second"):
        assert problems(events, {(SESSION, "S"): Way(ANN, fingerprint, START + 9 * HOUR)}) == []
    assert problems(events, {(SESSION, "S"): Way(ANN, "x", START + 9 * HOUR)})
    assert problems(events, {(SESSION, "S"): Way(BEA, "first", START + 9 * HOUR)})
    assert problems(events, {(SESSION, "S"): Way(BEA, "first", START + 9 * HOUR)}, hour=9) == []


def test_an_identity_is_that_which_came_first() -> None:
    linked = event("identity:linked", ANN, fingerprint="sub")

    assert problems([linked], {(IDENTITY, ANN): Way(ANN, "sub")}) == []
    assert problems([linked], {(IDENTITY, ANN): Way(ANN, "x")})
    assert problems([linked], {(IDENTITY, BEA): Way(BEA, "sub")})


def test_an_identity_is_unknown_only_of_who_came_by_the_provider_in_an_older_version() -> None:
    came = event("session:started", "S", "session", method="oidc")

    assert is_unknown([came], {(IDENTITY, ANN): Way(ANN, "sub")}, "1 identities at the provider")
    assert problems([came], {(IDENTITY, BEA): Way(BEA, "sub")})


def link(name: str, *, hour: int = 0) -> EventBody:
    return event(
        "person:linked",
        ANN,
        hour=hour,
        link=name,
        fingerprint=name,
        expires_at="2025-03-07T00:00:00.000Z",
    )


def test_a_link_is_good_until_it_is_used_or_a_newer_one_is_made() -> None:
    found = {(LINK, "L"): Way(ANN, "L", START + 72 * HOUR)}
    used = event("password:set", ANN, link="L", fingerprint="p")

    assert problems([link("L")], found) == []
    assert problems([link("L"), link("M")], found)
    assert problems([link("L"), used], found)
    assert problems([link("L")], {(LINK, "L"): Way(ANN, "L", START + 73 * HOUR)})


def test_of_two_passwords_set_by_one_link_the_first_counts() -> None:
    events = [
        link("L"),
        event("password:set", ANN, link="L", fingerprint="first"),
        event("password:set", ANN, link="L", fingerprint="second"),
    ]

    assert problems(events, {(PASSWORD, ANN): Way(ANN, "first")}) == []


def test_a_link_of_an_older_version_is_unknown_for_three_days_and_may_be_used_once() -> None:
    older = event("person:linked", ANN, email="ann@example.com")
    used = [event("password:set", ANN, link=name, fingerprint=name) for name in "LM"]

    assert is_unknown([older], {(LINK, "L"): Way(ANN, "x", START + 72 * HOUR)}, "1 sign-in links")
    assert problems([older], {(LINK, "L"): Way(ANN, "x", START + 73 * HOUR)})
    assert problems([older, used[0]], {(PASSWORD, ANN): Way(ANN, "L")}) == []
    (problem,) = problems([older, *used], {(PASSWORD, ANN): Way(ANN, "M")})
    assert "set by the link M" in problem


@pytest.mark.parametrize("at", [100, 101])
def test_what_was_sequenced_after_the_run_began_is_not_judged(at: int) -> None:
    findings = Findings()
    check = WaysInCheck(known=WaysIn({}, {}), below=100, findings=findings)

    check.take(at, event("password:set", ANN, link="never made", fingerprint="p"))
    check.finish(now_ms=START, but_first="")

    assert not findings.problems
