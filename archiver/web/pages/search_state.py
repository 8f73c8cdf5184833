"""The state of the search page, which is its address: the query, filters, order and place.

Every link of the page is the state with something changed, so going back, sharing and reloading
show the same question again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from archiver.errors import InvalidInput
from archiver.legal.asking import Asked, Filter, read_filters
from archiver.web.reading import text_of
from search.errors import QueryError
from search.index import Order
from search.query import DateName, FieldName

PER_PAGE = (25, 50, 100, 200)
_USUAL = 50
_MAX_FILTER = 1_000  # characters

TITLES: dict[FieldName, str] = {
    FieldName.PLATFORM: "Platform",
    FieldName.ACCOUNT: "Account",
    FieldName.FROM: "Author",
    FieldName.KIND: "Kind",
    FieldName.CHANGE: "State",
    FieldName.LANG: "Language",
    FieldName.HAS: "Media",
    FieldName.CLASS: "Class",
    FieldName.TAG: "Tag",
}
"""What each field is called, in the order its facet stands."""

_WORDS = {
    (FieldName.CHANGE, "created"): "As first posted",
    (FieldName.CHANGE, "edited"): "Edited",
    (FieldName.CHANGE, "deleted"): "Deleted at source",
    (FieldName.HAS, "media"): "With media",
    (FieldName.HAS, "text"): "With words",
}

_Choice = TypeVar("_Choice", DateName, Order)


class Chip(NamedTuple):
    """A filter in force: what it is about, its values, how they are joined, the address without.

    `key` is that of its condition (`archiver.legal.asking.Condition`).
    """

    key: str
    title: str
    values: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """What the address of the search page says."""

    query: str = ""
    include: tuple[Filter, ...] = ()
    exclude: tuple[Filter, ...] = ()
    since: str = ""
    until: str = ""
    clock: DateName = DateName.POSTED
    stem: bool = False
    zone: str = ""
    order: Order = Order.NEWEST
    per: int = _USUAL
    cursor: str = ""

    @classmethod
    def of(cls, request: web.Request) -> "SearchState":
        """Return the state that a request asks for.

        Raises:
            InvalidInput: a parameter is not what the page writes.
        """
        return cls(
            query=text_of(request, "q", default=""),
            include=read_filters(_all(request, "f"), "f"),
            exclude=read_filters(_all(request, "x"), "x"),
            since=text_of(request, "from", default="").strip(),
            until=text_of(request, "to", default="").strip(),
            clock=_choice(request, "clock", DateName.POSTED, tuple(DateName)),
            stem=text_of(request, "stem", default="") == "yes",
            zone=text_of(request, "zone", default="").strip(),
            order=_choice(request, "sort", Order.NEWEST, (Order.NEWEST, Order.OLDEST)),
            per=_per(text_of(request, "per", default=str(_USUAL))),
            cursor=text_of(request, "cursor", default=""),
        )

    @property
    def is_first_use(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.query.strip() or self.narrows)

    @property
    def narrows(self) -> bool:
        """Whether a filter is chosen."""
        return bool(self.include or self.exclude or self.since or self.until)

    def asked(self) -> Asked:
        """Return what the search use case is asked."""
        return Asked(
            query=self.query,
            include=self.include,
            exclude=self.exclude,
            since=self.since,
            until=self.until,
            clock=self.clock,
            stem=self.stem,
            zone=self.zone,
        )

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """Return the parameters of the address, usual ones and those named `without` left out."""
        told = [
            ("q", self.query),
            *(("f", str(each)) for each in self.include),
            *(("x", str(each)) for each in self.exclude),
            ("from", self.since),
            ("to", self.until),
            ("clock", "" if self.clock is DateName.POSTED else self.clock.value),
            ("stem", "yes" if self.stem else ""),
            ("zone", self.zone),
            ("sort", "" if self.order is Order.NEWEST else self.order.value),
            ("per", "" if self.per == _USUAL else str(self.per)),
            ("cursor", self.cursor),
        ]
        return [(name, value) for name, value in told if value and name not in without]

    @property
    def href(self) -> str:
        """The address of this state."""
        return self.at("/search")

    def at(self, path: str) -> str:
        """Return the address of another page about the same question."""
        pairs = urlencode(self.pairs())
        return f"{path}?{pairs}" if pairs else path

    def on(self, cursor: str) -> str:
        """Return the address of the next page."""
        return replace(self, cursor=cursor).href

    def first_page(self) -> "SearchState":
        """Return this question from its first page on."""
        return replace(self, cursor="")

    def ordered(self, order: str) -> str:
        """Return the address of the same hits in an order."""
        return replace(self, order=Order(order), cursor="").href

    def sized(self, per: int) -> str:
        """Return the address with so many hits on a page."""
        return replace(self, per=per, cursor="").href

    def clocked(self, clock: str) -> str:
        """Return the address with dates and bars of another clock."""
        return replace(self, clock=DateName(clock), cursor="").href

    def between(self, since: str, until: str) -> str:
        """Return the address narrowed to days, both included."""
        return replace(self, since=since, until=until, cursor="").href

    def including(self, name: FieldName, value: str) -> str:
        """Return the address with a value searched for, or no more if it was."""
        return self._toggled("include", Filter(name, value))

    def excluding(self, name: FieldName, value: str) -> str:
        """Return the address with a value left out, or no more if it was."""
        return self._toggled("exclude", Filter(name, value))

    def state_of(self, name: FieldName, value: str) -> str:
        """Return `included`, `excluded` or nothing."""
        wanted = Filter(name, value)
        return "included" if wanted in self.include else "excluded" * (wanted in self.exclude)

    def without(self, key: str) -> str:
        """Return the address without the condition of a key."""
        if key == "q":
            return replace(self, query="", cursor="").href
        if key == "dates":
            return replace(self, since="", until="", cursor="").href
        return replace(
            self,
            include=tuple(each for each in self.include if f"f:{each.field}" != key),
            exclude=tuple(each for each in self.exclude if f"x:{each}" != key),
            cursor="",
        ).href

    def corrections(self, fault: QueryError | None) -> list[tuple[str, str]]:
        """Return each suggestion of a refusal with the address that asks it instead."""
        suggestions = () if fault is None else fault.suggestions
        return [(each, replace(self, query=each, cursor="").href) for each in suggestions]

    @property
    def cleared(self) -> str:
        """The address without any filter."""
        kept = SearchState(
            query=self.query, stem=self.stem, zone=self.zone, order=self.order, per=self.per
        )
        return kept.href

    def chips(self) -> list[Chip]:
        """Return the filters in force, each with the address without it."""
        found: list[Chip] = []
        for name in dict.fromkeys(each.field for each in self.include):
            values = tuple(word_for(*each) for each in self.include if each.field is name)
            found.append(self._chip(f"f:{name}", TITLES[name], values))
        for each in self.exclude:
            title = f"Not {TITLES[each.field].lower()}"
            found.append(self._chip(f"x:{each}", title, (word_for(*each),)))
        if self.since or self.until:
            clock = self.clock.value.capitalize()
            days = (f"{self.since or 'the beginning'} to {self.until or 'now'}{self._in_zone}",)
            found.append(self._chip("dates", clock, days))
        return found

    @property
    def _in_zone(self) -> str:
        return f", {self.zone}" if self.zone else ""

    def _chip(self, key: str, title: str, values: Sequence[str]) -> Chip:
        return Chip(key, title, tuple(values), self.without(key))

    def _toggled(self, side: str, wanted: Filter) -> str:
        was: tuple[Filter, ...] = getattr(self, side)
        both = {
            "include": tuple(each for each in self.include if each != wanted),
            "exclude": tuple(each for each in self.exclude if each != wanted),
        }
        if wanted not in was:
            both[side] = (*both[side], wanted)
        changed = replace(self, include=both["include"], exclude=both["exclude"], cursor="")
        return changed.href


def word_for(name: FieldName, value: str) -> str:
    """Return a value as people read it."""
    return _WORDS.get((name, value), value)


def _all(request: web.Request, name: str) -> list[str]:
    values = request.query.getall(name, [])
    if any(len(value) > _MAX_FILTER for value in values):
        raise InvalidInput(f"expected filters of at most {_MAX_FILTER} characters", pointer=name)
    return values


def _choice(request: web.Request, name: str, usual: _Choice, choices: Sequence[_Choice]) -> _Choice:
    asked = text_of(request, name, default=usual.value)
    for choice in choices:
        if choice.value == asked:
            return choice
    expected = " or ".join(each.value for each in choices)
    raise InvalidInput(f"expected {expected} as {name}, found {asked[:40]!r}", pointer=name)


def _per(text: str) -> int:
    for size in PER_PAGE:
        if text == str(size):
            return size
    raise InvalidInput(
        f"expected {', '.join(map(str, PER_PAGE))} hits on a page, found {text[:40]!r}",
        pointer="per",
    )
