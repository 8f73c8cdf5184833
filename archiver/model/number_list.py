"""Ascending log indexes as bytes: what frozen result sets and the hits of terms are kept as.

The differences between neighbours (the first counts from 0), 8 bytes each, little-endian, in one
zlib stream (RFC 1950). A million neighbouring records are a few kilobytes, a hundred thousand
scattered ones some hundred: a list is one value of one row, and one part of one event.
"""

import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise

_BYTES = 8
_FAST = 1  # level 6 takes five times as long for a tenth less


def pack(numbers: Sequence[int]) -> bytes:
    """Return the bytes of `numbers`.

    Raises:
        ValueError: they do not ascend from 0 on.
    """
    steps = [after - before for before, after in pairwise(chain((0,), numbers))]
    if (steps and steps[0] < 0) or 0 in steps[1:]:
        raise ValueError("expected numbers that ascend from 0 on")
    try:
        return zlib.compress(_little_endian(array("Q", steps)).tobytes(), _FAST)
    except OverflowError as error:
        raise ValueError("expected numbers that ascend from 0 on") from error


def unpack(content: bytes, count: int) -> tuple[int, ...]:
    """Return the `count` numbers in `content`; more than that are never unpacked.

    Raises:
        ValueError: it holds others, or none at all.
    """
    stream = zlib.decompressobj()
    try:
        steps = stream.decompress(content, count * _BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"expected packed numbers: {error}") from error
    if len(steps) != count * _BYTES or stream.unconsumed_tail or stream.unused_data:
        raise ValueError(f"expected {count:,} packed numbers, found another list")
    found = array("Q")
    found.frombytes(steps)
    _little_endian(found)
    if 0 in found[1:]:
        raise ValueError("expected packed numbers that ascend")
    return tuple(accumulate(found))


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
