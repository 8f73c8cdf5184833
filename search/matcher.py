"""The definition of truth: which documents a query finds.

Every engine must return exactly the documents for which `matches` is true. Standing holds and
review rules call it on each new record.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter

from search.document import Document
from search.positions import Stands, read, standing
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
    is_words,
)

Finds = Callable[[Document], bool]
"""A query made ready: tells of a document whether the query finds it."""


def matches(query: Query, document: Document) -> bool:
    """Return whether `query` finds `document`. For many documents make it ready once (`prepared`).

    Raises:
        ValueError: it asks for what is held, which no document says (`search.query.Held`).
    """
    return prepared(query)(document)


def prepared(query: Query) -> Finds:  # noqa: C901, PLR0911, PLR0912 - one case per node
    """Return what tells of a document whether `query` finds it: for many documents.

    Raises:
        ValueError: it asks for what is held, which no document says (`search.query.Held`).
    """
    match query:
        case Term() | Phrase() | Wildcard() | Fuzzy() | Stemmed() | Near():
            return _of_text(standing(query))
        case Or(parts):
            return _of_text(standing(query)) if is_words(query) else _any(_grouped(parts))
        case And(parts):
            return _all([prepared(part) for part in sorted(parts, key=_cost)])
        case Field(name, value):
            return lambda document: value in values(document, name)
        case DateRange(clock, start, end):
            return lambda document: _in_range(time_of(document, clock), start, end)
        case Not(part):
            finds = prepared(part)
            return lambda document: not finds(document)
        case Everything():
            return lambda _: True
        case Places(places):
            return lambda document: document.place in places
        case Numbers(numbers):
            return lambda document: document.number in numbers
        case LogRange(start, end):
            return lambda document: start <= document.number < end
        case Held():
            raise ValueError("what is held or restricted is put into a query before it is asked")


def _of_text(stands: Stands) -> Finds:
    return lambda document: stands(read(document.text))


def _grouped(parts: Sequence[Query]) -> list[Finds]:
    """Make the parts of an OR ready, cheap ones first, with all its words as one that is asked."""
    words = tuple(part for part in parts if is_words(part))
    rest = [part for part in parts if not is_words(part)]
    if words:
        rest.append(Or(words) if len(words) > 1 else words[0])
    return [prepared(part) for part in sorted(rest, key=_cost)]


def _cost(query: Query) -> int:
    """Return a rank: what is looked up first, then what is looked for in the text."""
    match query:
        case Term() | Phrase() | Wildcard():
            return 1
        case Near() | Fuzzy() | Stemmed():
            return 3
        case And() | Or() | Not():
            return 2
        case _:
            return 0


def _all(tests: Sequence[Finds]) -> Finds:
    return lambda document: all(test(document) for test in tests)


def _any(tests: Sequence[Finds]) -> Finds:
    return lambda document: any(test(document) for test in tests)


def values(document: Document, name: FieldName) -> tuple[str, ...]:
    """Return the values of a field: what `Field` of that name finds the document by."""
    match name:
        case FieldName.TAG:
            return tuple(dict.fromkeys(tag for tag in document.tags if tag))
        case FieldName.HAS:
            carried = (
                ("media", document.has_media),
                ("link", document.has_link),
                ("text", document.has_text),
            )
            return tuple(name for name, is_there in carried if is_there)
        case FieldName.HASH:
            return document.hashes
        case FieldName.CHANGE:
            return tuple(filter(None, (document.change, "reply" if document.is_reply else "")))
        case _:
            value = _VALUE[name](document)
            return (value,) if value else ()


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
