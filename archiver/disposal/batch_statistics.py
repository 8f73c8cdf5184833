"""What is in a batch, counted: by year, platform, kind, language and media. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from archiver.clock import from_millis
from archiver.db.batch_review import Described

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many records have one value of a field, and their bytes in the store."""

    value: str
    records: int
    bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {"value": self.value, "records": self.records, "bytes": self.bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The records of a batch, counted by each field; the shares of a field add up to the whole."""

    records: int
    bytes: int
    media: int
    by: dict[str, tuple[Share, ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "records": self.records,
            "bytes": self.bytes,
            "media": self.media,
            **{
                f"by_{name}": [share.to_dict() for share in shares]
                for name, shares in self.by.items()
            },
        }


def statistics_of(rows: Iterable[Described], zone: ZoneInfo) -> Statistics:
    """Return the statistics of a batch. Years are those in which posts were posted, in `zone`.

    Where a platform did not say when, the year of capture counts.
    """
    records: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
    sizes: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
    media = 0
    for row in rows:
        media += row.media
        for name, value in zip(_FIELDS, _values(row, zone), strict=True):
            records[name][value] += 1
            sizes[name][value] += row.size
    return Statistics(
        records=records["year"].total(),
        bytes=sizes["year"].total(),
        media=media,
        by={
            name: tuple(
                Share(value=value, records=count, bytes=sizes[name][value])
                for value, count in sorted(found.items())
            )
            for name, found in records.items()
        },
    )


_FIELDS = ("year", "kind", "platform", "language", "media")


def _values(row: Described, zone: ZoneInfo) -> tuple[str, ...]:
    moment = row.captured_at if row.posted_at is None else row.posted_at
    year = str(from_millis(moment).astimezone(zone).year)
    with_media = "with media" if row.media else "without media"
    return (year, row.kind or UNKNOWN, row.platform, row.lang or UNKNOWN, with_media)
