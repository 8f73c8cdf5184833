"""Cosignatures: both types verify over exactly what the specification says."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from archiver.errors import IntegrityError
from archiver.preserve.ledger.checkpoint import Checkpoint, sign_checkpoint
from archiver.preserve.ledger.cosignature import (
    Ed25519CosignatureVerifier,
    Ed25519Cosigner,
    MLDSA44CosignatureVerifier,
    cosigned_at,
    ml_dsa_44_message,
)
from archiver.preserve.ledger.note import (
    Ed25519Signer,
    NoteSignature,
    SignatureType,
    VerifierKey,
    open_note,
    parse_note,
    parse_vkey,
)
from archiver.preserve.ledger.policy import open_cosigned, parse_policy
from tests.unit.ledger.mutations import mutations

# The example of https://c2sp.org/tlog-cosignature: its text, and the message it prints.
EXAMPLE_TEXT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
)
EXAMPLE_MESSAGE = "cosignature/v1\ntime 1679315147\n" + EXAMPLE_TEXT
EXAMPLE_TIME = datetime.fromtimestamp(1_679_315_147, UTC)

LOG = Ed25519Signer.from_seed("log.example/acme", bytes(32))
WITNESS = Ed25519Cosigner.from_seed("witness.example/w1", b"\x07" * 32)
CHECKPOINT = Checkpoint(origin="log.example/acme", size=300, root=b"\x05" * 32)
NOTE = sign_checkpoint(CHECKPOINT, [LOG])
AT = datetime(2026, 11, 22, 1, 30, 15, 999_999, tzinfo=UTC)


def test_an_ed25519_cosignature_signs_the_message_of_the_specification() -> None:
    line = WITNESS.cosign(EXAMPLE_TEXT.encode(), at=EXAMPLE_TIME)

    assert line.signature[:8] == (1_679_315_147).to_bytes(8, "big")
    Ed25519PublicKey.from_public_bytes(WITNESS.vkey.public_key).verify(
        line.signature[8:], EXAMPLE_MESSAGE.encode()
    )


def test_a_cosigned_checkpoint_opens_and_tells_its_time_in_whole_seconds() -> None:
    line = WITNESS.cosign(CHECKPOINT.to_text().encode(), at=AT)
    verifier = Ed25519CosignatureVerifier(parse_vkey(str(WITNESS.vkey)))

    note = open_note(NOTE + str(line).encode(), [verifier])

    assert note.signatures == (line,)
    assert cosigned_at(line.signature) == AT.replace(microsecond=0)


def test_every_changed_byte_of_a_cosignature_is_found_out() -> None:
    text = CHECKPOINT.to_text().encode()
    signature = WITNESS.cosign(text, at=AT).signature
    verifier = Ed25519CosignatureVerifier(WITNESS.vkey)

    assert verifier.verify(text, signature)
    assert not any(verifier.verify(text, changed) for changed in mutations(signature))
    assert not any(verifier.verify(changed, signature) for changed in mutations(text))


def test_a_time_after_the_calendar_is_refused_and_none_stated_is_none() -> None:
    with pytest.raises(IntegrityError, match="time of a cosignature"):
        cosigned_at((2**62).to_bytes(8, "big"))
    assert cosigned_at(bytes(8)) is None


def ml_dsa_line(key: MLDSA44PrivateKey, vkey: VerifierKey, text: str, at: int) -> NoteSignature:
    message = ml_dsa_44_message(vkey.name, text.encode(), at)
    assert message is not None
    return NoteSignature(
        name=vkey.name, key_id=vkey.key_id, signature=at.to_bytes(8, "big") + key.sign(message)
    )


@pytest.fixture(scope="module")
def ml_dsa_key() -> MLDSA44PrivateKey:
    return MLDSA44PrivateKey.generate()


@pytest.fixture(scope="module")
def ml_dsa_vkey(ml_dsa_key: MLDSA44PrivateKey) -> VerifierKey:
    return VerifierKey(
        name="witness.example/pq",
        type=SignatureType.ML_DSA_44_COSIGNATURE,
        public_key=ml_dsa_key.public_key().public_bytes_raw(),
    )


def test_an_ml_dsa_44_cosignature_commits_to_name_time_origin_size_and_root() -> None:
    message = ml_dsa_44_message("w", CHECKPOINT.to_text().encode(), 258)

    assert message == (
        b"subtree/v1\n\0\x01w"
        + bytes(6)
        + b"\x01\x02"
        + b"\x10log.example/acme"
        + bytes(8)
        + bytes(6)
        + b"\x01\x2c"
        + b"\x05" * 32
    )


def test_an_ml_dsa_44_witness_counts_in_a_policy(
    ml_dsa_key: MLDSA44PrivateKey, ml_dsa_vkey: VerifierKey
) -> None:
    line = ml_dsa_line(ml_dsa_key, ml_dsa_vkey, CHECKPOINT.to_text(), 1_763_757_000)
    policy = parse_policy(f"log {LOG.vkey}\nwitness PQ {ml_dsa_vkey}\nquorum PQ\n")

    opened = open_cosigned(NOTE + str(line).encode(), policy)

    assert len(line.signature) == 8 + 2420
    assert opened.quorum_met
    assert opened.cosignatures[0].time == datetime.fromtimestamp(1_763_757_000, UTC)


def test_an_ml_dsa_44_cosignature_of_another_tree_time_or_name_fails(
    ml_dsa_key: MLDSA44PrivateKey, ml_dsa_vkey: VerifierKey
) -> None:
    verifier = MLDSA44CosignatureVerifier(ml_dsa_vkey)
    signature = ml_dsa_line(ml_dsa_key, ml_dsa_vkey, CHECKPOINT.to_text(), 99).signature
    text = CHECKPOINT.to_text().encode()

    assert verifier.verify(text, signature)
    assert not verifier.verify(text.replace(b"300", b"301"), signature)
    assert not verifier.verify(text, bytes(7) + b"\x62" + signature[8:])
    assert not verifier.verify(text, signature[:-1])
    assert not verifier.verify(b"no checkpoint\n", signature)
    renamed = VerifierKey(
        name="witness.example/other", type=ml_dsa_vkey.type, public_key=ml_dsa_vkey.public_key
    )
    assert not MLDSA44CosignatureVerifier(renamed).verify(text, signature)


def test_a_cosignature_that_states_no_time_counts_for_no_quorum(
    ml_dsa_key: MLDSA44PrivateKey, ml_dsa_vkey: VerifierKey
) -> None:
    line = ml_dsa_line(ml_dsa_key, ml_dsa_vkey, CHECKPOINT.to_text(), 0)
    policy = parse_policy(f"log {LOG.vkey}\nwitness PQ {ml_dsa_vkey}\nquorum PQ\n")

    assert not open_cosigned(NOTE + str(line).encode(), policy).quorum_met


def test_a_key_of_another_type_or_length_verifies_nothing() -> None:
    with pytest.raises(IntegrityError, match="0x04"):
        Ed25519CosignatureVerifier(LOG.vkey)
    with pytest.raises(IntegrityError, match="0x06"):
        MLDSA44CosignatureVerifier(WITNESS.vkey)
    with pytest.raises(IntegrityError, match="witness name"):
        Ed25519Cosigner.from_seed("two words", bytes(32))


def test_the_example_of_the_specification_keeps_its_shape() -> None:
    example = parse_note(
        (
            EXAMPLE_TEXT + "\n"
            "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4UR"
            "YN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
            "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEh"
            "ZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
        ).encode()
    )

    assert cosigned_at(example.signatures[1].signature) == EXAMPLE_TIME
