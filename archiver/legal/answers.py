"""Answers to queries: what was found, how many, and which part of the archive that speaks of."""

from dataclasses import dataclass
from datetime import datetime

from archiver.clock import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an answer speaks of: the log below `log_size`, in which `records` can be found.

    `not_searchable` posts below `log_size` hold nothing that can be searched; they are in no count.
    """

    log_size: int
    records: int
    not_searchable: int

    def to_dict(self) -> dict[str, int]:
        """Return the JSON form."""
        return {
            "log_size": self.log_size,
            "records": self.records,
            "not_searchable": self.not_searchable,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record found. `integrity` says what is wrong with its stored bytes; empty: they verified.

    Where they did not, `author`, `text` and `permalink` are empty rather than doubtful.
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
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a query: an exact count, what it covers, and a page of hits or all ids."""

    query: str
    normalised: str
    count: int
    covered: Coverage
    engine: str
    analyzer: str
    hits: tuple[Hit, ...] = ()
    ids: tuple[str, ...] | None = None
    next_cursor: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of DESIGN section 11, with `ids` where they were asked for, or `hits`."""
        answer: dict[str, object] = {
            "query": self.query,
            "normalised": self.normalised,
            "count": self.count,
            "covered": self.covered.to_dict(),
            "engine": self.engine,
            "analyzer": self.analyzer,
        }
        if self.ids is not None:
            return {**answer, "ids": list(self.ids)}
        hits = [hit.to_dict() for hit in self.hits]
        return {**answer, "hits": hits, "next_cursor": self.next_cursor}
