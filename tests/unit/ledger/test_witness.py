"""The witness's decision: every status code of C2SP tlog-witness, and what it must never do."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import ConfigurationError, IntegrityError, StorageUnavailable
from archiver.preserve.ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from archiver.preserve.ledger.cosignature import Ed25519CosignatureVerifier, Ed25519Cosigner
from archiver.preserve.ledger.merkle import EMPTY_ROOT, verify_consistency
from archiver.preserve.ledger.note import Ed25519Signer, open_note, parse_note, sign_note
from archiver.preserve.ledger.policy import witness_verifier
from archiver.preserve.ledger.witness import (
    MAX_PROOF_LINES,
    SIZE_TYPE,
    AddCheckpoint,
    Judgement,
    WitnessedLog,
    judge,
    monitoring_path,
    origin_hash,
    parse_add_checkpoint,
    parse_size,
)
from archiver.preserve.ledger.witness_state import (
    KEY_FILE,
    LOGS_FILE,
    WitnessState,
    create_witness,
    open_witness,
)
from tests.unit.ledger.naive_tree import NaiveTree

LOG = Ed25519Signer.from_seed("log.example/acme", bytes(32))
NEW_LOG_KEY = Ed25519Signer.from_seed("log.example/acme", b"\x01" * 32)
STRANGER = Ed25519Signer.from_seed("log.example/stranger", b"\x02" * 32)
WITNESS = Ed25519Cosigner.from_seed("witness.example/auditor", b"\x07" * 32)
VERIFIER = Ed25519CosignatureVerifier(WITNESS.vkey)
AT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)

TREE = NaiveTree([b"entry %d" % n for n in range(40)])
FORK = NaiveTree([b"entry %d" % n for n in range(10)] + [b"other %d" % n for n in range(30)])


def checkpoint(size: int, tree: NaiveTree = TREE, *signers: Ed25519Signer) -> bytes:
    """A checkpoint of a tree at some size, signed by the log unless others are named."""
    head = Checkpoint(origin=LOG.name, size=size, root=tree.root(size))
    return sign_note(head.to_text(), signers or [LOG])


def request(old: int, size: int, tree: NaiveTree = TREE) -> AddCheckpoint:
    """A request as an honest log of that tree makes it."""
    proof = tree.proof(old, size) if 0 < old <= size else []
    return AddCheckpoint(old=old, proof=tuple(proof), note=checkpoint(size, tree))


def ask(known: Mapping[str, WitnessedLog], asked: AddCheckpoint | bytes) -> Judgement:
    body = asked.to_bytes() if isinstance(asked, AddCheckpoint) else asked
    return judge(known, body, WITNESS, at=AT)


def watching(size: int = 0, tree: NaiveTree = TREE) -> dict[str, WitnessedLog]:
    """What a witness remembers that cosigned a tree at some size, or nothing yet."""
    log = WitnessedLog(origin=LOG.name, vkeys=(str(LOG.vkey), str(NEW_LOG_KEY.vkey)))
    if size:
        judgement = ask({LOG.name: log}, request(0, size, tree))
        assert judgement.log is not None
        log = judgement.log
    return {LOG.name: log}


@pytest.mark.parametrize(("old", "size"), [(0, 1), (0, 40), (7, 40), (8, 9), (16, 32), (40, 40)])
def test_a_checkpoint_that_continues_the_last_is_cosigned(old: int, size: int) -> None:
    judgement = ask(watching(old), request(old, size))

    assert judgement.status == HTTPStatus.OK
    note = open_note(checkpoint(size) + judgement.body, [VERIFIER])
    assert parse_checkpoint(note.text).size == size
    assert judgement.log is not None
    assert judgement.log.head == parse_checkpoint(note.text)


def test_what_is_remembered_carries_the_logs_signature_and_the_witnesss_alone() -> None:
    note = checkpoint(5, TREE, LOG, STRANGER)

    judgement = ask(watching(), AddCheckpoint(old=0, proof=(), note=note))

    assert judgement.log is not None
    assert judgement.log.latest is not None
    kept = parse_note(judgement.log.latest)
    assert [line.name for line in kept.signatures] == [LOG.name, WITNESS.vkey.name]


def test_a_checkpoint_of_the_new_key_of_a_log_is_cosigned() -> None:
    asked = AddCheckpoint(old=0, proof=(), note=checkpoint(5, TREE, NEW_LOG_KEY))

    assert ask(watching(), asked).status == HTTPStatus.OK


def test_the_empty_log_is_cosigned() -> None:
    empty = sign_checkpoint(Checkpoint(origin=LOG.name, size=0, root=EMPTY_ROOT), [LOG])

    assert ask(watching(), AddCheckpoint(old=0, proof=(), note=empty)).status == HTTPStatus.OK


REFUSED = {
    "a log it was not told of": (
        HTTPStatus.NOT_FOUND,
        0,
        AddCheckpoint(old=0, proof=(), note=sign_note(f"{STRANGER.name}\n0\nAA==\n", [STRANGER])),
    ),
    "no signature of the log": (
        HTTPStatus.FORBIDDEN,
        0,
        AddCheckpoint(old=0, proof=(), note=checkpoint(5, TREE, STRANGER)),
    ),
    "a signature of the log over another text": (
        HTTPStatus.FORBIDDEN,
        0,
        AddCheckpoint(old=0, proof=(), note=checkpoint(5).replace(b"\n5\n", b"\n6\n")),
    ),
    "one good signature and one of the log that fails": (
        HTTPStatus.FORBIDDEN,
        0,
        AddCheckpoint(
            old=0,
            proof=(),
            note=checkpoint(5)
            + str(parse_note(checkpoint(6, TREE, NEW_LOG_KEY)).signatures[0]).encode(),
        ),
    ),
    "an old size above the new": (HTTPStatus.BAD_REQUEST, 20, request(20, 15)),
    "an old size that is not the last": (HTTPStatus.CONFLICT, 20, request(7, 40)),
    "an old size of nothing although there is a last": (HTTPStatus.CONFLICT, 20, request(0, 40)),
    "an old size although there is none": (HTTPStatus.CONFLICT, 0, request(7, 40)),
    "a roll-back": (HTTPStatus.CONFLICT, 20, request(0, 15)),
    "a fork": (HTTPStatus.UNPROCESSABLE_ENTITY, 20, request(20, 40, FORK)),
    "another root at the same size": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        20,
        request(20, 20, FORK),
    ),
    "hashes from the empty tree": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        0,
        replace(request(0, 40), proof=(bytes(32),)),
    ),
    "hashes from a tree to itself": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        20,
        replace(request(20, 20), proof=(bytes(32),)),
    ),
    "no proof": (HTTPStatus.UNPROCESSABLE_ENTITY, 20, replace(request(20, 40), proof=())),
    "a root of the empty tree that is none": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        0,
        AddCheckpoint(old=0, proof=(), note=sign_note(f"{LOG.name}\n0\n{'A' * 43}=\n", [LOG])),
    ),
    "a signed text that is no checkpoint": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        0,
        AddCheckpoint(old=0, proof=(), note=sign_note(f"{LOG.name}\nhello\n", [LOG])),
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_checkpoint_is_refused_for(why: str) -> None:
    status, known, asked = REFUSED[why]

    judgement = ask(watching(known), asked)

    assert (judgement.status, judgement.log) == (status, None)
    if status == HTTPStatus.CONFLICT:
        assert (judgement.content_type, parse_size(judgement.body)) == (SIZE_TYPE, known)
    else:
        assert b"\xe2\x80\x94" not in judgement.body, "no signature line leaves"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n\n",
        b"old 00\n\n" + checkpoint(5),
        b"old -1\n\n" + checkpoint(5),
        b"old 0\n" + checkpoint(5),
        b"old 0\nAAAA\n\n" + checkpoint(5),
        b"OLD 0\n\n" + checkpoint(5),
        b"old 0\r\n\r\n" + checkpoint(5),
        b"\xff 0\n\n" + checkpoint(5),
        AddCheckpoint(old=1, proof=(bytes(32),) * (MAX_PROOF_LINES + 1), note=b"").to_bytes(),
        AddCheckpoint(old=0, proof=(), note=checkpoint(5) * 9000).to_bytes(),
    ],
)
def test_what_is_no_request_is_a_bad_request(body: bytes) -> None:
    assert ask(watching(), body).status == HTTPStatus.BAD_REQUEST


def test_a_request_is_written_as_it_is_read_and_as_the_specification_has_it() -> None:
    asked = request(7, 40)

    body = asked.to_bytes()

    assert parse_add_checkpoint(body) == asked
    assert body.startswith(b"old 7\n")
    assert body.count(b"\n", 0, body.index(b"\n\n")) == len(asked.proof)


def test_a_log_is_monitored_under_the_hash_of_its_origin() -> None:
    # printf example.com/behind-the-sofa | sha256sum
    hashed = "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4"

    assert monitoring_path("example.com/behind-the-sofa") == f"/{hashed}/checkpoint"


@given(st.binary(max_size=300))
def test_garbage_gets_an_answer_and_no_cosignature(garbage: bytes) -> None:
    body = request(7, 40).to_bytes()
    for asked in (garbage, body[: len(garbage)] + garbage, body + garbage):
        judgement = ask(watching(7), asked)
        assert judgement.status != HTTPStatus.OK or asked.startswith(body)


@pytest.mark.parametrize("body", [b"", b"7", b"07\n", b"7\n\n", b"-7\n", b"\xff\n", b"7 \n"])
def test_a_size_is_one_decimal_and_a_newline(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_size(body)
    assert parse_size(b"7\n") == 7


# What a witness is for.

STEPS = st.lists(
    st.tuples(
        st.sampled_from([TREE, FORK]),
        st.integers(min_value=0, max_value=40),  # the size submitted
        st.sampled_from(["honest", "stale", "zero", "same"]),  # which old size is stated
        # what becomes of the answer; a number: that fsync fails, of the file or of the folder
        st.sampled_from(["answered", "answered and killed", "killed before the answer", 1, 2]),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_two_trees_of_which_neither_continues_the_other_never_both_get_a_cosignature(
    steps: list[tuple[NaiveTree, int, str, str | int]],
) -> None:
    """Random requests of an honest log and of its fork, with crashes between disk and answer."""
    with tempfile.TemporaryDirectory() as folder:
        left = run(Path(folder), steps)
    for one in left:
        for other in left:
            if one.size <= other.size:
                tree = TREE if TREE.root(other.size) == other.root else FORK
                verify_consistency(
                    old_size=one.size,
                    new_size=other.size,
                    old_root=one.root,
                    new_root=other.root,
                    proof=tree.proof(one.size, other.size) if one.size else [],
                )


def run(folder: Path, steps: list[tuple[NaiveTree, int, str, str | int]]) -> list[Checkpoint]:
    """Drive a witness on disk; return every tree whose cosignature left it."""
    create_witness(folder / "w", "witness.example/auditor", lambda length: b"\x07" * length)
    state = WitnessState(folder / "w", clock=lambda: AT)
    state.watch(str(LOG.vkey))
    cosigned: list[Checkpoint] = []
    for tree, size, stated, fate in steps:
        known = state.logs[LOG.name].head.size
        old = {"honest": known, "stale": known // 2, "zero": 0, "same": size}[stated]
        if isinstance(fate, int):
            state = WitnessState(folder / "w", clock=lambda: AT, fsync=failing(fate))
        try:
            answer = state.answer(request(old, size, tree).to_bytes())
        except StorageUnavailable:
            answer = None
        if (
            answer is not None
            and answer.status == HTTPStatus.OK
            and fate != "killed before the answer"
        ):
            note = open_note(checkpoint(size, tree) + answer.body, [VERIFIER])
            cosigned.append(parse_checkpoint(note.text))
        if fate != "answered":  # the process dies here and is started again
            state = WitnessState(folder / "w", clock=lambda: AT)
    return cosigned


def failing(call: int) -> Callable[[int], None]:
    """An fsync of which one call fails."""
    calls = count(1)

    def fsync(_: int) -> None:
        if next(calls) == call:
            raise OSError(28, "No space left on device")

    return fsync


# The witness's memory on disk.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_witness(tmp_path / "w", "witness.example/auditor", lambda length: b"\x07" * length)
    with open_witness(tmp_path / "w", clock=lambda: AT) as witness:
        witness.watch(str(LOG.vkey))
    return tmp_path / "w"


def test_a_cosignature_that_left_is_remembered_by_the_next_process(folder: Path) -> None:
    with open_witness(folder, clock=lambda: AT) as witness:
        assert witness.answer(request(0, 20).to_bytes()).status == HTTPStatus.OK
    with open_witness(folder, clock=lambda: AT) as witness:
        assert witness.answer(request(0, 15, FORK).to_bytes()).status == HTTPStatus.CONFLICT
        latest = witness.checkpoint(origin_hash(LOG.name))
        assert latest is not None
        assert open_note(latest, [witness_verifier(str(witness.vkey))]).text.split("\n")[1] == "20"
        assert witness.checkpoint(origin_hash("log.example/unknown")) is None


def test_no_answer_leaves_when_the_memory_cannot_be_written(folder: Path) -> None:
    witness = WitnessState(folder, clock=lambda: AT, fsync=failing(1))

    with pytest.raises(StorageUnavailable, match="fsync"):
        witness.answer(request(0, 20).to_bytes())
    with pytest.raises(StorageUnavailable):
        witness.answer(request(0, 20).to_bytes())


def test_two_processes_do_not_run_one_witness(folder: Path) -> None:
    with (
        open_witness(folder, clock=lambda: AT),
        pytest.raises(ConfigurationError, match="another process"),
        open_witness(folder, clock=lambda: AT),
    ):
        pass


def test_a_memory_that_is_gone_is_not_taken_for_an_empty_one(folder: Path) -> None:
    (folder / origin_hash(LOG.name)).unlink()

    with (
        pytest.raises(ConfigurationError, match=r"memory of log\.example/acme is missing"),
        open_witness(folder, clock=lambda: AT),
    ):
        pass


def test_a_memory_that_was_changed_is_found_out(folder: Path) -> None:
    with open_witness(folder, clock=lambda: AT) as witness:
        witness.answer(request(0, 20).to_bytes())
    path = folder / origin_hash(LOG.name)
    changed = path.read_bytes().replace(b"\n20\n", b"\n10\n")
    path.unlink()
    path.write_bytes(changed)

    with (
        pytest.raises(IntegrityError, match="does not match"),
        open_witness(folder, clock=lambda: AT),
    ):
        pass


def test_a_new_key_of_a_known_log_keeps_what_is_remembered(folder: Path) -> None:
    with open_witness(folder, clock=lambda: AT) as witness:
        witness.answer(request(0, 20).to_bytes())
        witness.watch(str(NEW_LOG_KEY.vkey))
        witness.watch(str(NEW_LOG_KEY.vkey))
        witness.watch(str(STRANGER.vkey))
    with open_witness(folder, clock=lambda: AT) as witness:
        assert witness.logs[LOG.name].head.size == 20
        assert witness.logs[LOG.name].vkeys == (str(LOG.vkey), str(NEW_LOG_KEY.vkey))
        assert witness.logs[STRANGER.name].head.size == 0
        with pytest.raises(ConfigurationError, match="no key of a log"):
            witness.watch(str(WITNESS.vkey))


def test_the_private_key_is_for_its_owner_alone_and_never_overwritten(folder: Path) -> None:
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert (folder / LOGS_FILE).read_text() == f"log {LOG.vkey}\nquorum none\n"
    with pytest.raises(ConfigurationError, match="exists already"):
        create_witness(folder, "witness.example/auditor", bytes)


@pytest.mark.parametrize(
    "content", ["", "PRIVATE+KEY+a/b+00000000+AAAA", "PRIVATE+KEY+a/b+x", "\udcff"]
)
def test_a_damaged_private_key_is_refused(folder: Path, content: str) -> None:
    (folder / KEY_FILE).write_bytes(content.encode("utf-8", "surrogateescape"))

    with (
        pytest.raises(ConfigurationError, match="private key"),
        open_witness(folder, clock=lambda: AT),
    ):
        pass


@pytest.mark.parametrize("name", ["", "two words/x", "plus+name/x", "no-slash"])
def test_a_witness_is_named_like_a_url_without_scheme(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="witness name"):
        create_witness(tmp_path / "w", name, bytes)
