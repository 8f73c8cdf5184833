"""How a stored object differs from what it is to be, what that means, and what may be done. Pure.

Only what adds protection is put right by itself: a lock that is missing or too short, a hold that
is missing. A hold that no hold in force asks for is lifted only where a hold of this archive once
covered the object; one that a stranger set may be somebody's duty to keep. Nothing is deleted here,
neither a delete marker nor a version too many: somebody put it there, and that is evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from archiver.assurance.lock_promises import ObjectNeed
from archiver.clock import from_millis, rfc3339
from archiver.model.lock import Lock, LockMode, longest
from archiver.preserve.store import StoredObject

SETTLES = timedelta(hours=1)
"""A hold younger than this may still be on its way to the objects; nobody is alarmed of it."""


class DriftKind(StrEnum):
    """In which way an object is not as promised."""

    LOST = "lost"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    LOCK_MISSING = "lock-missing"
    LOCK_SHORT = "lock-short"
    LOCK_WEAK = "lock-weak"
    HOLD_MISSING = "hold-missing"
    HOLD_LEFT = "hold-left"
    HOLD_UNKNOWN = "hold-unknown"
    DELETE_MARKER = "delete-marker"
    EXTRA_VERSION = "extra-version"
    ROW_DIFFERS = "row-differs"


class Meaning(NamedTuple):
    """What a kind of drift means, and what to do about it."""

    means: str
    todo: str


_WHO = "find out who did it, and take the right away"

MEANINGS: Mapping[DriftKind, Meaning] = {
    DriftKind.LOST: Meaning(
        "The version that the database names is not in the store: nothing can be read from it.",
        "Put it back with `muniment verify --full --repair`, and find out who deleted it.",
    ),
    DriftKind.ALTERED: Meaning(
        "Its size is another than what was stored: these are not the bytes that the log promises.",
        "Put it back with `muniment verify --full --repair`.",
    ),
    DriftKind.UNREADABLE: Meaning(
        "The store cannot tell its lock and hold.",
        "Put it back with `muniment verify --full --repair`, and look at the disk.",
    ),
    DriftKind.LOCK_MISSING: Meaning(
        "Nothing keeps the object from being deleted before its time. Credentials without "
        "s3:GetObjectRetention see no lock either.",
        f"The lock is set again; {_WHO}.",
    ),
    DriftKind.LOCK_SHORT: Meaning(
        "It could be deleted before its records may be.",
        f"The lock is extended again; {_WHO}.",
    ),
    DriftKind.LOCK_WEAK: Meaning(
        "Whoever may bypass governance can delete it, although compliance was promised.",
        f"Compliance is set again where the credentials allow it; {_WHO}.",
    ),
    DriftKind.HOLD_MISSING: Meaning(
        "A legal hold in force covers it, and the store would let it be deleted.",
        f"The hold is set again; {_WHO} (s3:PutObjectLegalHold).",
    ),
    DriftKind.HOLD_LEFT: Meaning(
        "A hold that covered it was released, and the store still refuses to delete it.",
        "It is lifted; a crash can leave it so.",
    ),
    DriftKind.HOLD_UNKNOWN: Meaning(
        "The store holds it, and no hold of this archive ever covered it: somebody set it there.",
        "Ask counsel who asked for it. Place a hold here, or lift it in the store.",
    ),
    DriftKind.DELETE_MARKER: Meaning(
        "Somebody deleted it without the gate of disposal. The version beneath is there as long as "
        "its lock lasts.",
        "Delete the marker by its version id, and find out who set it (s3:DeleteObject).",
    ),
    DriftKind.EXTRA_VERSION: Meaning(
        "Something was put over it or beneath it that no row and no repair names.",
        "Read both, keep what it is as evidence, and delete the one that is not the log's.",
    ),
    DriftKind.ROW_DIFFERS: Meaning(
        "The database and the log say different things of the same records: one was altered.",
        "Run `muniment verify --full`; where the database is wrong, `muniment recover`.",
    ),
}
"""Every kind of drift in words."""

MENDED = frozenset(
    {
        DriftKind.LOCK_MISSING,
        DriftKind.LOCK_SHORT,
        DriftKind.LOCK_WEAK,
        DriftKind.HOLD_MISSING,
        DriftKind.HOLD_LEFT,
    }
)
"""What is put right by itself; everything else needs somebody to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference: of which object in which store, what was found, and whether it was mended.

    `why_not` says why what should have been put right could not be.
    """

    kind: DriftKind
    object_key: str
    store: str
    found: str
    mended: bool = False
    why_not: str = ""

    @property
    def meaning(self) -> Meaning:
        """What it means and what to do."""
        return MEANINGS[self.kind]

    def to_dict(self) -> dict[str, object]:
        """Return the drift for JSON."""
        return {
            "kind": self.kind.value,
            "object": self.object_key,
            "store": self.store,
            "found": self.found,
            "mended": self.mended,
            "why_not": self.why_not,
            "means": self.meaning.means,
            "do": self.meaning.todo,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of one object, and what to do: `lock` to set, `hold` to put on or take off."""

    found: tuple[tuple[DriftKind, str], ...] = ()
    lock: Lock | None = None
    hold: bool | None = None

    @property
    def is_mendable(self) -> bool:
        """Whether there is something to do in the store."""
        return self.lock is not None or self.hold is not None


def judge(need: ObjectNeed, seen: StoredObject, now: datetime, *, is_first: bool) -> Judged:
    """Return how `seen` differs from `need`, in the first store or its second copy."""
    found: list[tuple[DriftKind, str]] = []
    if need.size is not None and seen.size != need.size:
        found.append((DriftKind.ALTERED, f"{seen.size} bytes, not {need.size}"))
    if drift := _lock_drift(need.promised, seen.lock, now):
        found.append(drift)
    lock = _lock_to_set(need, seen.lock, now, renewed=drift is not None)
    drifted, hold = _judge_hold(need, seen, now, is_first=is_first)
    if drifted is not None:
        found.append((drifted, "held" if seen.legal_hold else "not held"))
    return Judged(found=tuple(found), lock=lock, hold=hold)


def falls_short(judged: Judged, seen: StoredObject) -> str:
    """Return in words what an object lacks still after it was put right; "" where nothing."""
    if judged.lock is not None and longest(seen.lock, judged.lock) != seen.lock:
        found = "none" if seen.lock is None else _words(seen.lock)
        return f"the store answered that it set {_words(judged.lock)}, and has {found}"
    if judged.hold is not None and seen.legal_hold is not judged.hold:
        return "the store answered that it changed the legal hold, and did not"
    return ""


def _lock_drift(
    promised: Lock | None, found: Lock | None, now: datetime
) -> tuple[DriftKind, str] | None:
    if promised is None or not promised.binds(now):
        return None
    if found is None or found.mode is LockMode.NONE:
        return DriftKind.LOCK_MISSING, f"no lock, not {_words(promised)}"
    if found.until < promised.until:
        return DriftKind.LOCK_SHORT, f"{_words(found)}, not {_words(promised)}"
    if found.mode is not promised.mode and promised.mode is LockMode.COMPLIANCE:
        return DriftKind.LOCK_WEAK, f"{_words(found)}, not {_words(promised)}"
    return None


def _lock_to_set(
    need: ObjectNeed, found: Lock | None, now: datetime, *, renewed: bool
) -> Lock | None:
    if need.needed is None or not need.needed.binds(now):
        return None
    if longest(found, need.needed) == found:
        return None
    enough = found is not None and found.until + need.slack >= need.needed.until
    return None if enough and not renewed else longest(need.promised, need.needed)


def _judge_hold(
    need: ObjectNeed, seen: StoredObject, now: datetime, *, is_first: bool
) -> tuple[DriftKind | None, bool | None]:
    """Return the drift of a hold, and what to set.

    What the rows say is not done yet is left to who does it: the mirror of holds in the first
    store, replication in the second, which has no rows and so an hour.
    """
    held = need.held
    if held.since is not None:
        under_way = not need.noted if is_first else from_millis(held.since) > now - SETTLES
        if seen.legal_hold or under_way:
            return None, None
        return DriftKind.HOLD_MISSING, True
    if not seen.legal_hold or need.noted:
        return None, None
    if not is_first and held.released is not None and from_millis(held.released) > now - SETTLES:
        return None, None
    return (DriftKind.HOLD_LEFT, False) if held.ever else (DriftKind.HOLD_UNKNOWN, None)


def _words(lock: Lock) -> str:
    return f"a {lock.mode} lock until {rfc3339(lock.until)}"
