"""Cuts a JSON text of any length into its elements, exact to the byte, in bounded memory.

It finds where values end and builds nothing: at C speed, because one regular expression runs from
bracket to bracket over all strings between them. Whether an element is valid JSON inside is for
its decoder to say; what stands between the elements is checked here.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from archiver.errors import InvalidInput, TooLarge

_BLOCK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_OPENING = frozenset({b"{", b"["})
_SPACE = re.compile(rb"[ \t\r\n]*")
# Everything up to the next bracket outside a string. Possessive: a failed match never backtracks.
_TO_BRACKET = re.compile(
    rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+([\[\]{}])', re.DOTALL
)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]++")


class JsonCutter:
    """Walks over one JSON text from `stream`. Offsets count bytes from the start of the text.

    Every method raises `InvalidInput` where the text is not JSON or ends too early, and `TooLarge`
    where one value is longer than `most` bytes. After either, the cutter is of no further use.
    """

    def __init__(self, stream: BinaryIO, *, most: int, start: bytes = b"") -> None:
        """Read from `stream`; `start` is what was read of it already."""
        self._stream = stream
        self._most = most
        self._pending = start
        self._at = 0
        self._passed = 0
        self._at = len(_BOM) * self._ahead(len(_BOM)).startswith(_BOM)

    @property
    def offset(self) -> int:
        """Bytes of the text already passed."""
        return self._passed + self._at

    def peek(self) -> bytes:
        """Return the next byte that is not white space; nothing at the end of the text."""
        while True:
            match = _SPACE.match(self._pending, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._pending):
                return self._pending[self._at : self._at + 1]
            if not self._read():
                return b""

    def elements(self) -> Iterator[bytes]:
        """Yield the exact bytes of each element of the array that starts here."""
        self._take(b"[")
        if self.peek() == b"]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._take(b",", b"]") == b"]":
                return

    def members(self) -> Iterator[bytes]:
        """Yield each key, in quotes, of the object that starts here.

        Before asking for the next key, take its value with `value` or `elements`.
        """
        self._take(b"{")
        if self.peek() == b"}":
            self._at += 1
            return
        while True:
            if self.peek() != b'"':
                raise self._unexpected("a key in quotes")
            key = self.value()
            self._take(b":")
            yield key
            if self._take(b",", b"}") == b"}":
                return

    def value(self) -> bytes:
        """Return the exact bytes of the value that starts here, and pass over it."""
        first = self.peek()
        if first in _OPENING:
            end = self._bracketed()
        else:
            end = self._string() if first == b'"' else self._scalar()
        content = self._pending[self._at : end]
        self._at = end
        return content

    def end(self) -> None:
        """Check that nothing but white space follows."""
        if self.peek():
            raise self._unexpected("the end of the text")

    def _bracketed(self) -> int:
        """Return where the array or object that starts here ends."""
        depth = 0
        at = self._at
        while True:
            while match := _TO_BRACKET.match(self._pending, at):
                at = match.end()
                depth += 1 if match[1] in b"[{" else -1
                if depth == 0:
                    return at
            at = self._more(at)

    def _string(self) -> int:
        while not (match := _STRING.match(self._pending, self._at)):
            self._more(self._at)
        return match.end()

    def _scalar(self) -> int:
        while True:
            match = _SCALAR.match(self._pending, self._at)
            if not match:
                raise self._unexpected("a value")
            if match.end() < len(self._pending) or not self._read():
                return self._at + len(match[0])
            self._refuse_too_long()

    def _more(self, at: int) -> int:
        """Read on inside a value; return where `at` now stands."""
        self._refuse_too_long()
        before = self._at
        if not self._read():
            raise InvalidInput(
                f"the text ends inside the value that starts at byte {self.offset:,}"
            )
        return at - before + self._at

    def _refuse_too_long(self) -> None:
        if len(self._pending) - self._at > self._most:
            raise TooLarge(f"the value at byte {self.offset:,} is longer than {self._most:,} bytes")

    def _read(self) -> bool:
        """Drop what was passed and read on: twice what is pending, so that rescans stay linear."""
        rest = self._pending[self._at :]
        block = self._stream.read(max(_BLOCK, len(rest)))
        self._passed += self._at
        self._pending = rest + block
        self._at = 0
        return bool(block)

    def _ahead(self, count: int) -> bytes:
        while len(self._pending) - self._at < count and self._read():
            pass
        return self._pending[self._at : self._at + count]

    def _take(self, *expected: bytes) -> bytes:
        found = self.peek()
        if found not in expected:
            raise self._unexpected(" or ".join(mark.decode() for mark in expected))
        self._at += 1
        return found

    def _unexpected(self, expected: str) -> InvalidInput:
        found = self._pending[self._at : self._at + 20]
        shown = repr(found.decode("utf-8", "replace")) if found else "the end of the text"
        return InvalidInput(f"expected {expected} at byte {self.offset:,}; found {shown}")
