"""What is known of the archive's integrity, and the judgement over it: pure.

`judge` is the one place that says Verified, Verifying, Problem or Not yet verified, and why. Each
reason says what was found, what it means and what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from archiver.clock import rfc3339

OLD_AFTER = timedelta(days=30)
"""A full verification older than this is told to be old."""

STAMP_OLD_AFTER = timedelta(days=3)
"""A newest timestamp older than this is told to be old."""


class IntegrityState(StrEnum):
    """What may be said of the whole archive."""

    VERIFIED = "verified"
    VERIFYING = "verifying"
    PROBLEM = "problem"
    NOT_YET = "not-yet-verified"


class StorePromise(StrEnum):
    """What the store may be said to keep."""

    WORM = "worm"  # proven by the lock probe
    AUDIT_TRAIL = "audit-trail"  # keeps no locks, and never claims to
    REFUSED = "refused"  # claims locks, and the probe broke them
    UNPROVEN = "unproven"  # claims locks, and was never probed


class Gravity(StrEnum):
    """How much a reason weighs."""

    PROBLEM = "problem"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing the judgement rests on: what was found, what it means, what to do."""

    gravity: Gravity
    what: str
    means: str
    todo: str

    def to_dict(self) -> dict[str, object]:
        """Return the reason for JSON."""
        return {
            "gravity": self.gravity.value,
            "what": self.what,
            "means": self.means,
            "do": self.todo,
        }


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
    loops: tuple[LoopSeen, ...] = ()
    checks: tuple[ScheduledCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityFacts:
    """Everything the judgement rests on.

    `checkpoint_at` is the moment of the newest entry under the checkpoint. `verifications` are the
    newest, newest first. `contradictions` and `damaged` count events since the newest full
    verification that found nothing.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The state, one sentence for people, and the reasons, problems first."""

    state: IntegrityState
    sentence: str
    reasons: tuple[Reason, ...]


def judge(facts: IntegrityFacts) -> Judgement:
    """Return what may be said of the archive.

    A problem stays one until a full verification after it finds nothing; that one is running does
    not hide it. Without any full verification an archive is never called verified.
    """
    problems = tuple(_problems(facts))
    reasons = (*problems, *_notices(facts))
    if problems:
        words = _counted(len(problems), "thing is", "things are")
        sentence = f"Problem: {words} not as promised."
        return Judgement(state=IntegrityState.PROBLEM, sentence=sentence, reasons=reasons)
    if facts.verifying:
        sentence = "Verifying: a verification is under way."
        return Judgement(state=IntegrityState.VERIFYING, sentence=sentence, reasons=reasons)
    full = facts.newest_full
    if full is None:
        sentence = "Not yet verified: nobody has verified the whole archive."
        return Judgement(state=IntegrityState.NOT_YET, sentence=sentence, reasons=reasons)
    sentence = (
        f"Verified: everything the log held on {rfc3339(full.at)[:10]} was as promised "
        f"({full.checked:,} records, events included)."
    )
    return Judgement(state=IntegrityState.VERIFIED, sentence=sentence, reasons=reasons)


def _problems(facts: IntegrityFacts) -> list[Reason]:
    failing = facts.failing
    return [
        *([] if failing is None else [_found_by(failing)]),
        *_told_by_events(facts),
        *_told_by_signals(facts.signals),
    ]


def _found_by(failing: Verification) -> Reason:
    many = _counted(failing.problems, "problem", "problems")
    when = rfc3339(failing.at)[:16].replace("T", " ")
    return _problem(
        f"The verification of {when} UTC found {many}",
        "Something stored is not what the log promises. The objects and records are named below; "
        "everything else is as promised.",
        "Keep everything as it is. Put the objects back from the second copy (muniment verify "
        "--repair) or from a backup, then verify everything again.",
    )


def _told_by_events(facts: IntegrityFacts) -> list[Reason]:
    found = []
    if facts.contradictions:
        times = _counted(facts.contradictions, "time", "times")
        found.append(
            _problem(
                f"{times} a witness held another log than this",
                "Somebody was shown another history: this archive may be an old copy, or its log "
                "was rewritten.",
                "Stop captures, find the newest copy of database and store, and tell the auditor.",
            )
        )
    if facts.damaged:
        objects = _counted(facts.damaged, "stored object was", "stored objects were")
        found.append(
            _problem(
                f"{objects} found damaged while being read",
                "The second copy answered, so that nobody saw wrong content; the first store is "
                "not sound.",
                "Run muniment verify --repair, and look into the disk or bucket.",
            )
        )
    return found


def _told_by_signals(signals: Signals) -> list[Reason]:
    found = [
        _problem(
            f"The background check {loop.name!r} has stopped for good",
            f"It found that something stored is not what was promised: {loop.problem}",
            "Verify everything, put right what is named, then start the service again.",
        )
        for loop in signals.loops
        if loop.stopped
    ]
    if signals.store is StorePromise.REFUSED:
        found.append(
            _problem(
                "The store does not keep its locks",
                f"{signals.store_words}. Whoever holds its credentials could delete records.",
                "Stop captures and move to a store that passes muniment doctor worm.",
            )
        )
    return found


def _notices(facts: IntegrityFacts) -> list[Reason]:
    signals, full = facts.signals, facts.newest_full
    found = []
    if full is None:
        found.append(
            _notice(
                "The whole archive was never verified",
                "Samples and every read check what they touch, and nothing else.",
                "Verify everything.",
            )
        )
    elif facts.as_of - full.at > OLD_AFTER:
        days = (facts.as_of - full.at).days
        found.append(
            _notice(
                f"The last verification of everything is {days} days old",
                f"{facts.log_size - facts.covered:,} log entries came after it.",
                "Verify everything.",
            )
        )
    if signals.authorities:
        found += _stamp_notices(facts)
    if signals.quorum_asked and signals.quorum_size < facts.size:
        found.append(
            _notice(
                "The newest checkpoint has no quorum of witnesses yet",
                "Until witnesses have cosigned it, only this archive vouches for it.",
                "Nothing, if it is seconds old; otherwise look at the witnesses below.",
            )
        )
    if signals.store is StorePromise.UNPROVEN:
        found.append(
            _notice(
                "The store claims locks, and nobody has tried them",
                "What is not tried is not proven.",
                "Run muniment doctor worm.",
            )
        )
    if signals.second is not None and signals.second.problem:
        found.append(
            _notice(
                "The second copy is not up to date",
                f"{signals.second.problem}.",
                "Look whether the second store is reachable; copying goes on by itself.",
            )
        )
    return found


def _stamp_notices(facts: IntegrityFacts) -> list[Reason]:
    found = [
        _notice(
            f"The timestamp authority {name} gave no token",
            f"{problem}.",
            "It is asked again by itself; if it stays so, check its URL and roots.",
        )
        for name, problem in sorted(facts.signals.timestamp_problems.items())
    ]
    newest = max((stamp.at for stamp in facts.timestamps), default=None)
    if newest is None or facts.as_of - newest > STAMP_OLD_AFTER:
        found.append(
            _notice(
                "No recent timestamp covers the log"
                if newest is None
                else f"The newest timestamp is {(facts.as_of - newest).days} days old",
                "When what came since existed is told by this archive's own clock alone.",
                "Look at the timestamp authorities below.",
            )
        )
    return found


def _problem(what: str, means: str, todo: str) -> Reason:
    return Reason(gravity=Gravity.PROBLEM, what=what, means=means, todo=todo)


def _notice(what: str, means: str, todo: str) -> Reason:
    return Reason(gravity=Gravity.NOTICE, what=what, means=means, todo=todo)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
