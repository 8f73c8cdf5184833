"""The definition of truth: which documents a query finds.

Every engine must return exactly the documents for which `matches` is true. Standing holds and
review rules call it on each new record.
"""

from collections.abc import Callable
from operator import attrgetter

from search.document import Document
from search.positions import finds
from search.query import (
    And,
    DateName,
    DateRange,
    Everything,
    Field,
    FieldName,
    Fuzzy,
    Held,
    LogRange,
    Near,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Query,
    Stemmed,
    Term,
    Wildcard,
)


def matches(  # noqa: C901, PLR0911, PLR0912 - one case per node
    query: Query, document: Document
) -> bool:
    """Return whether `query` finds `document`.

    Raises:
        ValueError: it asks for what is held, which no document says (`search.query.Held`).
    """
    match query:
        case Term():
            return any(_has(document, form) for form in query.forms)
        case Phrase() | Wildcard() | Fuzzy() | Stemmed() | Near():
            return any(finds(query, document.text.split()))
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
        case LogRange(start, end):
            return start <= document.number < end
        case Held():
            raise ValueError("what is held is put into a query before it is asked")


def values(document: Document, name: FieldName) -> tuple[str, ...]:
    """Return the values of a field: what `Field` of that name finds the document by."""
    match name:
        case FieldName.TAG:
            return tuple(dict.fromkeys(tag for tag in document.tags if tag))
        case FieldName.HAS:
            carried = (("media", document.has_media), ("link", document.has_link))
            return tuple(name for name, is_there in carried if is_there)
        case FieldName.HASH:
            return document.hashes
        case FieldName.CHANGE:
            return tuple(filter(None, (document.change, "reply" if document.is_reply else "")))
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
}


def time_of(document: Document, name: DateName) -> int | None:
    """Return when a document was posted or captured, in Unix milliseconds; None: not known."""
    return document.posted_at if name is DateName.POSTED else document.captured_at


def _in_range(time: int | None, start: int | None, end: int | None) -> bool:
    if time is None:
        return False
    return (start is None or start <= time) and (end is None or time < end)
