"""Cutting a text with `*` and `?` in it into tokens and patterns, by the analyzer's own rules.

A pattern is folded as a token is (`CAFÉ*` is `cafe*`, `#Cov*` is `#cov*`): the signs are replaced
by letters that the text does not have, the analyzer cuts it, and the letters become signs again.
"""

import re
from collections.abc import Iterator
from itertools import chain
from string import ascii_lowercase, digits
from typing import NamedTuple

from search.analyzer import ADDRESSES, MAX_TOKEN, spans, tokens
from search.patterns import Pattern

SIGNS = "*?"

_CHUNK = re.compile(r"\S+")
_STARS = re.compile(r"\*{2,}")


class UnfitSignError(ValueError):
    """A `*` or `?` stands where it can stand for nothing in particular.

    `offset` is its place in the text that was cut.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Piece(NamedTuple):
    """A token or a pattern, and where the run of characters begins that it was cut from."""

    token: str | Pattern
    offset: int


def pieces(text: str) -> Iterator[Piece]:
    """Yield the tokens and patterns of `text`, in order.

    Inside a web address and in a keycap emoji the signs are characters like others.

    Raises:
        UnfitSignError: a sign stands alone, beside a character that is a word by itself, at an
            address, or has fewer than two given letters with it.
    """
    for found in _CHUNK.finditer(text):
        chunk, start = found.group(), found.start()
        wild = _wild(chunk)
        if not wild:
            yield from (Piece(token, start) for token in tokens(chunk))
            continue
        try:
            yield from (Piece(token, start) for token in _cut(chunk, wild))
        except UnfitSignError as error:
            raise UnfitSignError(str(error), start + error.offset) from error


def given(text: str) -> int:
    """Return how many letters and digits a pattern or word gives."""
    return sum(map(str.isalnum, text))


def _wild(chunk: str) -> list[int]:
    """Return the offsets of the signs that stand for others: those that are in no token."""
    if not any(sign in chunk for sign in SIGNS):
        return []
    literal = set(chain.from_iterable(range(span.start, span.end) for span in spans(chunk)))
    return [at for at, char in enumerate(chunk) if char in SIGNS and at not in literal]


def _cut(chunk: str, wild: list[int]) -> list[str | Pattern]:
    first = chunk[wild[0]]
    if any(start in chunk.lower() for start in ADDRESSES):
        message = f"{first} cannot stand for others at a web address"
        raise UnfitSignError(message, wild[0])
    letters = _marked(chunk, wild, ascii_lowercase)
    found = letters
    if len(letters) != 1:  # 3.* is cut as 3.5 is, not as 3.x
        numbers = _marked(chunk, wild, digits)
        found = numbers if len(numbers) == 1 else letters
    if not found:
        message = (
            f"{first} stands in a word of more than {MAX_TOKEN} characters, or of too many "
            "different ones"
        )
        raise UnfitSignError(message, wild[0])
    for token in found:
        if not token.strip(SIGNS):
            raise UnfitSignError(_why_alone(chunk, wild[0]), wild[0])
        if any(sign in token for sign in SIGNS) and given(token) < 2:  # noqa: PLR2004
            message = f"{token} would find too many words; give two letters or more beside the sign"
            raise UnfitSignError(message, wild[0])
    # A keycap emoji has a sign of its own, and so has no pattern.
    return [
        Pattern(token) if any(sign in token for sign in SIGNS) and given(token) else token
        for token in found
    ]


def _marked(chunk: str, wild: list[int], alphabet: str) -> list[str]:
    """Return the tokens of `chunk` with its signs read as letters of `alphabet`, then put back."""
    folded = "".join(tokens(chunk)) + chunk.casefold()
    free = [letter for letter in alphabet if letter not in folded]
    if len(free) < len(SIGNS):
        return []
    star, any_one = free[:2]
    read = "".join(
        {"*": star, "?": any_one}[char] if at in wild else char for at, char in enumerate(chunk)
    )
    found = tokens(read)
    back = str.maketrans({star: "*", any_one: "?"})
    kept = sum(token.count(star) + token.count(any_one) for token in found)
    if kept != len(wild):
        return []
    return [_STARS.sub("*", token.translate(back)) for token in found]


def _why_alone(chunk: str, at: int) -> str:
    sign = chunk[at]
    before = chunk[:at].rstrip(SIGNS)[-1:]
    if before and not before.isascii():
        return f"{before} is a word by itself, so {sign} has no beginning of a word before it"
    if len(chunk) == 1:
        return f"{sign} alone would stand for any word; leave it out"
    return f"{sign} alone would stand for any word"
