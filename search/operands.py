"""Words, quoted texts and fields of a query: from lexeme to tree.

Whatever another query language would give a meaning to, and this one does not, is refused by name:
a search that silently meant something else is worse than none.
"""

import re
from datetime import tzinfo
from difflib import get_close_matches
from typing import NoReturn

from search import dates
from search.analyzer import spans, tokens
from search.errors import QueryError
from search.lexemes import Kind, Lexeme
from search.query import (
    DateName,
    DateRange,
    Field,
    FieldName,
    Or,
    Phrase,
    Query,
    Stemmed,
    Term,
    field_value,
)

_RESERVED = {
    "*": "* (any letters) is not supported yet",
    "?": "? (any letter) is not supported yet",
    "~": "~ (similar words) is not supported yet",
    "|": "| is not an operator here; write OR",
    "^": "^ (weights) is not part of this language",
    "[": "[ is not a bracket here; a range is written posted:2026-03-01..2026-03-31",
    "]": "] is not a bracket here; a range is written posted:2026-03-01..2026-03-31",
    "{": "{ is not a bracket here; write (",
    "}": "} is not a bracket here; write )",
    "<": "< is not an operator here; dates are compared with before: and after:",
    ">": "> is not an operator here; dates are compared with before: and after:",
    "=": "= is not an operator here; a field is written platform:x",
    "\\": "\\ does not escape here; put the text in quotes",
}
_IN_ADDRESSES = frozenset("*?~")
_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_PROXIMITY = re.compile(r"(?:w|pre)/[0-9]+", re.IGNORECASE)
_OPERATORS = frozenset({"and", "or", "not"})
_SIGNS = "-+!–—−"  # noqa: RUF001 - dashes that word processors make of a minus

_CHOICES = {
    FieldName.CHANGE: ("created", "edited", "deleted"),
    FieldName.HAS: ("media",),
}
_DATES = ("after", "before", *DateName)
_NAMES = (*FieldName, *_DATES)


def operand(lexeme: Lexeme, text: str, *, zone: tzinfo, stem: bool = False) -> Query:
    """Return the tree of one word, quoted text or field of the query `text`.

    Raises:
        QueryError: nothing searchable, a reserved character, an unknown field or a bad value.
    """
    match lexeme.kind:
        case Kind.WORD:
            found = _word(lexeme, text)
            if stem and isinstance(found, Term) and len(found.forms) > 1:
                return Stemmed(found.token)
            return found
        case Kind.QUOTED:
            return _quoted(lexeme, text)
        case _:
            return _field(lexeme, text, zone)


def _word(lexeme: Lexeme, text: str) -> Query:
    word = lexeme.value
    _refuse_reserved(lexeme, text)
    if _PROXIMITY.fullmatch(word):
        _refuse(f"{word} (words near each other) is not supported yet.", lexeme, text)
    found = tokens(word)
    if word[0] in _SIGNS and found:
        _refuse(
            f"{word[0]} before a word is not an operator here; write NOT to exclude it, or quotes.",
            lexeme,
            text,
            word[1:] if word[0] == "+" else f"NOT {word[1:]}",
        )
    if len(found) == 1 and found[0] in _OPERATORS:
        _refuse(
            f"Write {found[0].upper()} in capitals to combine, or in quotes to search for it.",
            lexeme,
            text,
            f'"{word}"' if word == text.strip() else found[0].upper(),
        )
    if not found:
        _refuse(f"{word} has no letter, digit or emoji to search for.", lexeme, text)
    if len(found) == 1:
        return Term(found[0])
    # 東京 is two tokens, but #東京 is one: a word finds its hashtag in every script.
    hashtag = tokens(f"#{word}")
    phrase = Phrase(tuple(found))
    return Or((phrase, Term(hashtag[0]))) if len(hashtag) == 1 else phrase


def _quoted(lexeme: Lexeme, text: str) -> Query:
    pieces = spans(lexeme.value)
    if not pieces:
        _refuse("There is no letter, digit or emoji between these quotes.", lexeme, text)
    # An address or a keycap emoji may hold these signs; a word never does.
    literal = {position for piece in pieces for position in range(piece.start, piece.end)}
    for position, char in enumerate(lexeme.value):
        following = lexeme.value[position + 1 : position + 2]
        wild = char == "*" or (char == "?" and following.isalnum())
        if wild and position not in literal:
            message = f"{_RESERVED[char]}, and never meant literally inside a phrase."
            raise QueryError(message, text=text, position=lexeme.inside + position)
    return Phrase(tuple(piece.text for piece in pieces))


def _field(lexeme: Lexeme, text: str, zone: tzinfo) -> Query:
    name = lexeme.name
    if name == "stem" and len(found := tokens(lexeme.value)) == 1:
        return Stemmed(found[0])
    if name not in _NAMES:
        near = get_close_matches(name, _NAMES, n=1)
        replacement = f"{near[0]}:{text[lexeme.inside : lexeme.end]}" if near else ""
        _refuse(
            f"There is no field {name}: (there are {', '.join(_NAMES)}). "
            "To search for the text itself, put it in quotes.",
            lexeme,
            text,
            replacement or f'"{text[lexeme.start : lexeme.end]}"',
        )
    if not lexeme.value.strip():
        message = (
            f"Expected a value right after {name}:, without a space. "
            f"For several, write ({name}:one OR {name}:other)."
        )
        raise QueryError(message, text=text, position=lexeme.inside)
    if name in _DATES:
        return _date_range(lexeme, text, zone)
    return _keyword_field(FieldName(name), lexeme, text)


def _keyword_field(name: FieldName, lexeme: Lexeme, text: str) -> Field:
    for char in "*?" if lexeme.quoted else "*?~":
        if char in lexeme.value:
            position = lexeme.inside + lexeme.value.index(char)
            raise QueryError(f"{_RESERVED[char]} in fields.", text=text, position=position)
    value = field_value(name, lexeme.value)
    if not value:
        message = f"Expected a value after {name}:, found only {lexeme.value}."
        raise QueryError(message, text=text, position=lexeme.inside)
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        near = get_close_matches(value, choices, n=1)
        expected = " or ".join(f"{name}:{choice}" for choice in choices)
        _refuse(
            f"Expected {expected}, found {name}:{lexeme.value}.",
            lexeme,
            text,
            f"{name}:{near[0]}" if near else "",
        )
    return Field(name, value)


def _date_range(lexeme: Lexeme, text: str, zone: tzinfo) -> DateRange:
    if lexeme.name == "after":
        return DateRange(DateName.POSTED, _bounds(lexeme, lexeme.value, text, zone)[0], None)
    if lexeme.name == "before":
        return DateRange(DateName.POSTED, None, _bounds(lexeme, lexeme.value, text, zone)[0])
    first, dots, last = lexeme.value.partition("..")
    if not dots:
        last = first
    start = _bounds(lexeme, first, text, zone)[0] if first else None
    end = _bounds(lexeme, last, text, zone)[1] if last else None
    if start is None and end is None:
        _refuse("Expected a day on one side of the dots or on both.", lexeme, text)
    if start is not None and end is not None and start >= end:
        _refuse(
            "Expected a range that ends after it begins: a day, or two dates joined by two dots.",
            lexeme,
            text,
        )
    return DateRange(DateName(lexeme.name), start, end)


def _bounds(lexeme: Lexeme, value: str, text: str, zone: tzinfo) -> tuple[int, int]:
    try:
        return dates.bounds(value, zone)
    except ValueError as error:
        position = lexeme.inside + lexeme.value.index(value)
        raise QueryError(f"In {lexeme.name}: {error}.", text=text, position=position) from error


def _refuse_reserved(lexeme: Lexeme, text: str) -> None:
    word = lexeme.value
    address = _ADDRESS.match(word) is not None
    for position, char in enumerate(word):
        if char in _RESERVED and (not address or char in _IN_ADDRESSES):
            raise QueryError(
                f"{_RESERVED[char]}. To search for the text itself, put it in quotes.",
                text=text,
                position=lexeme.start + position,
                suggestion=_replaced(text, lexeme, f'"{word}"') if address else "",
            )


def _refuse(message: str, lexeme: Lexeme, text: str, replacement: str = "") -> NoReturn:
    suggestion = _replaced(text, lexeme, replacement) if replacement else ""
    raise QueryError(message, text=text, position=lexeme.start, suggestion=suggestion)


def _replaced(text: str, lexeme: Lexeme, replacement: str) -> str:
    return text[: lexeme.start] + replacement + text[lexeme.end :]
