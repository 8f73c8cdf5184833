"""Secrets that must be used again, kept sealed: those webhooks are signed with.

A password can be a hash; what signs cannot. AES-256-GCM under a key derived from a root key, so a
copy of the database opens nothing. The key's name stands in front: a new root key leaves what older
ones sealed readable, as it does for records.

Format: version 1 (1 byte) || root key id (16 bytes, ASCII) || nonce (12) || ciphertext and tag.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.access.derived_keys import derive_from
from archiver.errors import ConfigurationError
from archiver.ids import Randomness
from archiver.preserve.keyring import Keyring, root_key_id

_PURPOSE = "sealed secrets"
_VERSION = b"\x01"
_NONCE = 12


class SealedSecrets:
    """Seals secrets, and opens what it sealed."""

    def __init__(self, keyring: Keyring, randomness: Randomness) -> None:
        self._archive_id = keyring.archive_id
        self._root_keys = keyring.root_keys
        self._randomness = randomness

    def seal(self, secret: bytes, about: str) -> bytes:
        """Return `secret` sealed; it opens for the same `about` only."""
        key, nonce = self._root_keys[0], self._randomness(_NONCE)
        sealed = self._cipher(key).encrypt(nonce, secret, about.encode())
        return _VERSION + _name(key) + nonce + sealed

    def open(self, sealed: bytes, about: str) -> bytes:
        """Return a secret.

        Raises:
            ConfigurationError: no root key of this keyring opens it.
        """
        for key in self._root_keys:
            head = _VERSION + _name(key)
            if sealed.startswith(head):
                nonce, body = sealed[len(head) :][:_NONCE], sealed[len(head) + _NONCE :]
                try:
                    return self._cipher(key).decrypt(nonce, body, about.encode())
                except (InvalidTag, ValueError) as error:
                    raise _unopened(about) from error
        raise _unopened(about)

    def _cipher(self, root_key: bytes) -> AESGCM:
        return AESGCM(derive_from(root_key, self._archive_id, _PURPOSE))


def _name(root_key: bytes) -> bytes:
    return root_key_id(root_key).encode("ascii")


def _unopened(about: str) -> ConfigurationError:
    return ConfigurationError(
        f"the secret of {about} does not open under any root key of the keyring; restart with the "
        "newest keyring, or end the subscription and make a new one"
    )
