"""A third party's copy opens records and signs nothing."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigurationError, InvalidInput
from archiver.preserve.escrow import open_escrow, recipient_key, seal_escrow
from archiver.preserve.keyring import create_keyring

ARCHIVE = "01JD4M8X7ZK3Q9V5T2W6Y8B1C0"
KEYRING = create_keyring(ARCHIVE, "log.example", os.urandom)
PRIVATE = X25519PrivateKey.generate()
SEALED = seal_escrow(KEYRING, PRIVATE.public_key())


def pem(key: X25519PrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_recipient_gets_the_root_keys_and_no_signing_key() -> None:
    found = open_escrow(SEALED, pem(PRIVATE))

    assert found.root_keys == KEYRING.root_keys
    assert [key.vkey for key in found.log_keys] == [key.vkey for key in KEYRING.log_keys]
    assert not any(key.seed for key in found.log_keys)
    with pytest.raises(ConfigurationError, match="reads and does not sign"):
        assert found.signers


def test_nobody_else_opens_it_and_nothing_in_it_is_clear() -> None:
    with pytest.raises(InvalidInput, match="sealed to another key"):
        open_escrow(SEALED, pem(X25519PrivateKey.generate()))
    with pytest.raises(InvalidInput, match="of another kind"):
        open_escrow(SEALED, pem(Ed25519PrivateKey.generate()))
    assert KEYRING.root_keys[0] not in SEALED
    assert KEYRING.root_keys[0].hex().encode() not in SEALED


def test_it_does_not_open_in_the_name_of_another_archive() -> None:
    renamed = SEALED.replace(ARCHIVE.encode(), ARCHIVE.replace("0", "1").encode())

    with pytest.raises(InvalidInput, match="does not open"):
        open_escrow(renamed, pem(PRIVATE))


@given(st.binary(max_size=60))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        open_escrow(data, pem(PRIVATE))
    with pytest.raises(InvalidInput):
        open_escrow(SEALED, data)
    with pytest.raises(InvalidInput):
        recipient_key(data)


def test_only_a_key_that_can_be_sealed_to_is_taken() -> None:
    wrong = Ed25519PrivateKey.generate().public_key()

    with pytest.raises(InvalidInput, match="X25519"):
        recipient_key(wrong.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
