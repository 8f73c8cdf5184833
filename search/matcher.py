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
    Field,
    FieldName,
    Not,
    Or,
    Phrase,
    Query,
    Term,
)


def matches(query: Query, document: Document) -> bool:  # noqa: PLR0911 - one case per node
    """Return whether `query` finds `document`."""
    match query:
        case Term():
            return any(_has(document, form) for form in query.forms)
        case Phrase(tokens):
            return _has(document, " ".join(tokens))
        case Field(name, value):
            return _field(document, name, value)
        case DateRange(name, start, end):
            return _in_range(_time(document, name), start, end)
        case And(parts):
            return all(matches(part, document) for part in parts)
        case Or(parts):
            return any(matches(part, document) for part in parts)
        case Not(part):
            return not matches(part, document)


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


def _field(document: Document, name: FieldName, value: str) -> bool:
    match name:
        case FieldName.TAG:
            return value in document.tags
        case FieldName.HAS:
            return value == "media" and document.has_media
        case _:
            return _VALUE[name](document) == value


def _time(document: Document, name: DateName) -> int | None:
    return document.posted_at if name is DateName.POSTED else document.captured_at


def _in_range(time: int | None, start: int | None, end: int | None) -> bool:
    if time is None:
        return False
    return (start is None or start <= time) and (end is None or time < end)
