"""DER (ITU-T X.690), as little as RFC 3161 needs: write a request, walk a response.

Values are not interpreted here; `timestamps` says what stands where.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.errors import IntegrityError

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = b"\x05\x00"
TRUE = b"\x01\x01\xff"
OID = 0x06
SEQUENCE = 0x30
SET = 0x31
CONTEXT_0 = 0xA0
"""The tag `[0]` of a constructed value."""

_LONG_TAG = 0x1F
_LONG_LENGTH = 0x80


@dataclass(frozen=True, slots=True)
class Element:
    """One value: its tag, and where it stands in `data`; its content is [start, end)."""

    data: bytes
    tag: int
    first: int
    start: int
    end: int

    @property
    def encoded(self) -> bytes:
        """The whole value, tag and length included."""
        return self.data[self.first : self.end]

    @property
    def content(self) -> bytes:
        """The value without tag and length."""
        return self.data[self.start : self.end]

    def children(self) -> "tuple[Element, ...]":
        """Return the values inside. Raises IntegrityError."""
        return tuple(_elements(self.data, self.start, self.end))


def decode(data: bytes, tag: int) -> Element:
    """Return the one value that `data` is, which must have this tag.

    Raises:
        IntegrityError: something else, or more.
    """
    found = tuple(_elements(data, 0, len(data)))
    if [each.tag for each in found] != [tag]:
        raise IntegrityError(
            f"expected one DER value with tag {tag:#04x}, found tags "
            f"{[hex(each.tag) for each in found[:8]]}"
        )
    return found[0]


def encode(tag: int, *parts: bytes) -> bytes:
    """Return the value with this tag and these contents, one after another."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_LENGTH | len(length)]) + length + content


def encode_integer(number: int) -> bytes:
    """Return a non-negative INTEGER; the first bit is the sign and must be 0."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _elements(data: bytes, place: int, end: int) -> Iterator[Element]:
    while place < end:
        element = _element(data, place, end)
        yield element
        place = element.end


def _element(data: bytes, first: int, limit: int) -> Element:
    head = data[first : min(first + 2, limit)]
    if len(head) < 2 or head[0] & _LONG_TAG == _LONG_TAG:  # noqa: PLR2004 - tag and length
        raise _malformed(first, "no tag and length, or a tag of several bytes")
    start, size = first + 2, head[1]
    if size & _LONG_LENGTH:
        start += size & ~_LONG_LENGTH
        if start > limit:
            raise _malformed(first, "a length that is cut short")
        size = int.from_bytes(data[first + 2 : start], "big")
    if start + size > limit:
        raise _malformed(first, "a value that is cut short")
    element = Element(data, head[0], first, start, start + size)
    if encode(element.tag, element.content) != element.encoded:
        raise _malformed(first, "a length that is not spelled in the shortest way")
    return element


def _malformed(place: int, why: str) -> IntegrityError:
    return IntegrityError(f"expected DER, found at byte {place} {why}")
