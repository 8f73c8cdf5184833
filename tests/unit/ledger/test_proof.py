import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import IntegrityError
from archiver.preserve.ledger.checkpoint import Checkpoint, sign_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier
from archiver.preserve.ledger.proof import (
    ConsistencyProof,
    InclusionProof,
    TlogProof,
    parse_tlog_proof,
)
from tests.unit.ledger.mutations import mutations
from tests.unit.ledger.naive_tree import NaiveTree

ORIGIN = "archive.example.com/acme"
SIGNER = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
KNOWN = [Ed25519Verifier(SIGNER.vkey)]
ENTRIES = [b"entry %d" % number for number in range(21)]
NAIVE = NaiveTree(ENTRIES)


def tlog_proof(index: int, size: int, extra: bytes | None = None) -> TlogProof:
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=NAIVE.root(size))
    return TlogProof(
        index=index,
        path=tuple(NAIVE.path(index, 0, size)),
        checkpoint=sign_checkpoint(checkpoint, [SIGNER]),
        extra=extra,
    )


def test_a_proof_file_has_the_lines_of_the_specification() -> None:
    proof = tlog_proof(2, 3, extra=b"more")

    lines = proof.to_bytes().decode().split("\n")

    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 2"]
    assert len(lines[3]) == 44
    assert lines[4:7] == ["", ORIGIN, "3"]


@pytest.mark.parametrize("size", range(1, 22))
def test_every_proof_is_checked_offline_after_a_round_trip(size: int) -> None:
    for index in range(size):
        proof = parse_tlog_proof(tlog_proof(index, size).to_bytes())

        assert proof == tlog_proof(index, size)
        assert proof.verify(ENTRIES[index], ORIGIN, KNOWN).size == size


def test_a_proof_proves_no_other_entry() -> None:
    for other in ENTRIES[:7] + ENTRIES[8:]:
        with pytest.raises(IntegrityError):
            tlog_proof(7, 21).verify(other, ORIGIN, KNOWN)


def test_every_mutated_proof_file_is_refused() -> None:
    for mutated in mutations(tlog_proof(7, 21).to_bytes()):
        with pytest.raises(IntegrityError):
            parse_tlog_proof(mutated).verify(ENTRIES[7], ORIGIN, KNOWN)


def test_the_extra_line_is_carried_and_authenticated_by_nothing() -> None:
    proof = parse_tlog_proof(tlog_proof(7, 21, extra=b"x").to_bytes().replace(b"eA==", b"eQ=="))

    assert proof.extra == b"y"
    proof.verify(ENTRIES[7], ORIGIN, KNOWN)


@pytest.mark.parametrize(
    "head",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v2\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex 01",
        "c2sp.org/tlog-proof@v1\nindex",
        "c2sp.org/tlog-proof@v1\nindex -1",
        "c2sp.org/tlog-proof@v1\nextra eA==",
        "c2sp.org/tlog-proof@v1\nextra e\nindex 0",
        "c2sp.org/tlog-proof@v1\nextra eA==\nextra eA==\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra eA==",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA",
        "c2sp.org/tlog-proof@v1\r\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex \u0660",
        "c2sp.org/tlog-proof@v1\nindex 0" + ("\n" + "A" * 43 + "=") * 65,
    ],
)
def test_another_head_is_no_proof_file(head: str) -> None:
    with pytest.raises(IntegrityError):
        parse_tlog_proof(head.encode() + b"\n\n" + tlog_proof(0, 1).checkpoint)


def test_a_proof_file_over_two_megabytes_is_refused() -> None:
    with pytest.raises(IntegrityError, match="at most"):
        parse_tlog_proof(tlog_proof(0, 1, extra=bytes(1_500_000)).to_bytes())


@given(st.binary(max_size=120) | st.text(alphabet="\nindexA= 01", max_size=60).map(str.encode))
def test_garbage_is_no_proof_file_or_one_that_writes_itself_back(data: bytes) -> None:
    for candidate in (data, b"c2sp.org/tlog-proof@v1\n" + data):
        try:
            proof = parse_tlog_proof(candidate)
        except IntegrityError:
            continue

        assert proof.to_bytes() == candidate


def test_proofs_survive_json() -> None:
    inclusion = InclusionProof(index=7, size=21, path=tuple(NAIVE.path(7, 0, 21)))
    consistency = ConsistencyProof(old_size=7, new_size=21, path=tuple(NAIVE.proof(7, 21)))

    inclusion_read = InclusionProof.from_dict(json.loads(json.dumps(inclusion.to_dict())))
    consistency_read = ConsistencyProof.from_dict(json.loads(json.dumps(consistency.to_dict())))

    assert (inclusion_read, consistency_read) == (inclusion, consistency)
    inclusion_read.verify(ENTRIES[7], NAIVE.root(21))
    consistency_read.verify(NAIVE.root(7), NAIVE.root(21))
    with pytest.raises(IntegrityError):
        inclusion_read.verify(ENTRIES[8], NAIVE.root(21))
    with pytest.raises(IntegrityError):
        consistency_read.verify(NAIVE.root(8), NAIVE.root(21))
    assert leaf_hash(ENTRIES[7]) == NAIVE.mth(7, 8)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["index", "size", "path", "old_size", "new_size", "note", "log_index"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["index", "size", "path", "old_size", "new_size"]), JSON))
def test_garbage_json_is_no_proof(data: dict[str, object]) -> None:
    for kind in (InclusionProof, ConsistencyProof):
        try:
            proof = kind.from_dict(data)
        except IntegrityError:
            continue

        assert isinstance(proof.path, tuple)
