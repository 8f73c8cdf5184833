"""The definition of truth: which documents a query finds.

Every engine must return exactly the documents for which `matches` is true. Standing holds and
review rules call it on each new record.
"""

from collections.abc import Callable
from operator import attrgetter

from search.document import Document
from search.query import (
    And,
    DateName,
    DateRange,
    Everything,
    Field,
    FieldName,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Query,
    Term,
)


def matches(  # noqa: C901, PLR0911, PLR0912 - one case per node
    query: Query, document: Document
) -> bool:
    """Return whether `query` finds `document`."""
    match query:
        case Term():
            return any(_has(document, form) for form in query.forms)
        case Phrase(tokens):
            return _has(document, " ".join(tokens))
        case Field(name, value):
            return value in values(document, name)
        case DateRange(name, start, end):
            return _in_range(time_of(document, name), start, end)
        case And(parts):
            return all(matches(part, document) for part in parts)
        case Or(parts):
            return any(matches(part, document) for part in parts)
        case Not(part):
            return not matches(part, document)
        case Everything():
            return True
        case Places(places):
            return document.place in places
        case Numbers(numbers):
            return document.number in numbers


def values(document: Document, name: FieldName) -> tuple[str, ...]:
    """Return the values of a field: what `Field` of that name finds the document by."""
    match name:
        case FieldName.TAG:
            return tuple(dict.fromkeys(tag for tag in document.tags if tag))
        case FieldName.HAS:
            return ("media",) if document.has_media else ()
        case _:
            value = _VALUE[name](document)
            return (value,) if value else ()


def _has(document: Document, words: str) -> bool:
    # Tokens hold no space, so whole tokens in a row are a substring between spaces.
    return f" {words} " in f" {document.text} "


_VALUE: dict[FieldName, Callable[[Document], str]] = {
    FieldName.FROM: attrgetter("author"),
    FieldName.ACCOUNT: attrgetter("account"),
    FieldName.PLATFORM: attrgetter("platform"),
    FieldName.KIND: attrgetter("kind"),
    FieldName.LANG: attrgetter("lang"),
    FieldName.CLASS: attrgetter("class_code"),
    FieldName.CHANGE: attrgetter("change"),
}


def time_of(document: Document, name: DateName) -> int | None:
    """Return when a document was posted or captured, in Unix milliseconds; None: not known."""
    return document.posted_at if name is DateName.POSTED else document.captured_at


def _in_range(time: int | None, start: int | None, end: int | None) -> bool:
    if time is None:
        return False
    return (start is None or start <= time) and (end is None or time < end)
