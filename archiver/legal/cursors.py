"""Cursors of pages of hits: opaque to callers, and of use for no other question.

`<time>.<log index>.<log size>.<what was asked>` in base64url. A cursor only says where to go on, so
a forged one shows nothing that its bearer could not find; one of another query, order or part of
the archive is refused, because its pages would leave out hits in silence.
"""

import base64
import binascii
from hashlib import sha256
from typing import NamedTuple

from archiver.errors import InvalidInput
from archiver.legal.reach import Part
from search.index import Hit, Order
from search.normal_form import normalise
from search.query import Query

_NUMBERS = 4
_LARGEST = 2**63


class Cursor(NamedTuple):
    """Where the next page begins, and how much of the log the page before covered."""

    after: Hit
    log_size: int
    asked: int


def asked(query: Query, order: Order, part: Part) -> int:
    """Return a number that tells what is asked from anything else that could be."""
    words = "\0".join((normalise(query), order, *part.names))
    return int.from_bytes(sha256(words.encode("utf-8", "replace")).digest()[:6])


def write(cursor: Cursor) -> str:
    """Return the cursor as text."""
    numbers = (cursor.after.time, cursor.after.number, cursor.log_size, cursor.asked)
    text = ".".join(map(str, numbers))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(text: str, wanted: int) -> Cursor | None:
    """Return the cursor in `text`, None if that is empty; `wanted` is what is `asked` now.

    Raises:
        InvalidInput: it is no cursor, or one of another question.
    """
    if not text:
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        numbers = [int(number) for number in plain.decode("ascii").split(".")]
    except (binascii.Error, ValueError) as error:
        raise _no_cursor(text) from error
    sound = len(numbers) == _NUMBERS and min(numbers[1:]) >= 0
    if not sound or not all(-_LARGEST <= number < _LARGEST for number in numbers):
        raise _no_cursor(text)
    if numbers[3] != wanted:
        raise InvalidInput(
            "expected the next_cursor of the same query, order and part of the archive, found one "
            "of another; begin at the first page",
            pointer="cursor",
        )
    return Cursor(Hit(number=numbers[1], time=numbers[0]), numbers[2], numbers[3])


def _no_cursor(text: str) -> InvalidInput:
    return InvalidInput(
        f"expected the next_cursor of a page before, found {text[:80]!r}", pointer="cursor"
    )
