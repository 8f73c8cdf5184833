"""What a run of the lock keeper says: how far it came, what it extended, what it found drifted.

A run is an event of the trail, and is read back from there: every face tells the same of it, and a
rebuilt database still knows. A run that did not come to its end never counts as one that did.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archiver.assurance.lock_drift import Drift, DriftKind
from archiver.clock import from_millis, rfc3339
from archiver.db.events import EventRow

NAMED = 50
"""So many drifts of a run are named, each by an event of its own too; the others are counted."""

_MOST_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LockReport:
    """One run. Counts are of objects, but for `segments`, `total` and `extended_segments`.

    `unfinished` says in words what was not compared, and is empty of a whole run. `bucket` says
    what is wrong with the bucket's own settings. `drift` counts all differences, `mended` those
    that were put right, `named` are the first of them.
    """

    at: datetime
    by: str
    segments: int
    total: int
    objects: int
    extended_segments: int
    extended: int
    drift: int
    mended: int
    named: tuple[Drift, ...]
    unfinished: tuple[str, ...]
    bucket: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether everything was compared."""
        return not self.unfinished

    @property
    def ok(self) -> bool:
        """Whether it compared everything, and all was as promised."""
        return self.whole and not self.drift

    @property
    def sentence(self) -> str:
        """The outcome in a sentence."""
        far = f"{self.segments:,} of {self.total:,} segments compared"
        if self.whole:
            far = (
                f"All {self.total:,} segments compared" if self.total else "Nothing to compare yet"
            )
        said = [far]
        if self.extended:
            many = "object" if self.extended == 1 else "objects"
            said.append(f"locks of {self.extended:,} {many} extended")
        if self.drift:
            many = "difference" if self.drift == 1 else "differences"
            said.append(f"{self.drift:,} {many} found, {self.mended:,} of them put right")
        elif self.whole:
            said.append("all is as promised")
        return "; ".join(said)

    def to_dict(self) -> dict[str, object]:
        """Return the report for JSON."""
        return {
            "at": rfc3339(self.at),
            "by": self.by,
            "ok": self.ok,
            "whole": self.whole,
            "sentence": self.sentence,
            "segments": self.segments,
            "segments_in_all": self.total,
            "objects": self.objects,
            "extended_segments": self.extended_segments,
            "extended_objects": self.extended,
            "drift": self.drift,
            "mended": self.mended,
            "found": [each.to_dict() for each in self.named],
            "not_compared": list(self.unfinished),
            "bucket": list(self.bucket),
        }

    def details(self) -> dict[str, str | int | bool]:
        """Return what the event of the run tells."""
        return {
            "whole": self.whole,
            "segments": self.segments,
            "total": self.total,
            "objects": self.objects,
            "extended_segments": self.extended_segments,
            "extended": self.extended,
            "drift": self.drift,
            "mended": self.mended,
            "unfinished": _listed(self.unfinished),
            "bucket": _listed(self.bucket),
            "named": _listed([_short(each) for each in self.named]),
        }


def report_of(event: EventRow) -> LockReport:
    """Return the run that an event tells."""
    told: Mapping[str, Any] = json.loads(event.details)
    return LockReport(
        at=from_millis(event.at),
        by=event.actor,
        segments=int(told["segments"]),
        total=int(told["total"]),
        objects=int(told["objects"]),
        extended_segments=int(told["extended_segments"]),
        extended=int(told["extended"]),
        drift=int(told["drift"]),
        mended=int(told["mended"]),
        named=tuple(
            Drift(
                kind=DriftKind(each["kind"]),
                object_key=each["object"],
                store=each["store"],
                found=each["found"],
                mended=each["mended"],
                why_not=each["why_not"],
            )
            for each in json.loads(told["named"])
        ),
        unfinished=tuple(json.loads(told["unfinished"])),
        bucket=tuple(json.loads(told["bucket"])),
    )


@dataclass(slots=True)
class Tally:
    """A run under way: what it has counted so far."""

    total: int = 0
    segments: int = 0
    objects: int = 0
    extended_segments: int = 0
    extended: int = 0
    drift: int = 0
    mended: int = 0
    named: list[Drift] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    bucket: list[str] = field(default_factory=list)

    def note(self, drift: Drift) -> bool:
        """Count a drift; return whether it is one of those that are named."""
        self.drift += 1
        self.mended += drift.mended
        if len(self.named) >= NAMED:
            return False
        self.named.append(drift)
        return True

    def report(self, at: datetime, by: str) -> LockReport:
        """Return what there is to say."""
        return LockReport(
            at=at,
            by=by,
            segments=self.segments,
            total=self.total,
            objects=self.objects,
            extended_segments=self.extended_segments,
            extended=self.extended,
            drift=self.drift,
            mended=self.mended,
            named=tuple(self.named),
            unfinished=tuple(self.unfinished),
            bucket=tuple(self.bucket),
        )


def _short(drift: Drift) -> Mapping[str, str | bool]:
    return {
        "kind": drift.kind.value,
        "object": drift.object_key,
        "store": drift.store,
        "found": drift.found[:_MOST_WORDS],
        "mended": drift.mended,
        "why_not": drift.why_not[:_MOST_WORDS],
    }


def _listed(items: Sequence[object]) -> str:
    return json.dumps(list(items), ensure_ascii=False)
