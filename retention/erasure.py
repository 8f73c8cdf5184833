"""What stands against erasing a record before its time, when the person it is about asks for it.

GDPR art. 17 gives the right, 17(3) says where it ends. Nothing here lets a record go that a hold, a
lock, a law or an archive needs: only terms that the archive's owner set, and no law asks for, may
end early. In doubt a term binds (`Term.is_house_rule`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from retention.decisions import running_terms
from retention.facts import Facts, Hold
from retention.reasons import Reason, hold_reason, lock_reason
from retention.schedules import Action, Schedule


class Ground(StrEnum):
    """On what a request for erasure is refused."""

    LEGAL_OBLIGATION = "legal-obligation"
    PUBLIC_ARCHIVING = "public-interest-archiving"
    LEGAL_CLAIMS = "legal-claims"
    NOT_THEIRS = "not-about-the-person"

    @property
    def citation(self) -> str:
        """The rule, marked where it was read in a condensed text only."""
        return _CITED[self]

    @property
    def text(self) -> str:
        """The ground as a sentence for the person who asked."""
        return _WORDS[self]


_CITED = {
    Ground.LEGAL_OBLIGATION: "GDPR art. 17(3)(b) (to be confirmed by counsel)",
    Ground.PUBLIC_ARCHIVING: "GDPR art. 17(3)(d), 89(1) (to be confirmed by counsel)",
    Ground.LEGAL_CLAIMS: "GDPR art. 17(3)(e) (to be confirmed by counsel)",
    Ground.NOT_THEIRS: "GDPR art. 4(1), 17(1) (to be confirmed by counsel)",
}
_WORDS = {
    Ground.LEGAL_OBLIGATION: "A law obliges us to keep it.",
    Ground.PUBLIC_ARCHIVING: "It is kept for archiving in the public interest.",
    Ground.LEGAL_CLAIMS: "It is needed to establish, exercise or defend legal claims.",
    Ground.NOT_THEIRS: "It holds no data about the person who asks.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One reason why a record may not be erased now.

    `ground` is what a refusal would rest on; None for a lock: it alone gives no right to refuse.
    """

    reason: Reason
    ground: Ground | None


def bars_to_erasure(
    facts: Facts,
    schedule: Schedule,
    holds: tuple[Hold, ...],
    as_of: datetime,
    *,
    lock_until: datetime | None = None,
) -> tuple[Bar, ...]:
    """Return everything that forbids to erase a record early at the aware moment `as_of`.

    Holds come first, then terms that law asks for and that have not ended (awaited ones too), then
    what the schedule keeps for an archive, then a running lock. Nothing: it may be erased.

    Raises:
        FactsError: `as_of` is naive.
    """
    bars = [
        Bar(reason=hold_reason(hold, schedule.zone), ground=Ground.LEGAL_CLAIMS) for hold in holds
    ]
    bars += [
        Bar(reason=reason, ground=Ground.LEGAL_OBLIGATION)
        for term, reason in running_terms(facts, schedule, as_of)
        if not term.is_house_rule
    ]
    if schedule.action in _FOR_AN_ARCHIVE:
        bars.append(Bar(reason=_archived(schedule), ground=Ground.PUBLIC_ARCHIVING))
    if lock_until is not None and as_of < lock_until:
        locked = lock_reason(lock_until, schedule.lock, running=True)
        bars.append(Bar(reason=locked, ground=None))
    return tuple(bars)


_FOR_AN_ARCHIVE = frozenset({Action.PERMANENT, Action.TRANSFER})


def _archived(schedule: Schedule) -> Reason:
    what = (
        "keeps it permanently"
        if schedule.action is Action.PERMANENT
        else "hands it over to an archive before anything of it is destroyed"
    )
    return Reason(
        text=f"The schedule {what}.",
        citation=f"class {schedule.class_code}, schedule version {schedule.version}",
    )
