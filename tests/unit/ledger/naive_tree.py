"""RFC 6962 section 2.1 word for word: recursive, slow, and independent of the code under test."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256


class NaiveTree:
    """The tree over `entries`; every range is hashed by the definition and remembered."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        self.mth = cache(self._mth)

    def _mth(self, start: int, end: int) -> bytes:
        if start == end:
            return sha256(b"").digest()
        if end - start == 1:
            return sha256(b"\x00" + self.entries[start]).digest()
        middle = start + _largest_power_of_two_below(end - start)
        return sha256(b"\x01" + self.mth(start, middle) + self.mth(middle, end)).digest()

    def root(self, size: int) -> bytes:
        return self.mth(0, size)

    def path(self, index: int, start: int, end: int) -> list[bytes]:
        """PATH(index - start, D[start:end]) of RFC 6962 section 2.1.1."""
        if end - start == 1:
            return []
        middle = start + _largest_power_of_two_below(end - start)
        if index < middle:
            return [*self.path(index, start, middle), self.mth(middle, end)]
        return [*self.path(index, middle, end), self.mth(start, middle)]

    def proof(self, old_size: int, size: int) -> list[bytes]:
        """PROOF(old_size, D[0:size]) of RFC 6962 section 2.1.2."""
        return self._subproof(old_size, 0, size, whole=True)

    def _subproof(self, old_end: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if old_end == end:
            return [] if whole else [self.mth(start, end)]
        middle = start + _largest_power_of_two_below(end - start)
        if old_end <= middle:
            left = self._subproof(old_end, start, middle, whole=whole)
            return [*left, self.mth(middle, end)]
        right = self._subproof(old_end, middle, end, whole=False)
        return [*right, self.mth(start, middle)]


def _largest_power_of_two_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power
