"""Trust policies: what the file means, what is refused, and whose signatures suffice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.ledger.checkpoint import Checkpoint, sign_checkpoint
from archiver.preserve.ledger.cosignature import Ed25519Cosigner
from archiver.preserve.ledger.note import Ed25519Signer, parse_note
from archiver.preserve.ledger.policy import (
    Group,
    LogKey,
    Policy,
    WitnessKey,
    archive_policy,
    open_cosigned,
    parse_policy,
)

LOG = Ed25519Signer.from_seed("log.example/acme", bytes(32))
NEW_LOG_KEY = Ed25519Signer.from_seed("log.example/acme", b"\x01" * 32)
OTHER_LOG = Ed25519Signer.from_seed("log.example/other", b"\x02" * 32)
COSIGNERS = {
    name: Ed25519Cosigner.from_seed(f"witness.example/{name}", bytes([number]) * 32)
    for number, name in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"), start=10)
}
AT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)

EXAMPLE = "\n".join(
    [
        "# the example of https://c2sp.org/tlog-policy, with keys",
        f"log {LOG.vkey} https://log.example/acme",
        "",
        *(f"witness {name} {cosigner.vkey}" for name, cosigner in COSIGNERS.items()),
        "\tgroup X-witnesses 2 X1 X2 X3  ",
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
)


def note(signer: Ed25519Signer = LOG, *, size: int = 5, by: tuple[str, ...] = ()) -> bytes:
    """A checkpoint signed by a log and cosigned by some witnesses."""
    signed = sign_checkpoint(
        Checkpoint(origin=signer.name, size=size, root=bytes([size]) * 32), [signer]
    )
    text = parse_note(signed).text.encode()
    lines = "".join(str(COSIGNERS[name].cosign(text, at=AT)) for name in by)
    return signed + lines.encode()


@pytest.mark.parametrize(
    ("cosigners", "met"),
    [
        ((), False),
        (("X1", "X2"), False),
        (("Y1", "Y2", "Y3"), False),
        (("X1", "Y1"), False),
        (("X1", "X3", "Y2"), True),
        (("X1", "X2", "X3", "Y1", "Y2", "Y3"), True),
        (("X-and-Y",), False),
        (("X-witnesses", "Y-witnesses"), False),
        (("nobody",), False),
    ],
)
def test_a_quorum_of_groups_is_met_by_enough_of_each(
    cosigners: tuple[str, ...], *, met: bool
) -> None:
    assert parse_policy(EXAMPLE).is_met(cosigners) is met


def test_a_quorum_may_be_one_witness_or_none() -> None:
    one = parse_policy(f"witness A {COSIGNERS['X1'].vkey}\nquorum A\n")
    none = parse_policy("quorum none\n")

    assert one.is_met(["A"])
    assert not one.is_met([])
    assert none.quorum is None
    assert none.is_met([])


def test_the_example_of_the_specification_reads_as_it_means() -> None:
    policy = parse_policy(EXAMPLE)

    assert policy.logs == (LogKey(vkey=str(LOG.vkey), url="https://log.example/acme"),)
    assert policy.witnesses[0] == WitnessKey(name="X1", vkey=str(COSIGNERS["X1"].vkey), url="")
    assert policy.groups == (
        Group(name="X-witnesses", threshold=2, members=("X1", "X2", "X3")),
        Group(name="Y-witnesses", threshold=1, members=("Y1", "Y2", "Y3")),
        Group(name="X-and-Y", threshold=2, members=("X-witnesses", "Y-witnesses")),
    )
    assert policy.quorum == "X-and-Y"


def test_a_policy_is_written_as_it_is_read() -> None:
    policy = parse_policy(EXAMPLE)

    assert parse_policy(policy.to_text()) == policy
    assert archive_policy([str(LOG.vkey)], None).to_text() == f"log {LOG.vkey}\nquorum none\n"


A, B = COSIGNERS["X1"].vkey, COSIGNERS["X2"].vkey


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        (f"witness A {A}\n", None, "no quorum line"),
        ("", None, "no quorum line"),
        ("quorum none\nquorum none\n", 2, "one quorum line"),
        ("quorum A\n", 1, "defined above"),
        (f"quorum A\nwitness A {A}\n", 1, "defined above"),
        (f"witness none {A}\nquorum none\n", 1, "not used before"),
        (f"witness A {A}\nwitness A {B}\nquorum A\n", 2, "not used before"),
        (f"witness A {A}\nwitness B {A}\nquorum A\n", 2, "each key once"),
        (f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n", 2, "each key once"),
        (f"log {A}\nquorum none\n", 1, "0x01"),
        (f"witness A {LOG.vkey}\nquorum A\n", 1, "0x04"),
        (f"witness A {A}\ngroup A all A\nquorum A\n", 2, "not used before"),
        (f"witness A {A}\ngroup G 2 A\nquorum G\n", 2, "from 1 to the 1"),
        (f"witness A {A}\ngroup G 0 A\nquorum G\n", 2, "from 1 to the 1"),
        (f"witness A {A}\ngroup G 01 A\nquorum G\n", 2, "leading zeros"),
        (f"witness A {A}\ngroup G any none\nquorum G\n", 2, "defined above"),
        (f"witness A {A}\ngroup G any\nquorum G\n", 2, "from 1 to the 0"),
        (f"witness A {A}\ngroup G any A A\nquorum G\n", 2, "one group"),
        (f"witness A {A}\ngroup G any A\ngroup H any A\nquorum G\n", 3, "one group"),
        ("quorum none\r\n", 1, "Unix line ends"),
        ("quorum none extra\n", 1, "expected 'log VKEY"),
        ("trust everybody\nquorum none\n", 1, "expected 'log VKEY"),
        ("log nonsense\nquorum none\n", 1, "expected a vkey"),
        (f"witness\N{NO-BREAK SPACE}A {A}\nquorum none\n", 1, "expected 'log VKEY"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line_and_cause(
    text: str, line: int | None, cause: str
) -> None:
    where = "trust policy" if line is None else f"line {line} of the trust policy"

    with pytest.raises(ConfigurationError, match=rf"{where}.*{cause}"):
        parse_policy(text)


def test_one_public_key_is_not_two_keys_by_having_two_names() -> None:
    renamed = Ed25519Cosigner.from_seed("witness.example/again", bytes([10]) * 32)

    with pytest.raises(ConfigurationError, match="each key once"):
        parse_policy(f"witness A {A}\nwitness B {renamed.vkey}\nquorum A\n")


def test_a_log_is_not_its_own_witness() -> None:
    same = Ed25519Cosigner.from_seed("log.example/acme", bytes(32))

    with pytest.raises(ConfigurationError, match="each key once"):
        parse_policy(f"log {LOG.vkey}\nwitness A {same.vkey}\nquorum A\n")


def test_a_deep_policy_is_decided_without_recursion() -> None:
    lines = [f"witness G0 {A}"]
    lines += [f"group G{n + 1} all G{n}" for n in range(5000)]
    policy = parse_policy("\n".join([*lines, "quorum G5000"]))

    assert policy.is_met(["G0"])
    assert not policy.is_met([])


@given(st.text(max_size=200))
def test_garbage_is_a_configuration_error_and_nothing_else(text: str) -> None:
    for garbage in (text, EXAMPLE[: len(text)] + text, text + EXAMPLE):
        try:
            parse_policy(garbage)
        except ConfigurationError:
            continue


def test_a_checkpoint_tells_who_cosigned_it_and_whether_they_suffice() -> None:
    policy = parse_policy(EXAMPLE)

    few = open_cosigned(note(by=("X1", "Y1")), policy)
    enough = open_cosigned(note(by=("X1", "X3", "Y1")), policy)

    assert (few.checkpoint.size, few.log_vkey, few.quorum_met) == (5, str(LOG.vkey), False)
    assert [(seen.witness, seen.time) for seen in few.cosignatures] == [("X1", AT), ("Y1", AT)]
    assert few.cosignatures[0].key_id == A.key_id
    assert enough.quorum_met


def test_either_key_of_a_log_whose_key_was_changed_is_accepted() -> None:
    policy = parse_policy(f"log {LOG.vkey}\nlog {NEW_LOG_KEY.vkey}\nquorum none\n")

    for signer in (LOG, NEW_LOG_KEY):
        assert open_cosigned(note(signer), policy).log_vkey == str(signer.vkey)


def test_a_checkpoint_that_only_witnesses_signed_is_refused() -> None:
    text, _, lines = note(by=("X1", "X3", "Y1")).partition(b"\n\n")
    cosigned_only = text + b"\n\n" + lines.split(b"\n", 1)[1]

    with pytest.raises(IntegrityError, match="signed by that log's key"):
        open_cosigned(cosigned_only, parse_policy(EXAMPLE))


def test_a_log_cannot_sign_for_another_of_the_policy() -> None:
    policy = parse_policy(f"log {LOG.vkey}\nlog {OTHER_LOG.vkey}\nquorum none\n")
    theirs = parse_note(note(OTHER_LOG))
    text = theirs.text.replace(OTHER_LOG.name, LOG.name)
    forged = text + "\n" + f"{theirs.signatures[0]}"

    with pytest.raises(IntegrityError):
        open_cosigned(forged.encode(), policy)
    signed_by_the_other = OTHER_LOG.sign(text.encode())
    line = theirs.signatures[0].__class__(
        name=OTHER_LOG.name, key_id=OTHER_LOG.key_id, signature=signed_by_the_other
    )
    with pytest.raises(IntegrityError, match="signed by that log's key"):
        open_cosigned(f"{text}\n{line}".encode(), policy)


def test_a_known_witness_whose_line_fails_condemns_the_checkpoint() -> None:
    elsewhere = note(size=6, by=("X1",)).rpartition(b"\n\xe2")[2]

    with pytest.raises(IntegrityError, match="does not match"):
        open_cosigned(note() + b"\xe2" + elsewhere, parse_policy(EXAMPLE))


def test_witnesses_outside_the_policy_count_for_nothing() -> None:
    policy = Policy(
        logs=(LogKey(vkey=str(LOG.vkey), url=""),),
        witnesses=(WitnessKey(name="A", vkey=str(A), url=""),),
        groups=(),
        quorum="A",
    )

    opened = open_cosigned(note(by=("X2", "X3", "Y1")), policy)

    assert (opened.cosignatures, opened.quorum_met) == ((), False)
