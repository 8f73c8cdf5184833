"""Keys derived from the keyring."""

import itertools
from dataclasses import replace

from archiver.access.derived_keys import derive
from archiver.preserve.keyring import Keyring, create_keyring


def _keyring() -> Keyring:
    numbers = itertools.count(1)
    return create_keyring(
        "01JAAAAAAAAAAAAAAAAAAAAAAA",
        "archive.example.com/acme",
        lambda count: bytes([next(numbers)]) * count,
    )


def test_two_servers_with_one_keyring_derive_the_same_key() -> None:
    assert derive(_keyring(), "content links") == derive(_keyring(), "content links")


def test_each_purpose_archive_and_root_key_has_its_own_key() -> None:
    keyring = _keyring()
    keys = {
        derive(keyring, "content links"),
        derive(keyring, "cookies"),
        derive(replace(keyring, archive_id="01JBBBBBBBBBBBBBBBBBBBBBBB"), "content links"),
        derive(replace(keyring, root_keys=(bytes(32), *keyring.root_keys)), "content links"),
    }
    assert len(keys) == 4
    assert all(len(key) == 32 and key not in keyring.root_keys for key in keys)


def test_the_derivation_is_hkdf_sha256() -> None:
    """The value was computed with OpenSSL's own HKDF, apart from this code."""
    derived = derive(_keyring(), "content links")
    assert derived.hex() == "af3292e27eee2cf43a5499f38ba5aed1685c791d4a960d260cefa714be2beb33"
