"""What is known of the archive's integrity: the facts that `integrity_judgement` judges."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archiver.assurance.lock_report import LockReport
from archiver.clock import rfc3339


class StorePromise(StrEnum):
    """What the store may be said to keep."""

    WORM = "worm"  # proven by the lock probe
    AUDIT_TRAIL = "audit-trail"  # keeps no locks, and never claims to
    REFUSED = "refused"  # claims locks, and the probe broke them
    UNPROVEN = "unproven"  # claims locks, and was never probed


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A problem that a verification named: the stored object, the record, what is wrong."""

    object_key: str
    record_id: str
    what: str

    def to_dict(self) -> dict[str, object]:
        """Return the problem for JSON."""
        return {"object": self.object_key, "record": self.record_id, "what": self.what}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One finished verification, as its event tells it.

    `extent` is "full" or "sample"; `percent` is of a sample. `log_size` is how much of the log it
    was about. `found` names the first problems, `problems` counts all.
    """

    event_id: str
    at: datetime
    by: str
    extent: str
    percent: str
    level: str
    checked: int
    log_size: int
    problems: int
    found: tuple[Found, ...]
    not_checked: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it found everything as promised."""
        return self.problems == 0

    @property
    def is_full(self) -> bool:
        """Whether it was about everything."""
        return self.extent == "full"

    def to_dict(self) -> dict[str, object]:
        """Return the verification for JSON."""
        return {
            "event": self.event_id,
            "at": rfc3339(self.at),
            "by": self.by,
            "extent": self.extent,
            "percent": self.percent,
            "level": self.level,
            "checked": self.checked,
            "log_size": self.log_size,
            "ok": self.ok,
            "problems": self.problems,
            "found": [each.to_dict() for each in self.found],
            "not_checked": self.not_checked,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A verification that waits or runs, and how far it is; `total` 0 where nobody can tell."""

    job_id: str
    by: str
    is_running: bool
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamped:
    """The newest token of one authority: when, by its clock, the log of `size` existed."""

    authority: str
    size: int
    at: datetime
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """How one witness stands in this process: what it cosigned last, and what is wrong."""

    name: str
    size: int
    at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSeen:
    """A background loop of this process."""

    name: str
    problem: str
    notice: str
    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySeen:
    """The second copy, as this process knows it."""

    pending: int
    lag_s: float
    damaged: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A post that the search index could not take in: which, why, and since when."""

    record_id: str
    log_index: int
    why: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSeen:
    """The search index, as this process knows it.

    `compared_at` is when all of it, up to `compared_to`, was last compared with the records, None
    where another process does that; `missing` and `surplus` posts were found so since the start.
    `losses` indexes were found lost or damaged. `not_taken` names the newest of the `aside` posts
    set aside, of which `damaged` are not what the log promises. `crowded` says that it has more
    posts than its engine is meant for, and is empty where it has not.
    """

    engine: str
    analyzer: str
    size: int
    is_written_here: bool
    compared_at: datetime | None
    compared_to: int
    checked_at: datetime | None
    missing: int
    surplus: int
    losses: int
    last_loss: str
    aside: int
    damaged: int
    not_taken: tuple[NotTaken, ...] = ()
    crowded: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the index's health for JSON."""
        return {
            "engine": self.engine,
            "analyzer": self.analyzer,
            "bytes": self.size,
            "compared_at": rfc3339(self.compared_at) if self.compared_at else None,
            "compared_to": self.compared_to,
            "files_checked_at": rfc3339(self.checked_at) if self.checked_at else None,
            "missing_found": self.missing,
            "surplus_found": self.surplus,
            "lost": self.losses,
            "not_searchable": self.aside,
            "damaged": self.damaged,
            "crowded": self.crowded,
            "review": [
                {
                    "record": each.record_id,
                    "log_index": each.log_index,
                    "why": each.why,
                    "reason": each.reason,
                    "since": rfc3339(each.since),
                }
                for each in self.not_taken
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCheck:
    """A check that goes on by itself: its name, what it does, how often."""

    name: str
    what: str
    every: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the running process knows besides the database.

    `indexed` is the log size the search index covers; `authorities` and `witnesses` are those that
    are asked; `quorum_size` is the newest size a quorum cosigned while this process ran.
    """

    store: StorePromise
    store_words: str
    indexed: int
    authorities: tuple[str, ...] = ()
    timestamp_problems: Mapping[str, str]
    witnesses: tuple[Witnessed, ...] = ()
    quorum_asked: bool = False
    quorum_size: int = 0
    second: CopySeen | None = None
    index: IndexSeen | None = None
    loops: tuple[LoopSeen, ...] = ()
    checks: tuple[ScheduledCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityFacts:
    """Everything the judgement rests on.

    `checkpoint_at` is the moment of the newest entry under the checkpoint. `verifications` are the
    newest, newest first. `contradictions`, `damaged` and `drifted` count events since the newest
    full verification that found nothing. `locks` is the newest run of the lock keeper.
    """

    as_of: datetime
    log_size: int
    size: int
    root: bytes
    checkpoint_at: datetime | None
    verifications: tuple[Verification, ...]
    verifying: tuple[UnderWay, ...]
    timestamps: tuple[Timestamped, ...]
    contradictions: int
    damaged: int
    signals: Signals
    drifted: int = 0
    locks: LockReport | None = None

    @property
    def waiting(self) -> int:
        """Entries that no checkpoint covers yet."""
        return self.log_size - self.size

    @property
    def newest(self) -> Verification | None:
        """The newest verification of any extent."""
        return self.verifications[0] if self.verifications else None

    @property
    def newest_full(self) -> Verification | None:
        """The newest verification of everything."""
        return next((each for each in self.verifications if each.is_full), None)

    @property
    def covered(self) -> int:
        """Log entries that the newest full verification was about."""
        full = self.newest_full
        return 0 if full is None else min(full.log_size, self.log_size)

    @property
    def failing(self) -> Verification | None:
        """The newest verification with problems that no later full one has cleared."""
        for each in self.verifications:
            if not each.ok:
                return each
            if each.is_full:
                return None
        return None
