"""Whether words stand near each other in a text: one sweep from left to right.

Proximity is defined by sets of positions (`search.query.Near`): what one operand finds and what the
other finds share no position, and the nearest of them are close enough. To try every pair of finds
explodes with nesting: 20,000 repeated words have billions of them. The sweep builds no finds. It
takes the occurrences of single words and phrases as they come and keeps, for each way in which a
query can be half found, only the latest places: what completes an earlier place completes a later
one as well, for it is never further away. So time grows with the length of the text, and what is
kept does not.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from search.errors import QueryTooBroad
from search.query import Near, Or, Query, Words, is_words

IsWhole = Callable[[int], bool]
"""Tells from the bits seen whether nothing of a part of the query is missing."""

MOST_OPERANDS = 8
"""Words, phrases and ORs of those in one find; the work of a sweep doubles with each."""

MOST_LOOKED = 2_000
"""Occurrences looked at one by one: who reads a text steps through fewer."""

_NEXT_DOOR = 16  # rows on either side
_NOWHERE = -1


class Row(NamedTuple):
    """Positions in a row, from `first` to `last`, on which operand number `operand` is found."""

    first: int
    last: int
    operand: int


class _Level(NamedTuple):
    """A proximity that an operand stands in: on its left side, or where `before` is set, right.

    `own` and `other` say where the last position of either side is kept, `met` is the bit that says
    it is satisfied, and `before` tells whether its left side is whole.
    """

    own: int
    other: int
    distance: int
    ordered: bool
    met: int
    before: IsWhole | None


class _Operand(NamedTuple):
    """`excludes` are bits that keep it from being placed: its own and those of other branches."""

    number: int
    bit: int
    excludes: int
    levels: tuple[_Level, ...]


class _Half(NamedTuple):
    """A query half found.

    `seen` has the bits of the operands placed and of the proximities met, `lasts` the last position
    of each side of each proximity that is not met yet, `end` the last position of all, and `rows`
    what it is made of, as a chain that begins with the newest.
    """

    seen: int
    lasts: tuple[int, ...]
    end: int
    rows: tuple[Row, "_Half"] | None

    def covers(self, other: "_Half", position: int) -> bool:
        """Return whether all that completes `other` after `position` completes this one too."""
        if self.end > max(other.end, position):
            return False
        return all(mine >= theirs for mine, theirs in zip(self.lasts, other.lasts, strict=True))

    def made_of(self) -> Iterator[Row]:
        half = self
        while half.rows is not None:
            row, half = half.rows
            yield row


class Proximity:
    """A `Near` with all that stands in it, made ready to be looked for in many texts.

    `operands` are the words whose occurrences it is asked with: single words, phrases, and ORs of
    those.
    """

    def __init__(self, near: Near) -> None:
        """Number what `near` is made of.

        Raises:
            QueryTooBroad: it has more than `MOST_OPERANDS`.
        """
        self.operands: list[Words] = []
        self._placing: list[_Operand] = []
        self._distances: list[int] = []
        self._met = 0
        self._is_whole = self._take_apart(near, ())
        self._longest = max(self._distances)
        if (found := operands_in(near)) > MOST_OPERANDS:
            raise QueryTooBroad(
                f"Expected at most {MOST_OPERANDS} words, phrases or groups near each other, "
                f"found {found}. Put words that stand for each other into one group "
                "with OR, or ask for a part of the words with AND."
            )

    def is_in(self, rows: Iterable[Row]) -> bool:
        """Return whether among occurrences of the operands are some that are near as asked."""
        return any(self._sweep(cluster) is not None for cluster in self._candidates(rows))

    def taking_part(self, rows: Iterable[Row]) -> set[Row]:
        """Return the occurrences that are in some find: of very many the first (`MOST_LOOKED`).

        This is more work than `is_in`, for each is looked at.
        """
        found: set[Row] = set()
        looked = 0
        for cluster in self._candidates(rows):
            for at, row in enumerate(cluster):
                if row in found:
                    continue
                if (looked := looked + 1) > MOST_LOOKED:
                    return found
                half = self._find_with(row, at, cluster)
                found.update(half.made_of() if half else ())
        return found

    def _find_with(self, row: Row, at: int, cluster: Sequence[Row]) -> _Half | None:
        """Return a find with the row at `at`; where words are many, one is mostly next door."""
        next_door = cluster[max(0, at - _NEXT_DOOR) : at + _NEXT_DOOR + 1]
        half = self._sweep(self._around(row, next_door))
        if half is None and len(next_door) < len(cluster):
            half = self._sweep(self._around(row, cluster))
        return half

    def _around(self, row: Row, cluster: Sequence[Row]) -> list[Row]:
        """Return what a find with `row` can be made of, without its operand's other places."""
        reach = self._reach(cluster)
        low = bisect_left(cluster, row.first - reach, key=attrgetter("first"))
        high = bisect_right(cluster, row.last + reach, key=attrgetter("first"))
        excludes = self._placing[row.operand].excludes
        return [
            each
            for each in cluster[low:high]
            if each == row or not excludes & self._placing[each.operand].bit
        ]

    def _candidates(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Yield the stretches of rows in which finds can lie, without rows that are in none."""
        for cluster in self._clusters(sorted(rows)):
            near = self._with_company(cluster)
            yield from [cluster] if len(near) == len(cluster) else self._clusters(near)

    def _clusters(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Yield the stretches without a gap over the longest distance that have all operands."""
        cluster: list[Row] = []
        end = seen = 0
        for row in rows:
            if cluster and row.first - end > self._longest:
                if self._is_whole(seen | self._met):
                    yield cluster
                cluster, seen = [], 0
            end = max(end, row.last) if cluster else row.last
            cluster.append(row)
            seen |= self._placing[row.operand].bit
        if self._is_whole(seen | self._met):
            yield cluster

    def _with_company(self, cluster: list[Row]) -> list[Row]:
        """Return the rows that have all that a find with them needs within reach."""
        reach = self._reach(cluster)
        if cluster[-1].last - cluster[0].first <= reach:
            return cluster
        company = [0] * len(cluster)
        for operand in self._placing:
            places = [row.first for row in cluster if row.operand == operand.number]
            for number, row in enumerate(cluster):
                at = bisect_left(places, row.first - reach)
                if at < len(places) and places[at] <= row.last + reach:
                    company[number] |= operand.bit
        return [
            row
            for row, seen in zip(cluster, company, strict=True)
            if self._is_whole(seen | self._met)
        ]

    def _reach(self, cluster: Sequence[Row]) -> int:
        """Return how many positions a find can span, or more."""
        widest = max(row.last - row.first + 1 for row in cluster)
        return sum(self._distances) + widest * len(self.operands)

    def _sweep(self, rows: Iterable[Row]) -> _Half | None:
        """Return a find among `rows`, which ascend, or None if there is none."""
        halves = {0: [_Half(0, (_NOWHERE,) * (2 * len(self._distances)), _NOWHERE, None)]}
        for position, beginning in groupby(rows, key=attrgetter("first")):
            made = [
                new
                for row in beginning
                for seen, group in halves.items()
                if not seen & self._placing[row.operand].excludes
                for half in group
                if half.end < position and (new := self._placed(half, row)) is not None
            ]
            for new in made:
                if self._is_whole(new.seen):
                    return new
                _keep(new, halves.setdefault(new.seen, []), position)
        return None

    def _placed(self, half: _Half, row: Row) -> _Half | None:
        """Return what `half` is with `row`, None where the order forbids it."""
        _, bit, _, levels = self._placing[row.operand]
        seen, lasts = half.seen | bit, list(half.lasts)
        for own, other, distance, ordered, met, before in levels:
            if seen & met:
                continue
            is_near = lasts[other] != _NOWHERE and row.first - lasts[other] <= distance
            if ordered and before is not None and not (is_near and before(seen)):
                return None
            if is_near:
                seen |= met
                lasts[own] = lasts[other] = _NOWHERE
            else:
                lasts[own] = row.last
        return _Half(seen, tuple(lasts), row.last, (row, half))

    def _take_apart(self, words: Words, levels: tuple[_Level, ...]) -> IsWhole:
        """Number what `words` are made of, and return what tells whether all of it is there."""
        match words:
            case Near():
                return self._near(words, levels)
            case Or(parts) if any(map(has_near, parts)):
                return self._branches([part for part in parts if is_words(part)], levels)
            case _:
                bit = self._new_bit()
                self._placing.append(_Operand(len(self.operands), bit, bit, levels))
                self.operands.append(words)
                return lambda seen: bool(seen & bit)

    def _near(self, near: Near, levels: tuple[_Level, ...]) -> IsWhole:
        number, met = len(self._distances), self._new_bit()
        self._distances.append(near.distance)
        self._met |= met
        on_left = _Level(2 * number, 2 * number + 1, near.distance, near.ordered, met, None)
        left = self._take_apart(near.left, (on_left, *levels))
        on_right = _Level(2 * number + 1, 2 * number, near.distance, near.ordered, met, left)
        right = self._take_apart(near.right, (on_right, *levels))
        return lambda seen: bool(seen & met) and left(seen) and right(seen)

    def _branches(self, parts: Sequence[Words], levels: tuple[_Level, ...]) -> IsWhole:
        """Take an OR apart that has proximity in it: a find is of one branch alone."""
        first, wholes, ranges = len(self._placing), [], []
        for part in parts:
            start = len(self._placing)
            wholes.append(self._take_apart(part, levels))
            ranges.append(range(start, len(self._placing)))
        every = sum(operand.bit for operand in self._placing[first:])
        for branch in ranges:
            others = every - sum(self._placing[number].bit for number in branch)
            for number in branch:
                operand = self._placing[number]
                self._placing[number] = operand._replace(excludes=operand.excludes | others)
        return lambda seen: any(is_whole(seen) for is_whole in wholes)

    def _new_bit(self) -> int:
        return 1 << (len(self._placing) + len(self._distances))


def operands_in(words: Query) -> int:
    """Return how many words, phrases and ORs of those a find of `words` is made of, at most."""
    match words:
        case Near(left, right):
            return operands_in(left) + operands_in(right)
        case Or(parts):
            return max(map(operands_in, parts))
        case _:
            return 1


def has_near(words: Query) -> bool:
    """Return whether proximity stands in `words`, so that no pair of places decides."""
    match words:
        case Near():
            return True
        case Or(parts):
            return any(map(has_near, parts))
        case _:
            return False


def _keep(new: _Half, halves: list[_Half], position: int) -> None:
    """Add a half find to those of the same bits, unless they make it needless, and drop theirs."""
    if any(old.covers(new, position) for old in halves):
        return
    halves[:] = [old for old in halves if not new.covers(old, position)]
    halves.append(new)
