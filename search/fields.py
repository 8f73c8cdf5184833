"""Fields and dates of a query: from lexeme to tree."""

import re
from calendar import monthrange
from datetime import tzinfo
from difflib import get_close_matches
from typing import NoReturn

from search import dates
from search.errors import QueryError
from search.lexemes import Lexeme, visible
from search.query import DateName, DateRange, Field, FieldName, Held, Standing, field_value

CHOICES = {
    FieldName.CHANGE: ("created", "edited", "deleted", "held", "reply", "restricted"),
    FieldName.HAS: ("media", "link", "text"),
}
"""The values of the fields that have a few only."""

DATES = ("after", "before", *DateName)
NAMES = (*FieldName, *DATES, "stem")

_ELSEWHERE = {
    **dict.fromkeys(("author", "user", "username", "handle", "sender", "participants"), ("from",)),
    **dict.fromkeys(("owner", "custodian", "profile", "page"), ("account",)),
    **dict.fromkeys(("site", "network", "source", "service", "channel"), ("platform",)),
    **dict.fromkeys(("type", "itemtype", "filetype", "contenttype"), ("kind",)),
    **dict.fromkeys(("since", "newer"), ("after",)),
    **dict.fromkeys(("until", "older"), ("before",)),
    **dict.fromkeys(("date", "on", "created", "during", "time"), ("posted", "captured")),
    **dict.fromkeys(("sent", "published"), ("posted",)),
    **dict.fromkeys(("received", "archived", "ingested"), ("captured",)),
    **dict.fromkeys(("label", "labels", "category", "keyword", "hashtag"), ("tag",)),
    **dict.fromkeys(("language", "locale"), ("lang",)),
    **dict.fromkeys(("sha", "sha256", "checksum", "digest"), ("hash",)),
    **dict.fromkeys(("in", "status"), ("is",)),
    **dict.fromkeys(("schedule", "series", "rule"), ("class",)),
}
"""What other systems call a field, and what it may be here."""

_CARRIED = {
    **dict.fromkeys(
        ("image", "images", "video", "photo", "picture", "audio", "attachment"), "media"
    ),
    **dict.fromkeys(("url", "links", "urls"), "link"),
    **dict.fromkeys(("word", "words", "content", "body", "caption"), "text"),
}
_WHOLE_TEXT = frozenset({"subject", "body", "text", "title", "content", "message", "intext", "all"})
_HASH = re.compile(r"[0-9a-f]{64}")
_LUCENE_RANGE = re.compile(r"[\[{]\s*(\S+)\s+TO\s+(\S+?)\s*[\]}]")
_GROUP = re.compile(r"\s*[(（]([^()（）]*)[)）]")  # noqa: RUF001
_OTHER_QUOTES = re.compile(r"[‘'’`]([^‘'’`\"]+)[‘'’`](?!\w)")  # noqa: RUF001
_NEXT_WORD = re.compile(r"\s+(\"[^\"]*\"|[^\s()\"]+)")
_SLASHED = re.compile(r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})")
_LOOSE_DAY = re.compile(r"([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})")
_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{1,2}))?")
_MONTHS = 12


def field(lexeme: Lexeme, text: str, *, zone: tzinfo) -> Field | DateRange | Held:
    """Return the tree of one field of the query `text`; days are days in `zone`.

    Raises:
        QueryError: there is no such field, or its value is none.
    """
    name = lexeme.name
    if name not in NAMES:
        _refuse_name(lexeme, text)
    if not visible(lexeme.value).strip():
        _refuse_empty(lexeme, text)
    if name in DATES:
        return _date_range(lexeme, text, zone)
    return _keyword_field(FieldName(name), lexeme, text)


def _keyword_field(name: FieldName, lexeme: Lexeme, text: str) -> Field | Held:
    if not lexeme.quoted:
        _refuse_signs(lexeme, text)
    value = field_value(name, visible(lexeme.value))
    if not value:
        _refuse_at(
            f"Expected a value after {name}:, found only {lexeme.value}.", lexeme.inside, text
        )
    if name is FieldName.HASH and not _HASH.fullmatch(value):
        _refuse_at(
            "Expected the SHA-256 of a part in full, 64 digits of 0-9 and a-f, after hash:; found "
            f"{len(value)} characters.",
            lexeme.inside,
            text,
        )
    choices = CHOICES.get(name)
    if choices and value not in choices:
        near = [_CARRIED[value]] if value in _CARRIED else get_close_matches(value, choices, n=1)
        expected = " or ".join(f"{name}:{choice}" for choice in choices)
        _refuse(
            f"Expected {expected}, found {name}:{lexeme.value}.",
            lexeme,
            text,
            *(f"{name}:{choice}" for choice in near),
        )
    return equal(name, value)


def equal(name: FieldName, value: str) -> Field | Held:
    """Return what finds where a field has a folded value (`search.query.field_value`)."""
    if name is FieldName.CHANGE and value in set(Standing):
        return Held(Standing(value))
    return Field(name, value)


def can_be(name: FieldName, value: str) -> bool:
    """Return whether a field has such a folded value at all."""
    if name is FieldName.HASH:
        return _HASH.fullmatch(value) is not None
    return value in CHOICES.get(name, (value,))


def _refuse_signs(lexeme: Lexeme, text: str) -> None:
    name = lexeme.name
    if lexeme.value[0] in "'‘’`":  # noqa: RUF001
        other = _OTHER_QUOTES.match(text, lexeme.inside)
        _refuse_at(
            'Single quotes do not quote here; use ".',
            lexeme.inside,
            text,
            *([f'{text[: lexeme.inside]}"{other.group(1)}"{text[other.end() :]}'] if other else []),
        )
    for position, char in enumerate(lexeme.value):
        if char in "*?~":
            _refuse_at(
                f"A field is compared as a whole; {char} stands for nothing in it. Name the "
                f"values: ({name}:one OR {name}:other).",
                lexeme.inside + position,
                text,
            )
        if char in ",;|" and position:
            values = [each for each in re.split(r"[,;|]+", lexeme.value) if each]
            joined = " OR ".join(f"{name}:{each}" for each in values)
            _refuse_at(
                f"{char} does not combine here; for several values write "
                f"({name}:one OR {name}:other).",
                lexeme.inside + position,
                text,
                _replaced(text, lexeme, f"({joined})"),
                _replaced(text, lexeme, f'{name}:"{lexeme.value}"'),
            )


def _date_range(lexeme: Lexeme, text: str, zone: tzinfo) -> DateRange:
    value = visible(lexeme.value)
    if lexeme.name == "after":
        return DateRange(DateName.POSTED, _bounds(lexeme, value, text, zone)[0], None)
    if lexeme.name == "before":
        return DateRange(DateName.POSTED, None, _bounds(lexeme, value, text, zone)[0])
    first, dots, last = value.partition("..")
    if not dots:
        last = first
    start = _bounds(lexeme, first, text, zone)[0] if first else None
    end = _bounds(lexeme, last, text, zone)[1] if last else None
    if start is None and end is None:
        _refuse("Expected a day on one side of the dots or on both.", lexeme, text)
    if start is not None and end is not None and start >= end:
        turned = f"{lexeme.name}:{last}..{first}"
        _refuse(
            "Expected a range that ends after it begins: a day, or two dates joined by two dots.",
            lexeme,
            text,
            *([turned] if dots else []),
        )
    return DateRange(DateName(lexeme.name), start, end)


def _bounds(lexeme: Lexeme, value: str, text: str, zone: tzinfo) -> tuple[int, int]:
    try:
        return dates.bounds(value, zone)
    except ValueError as error:
        offset = lexeme.value.rindex(value)
        raise QueryError(
            f"In {lexeme.name}: {error}.",
            text=text,
            position=lexeme.inside + offset,
            suggestions=_other_dates(lexeme, value, offset, text),
        ) from error


def _other_dates(lexeme: Lexeme, value: str, offset: int, text: str) -> list[str]:
    """Return the query with the date as it is written here, for ways it is written elsewhere."""
    start = lexeme.inside + offset
    found = _LUCENE_RANGE.match(text, start)
    if found:
        bounds = ("" if each == "*" else each for each in found.groups())
        name = lexeme.name if lexeme.name in tuple(DateName) else DateName.POSTED
        return [f"{text[: lexeme.start]}{name}:{'..'.join(bounds)}{text[found.end() :]}"]
    comparison = re.fullmatch(r"(>=|>|<=|<)(.+)", value)
    if comparison:
        sign, day = comparison.groups()
        name = lexeme.name if lexeme.name in tuple(DateName) else DateName.POSTED
        return [_replaced(text, lexeme, f"{name}:{'..'.join(dates.compared(sign, day))}")]
    end = start + len(value)
    return [f"{text[:start]}{day}{text[end:]}" for day in _days(lexeme, value)]


def _days(lexeme: Lexeme, value: str) -> list[str]:
    if found := _SLASHED.fullmatch(value):
        one, other, year = found.groups()
        orders = dict.fromkeys(((one, other), (other, one)))
        return [
            f"{year}-{int(month):02}-{int(day):02}"
            for month, day in orders
            if int(month) <= _MONTHS
        ]
    if found := _MONTH.fullmatch(value):
        return _month(lexeme, int(found.group(1)), int(found.group(2) or 0))
    if found := _LOOSE_DAY.fullmatch(value):
        year, month, day = found.groups()
        return [f"{year}-{int(month):02}-{int(day):02}"]
    return [f"{value}Z", f"{value}:00Z"] if "T" in value else []


def _month(lexeme: Lexeme, year: int, month: int) -> list[str]:
    """Return a whole month, or year where `month` is 0, as a day or range that can stand there."""
    first, last = month or 1, month or _MONTHS
    if year < 1 or not 1 <= last <= _MONTHS:
        return []
    start = f"{year:04}-{first:02}-01"
    if lexeme.name not in tuple(DateName) or ".." in lexeme.value:
        return [start]
    return [f"{start}..{year:04}-{last:02}-{monthrange(year, last)[1]}"]


def _refuse_name(lexeme: Lexeme, text: str) -> NoReturn:
    name, rest = lexeme.name, text[lexeme.inside : lexeme.end]
    known = ", ".join(f"{each}:" for each in NAMES)
    if name in _WHOLE_TEXT:
        message = f"There is no field {name}:; every word is searched in the whole text of a post."
        _refuse(message, lexeme, text, rest)
    other = _ELSEWHERE.get(name) or get_close_matches(name, NAMES, n=1)
    _refuse(
        f"There is no field {name}: (there are {known}). "
        "To search for the text itself, put it in quotes.",
        lexeme,
        text,
        *(f"{each}:{rest}" for each in other),
        f'"{name}:{lexeme.value}"' if not other and lexeme.value else "",
    )


def _refuse_empty(lexeme: Lexeme, text: str) -> NoReturn:
    name, at = lexeme.name, lexeme.end
    suggestions: list[str] = []
    if found := _GROUP.match(text, at):
        inner = re.sub(
            r"\"[^\"]*\"|[^\s()\"]+",
            lambda each: each[0] if each[0] in {"AND", "OR", "NOT"} else f"{name}:{each[0]}",
            found.group(1),
        )
        suggestions.append(f"{text[: lexeme.start]}({inner.strip()}){text[found.end() :]}")
    elif found := _NEXT_WORD.match(text, at):
        suggestions.append(f"{text[: lexeme.start]}{name}:{found.group(1)}{text[found.end() :]}")
    _refuse_at(
        f"Expected a value right after {name}:, without a space. "
        f"For several, write ({name}:one OR {name}:other).",
        lexeme.inside,
        text,
        *suggestions,
    )


def _refuse(message: str, lexeme: Lexeme, text: str, *replacements: str) -> NoReturn:
    suggestions = (_replaced(text, lexeme, each) for each in replacements if each)
    _refuse_at(message, lexeme.start, text, *suggestions)


def _refuse_at(message: str, position: int, text: str, *suggestions: str) -> NoReturn:
    raise QueryError(message, text=text, position=position, suggestions=suggestions)


def _replaced(text: str, lexeme: Lexeme, replacement: str) -> str:
    return text[: lexeme.start] + replacement + text[lexeme.end :]
