"""Names an object may have: one rule for every store, so that an archive can move."""

import re

from archiver.errors import InvalidInput

LOCK_SUFFIX = ".lock"
"""The filesystem store keeps an object's lock beside it, under its name with this suffix."""

MAX_KEY_LENGTH = 900
"""Characters. S3 takes 1,024 bytes, the operator's own prefix in the bucket included."""

# A segment never begins with a dot: no `..`, no hidden files, no temporary names. 200 characters
# leave room for the suffix within the 255 bytes of a file name.
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.=@+~-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*(?:{_SEGMENT})?")
_RESERVED = re.compile(r"\.lock(?:/|$)")


def check_key(key: str) -> None:
    """Raise InvalidInput unless `key` is the name of an object: segments joined by single slashes.

    A segment is 1 to 200 ASCII letters, digits, `_ . = @ + ~ -`, begins with a letter, a digit or
    `_`, and does not end in `.lock`.
    """
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key) or _RESERVED.search(key):
        raise InvalidInput(
            f"not an object key: {key[:200]!r}; expected ASCII segments of letters, digits and "
            f"_ . = @ + ~ - joined by single slashes, none hidden and none ending in "
            f"{LOCK_SUFFIX}, {MAX_KEY_LENGTH} characters at most"
        )


def check_prefix(prefix: str) -> None:
    """Raise InvalidInput unless `prefix` can be the beginning of an object key; "" is all keys."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix):
        raise InvalidInput(f"not the beginning of an object key: {prefix[:200]!r}")
