"""What one committed state of the index says to everything one page of hits shows.

Count, page, facets, bars and the counts of wider questions are taken from one snapshot, all within
the searched part of the archive, so no two numbers of an answer contradict each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from archiver.errors import InvalidInput, SearchUnavailable
from archiver.legal.answers import Histogram
from archiver.legal.asking import Condition
from archiver.legal.cursors import Cursor
from search.calendar import SHORTEST, Interval, buckets, day_of, edges, interval_for
from search.index import Facet, Hit, Order, Snapshot, Summary
from search.query import DateName, Field, FieldName, Query, every

COUNTED_AT_ONCE = 50_000
"""Hits up to which tags are counted unasked: there are many, and each hit may have several."""

MOST_BARS = 4_000
"""Of an interval that was asked for; ten years have 3,653 days."""

_DEAR = frozenset({FieldName.TAG})


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is to be seen. `facets` are fields to be counted, each to `values` values.

    `chosen` are the values filtered by, counted even where they are rare. `interval` None lets the
    span of the hits choose; `bars` false leaves the histogram out.
    """

    limit: int
    order: Order = Order.NEWEST
    facets: Sequence[FieldName] = ()
    values: int = 8
    bars: bool = False
    clock: DateName = DateName.POSTED
    interval: Interval | None = None
    chosen: Sequence[Field] = ()
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a snapshot said. `known` are all documents of the searched part, `whole` of the index.

    `facets` has None for a field that was left uncounted because there is too much of it. `chosen`
    are values filtered by that are not among the most frequent. `wider` are counts without one
    condition each, where nothing was found.
    """

    watermark: int
    whole: int
    known: int
    total: int
    hits: Sequence[Hit] = ()
    facets: Mapping[FieldName, Facet | None] = field(default_factory=dict)
    chosen: Mapping[Field, int] = field(default_factory=dict)
    bars: Histogram | None = None
    accounts: int | None = None
    wider: tuple[tuple[str, int], ...] = ()


def look(
    snapshot: Snapshot,
    conditions: Sequence[Condition],
    part: Query,
    view: View,
    place: Cursor | None,
) -> Seen:
    """Return what `snapshot` says of all `conditions` within `part`.

    Raises:
        SearchUnavailable: the index covers less than when the cursor `place` was given.
    """
    check_cursor(snapshot, place)
    tree = every((*(each.tree for each in conditions), part))
    hits = snapshot.page(
        tree, limit=view.limit, order=view.order, after=place.after if place else None
    )
    known = snapshot.count(part)
    if not (view.facets or view.bars):
        total = snapshot.count(tree)
        return Seen(
            watermark=snapshot.watermark,
            whole=snapshot.known(),
            known=known,
            total=total,
            hits=hits,
        )
    own = {each.field for each in conditions}
    if _DEAR.intersection(view.facets) and snapshot.count(tree) > COUNTED_AT_ONCE:
        own |= _DEAR
    free = [name for name in view.facets if name not in own]
    summary = snapshot.summary(tree, free, limit=view.values, clock=view.clock)
    facets, chosen = _facets(snapshot, conditions, part, view, summary)
    return Seen(
        watermark=snapshot.watermark,
        whole=snapshot.known(),
        known=known,
        total=summary.total,
        hits=hits,
        facets=facets,
        chosen=chosen,
        bars=_bars(snapshot, tree, view, summary) if view.bars else None,
        accounts=summary.accounts,
        wider=() if summary.total else _wider(snapshot, conditions, part),
    )


def check_cursor(snapshot: Snapshot, place: Cursor | None) -> None:
    """Refuse to go on from a page that covered more than the index does now.

    Raises:
        SearchUnavailable: the index is being rebuilt, and would leave out hits in silence.
    """
    if place is not None and snapshot.watermark < place.log_size:
        raise SearchUnavailable(
            f"the index covers the log up to {snapshot.watermark}, the page before covered "
            f"{place.log_size}: it is being rebuilt; ask again when it is done"
        )


def _facets(
    snapshot: Snapshot,
    conditions: Sequence[Condition],
    part: Query,
    view: View,
    summary: Summary,
) -> tuple[dict[FieldName, Facet | None], dict[Field, int]]:
    """Count what the summary does not: tags while they are few, and fields that are filtered.

    Those are counted as if they were not filtered, so that their other values can be added.
    """
    found: dict[FieldName, Facet | None] = {**dict.fromkeys(view.facets), **summary.facets}
    chosen: dict[Field, int] = {}
    for name in view.facets:
        if name in summary.facets or (name in _DEAR and summary.total > COUNTED_AT_ONCE):
            continue
        tree = every((*(each.tree for each in conditions if each.field is not name), part))
        facet = snapshot.facets(tree, [name], limit=view.values)[name]
        found[name] = facet
        shown = {value for value, _ in facet.values}
        for leaf in view.chosen:
            if leaf.name is name and leaf.value not in shown:
                chosen[leaf] = snapshot.count(every((tree, leaf)))
    return found, chosen


def _bars(snapshot: Snapshot, tree: Query, view: View, summary: Summary) -> Histogram:
    span = summary.span
    if span is None:
        interval = view.interval or Interval.DAY
        return Histogram(clock=view.clock, interval=interval, bars=(), undated=summary.total)
    interval = view.interval or interval_for(*span, view.zone)
    if span[1] - span[0] > MOST_BARS * SHORTEST[interval]:
        raise InvalidInput(
            f"expected an interval that gives at most {MOST_BARS:,} bars, found {interval}; choose "
            "a longer one, or narrow the dates",
            pointer="histogram",
        )
    found = buckets(*span, interval, view.zone)
    counts = snapshot.histogram(tree, view.clock, edges(found))
    return Histogram(
        clock=view.clock,
        interval=interval,
        bars=tuple(zip(found, counts, strict=True)),
        undated=summary.total - sum(counts),
        first=day_of(span[0], view.zone),
        last=day_of(span[1], view.zone),
    )


def _wider(
    snapshot: Snapshot, conditions: Sequence[Condition], part: Query
) -> tuple[tuple[str, int], ...]:
    if len(conditions) < 2:  # noqa: PLR2004 - without the only one, everything is left
        return ()
    return tuple(
        (
            without.key,
            snapshot.count(every((*(e.tree for e in conditions if e is not without), part))),
        )
        for without in conditions
    )
