"""Answers to queries: what was found, how many, and which part of the archive that speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from archiver.clock import rfc3339
from archiver.db.records import RecordRow
from search.calendar import Bucket, Interval
from search.query import DateName, FieldName


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an answer speaks of: the log below `log_size`, in which `records` can be found.

    `not_searchable` posts below `log_size` are in no count: they hold nothing that can be searched,
    or are among the `set_aside` ones, which the index could not take in and somebody has to review.
    `restricted` posts are not shown and in no count (`archiver.legal.restriction`); None where the
    asker may not know how many. `is_exact` false: the index does not hold just the posts it has to,
    so that counts may be too low or too high until it has been put right.
    """

    log_size: int
    records: int
    not_searchable: int
    set_aside: int = 0
    restricted: int | None = None
    is_exact: bool = True

    def to_dict(self) -> dict[str, int | bool]:
        """Return the JSON form."""
        return {
            "log_size": self.log_size,
            "records": self.records,
            "not_searchable": self.not_searchable,
            "set_aside": self.set_aside,
            "exact": self.is_exact,
            **({"restricted": self.restricted} if self.restricted else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record found. `integrity` says what is wrong with its stored bytes; empty: they verified.

    Where they did not, `author`, `text` and `permalink` are empty rather than doubtful. `media` is
    how many media it has; `marks` are the ranges of `text` that the query found, ascending.
    """

    id: str
    log_index: int
    platform: str
    account: str
    author: str
    posted_at: datetime | None
    captured_at: datetime
    change: str
    text: str
    permalink: str
    class_code: str
    held: bool
    integrity: str = ""
    lang: str = ""
    media: int = 0
    marks: tuple[tuple[int, int], ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "log_index": self.log_index,
            "platform": self.platform,
            "account": self.account,
            "author": self.author,
            "posted_at": rfc3339(self.posted_at) if self.posted_at else None,
            "captured_at": rfc3339(self.captured_at),
            "change": self.change,
            "text": self.text,
            "permalink": self.permalink,
            "class_code": self.class_code,
            "held": self.held,
            "integrity": self.integrity,
            "lang": self.lang,
            "media": self.media,
            "marks": [list(mark) for mark in self.marks],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a query: an exact count, what it covers, and a page of hits or all ids.

    `within` names the part of the archive that was searched, for those who see no more; empty: all.
    """

    query: str
    normalised: str
    count: int
    covered: Coverage
    engine: str
    analyzer: str
    hits: tuple[Hit, ...] = ()
    ids: tuple[str, ...] | None = None
    next_cursor: str = ""
    within: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of DESIGN section 11, with `ids` where they were asked for, or `hits`."""
        answer: dict[str, object] = {
            "query": self.query,
            "normalised": self.normalised,
            "count": self.count,
            "covered": self.covered.to_dict(),
            "engine": self.engine,
            "analyzer": self.analyzer,
            **({"within": list(self.within)} if self.within else {}),
        }
        if self.ids is not None:
            return {**answer, "ids": list(self.ids)}
        hits = [hit.to_dict() for hit in self.hits]
        return {**answer, "hits": hits, "next_cursor": self.next_cursor}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCount:
    """One field's most frequent values with their exact counts.

    `values` are `(value, count)`; `other` is how often all further values occur. `counted` false:
    there are too many hits or values to count them unasked.
    """

    field: FieldName
    values: tuple[tuple[str, int], ...]
    other: int
    counted: bool = True

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "field": self.field.value,
            "values": [{"value": value, "count": count} for value, count in self.values],
            "other": self.other,
            "counted": self.counted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many hits each stretch of days has, on one clock, in the zone asked in or the archive's.

    `bars` are `(bucket, count)`; `undated` hits have no such time, or none a calendar knows.
    `first` and `last` are the days of the first and the last hit.
    """

    clock: DateName
    interval: Interval
    bars: tuple[tuple[Bucket, int], ...]
    undated: int
    first: date | None = None
    last: date | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: each bar with its first and its last day."""
        return {
            "clock": self.clock.value,
            "interval": self.interval.value,
            "undated": self.undated,
            "buckets": [
                {
                    "label": bucket.label,
                    "from": bucket.first.isoformat(),
                    "to": bucket.last.isoformat(),
                    "count": count,
                }
                for bucket, count in self.bars
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How far the index is: `read` of `log_size` entries, up to the moment `current_to`.

    `waiting` posts within reach are not in it yet, counted in the next entries it has to read;
    `behind` says that it has more to read than were looked through.
    """

    read: int
    log_size: int
    current_to: datetime | None
    waiting: int
    behind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything one page of a search shows, of one state of the index.

    `as_query` is all that was asked as one query text, empty where no text says it. `accounts` is
    of how many accounts the hits are, None: of more than can be told. `wider` are counts without
    one condition each (`archiver.legal.asking.Condition`), where nothing was found.
    """

    answer: Answer
    facets: tuple[FieldCount, ...]
    histogram: Histogram | None
    accounts: int | None
    as_query: str
    freshness: Freshness
    wider: tuple[tuple[str, int], ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: that of the answer, and what else was asked for."""
        document = self.answer.to_dict()
        if self.facets:
            document["facets"] = [facet.to_dict() for facet in self.facets]
        if self.histogram:
            document["histogram"] = self.histogram.to_dict()
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSearchable:
    """A page of the posts that no search finds; `next_cursor` empty at the end.

    `why` tells by log index why the index could not take a post in; the others hold nothing to be
    searched.
    """

    records: tuple[RecordRow, ...]
    total: int
    log_size: int
    next_cursor: str
    within: tuple[str, ...]
    why: Mapping[int, str] = field(default_factory=dict)
