"""Secrets at rest: what opens them, and what does not."""

import os
from dataclasses import replace

import pytest

from archiver.access.sealed_secrets import SealedSecrets
from archiver.errors import ConfigurationError
from archiver.preserve.keyring import Keyring, create_keyring

KEYRING: Keyring = create_keyring("01J" + "0" * 23, "archive.example/a", os.urandom)


def test_a_secret_opens_for_what_it_was_sealed_for_and_nothing_else() -> None:
    secrets = SealedSecrets(KEYRING, os.urandom)
    sealed = secrets.seal(b"the secret", "S1")

    assert secrets.open(sealed, "S1") == b"the secret"
    assert b"the secret" not in sealed
    assert sealed != secrets.seal(b"the secret", "S1")
    for about, other in [
        ("S2", sealed),
        ("S1", sealed[:-1]),
        ("S1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("S1", b""),
        ("S1", os.urandom(64)),
    ]:
        with pytest.raises(ConfigurationError, match="root key"):
            secrets.open(other, about)


def test_a_new_root_key_leaves_older_secrets_readable() -> None:
    sealed = SealedSecrets(KEYRING, os.urandom).seal(b"old", "S1")
    changed = replace(KEYRING, root_keys=(os.urandom(32), *KEYRING.root_keys))

    assert SealedSecrets(changed, os.urandom).open(sealed, "S1") == b"old"
    stranger = replace(KEYRING, root_keys=(os.urandom(32),))
    with pytest.raises(ConfigurationError):
        SealedSecrets(stranger, os.urandom).open(sealed, "S1")
