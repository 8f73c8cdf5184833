"""The tree a query becomes, and the one text it is echoed as.

Nodes hold analysed tokens and folded values, never raw input: two queries that search the same
have the same tree. What each node finds is defined by `search.matcher`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import sha256

from search import dates
from search.analyzer import keyword

_LONGEST_PLACE = 500  # bytes


class FieldName(StrEnum):
    """Fields compared as a whole, ignoring case (`search.analyzer.keyword`).

    `FROM` is the author's handle, `CHANGE` what happened to the post (`is:edited`), `HAS` what it
    carries (`has:media`).
    """

    FROM = "from"
    ACCOUNT = "account"
    PLATFORM = "platform"
    KIND = "kind"
    LANG = "lang"
    CLASS = "class"
    TAG = "tag"
    CHANGE = "is"
    HAS = "has"


class DateName(StrEnum):
    """Times a query can restrict: when the platform says it was posted, and when we captured it."""

    POSTED = "posted"
    CAPTURED = "captured"


@dataclass(frozen=True)
class Term:
    """One word typed without quotes.

    A plain word finds itself, its possessive and the hashtag of that name: `earnings` finds
    earnings, earnings's and #earnings. A handle, tag, cashtag, address, emoji, abbreviation or
    word with an apostrophe finds only itself. To find only the word itself, put it in quotes.
    """

    token: str

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The tokens this term finds; the term is their OR."""
        if any(sign in self.token for sign in "#@$.'/"):
            return (self.token,)
        return (self.token, f"{self.token}'s", f"#{self.token}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens at consecutive positions in this order, each literally; one or more."""

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.tokens:
            raise ValueError("a phrase has at least one token")


@dataclass(frozen=True, slots=True)
class Field:
    """The field equals `value`, which is already folded; a `TAG` is one of the document's tags."""

    name: FieldName
    value: str

    def __post_init__(self) -> None:
        if not self.value:
            raise ValueError(f"the field {self.name} is compared with a value")


@dataclass(frozen=True, slots=True)
class DateRange:
    """`start <= time < end` in Unix milliseconds; None leaves a side open.

    A document without that time is in no range.
    """

    name: DateName
    start: int | None
    end: int | None

    def __post_init__(self) -> None:
        if self.start is None and self.end is None:
            raise ValueError("a date range has a start or an end")


@dataclass(frozen=True, slots=True)
class And:
    """Documents in every part; two parts or more."""

    parts: tuple["Query", ...]

    def __post_init__(self) -> None:
        _at_least_two(self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Documents in any part; two parts or more."""

    parts: tuple["Query", ...]

    def __post_init__(self) -> None:
        _at_least_two(self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """All documents that are not in `part`."""

    part: "Query"


@dataclass(frozen=True, slots=True)
class Everything:
    """All documents: what is searched when nothing is asked for. No text reads as it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Documents of these accounts, each named by `place`; of none where there is none.

    Exact where `Field` ignores case, because it decides what somebody may see. It comes from a
    reach, never from a text.
    """

    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Documents with one of these numbers. It comes from a reach, never from a text."""

    numbers: frozenset[int]


Query = Term | Phrase | Field | DateRange | And | Or | Not | Everything | Places | Numbers


def place(platform: str, account: str) -> str:
    """Return the one word for an account of a platform, exactly as both are written.

    Long ones become a hash, and lone surrogates `?`, because engines store UTF-8 up to a length.
    """
    # Told apart by the length in front: platforms and accounts may hold any sign.
    name = f"{len(platform)}:{platform}{account}".encode("utf-8", "replace")
    return name.decode() if len(name) <= _LONGEST_PLACE else f"h{sha256(name).hexdigest()}"


def every(parts: Iterable[Query]) -> Query:
    """Return the documents that are in all of `parts`: of none `Everything`, of one itself.

    Conditions that are ANDs themselves are taken apart, so the tree is as flat as if typed.
    """
    flat: list[Query] = []
    for part in parts:
        if isinstance(part, And):
            flat += part.parts
        elif not isinstance(part, Everything):
            flat.append(part)
    return _joined(And, tuple(dict.fromkeys(flat))) or Everything()


def some(parts: Iterable[Query]) -> Query | None:
    """Return the documents that are in any of `parts`: None without any, of one itself."""
    return _joined(Or, tuple(dict.fromkeys(parts)))


def _joined(operator: type[And] | type[Or], parts: tuple[Query, ...]) -> Query | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else operator(parts)


@lru_cache(maxsize=4096)  # a few platforms, accounts and languages come again with every post
def field_value(name: FieldName, value: str) -> str:
    """Return `value` as field `name` is compared, in documents and in queries alike.

    Case never counts; nor does a leading @ in a handle, nor a leading # in a tag.
    """
    folded = keyword(value)
    match name:
        case FieldName.FROM:
            return folded.removeprefix("@")
        case FieldName.TAG:
            return folded.removeprefix("#")
        case _:
            return folded


def normalise(query: Query) -> str:  # noqa: C901, PLR0911, PLR0912 - one case per node
    """Return the normal form of `query`: what is echoed, stored and compared.

    For every query that `search.grammar.parse` returns, parsing the normal form gives an equal
    tree, in any time zone: dates are written as UTC instants. That of `Everything` is empty.

    Raises:
        ValueError: it has a `Places` or `Numbers`, which have no words and must not be told.
    """
    match query:
        case Everything():
            return ""
        case Places() | Numbers():
            raise ValueError("a reach is no part of a query's text")
        case Term(token):
            return token
        case Phrase(tokens):
            return f'"{" ".join(tokens)}"'
        case Field(name, value):
            return f"{name}:{_field_value(value)}"
        case DateRange():
            return _date_range(query)
        case And(parts):
            return " AND ".join(map(_operand, parts))
        case Or(parts):
            return " OR ".join(map(_operand, parts))
        case Not(part):
            return f"NOT {_operand(part)}"


def _operand(query: Query) -> str:
    text = normalise(query)
    return f"({text})" if isinstance(query, And | Or) else text


def _field_value(value: str) -> str:
    bare = all(char.isalnum() or char in "_.-@#/+" for char in value)
    return value if bare else f'"{value}"'


def _date_range(query: DateRange) -> str:
    start, end = (
        None if bound is None else dates.instant(bound) for bound in (query.start, query.end)
    )
    if query.name is DateName.POSTED and end is None:
        return f"after:{start}"
    if query.name is DateName.POSTED and start is None:
        return f"before:{end}"
    return f"{query.name}:{start or ''}..{end or ''}"


def _at_least_two(parts: tuple[Query, ...]) -> None:
    if len(parts) < 2:  # noqa: PLR2004 - an operator stands between two things
        raise ValueError(f"AND and OR join two parts or more, not {len(parts)}")
