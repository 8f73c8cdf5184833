"""Which passwords are taken, and how they are kept: argon2id, nothing else.

After NIST SP 800-63B-4: length counts (12 to 256 characters of any script), composition does not;
nothing expires; what everybody uses, or what contains one's own name, is refused with the reason.
Texts are compared in Unicode normal form KC, so that the same keys give the same password on every
system.
"""

import asyncio
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib import resources
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from archiver.errors import InvalidInput

T = TypeVar("T")

LENGTH = range(12, 257)
_DIFFERENT = 5
_NAME_LENGTH = 4
_MOST_BYTES = 4 * LENGTH.stop
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def check_password(password: str, *, email: str) -> None:
    """Pass if somebody with this e-mail may use the password.

    Raises:
        InvalidInput: it is too short or too long, common, or says whose it is.
    """
    text = unicodedata.normalize("NFKC", password)
    if len(text) not in LENGTH:
        raise _refused(
            f"expected a password of {LENGTH.start} to {LENGTH.stop - 1} characters, found "
            f"{len(text)}; several words make a good one"
        )
    folded = text.casefold()
    if len(set(folded)) < _DIFFERENT:
        raise _refused(
            f"expected at least {_DIFFERENT} different characters; several words make a good one"
        )
    core = _EDGES.sub("", folded)
    if not core:
        raise _refused("expected a password with letters: dates and numbers are guessed first")
    if folded in _common() or core in _common():
        raise _refused(
            "this password is among the most common ones, or one of them with digits added; "
            "several words that do not belong together make a good one"
        )
    name = email.partition("@")[0].casefold()
    if len(name) >= _NAME_LENGTH and name in folded:
        raise _refused("expected a password that does not contain your e-mail name; choose another")


async def hash_password(password: str) -> str:
    """Return the encoded argon2id hash of a password."""
    return await _run(partial(_HASHER.hash, _normal(password)))


async def matches(encoded: str | None, password: str) -> bool:
    """Return whether the password is the one of the hash.

    Without a hash the same work is done and the answer is no, so that the time taken does not tell
    who has a password here.
    """
    known = encoded is not None
    same = await _run(partial(_matches, encoded, _normal(password)))
    return known and same


def is_outdated(encoded: str) -> bool:
    """Return whether the hash was made with other parameters than are used now."""
    return _HASHER.check_needs_rehash(encoded)


def _matches(encoded: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(encoded or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False


async def _run(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


def _normal(password: str) -> str:
    # What is longer than any password here is not one; hashing it all would be work for nothing.
    text = unicodedata.normalize("NFKC", password[:_MOST_BYTES])
    return text.encode(errors="replace").decode()


@cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")


@cache
def _common() -> frozenset[str]:
    text = (resources.files("archiver.access") / "common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("# "))


@cache
def _threads() -> ThreadPoolExecutor:
    # Of its own: whoever sends passwords by the hundred must not hold up reading and writing.
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, pointer="password")
