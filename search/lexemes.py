# ruff: noqa: RUF001 - typographic quotes and full-width brackets are read like the plain ones
"""Cutting a query text into brackets, operators, words, quoted texts and fields."""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, NoReturn

from search.errors import QueryError

QUOTES = '"“”„‟＂'
"""Any of these opens and any closes: word processors turn the straight ones into the others."""

_LEXEME = re.compile(
    rf"(?P<open>[(（])|(?P<close>[)）])"
    rf"|(?P<quoted>[{QUOTES}][^{QUOTES}]*[{QUOTES}])|(?P<stray>[{QUOTES}])"
    rf"|(?P<word>[^\s(（)）{QUOTES}]+)"
)
# A name as systems make them up, newer_than: and sha256: too: what they mean is told, not guessed.
_FIELD = re.compile(r"(?!https?:|www\.)([^\W\d_]\w*)[:：](.*)", re.IGNORECASE | re.DOTALL)
_NEAR = re.compile(r"(w|pre)/([0-9]{1,9})", re.IGNORECASE)
_TAGS = frozenset(map(chr, range(0xE0020, 0xE0080)))  # UTS #51, ED-14a
_BEGINS_WORD = re.compile(rf"[^\s(（)）{QUOTES}]")


class Kind(StrEnum):
    """What a lexeme is."""

    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "w/5 or pre/5"
    WORD = "word"
    QUOTED = "quoted text"
    FIELD = "field"


class Lexeme(NamedTuple):
    """A piece of a query: `text[start:end]` of the query text.

    `value` is the word, the text inside the quotes, or the value of the field, and starts at
    `inside`; `name` is the field as typed, and `quoted` says whether `value` stood in quotes. Of
    w/5 and pre/5, `name` is `w` or `pre` and `value` the distance.
    """

    kind: Kind
    value: str
    start: int
    end: int
    inside: int
    name: str = ""
    quoted: bool = False


def lexemes(text: str) -> list[Lexeme]:
    """Return the lexemes of a query text, in order.

    Raises:
        QueryError: a quote is not closed, or something is glued to a quoted text.
    """
    return list(_joined_fields(text, list(_cut(text))))


def _cut(text: str) -> Iterator[Lexeme]:
    for found in _LEXEME.finditer(text):
        start, end = found.span()
        match found.lastgroup:
            case "word":
                if lexeme := _word(text, start, end):
                    yield lexeme
            case "open":
                yield Lexeme(Kind.OPEN, found.group(), start, end, start)
            case "close":
                yield Lexeme(Kind.CLOSE, found.group(), start, end, start)
            case "quoted":
                yield _quoted(text, start, end)
            case _:
                raise QueryError(
                    "This quote is not closed.",
                    text=text,
                    position=start,
                    suggestions=_closed(text, start),
                )


def _quoted(text: str, start: int, end: int) -> Lexeme:
    after = text[end : end + 1]
    if after not in {"~", "^"} and _BEGINS_WORD.match(after) and not _invisible(after):
        _glued(text, end)
    return Lexeme(Kind.QUOTED, text[start + 1 : end - 1], start, end, start + 1, quoted=True)


def _word(text: str, start: int, end: int) -> Lexeme | None:
    """Return the lexeme of `text[start:end]`, without the invisible characters at its ends.

    Direction marks and zero-width characters come along when a query is pasted; inside a word the
    analyzer drops them.
    """
    piece = visible(text[start:end])
    start = text.index(piece, start)
    end = start + len(piece)
    if piece in {"AND", "OR", "NOT"}:
        return Lexeme(Kind(piece), piece, start, end, start)
    if near := _NEAR.fullmatch(piece):
        sign, distance = near.groups()
        return Lexeme(Kind.NEAR, distance, start, end, start, name=sign.lower())
    if field := _FIELD.fullmatch(piece):
        name, value = field.groups()
        inside = start + len(name) + 1
        return Lexeme(Kind.FIELD, value, start, end, inside, name=name.lower())
    return Lexeme(Kind.WORD, piece, start, end, start) if piece else None


def _joined_fields(text: str, pieces: list[Lexeme]) -> Iterator[Lexeme]:
    """Join `from:` and the quoted text right after it; refuse any other word before a quote."""
    waiting: Lexeme | None = None
    for piece in pieces:
        if waiting is not None:
            yield piece._replace(
                kind=Kind.FIELD, start=waiting.start, name=waiting.name, quoted=True
            )
            waiting = None
        elif piece.kind is Kind.QUOTED or text[piece.end : piece.end + 1] not in tuple(QUOTES):
            yield piece
        elif piece.kind is Kind.FIELD and not piece.value:
            waiting = piece
        elif piece.kind is Kind.OPEN:
            yield piece
        else:
            _glued(text, piece.end)


def _glued(text: str, position: int) -> NoReturn:
    raise QueryError(
        "Expected a space between a quoted text and what stands beside it.",
        text=text,
        position=position,
        suggestions=(f"{text[:position]} {text[position:]}",),
    )


def _closed(text: str, start: int) -> tuple[str, ...]:
    """Return the text with the quote closed, where it is plain at which place that belongs."""
    rest = text[start + 1 :].rstrip()
    return (
        (f'{text[:start]}"{rest}"',) if rest and not re.search(r"[()]|\b[A-Z]{2,}\b", rest) else ()
    )


def visible(text: str) -> str:
    """Return `text` without invisible characters at its ends; what is pasted has them there."""
    start, end = 0, len(text)
    while start < end and _invisible(text[start]):
        start += 1
    while start < end and _invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _invisible(char: str) -> bool:
    """Return whether a character is not seen; the tags that make 🏴 the flag of Wales are."""
    if char.isascii() or char in _TAGS:
        return False
    return unicodedata.category(char) == "Cf"
