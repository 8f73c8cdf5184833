"""What is asked: the typed query and the filters chosen beside it, as one query tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from archiver.errors import InvalidInput
from archiver.legal.queries import read_query
from archiver.legal.understanding import zone_of
from search import dates
from search.fields import CHOICES, can_be, equal
from search.query import (
    DateName,
    DateRange,
    Everything,
    FieldName,
    Not,
    Query,
    field_value,
    some,
)

MAX_FILTERS = 200


class Filter(NamedTuple):
    """One value of one field, to be searched for or left out."""

    field: FieldName
    value: str

    def __str__(self) -> str:
        return f"{self.field}:{self.value}"

    @property
    def tree(self) -> Query:
        """What is searched for: the same as where it is typed, so `is:held` asks for holds."""
        return equal(self.field, self.value)


class Condition(NamedTuple):
    """One thing that can be taken away from what is asked, by its key.

    Keys are `q`, `f:<field>`, `x:<field>:<value>` and `dates`. `field` is what a filter is about.
    """

    key: str
    tree: Query
    field: FieldName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query text and filters. Several values of one field widen, different fields narrow.

    `since` and `until` are days (both included) or instants on the `clock`. Days are days in the
    zone named, or else the archive's. With `stem`, each plain word of the query without quotes
    finds its other English forms. All of it empty asks for everything.
    """

    query: str = ""
    include: tuple[Filter, ...] = ()
    exclude: tuple[Filter, ...] = ()
    since: str = ""
    until: str = ""
    clock: DateName = DateName.POSTED
    stem: bool = False
    zone: str = ""

    def days(self, zone: tzinfo) -> tzinfo:
        """Return the zone whose days are meant; `zone` is the archive's. Raises InvalidInput."""
        return zone_of(self.zone, zone)

    def conditions(self, zone: tzinfo) -> tuple[Condition, ...]:
        """Return what is asked, condition by condition; `zone` is the archive's.

        Raises:
            InvalidInput: the query is not in the language, the dates are none, or the zone is none.
        """
        zone = self.days(zone)
        found: list[Condition] = []
        if self.query.strip():
            found.append(Condition("q", read_query(self.query, zone, stem=self.stem)))
        for name in dict.fromkeys(each.field for each in self.include):
            values = [each.tree for each in self.include if each.field is name]
            found.append(Condition(f"f:{name}", some(values) or Everything(), name))
        found += [Condition(f"x:{each}", Not(each.tree), each.field) for each in self.exclude]
        between = self._dates(zone)
        return (*found, Condition("dates", between)) if between else tuple(found)

    def _dates(self, zone: tzinfo) -> DateRange | None:
        start = _bounds(self.since, zone, "from")[0] if self.since else None
        end = _bounds(self.until, zone, "to")[1] if self.until else None
        if start is None and end is None:
            return None
        if start is not None and end is not None and start >= end:
            raise InvalidInput(
                f"expected dates that end after they begin, found {self.since} to {self.until}",
                pointer="to",
            )
        return DateRange(self.clock, start, end)


def read_filters(texts: Sequence[str], pointer: str) -> tuple[Filter, ...]:
    """Return filters written `field:value`, each once.

    Raises:
        InvalidInput: there is no such field, a value is missing, or there are too many.
    """
    if len(texts) > MAX_FILTERS:
        raise InvalidInput(
            f"expected at most {MAX_FILTERS} filters, found {len(texts)}", pointer=pointer
        )
    return tuple(dict.fromkeys(_read_filter(text, pointer) for text in texts))


def _read_filter(text: str, pointer: str) -> Filter:
    name, _, value = text.partition(":")
    known = {field.value: field for field in FieldName}
    folded = field_value(known[name], value) if name in known else ""
    if not folded:
        raise InvalidInput(
            f"expected a filter like platform:x with one of {', '.join(known)}, "
            f"found {text[:80]!r}",
            pointer=pointer,
        )
    if not can_be(known[name], folded):
        values = ", ".join(CHOICES.get(known[name], ("64 digits of 0-9 and a-f",)))
        raise InvalidInput(
            f"expected one of {values} after {name}:, found {text[:80]!r}", pointer=pointer
        )
    return Filter(known[name], folded)


def _bounds(text: str, zone: tzinfo, pointer: str) -> tuple[int, int]:
    try:
        return dates.bounds(text.strip(), zone)
    except ValueError as error:
        raise InvalidInput(f"in {pointer}: {error}", pointer=pointer) from error
