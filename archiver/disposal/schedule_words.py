"""Schedules in words: what a records manager reads, and what changed from one version to the next.

Pure. The words say the same as `retention.reasons` does of one record, before there is a record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from retention.periods import Cutoff, CutoffKind, Period, Permanent
from retention.schedules import Action, LockMode, Mark, Schedule, Term, Trigger, TriggerKind
from retention.templates import Template, shipped_templates

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

ACTIONS = {
    Action.DESTROY: "propose to destroy",
    Action.TRANSFER: "propose to transfer",
    Action.REVIEW: "review",
    Action.PERMANENT: "keep permanently",
}
"""What follows when every term has ended. Nothing happens without review and approval."""

LOCKS = {
    LockMode.COMPLIANCE: "compliance: nobody can delete it before, not even an administrator",
    LockMode.GOVERNANCE: "governance: deleting it before takes a special permission",
    LockMode.NONE: "none: the store does not refuse to delete it",
}

TRIGGERS = (
    (TriggerKind.POSTED.value, "its posting"),
    (TriggerKind.CAPTURED.value, "its capture"),
    (TriggerKind.SUPERSEDED.value, "a newer version taking its place"),
    (TriggerKind.EVENT.value, "a named event"),
)
"""What a term can count from, for a list to choose from."""

CUTOFFS = (
    (CutoffKind.NONE.value, "the day itself"),
    (CutoffKind.MONTH.value, "the end of its month"),
    (CutoffKind.QUARTER.value, "the end of its quarter"),
    (CutoffKind.CALENDAR_YEAR.value, "the end of its calendar year"),
    (CutoffKind.FISCAL_YEAR.value, "the end of its fiscal year"),
)
"""From when a term can count, for a list to choose from."""

MONTHS = tuple((str(number), name) for number, name in enumerate(_MONTHS, 1))
"""The months a fiscal year can start in, for a list to choose from."""

_STARTS = {
    TriggerKind.POSTED: "it was posted",
    TriggerKind.CAPTURED: "it was captured",
    TriggerKind.SUPERSEDED: "a newer version took its place",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermView:
    """One reason to keep, in words. `zone` is the time zone that it counts in."""

    id: str
    length: str
    counted: str
    zone: str
    citation: str
    to_be_confirmed: bool
    note: str

    @property
    def sentence(self) -> str:
        """The term as one sentence."""
        mark = f" ({Mark.TO_BE_CONFIRMED})" if self.to_be_confirmed else ""
        kept = f"{self.length} {self.counted}, in {self.zone}" if self.counted else self.length
        return f"{kept}: {self.citation}{mark}"


def period_words(period: Period | Permanent) -> str:
    """Return a period in words: `3 years`, `1 year 6 months`, `permanently`."""
    if isinstance(period, Permanent):
        return "permanently"
    parts = ((period.years, "year"), (period.months, "month"), (period.days, "day"))
    said = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts if number]
    return " ".join(said) or "no further day"


def trigger_words(trigger: Trigger) -> str:
    """Return what starts the count, in words."""
    if trigger.kind is TriggerKind.EVENT:
        return f"the event {trigger.event.replace('_', ' ')}"
    return _STARTS[trigger.kind]


def cutoff_words(cutoff: Cutoff) -> str:
    """Return from the end of what the count starts, in words; nothing where there is no cutoff."""
    if cutoff.kind is CutoffKind.NONE:
        return ""
    starts = ""
    if cutoff.kind is CutoffKind.FISCAL_YEAR:
        starts = f" that starts in {_MONTHS[cutoff.first_month - 1]}"
    return f", from the end of the {cutoff.kind.replace('-', ' ')}{starts}"


def term_view(term: Term, schedule: Schedule) -> TermView:
    """Return a term of a schedule in words."""
    counted = ""
    if not isinstance(term.period, Permanent):
        counted = f"after {trigger_words(term.trigger)}{cutoff_words(term.cutoff)}"
    return TermView(
        id=term.id,
        length=period_words(term.period),
        counted=counted,
        zone=term.zone or schedule.zone,
        citation=term.citation,
        to_be_confirmed=term.mark is Mark.TO_BE_CONFIRMED,
        note=term.note,
    )


def difference(before: TermView, after: TermView) -> str:
    """Return what one version of a term says otherwise than another, in words; nothing if nothing.

    `6 years instead of 3 years; counted after it was captured instead of after it was posted`.
    """
    said = [
        f"{name}{becomes or 'nothing'} instead of {was or 'nothing'}"
        for name, was, becomes in (
            ("", before.length, after.length),
            ("counted ", before.counted, after.counted),
            ("in ", before.zone, after.zone),
            ("citing ", before.citation, after.citation),
            ("noting ", before.note, after.note),
        )
        if was != becomes
    ]
    if before.to_be_confirmed != after.to_be_confirmed:
        said.append(f"{'' if after.to_be_confirmed else 'no longer '}{Mark.TO_BE_CONFIRMED}")
    return "; ".join(said)


def kept_words(schedule: Schedule) -> str:
    """Return how long a schedule keeps, in a few words for a list."""
    if schedule.action is Action.PERMANENT:
        return "permanently"
    starts: dict[tuple[str, str], list[str]] = {}
    for term in schedule.terms:
        lasting = (period_words(term.period), cutoff_words(term.cutoff))
        starts.setdefault(lasting, []).append(trigger_words(term.trigger))
    said = [
        f"{period} after {found[0] if len(found) == 1 else _last_of(found)}{cutoff}"
        for (period, cutoff), found in starts.items()
    ]
    return ("the latest of: " if len(said) > 1 else "") + "; ".join(said)


def _last_of(starts: Sequence[str]) -> str:
    return f"the last of these: {', '.join(dict.fromkeys(starts))}"


def changes(before: Schedule, after: Schedule) -> tuple[tuple[str, str], ...]:
    """Return what changed between two versions: (`equal`, `insert` or `delete`, line)."""
    old, new = _lines(before), _lines(after)
    pieces: list[tuple[str, str]] = []
    for op, first, last, start, end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if op == "equal":
            pieces.extend(("equal", line) for line in old[first:last])
        else:
            pieces.extend(("delete", line) for line in old[first:last])
            pieces.extend(("insert", line) for line in new[start:end])
    return tuple(pieces)


def template_of(schedule: Schedule) -> tuple[str, bool]:
    """Return the shipped template of a class's code, and whether the schedule says what it says.

    The id is empty where no template has the code.
    """
    found = next((each for each in shipped_templates() if each.code == schedule.class_code), None)
    return ("", False) if found is None else (found.id, _says_the_same(found, schedule))


def _says_the_same(template: Template, schedule: Schedule) -> bool:
    if template.needs_period:  # the adopter's own
        return False
    months = [
        term.cutoff.first_month
        for term in schedule.terms
        if term.cutoff.kind is CutoffKind.FISCAL_YEAR
    ]
    if template.needs_fiscal_year != bool(months):
        return False
    adopted = template.schedule(
        version=schedule.version,
        zone=schedule.zone,
        fiscal_year_starts=months[0] if months else None,
    )
    return adopted == schedule


def _lines(schedule: Schedule) -> Sequence[str]:
    terms = [term_view(term, schedule).sentence for term in schedule.terms]
    return [*terms, f"Then: {ACTIONS[schedule.action]}", f"Object lock: {LOCKS[schedule.lock]}"]
