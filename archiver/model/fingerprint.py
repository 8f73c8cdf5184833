"""Fingerprints of secrets: what events say of them, so that a planted one is found.

A fingerprint is the SHA-256 of what the database keeps, which is no secret in clear either. It
gives nobody a way in and nothing to guess against: the stored text of a password has 16 random
bytes of salt that are in no event; tokens, sessions and links are kept as hashes of 256 random
bits, and of that hash this is one more; the key of a passkey is public.
"""

from hashlib import sha256

FINGERPRINT = "fingerprint"
"""The detail of an event that holds one, in hex."""


def fingerprint(stored: str | bytes) -> str:
    """Return the fingerprint of a secret as the database keeps it."""
    return sha256(stored.encode() if isinstance(stored, str) else stored).hexdigest()
