"""The judgement over the archive's integrity: pure.

`judge` is the one place that says Verified, Verifying, Problem or Not yet verified, and why. Each
reason says what was found, what it means and what to do.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from archiver.assurance.integrity_status import (
    IndexSeen,
    IntegrityFacts,
    Signals,
    StorePromise,
    Verification,
)
from archiver.clock import rfc3339

OLD_AFTER = timedelta(days=30)
"""A full verification older than this is told to be old."""

STAMP_OLD_AFTER = timedelta(days=3)
"""A newest timestamp older than this is told to be old."""

LOCKS_OLD_AFTER = timedelta(days=3)
"""A newest run of the lock keeper older than this is told to be old; it runs daily."""


class IntegrityState(StrEnum):
    """What may be said of the whole archive."""

    VERIFIED = "verified"
    VERIFYING = "verifying"
    PROBLEM = "problem"
    NOT_YET = "not-yet-verified"


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
    if facts.drifted:
        objects = _counted(facts.drifted, "stored object was", "stored objects were")
        found.append(
            _problem(
                f"{objects} found otherwise than promised",
                "A lock, a hold or a version was changed past this archive. What may be put right "
                "by itself was; the objects are named below and in the audit trail.",
                "Find out who may write to the store and did it. This stays until a verification "
                "of everything finds nothing.",
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
    if signals.index is not None and signals.index.damaged:
        posts = _counted(signals.index.damaged, "stored post is", "stored posts are")
        found.append(
            _problem(
                f"{posts} not what the log promises",
                "They could not be read into the search index, and no search finds them; they are "
                "named below.",
                "Put the objects back from the second copy (muniment verify --full --repair) or "
                "from a backup. They are tried again by themselves.",
            )
        )
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
    if signals.index is not None:
        found += _index_notices(signals.index)
    found += _lock_notices(facts)
    if signals.second is not None and signals.second.problem:
        found.append(
            _notice(
                "The second copy is not up to date",
                f"{signals.second.problem}.",
                "Look whether the second store is reachable; copying goes on by itself.",
            )
        )
    return found


def _index_notices(index: IndexSeen) -> list[Reason]:
    found = []
    if index.crowded:
        what, _, means = index.crowded.partition(": ")
        found.append(
            _notice(
                f"The search engine is too small: {what}",
                f"{means[:1].upper()}{means[1:]}.",
                "Have MUNIMENT_SEARCH_URL set to tantivy:FOLDER, then build a new index.",
            )
        )
    if others := index.aside - index.damaged:
        found.append(
            _notice(
                f"{_counted(others, 'post', 'posts')} could not be taken into the search index",
                "No search finds them. Every answer counts them, and a hold by a query names them.",
                "Look at them below. They are tried again by themselves, every ten minutes.",
            )
        )
    if index.missing or index.surplus:
        found.append(
            _notice(
                f"The search index differed from the records: {index.missing:,} posts were missing "
                f"and {index.surplus:,} too much",
                "It was put right. Answers given meanwhile said that they were not exact where the "
                "numbers differed.",
                "Find out who can write into its folder; if it comes again, look at the disk.",
            )
        )
    if index.losses:
        times = _counted(index.losses, "time", "times")
        found.append(
            _notice(
                f"The search index was found lost or damaged {times}",
                f"{index.last_loss.rstrip('.')}. It is built anew from the log; nothing is lost.",
                "Look at the disk it is on.",
            )
        )
    return found


def _lock_notices(facts: IntegrityFacts) -> list[Reason]:
    locks = facts.locks
    if locks is None:
        return []
    found = [
        _notice(
            "A setting of the bucket leaves objects without protection",
            f"{fault}.",
            "Set it as written there, and find out who changed it.",
        )
        for fault in locks.bucket
    ]
    if not locks.whole:
        found.append(
            _notice(
                f"The last comparison of locks did not come to its end: {locks.sentence}",
                f"{'; '.join(locks.unfinished).rstrip('.')}.",
                "It is tried again by itself every hour; look whether the store is reachable.",
            )
        )
    elif facts.as_of - locks.at > LOCKS_OLD_AFTER:
        found.append(
            _notice(
                f"Locks were last compared {(facts.as_of - locks.at).days} days ago",
                "Locks that have to be renewed or extended wait for it.",
                "Compare them now, below, and look why the daily run does not happen.",
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
