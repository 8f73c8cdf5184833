"""The tree a query becomes.

Nodes hold analysed tokens and folded values, never raw input: two queries that search the same
have the same tree. What each node finds is defined by `search.matcher`; `search.normal_form` is the
one text a tree is echoed as.

**Words** are the nodes that speak of places in the text: a term, a pattern, a similar or a stemmed
word, a phrase, an OR of words, and words near each other. Only they can be near something.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import TypeGuard

from search.analyzer import keyword
from search.patterns import Pattern

MAX_DISTANCE = 1_000
"""Words that words may be apart and still be near each other."""

_LONGEST_PLACE = 500  # bytes


class FieldName(StrEnum):
    """Fields compared as a whole, ignoring case (`search.analyzer.keyword`).

    `FROM` is the author's handle, `CHANGE` what happened to the post or what it is (`is:edited`,
    `is:reply`), `HAS` what it carries (`has:media`, `has:link`, and `has:text`: any word at all),
    `HASH` the SHA-256 of one of its parts as they were captured, in hex.
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
    HASH = "hash"


COUNTED = tuple(name for name in FieldName if name is not FieldName.HASH)
"""Fields whose values are counted; of hashes there are as many as parts."""


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
        if _is_marked(self.token):
            return (self.token,)
        return (self.token, f"{self.token}'s", f"#{self.token}")


@dataclass(frozen=True)
class Wildcard:
    """One word typed without quotes with `*` or `?` in it.

    A plain one finds hashtags as well: `earn*` finds #earnings, `*tion` any word that ends so.
    """

    pattern: Pattern

    @cached_property
    def forms(self) -> tuple[Pattern, ...]:
        """The patterns a token is fitted to; any of them is enough."""
        if _is_marked(self.pattern.text) or self.pattern.text.startswith("*"):
            return (self.pattern,)
        return (self.pattern, Pattern(f"#{self.pattern.text}"))


@dataclass(frozen=True)
class Fuzzy:
    """`word~1`: tokens at most one edit away (`search.patterns.is_one_edit`), hashtags as well."""

    token: str

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The tokens compared with; one edit from any of them is enough."""
        return (self.token,) if _is_marked(self.token) else (self.token, f"#{self.token}")


@dataclass(frozen=True, slots=True)
class Stemmed:
    """`stem:word`: tokens of the same English stem (`search.stemming`), hashtags as well."""

    token: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens at consecutive positions in this order, each literally or as a pattern says."""

    tokens: tuple[str | Pattern, ...]

    def __post_init__(self) -> None:
        if not self.tokens:
            raise ValueError("a phrase has at least one token")

    @property
    def has_patterns(self) -> bool:
        """Whether a token of it stands for many."""
        return any(isinstance(token, Pattern) for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Near:
    """`left w/5 right`: words at most `distance` apart; `pre/5`, `ordered`: the left ones first.

    What each side finds is some positions in the text. The two share none, and between the nearest
    of them lie at most `distance - 1` other tokens. Ordered, all of the left stand before all of
    the right, and it is counted from the last of the left to the first of the right.
    """

    left: "Words"
    right: "Words"
    distance: int
    ordered: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.distance <= MAX_DISTANCE:
            raise ValueError(f"words are 1 to {MAX_DISTANCE} apart, not {self.distance}")
        if not (is_words(self.left) and is_words(self.right)):
            raise ValueError("only words can be near each other")


class Standing(StrEnum):
    """What becomes of records from outside, and is taken from them again."""

    HELD = "held"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Held:
    """Records under a hold, or those whose processing is restricted.

    That changes while a record does not, so no document says it: whoever asks puts such `Numbers`
    in its place first, and a hold cannot be defined by it.
    """

    standing: Standing = Standing.HELD


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


@dataclass(frozen=True, slots=True)
class LogRange:
    """Documents with `start <= number < end`: what came in a stretch of the log.

    It comes from who asks what is new, never from a text.
    """

    start: int
    end: int


Words = Term | Wildcard | Fuzzy | Stemmed | Phrase | Or | Near
"""An `Or` of words; `is_words` tells."""

Query = Words | Field | DateRange | Held | And | Not | Everything | Places | Numbers | LogRange


def is_words(query: "Query") -> TypeGuard["Words"]:
    """Return whether a query speaks of nothing but places in the text, so it can be near others."""
    match query:
        case Or(parts):
            return all(map(is_words, parts))
        case Term() | Wildcard() | Fuzzy() | Stemmed() | Phrase() | Near():
            return True
        case _:
            return False


def _is_marked(token: str) -> bool:
    """Return whether a token is a handle, tag, address or the like: those find only themselves."""
    return any(sign in token for sign in "#@$.'/")


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


def _at_least_two(parts: tuple[Query, ...]) -> None:
    if len(parts) < 2:  # noqa: PLR2004 - an operator stands between two things
        raise ValueError(f"AND and OR join two parts or more, not {len(parts)}")
