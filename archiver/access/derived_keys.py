"""Keys for short-lived tokens of the web face, derived from the keyring.

Several servers of one archive must make the same keys without telling each other: each derives them
from the root key it has already. A new root key only ends the links and cookies that are under way;
what is kept (`sealed_secrets`) names the root key it was sealed under.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from archiver.preserve.keyring import Keyring

_PREFIX = b"muniment derived key\x00"


def derive(keyring: Keyring, purpose: str) -> bytes:
    """Return 32 bytes for one purpose: HKDF-SHA256 (RFC 5869) of the newest root key.

    The archive id is the salt and the purpose the info, so that no two purposes, nor two archives
    with one root key, share a key.
    """
    return derive_from(keyring.root_keys[0], keyring.archive_id, purpose)


def derive_from(root_key: bytes, archive_id: str, purpose: str) -> bytes:
    """Return the key of a purpose that belongs to one root key."""
    hkdf = HKDF(
        algorithm=SHA256(),
        length=32,
        salt=archive_id.encode("ascii"),
        info=_PREFIX + purpose.encode("utf-8"),
    )
    return hkdf.derive(root_key)
