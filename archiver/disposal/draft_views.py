"""What is shown of a draft: its body, what is wrong with it, and what it would change, in words.

Pure. A draft's body may be incomplete while it is written; `definition_of` says whether it stands.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from archiver.clock import from_millis, rfc3339
from archiver.db.plan_drafts import SCHEDULE, DraftRow
from archiver.disposal.class_views import rule_lines
from archiver.disposal.schedule_words import ACTIONS, LOCKS, difference, term_view
from archiver.errors import InvalidInput
from archiver.preserve.event_record import legible
from retention.errors import DefinitionError
from retention.rules import RuleSet
from retention.schedules import Schedule

Definition = Schedule | RuleSet
"""What a draft can become a version of."""

MAX_BODY = 256 * 1024
_DEEPEST = 8
_PLACE = re.compile(r"(?:schedule|rules)((?:\.\w+|\[[0-9]+\])*): (.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference from the version in force. `before` or `after` is empty where it is absent.

    `words` say the same in a sentence, such as `6 years instead of 3 years`.
    """

    what: str
    before: str
    after: str
    words: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON document."""
        told = {"what": self.what, "before": self.before, "after": self.after}
        return {**told, "words": self.words}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What keeps a body from being a version. `pointer` is where in it, such as `/terms/0/zone`."""

    pointer: str
    text: str
    told: str
    """With its place, as the engine tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """A draft as it is shown. `problems` are what keeps its body from being a version.

    `mine` is true for whoever wrote any of it: they cannot approve it.
    """

    row: DraftRow
    problems: tuple[Problem, ...]
    digest: str
    changes: tuple[Change, ...]
    mine: bool

    @property
    def title(self) -> str:
        """What it is a draft of."""
        return f"Schedule of {self.row.class_code}" if self.row.class_code else "Class rules"

    @property
    def is_rules(self) -> bool:
        """Whether it is a draft of the class rules."""
        return self.row.subject != SCHEDULE

    @property
    def body(self) -> dict[str, Any]:
        """What it says, which may be incomplete."""
        body: dict[str, Any] = json.loads(self.row.body)
        return body

    @property
    def made_at(self) -> datetime:
        """When it was begun."""
        return from_millis(self.row.made_at)

    @property
    def stated_at(self) -> datetime:
        """When it was last changed."""
        return from_millis(self.row.stated_at)

    @property
    def in_force_from(self) -> datetime | None:
        """From when its version is to count, where that is known."""
        millis = self.row.in_force_from
        return None if millis is None else from_millis(millis)

    @property
    def simulation(self) -> dict[str, Any] | None:
        """The simulation that it was submitted with."""
        return json.loads(self.row.simulation) if self.row.simulation else None

    @property
    def version(self) -> int:
        """The version that its approval makes."""
        return self.row.based_on + 1

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "subject": row.subject,
            "class_code": row.class_code,
            "based_on": row.based_on,
            "version": self.version,
            "state": row.state,
            "reason": row.reason,
            "body": self.body,
            "problems": [problem.told for problem in self.problems],
            "digest": self.digest,
            "changes": [change.to_dict() for change in self.changes],
            "simulation": self.simulation,
            "in_force_from": (None if self.in_force_from is None else rfc3339(self.in_force_from)),
            "revision": row.revision,
            "made_by": row.made_by,
            "made_at": rfc3339(self.made_at),
            "decided_by": row.decided_by,
            "stated_at": rfc3339(self.stated_at),
            "mine": self.mine,
        }


def view_of(row: DraftRow, base: Definition | None, who: str) -> DraftView:
    """Return a draft as `who` sees it, against the version it was made from."""
    definition: Definition | None = None
    problems: tuple[Problem, ...] = ()
    try:
        definition = _defined(row)
    except DefinitionError as error:
        problems = tuple(map(_problem, error.problems))
    return DraftView(
        row=row,
        problems=problems,
        digest="" if definition is None else digest_of(definition),
        changes=() if definition is None else tuple(changes_of(base, definition)),
        mine=who in json.loads(row.authors),
    )


def body_text(body: object) -> str:
    """Return a draft's body as it is kept.

    Raises:
        InvalidInput: it is no table, too large, or nested deeper than any schedule.
    """
    if not isinstance(body, Mapping) or _depth(body) > _DEEPEST:
        raise InvalidInput("expected the body of the draft as a JSON object", pointer="body")
    text = legible(json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    if len(text.encode()) > MAX_BODY:
        raise InvalidInput(
            f"expected a draft of at most {MAX_BODY // 1024} KiB; use fewer, wider rules",
            pointer="body",
        )
    return text


def definition_of(row: DraftRow) -> Definition:
    """Return what the draft's body defines, with its class and the next version.

    Raises:
        InvalidInput: it is no schedule, or no set of rules; every problem is told.
    """
    try:
        return _defined(row)
    except DefinitionError as error:
        raise InvalidInput("; ".join(error.problems), pointer="body") from error


def _defined(row: DraftRow) -> Definition:
    body = json.loads(row.body)
    if row.subject == SCHEDULE:
        named = {"class_code": row.class_code, "version": row.based_on + 1}
        return Schedule.from_dict({**body, **named})
    return RuleSet.from_dict({**body, "version": row.based_on + 1})


def _problem(told: str) -> Problem:
    found = _PLACE.fullmatch(told)
    if found is None:
        return Problem(pointer="", text=told, told=told)
    pointer = found[1].replace(".", "/").replace("[", "/").replace("]", "")
    return Problem(pointer=pointer, text=found[2], told=told)


def own_words(definition: Definition) -> dict[str, Any]:
    """Return the JSON of a definition without what a draft adds itself: class and version."""
    return {
        name: value
        for name, value in definition.to_dict().items()
        if name not in {"class_code", "version"}
    }


def digest_of(definition: Definition) -> str:
    """Return the SHA-256 of a definition's JSON, which says that two are the same."""
    text = json.dumps(
        definition.to_dict(), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return sha256(text.encode()).hexdigest()


def changes_of(before: Definition | None, after: Definition) -> Iterator[Change]:
    """Yield each difference in words: of a schedule term by term, of rules rule by rule."""
    old, new = _facts(before), _facts(after)
    differences = _differences(before, after)
    for what in dict.fromkeys([*old, *new]):
        was, becomes = old.get(what, ""), new.get(what, "")
        if was != becomes or what in differences:
            words = differences.get(what) or _words(was, becomes)
            yield Change(what=what, before=was, after=becomes, words=words)
    if isinstance(before, RuleSet) and isinstance(after, RuleSet):
        yield from _reordered(before, after)


def _facts(definition: Definition | None) -> dict[str, str]:
    if definition is None:
        return {}
    if isinstance(definition, RuleSet):
        return {
            f"rule {line.id}" if line.id else "default class": (
                f"{line.class_code}: {line.conditions}" if line.id else line.class_code
            )
            for line in rule_lines(definition)
        }
    terms = {f"term {term.id}": term_view(term, definition).sentence for term in definition.terms}
    return {
        **terms,
        "action": ACTIONS[definition.action],
        "object lock": LOCKS[definition.lock],
        "time zone": definition.zone,
    }


def _differences(before: Definition | None, after: Definition) -> Mapping[str, str]:
    """Return in words what differs in each term that both schedules have."""
    if not isinstance(before, Schedule) or not isinstance(after, Schedule):
        return {}
    old = {term.id: term_view(term, before) for term in before.terms}
    new = {term.id: term_view(term, after) for term in after.terms}
    found = {name: difference(old[name], new[name]) for name in new if name in old}
    return {f"term {name}": words for name, words in found.items() if words}


def _words(before: str, after: str) -> str:
    if not before:
        return f"new: {after}"
    return f"{after} instead of {before}" if after else f"no longer: {before}"


def _reordered(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    kept = {rule.id for rule in before.rules} & {rule.id for rule in after.rules}
    old = [rule.id for rule in before.rules if rule.id in kept]
    new = [rule.id for rule in after.rules if rule.id in kept]
    if old != new:
        was, becomes = ", ".join(old), ", ".join(new)
        words = _words(was, becomes)
        yield Change(what="order of the rules", before=was, after=becomes, words=words)


def _depth(value: object, limit: int = _DEEPEST) -> int:
    """Return how deep a value is nested, looking no deeper than just over `limit`."""
    if limit < 0 or not isinstance(value, Mapping | list):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    return 1 + max((_depth(each, limit - 1) for each in inner), default=0)
