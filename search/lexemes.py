# ruff: noqa: RUF001 - typographic quotes and full-width brackets are read like the plain ones
"""Cutting a query text into brackets, operators, words, quoted texts and fields."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from search.errors import QueryError

QUOTES = '"“”„‟＂'
"""Any of these opens and any closes: word processors turn the straight ones into the others."""

_LEXEME = re.compile(
    rf"(?P<blank>\s+)|(?P<open>[(（])|(?P<close>[)）])"
    rf"|(?P<quoted>[{QUOTES}][^{QUOTES}]*[{QUOTES}])|(?P<stray>[{QUOTES}])"
    rf"|(?P<word>[^\s(（)）{QUOTES}]+)"
)
_FIELD = re.compile(r"(?!https?://)([^\W\d_]+):(.*)", re.IGNORECASE | re.DOTALL)


class Kind(StrEnum):
    """What a lexeme is."""

    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    WORD = "word"
    QUOTED = "quoted text"
    FIELD = "field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexeme:
    """A piece of a query: `text[start:end]` of the query text.

    `value` is the word, the text inside the quotes, or the value of the field, and starts at
    `inside`; `name` is the field as typed, and `quoted` says whether `value` stood in quotes.
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
        start, end, piece = found.start(), found.end(), found.group()
        match found.lastgroup:
            case "open":
                yield Lexeme(kind=Kind.OPEN, value=piece, start=start, end=end, inside=start)
            case "close":
                yield Lexeme(kind=Kind.CLOSE, value=piece, start=start, end=end, inside=start)
            case "quoted":
                yield _quoted(text, start, end)
            case "stray":
                raise QueryError("This quote is not closed.", text=text, position=start)
            case "word":
                yield _word(piece, start)
            case _:  # blank
                continue


def _quoted(text: str, start: int, end: int) -> Lexeme:
    after = text[end : end + 1]
    if after == "~":
        raise QueryError("~ after a phrase is not supported yet.", text=text, position=end)
    if after and not (after.isspace() or after in ")）"):
        _glued(text, end)
    return Lexeme(
        kind=Kind.QUOTED,
        value=text[start + 1 : end - 1],
        start=start,
        end=end,
        inside=start + 1,
        quoted=True,
    )


def _word(piece: str, start: int) -> Lexeme:
    end = start + len(piece)
    if piece in {"AND", "OR", "NOT"}:
        return Lexeme(kind=Kind(piece), value=piece, start=start, end=end, inside=start)
    if field := _FIELD.fullmatch(piece):
        name, value = field.groups()
        inside = start + len(name) + 1
        return Lexeme(
            kind=Kind.FIELD, value=value, start=start, end=end, inside=inside, name=name.lower()
        )
    return Lexeme(kind=Kind.WORD, value=piece, start=start, end=end, inside=start)


def _joined_fields(text: str, pieces: list[Lexeme]) -> Iterator[Lexeme]:
    """Join `from:` and the quoted text right after it; refuse any other word before a quote."""
    waiting: Lexeme | None = None
    for piece in pieces:
        if waiting is not None:
            yield Lexeme(
                kind=Kind.FIELD,
                value=piece.value,
                start=waiting.start,
                end=piece.end,
                inside=piece.inside,
                name=waiting.name,
                quoted=True,
            )
            waiting = None
            continue
        if text[piece.end : piece.end + 1] in tuple(QUOTES) and piece.kind is not Kind.OPEN:
            if piece.kind is not Kind.FIELD or piece.value:
                _glued(text, piece.end)
            waiting = piece
            continue
        yield piece


def _glued(text: str, position: int) -> NoReturn:
    raise QueryError(
        "Expected a space between a quoted text and what stands beside it.",
        text=text,
        position=position,
    )
