"""Asking a witness: whatever it answers, only its good cosignature is kept, and nothing raises."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.clock import system_clock
from archiver.errors import IntegrityError, PeerUnavailable
from archiver.preserve.ledger.checkpoint import Checkpoint, sign_checkpoint
from archiver.preserve.ledger.cosignature import Ed25519Cosigner
from archiver.preserve.ledger.cosigning import (
    Cosigning,
    Reply,
    SignedTree,
    Standing,
    cosigned_note,
)
from archiver.preserve.ledger.exchange import Answer
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier, parse_note
from archiver.preserve.ledger.policy import open_cosigned, parse_policy
from archiver.preserve.ledger.witness import NOTE_TYPE, SIZE_TYPE, WitnessedLog, judge
from archiver.preserve.object_keys import checkpoint_object, cosignature_object, log_prefix
from archiver.preserve.store.filesystem import FilesystemStore
from tests.unit.ledger.log_store import LogStore

LOG = Ed25519Signer.from_seed("log.example/acme", bytes(32))
WITNESS = Ed25519Cosigner.from_seed("witness.example/auditor", b"\x07" * 32)
OTHER = Ed25519Cosigner.from_seed("witness.example/other", b"\x08" * 32)
POLICY = parse_policy(
    f"log {LOG.vkey}\nwitness W {WITNESS.vkey} https://w.example/sub/\nquorum W\n"
)
ARCHIVE = "01M80GT0PWZMJ8FZTRNKTX9TMG"
AT = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
SIZE = 300


def grown(size: int, *, other_from: int | None = None) -> LogStore:
    """A log of some entries; from one index on they may be others."""
    start = size if other_from is None else other_from
    log = LogStore()
    log.append([b"entry %d" % n if n < start else b"other %d" % n for n in range(size)])
    return log


def signed(log: LogStore) -> SignedTree:
    head = Checkpoint(origin=LOG.name, size=log.frontier.size, root=log.frontier.root())
    return SignedTree(checkpoint=head, note=sign_checkpoint(head, [LOG]))


TREE = grown(SIZE)
OURS = signed(TREE)


@dataclass
class Peer:
    """A witness at the other end; by default an honest one that has seen what `log` says."""

    log: WitnessedLog = field(
        default_factory=lambda: WitnessedLog(origin=LOG.name, vkeys=(str(LOG.vkey),))
    )
    posted: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    async def post(self, url: str, body: bytes, *, content_type: str) -> Answer:
        self.posted.append(f"{url} {content_type}")
        if self.answers:
            return self.answers.pop(0)
        judged = judge({LOG.name: self.log}, body, WITNESS, at=AT)
        self.log = judged.log or self.log
        return Answer(status=judged.status, content_type=judged.content_type, body=judged.body)

    async def get(self, url: str) -> Answer:
        assert url.startswith("https://w.example/sub/")
        if self.log.latest is None:
            return Answer(status=404, content_type=NOTE_TYPE, body=b"")
        return Answer(status=200, content_type=NOTE_TYPE, body=self.log.latest)

    def seen(self, tree: SignedTree) -> "Peer":
        """Make it remember a tree."""
        text = parse_note(tree.note).text
        line = WITNESS.cosign(text.encode(), at=AT)
        self.log = WitnessedLog(
            origin=LOG.name, vkeys=self.log.vkeys, latest=tree.note + str(line).encode()
        )
        return self


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FilesystemStore:
    """A store with the log of `SIZE` entries and its checkpoint."""
    return filled(tmp_path_factory.mktemp("log") / "store")


def filled(folder: Path) -> FilesystemStore:
    FilesystemStore.create(folder)
    store = FilesystemStore(folder, clock=system_clock)
    for path, body in TREE.objects.items():
        store.put(log_prefix(ARCHIVE) + path, body)
    store.put(checkpoint_object(ARCHIVE, SIZE), OURS.note)
    return store


def ask(store: FilesystemStore, peer: Peer, *, current: SignedTree = OURS) -> Reply:
    async def newest() -> SignedTree:
        return current

    cosigning = Cosigning(
        archive_id=ARCHIVE,
        origin=LOG.name,
        verifiers=[Ed25519Verifier(LOG.vkey)],
        policy=POLICY,
        store=store,
        peer=peer,
        lock=lambda: None,
    )
    return asyncio.run(cosigning.ask(POLICY.witnesses[0], OURS, newest))


@pytest.mark.parametrize("known", [0, 1, 256, 299, 300])
def test_a_witness_that_has_seen_less_is_given_the_proof_from_what_it_has(
    known: int, tmp_path: Path
) -> None:
    store, peer = filled(tmp_path / "store"), Peer()
    if known:
        peer.seen(signed(grown(known)))

    reply = ask(store, peer)

    assert reply.standing is Standing.COSIGNED
    assert open_cosigned(cosigned_note(store, ARCHIVE, SIZE), POLICY).quorum_met
    assert set(peer.posted) == {f"https://w.example/sub/add-checkpoint {NOTE_TYPE}"}
    assert len(peer.posted) == (2 if known else 1)
    assert ask(store, Peer(answers=[])).standing is Standing.COSIGNED
    asked_again = Peer()
    ask(store, asked_again)
    assert asked_again.posted == [], "what is kept is not asked for again"


def test_a_witness_that_has_seen_more_than_there_is_proves_a_roll_back(
    store: FilesystemStore,
) -> None:
    reply = ask(store, Peer().seen(signed(grown(400))))

    assert reply.standing is Standing.PROVES
    assert reply.words == (
        "witness W has already cosigned this log at 400 entries; this archive claims only 300: it "
        "was rolled back to an old copy, or the log was forked"
    )
    assert parse_note(reply.evidence).text.startswith(f"{LOG.name}\n400\n")


@pytest.mark.parametrize("size", [290, 300])
def test_a_witness_that_has_seen_other_entries_proves_a_fork(
    size: int, store: FilesystemStore
) -> None:
    reply = ask(store, Peer().seen(signed(grown(size, other_from=280))))

    assert reply.standing is Standing.PROVES
    assert f"this archive's first {size} entries are others" in reply.words


def test_what_another_process_of_ours_had_cosigned_meanwhile_is_no_roll_back(
    store: FilesystemStore,
) -> None:
    newer = signed(grown(400))

    reply = ask(store, Peer().seen(newer), current=newer)

    assert reply.standing is Standing.AWAY


def test_a_larger_size_without_a_checkpoint_of_ours_is_a_claim(store: FilesystemStore) -> None:
    stranger = Ed25519Signer.from_seed("log.example/acme", b"\x05" * 32)
    head = signed(grown(400)).checkpoint
    forged = SignedTree(checkpoint=head, note=sign_checkpoint(head, [stranger]))

    reply = ask(store, Peer().seen(forged))

    assert reply.standing is Standing.CLAIMS
    assert "It shows no proof of that" in reply.words


def answer(status: int, body: bytes = b"", content_type: str = NOTE_TYPE) -> Answer:
    return Answer(status=status, content_type=content_type, body=body)


TEXT = parse_note(OURS.note).text.encode()
ANOTHER_TEXT = TEXT + b"\n" + str(WITNESS.cosign(TEXT, at=AT)).encode() + b"\nmore\n"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([answer(404)], "does not watch the log"),
        ([answer(403)], "does not know the key"),
        ([answer(500)], "answered 500"),
        ([answer(599)], "answered 599"),
        ([answer(302)], "answered 302"),
        ([answer(409, b"many\n", SIZE_TYPE)], "409 without a size"),
        ([answer(409, b"5\n"), answer(409, b"6\n"), answer(409, b"7\n")], "another size each time"),
        ([answer(200, b"")], "without a cosignature"),
        ([answer(200, b"garbage")], "without a cosignature"),
        ([answer(200, str(OTHER.cosign(TEXT, at=AT)).encode())], "without a cosignature"),
        ([answer(200, str(WITNESS.cosign(b"x\n", at=AT)).encode())], "without a cosignature"),
        (
            [answer(200, b"\nmore\n\n" + str(WITNESS.cosign(ANOTHER_TEXT, at=AT)).encode())],
            "without a cosignature",
        ),
    ],
)
def test_a_witness_that_does_not_keep_to_the_protocol_is_away_and_nothing_of_it_is_kept(
    answers: Sequence[Answer], words: str, store: FilesystemStore
) -> None:
    reply = ask(store, Peer(answers=list(answers)))

    assert (reply.standing, words in reply.words) == (Standing.AWAY, True), reply.words
    assert cosigned_note(store, ARCHIVE, SIZE) == OURS.note


def test_lines_that_continue_the_signed_text_are_not_taken_for_a_cosignature_of_it(
    store: FilesystemStore,
) -> None:
    """A note ends at its *last* blank line: what is appended may move that line."""
    longer = OURS.note.decode() + "\nmore\n"
    line = WITNESS.cosign(longer.encode(), at=AT)
    appended = f"\nmore\n\n{line}".encode()

    reply = ask(store, Peer(answers=[answer(200, appended)]))

    assert (reply.standing, "change the text" in reply.words) == (Standing.AWAY, True), reply.words
    assert cosigned_note(store, ARCHIVE, SIZE) == OURS.note


def test_a_witness_that_refuses_a_right_proof_is_away(store: FilesystemStore) -> None:
    peer = Peer(answers=[answer(HTTPStatus.UNPROCESSABLE_ENTITY)]).seen(signed(grown(256)))

    assert ask(store, peer).standing is Standing.AWAY


def test_a_witness_that_cannot_be_reached_is_away(store: FilesystemStore) -> None:
    class Nobody(Peer):
        async def post(self, url: str, body: bytes, *, content_type: str) -> Answer:  # noqa: ARG002
            raise PeerUnavailable(f"{url} did not answer")

    reply = ask(store, Nobody())

    assert (reply.standing, "did not answer" in reply.words) == (Standing.AWAY, True)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.sampled_from([200, 400, 403, 404, 409, 422, 500]),
    body=st.binary(max_size=200) | st.integers(min_value=0).map(lambda n: b"%d\n" % n),
)
def test_garbage_from_a_witness_is_never_more_than_a_claim(
    status: int, body: bytes, store: FilesystemStore
) -> None:
    reply = ask(store, Peer(answers=[answer(status, body)] * 3))

    assert reply.standing in {Standing.AWAY, Standing.CLAIMS}
    assert cosigned_note(store, ARCHIVE, SIZE) == OURS.note


def test_of_two_processes_that_ask_at_once_the_first_cosignature_is_kept(tmp_path: Path) -> None:
    store, peer = filled(tmp_path / "store"), Peer()
    key = cosignature_object(ARCHIVE, SIZE, WITNESS.vkey.key_id)
    first = str(WITNESS.cosign(TEXT, at=datetime(2026, 11, 22, 1, 0, tzinfo=UTC))).encode()

    class Slow(Peer):
        async def post(self, url: str, body: bytes, *, content_type: str) -> Answer:
            store.put(key, first)  # the other process was quicker
            return await super().post(url, body, content_type=content_type)

    assert ask(store, Slow(log=peer.log)).standing is Standing.COSIGNED
    assert store.get(key) == first


def test_a_kept_cosignature_that_was_changed_is_evidence(tmp_path: Path) -> None:
    store = filled(tmp_path / "store")
    key = cosignature_object(ARCHIVE, SIZE, WITNESS.vkey.key_id)
    store.put(key, str(WITNESS.cosign(b"another text\n", at=AT)).encode())

    with pytest.raises(IntegrityError, match=key):
        ask(store, Peer())


def test_a_fork_is_not_told_where_the_archives_own_tiles_are_damaged(tmp_path: Path) -> None:
    damaged: Callable[[bytes], bytes] = lambda body: bytes([body[0] ^ 1]) + body[1:]  # noqa: E731
    folder = tmp_path / "store"
    FilesystemStore.create(folder)
    store = FilesystemStore(folder, clock=system_clock)
    for path, body in TREE.objects.items():
        store.put(log_prefix(ARCHIVE) + path, damaged(body) if path.startswith("tile/0/") else body)

    with pytest.raises(IntegrityError, match="do not have the signed root"):
        ask(store, Peer())
