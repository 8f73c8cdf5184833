"""Drafts as forms: their bodies in fields, and fields made bodies again.

Whatever is typed goes into the body as it is, so that an incomplete draft keeps it; what is wrong
with it is told by the draft itself and shown under its field.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from archiver.disposal.draft_views import DraftView, Problem
from archiver.errors import InvalidInput
from retention.periods import PERMANENT, CutoffKind
from retention.schedules import Mark, TriggerKind

MOST_ROWS = 300
"""Terms or rules that one form shows."""

_PERIOD = re.compile(r"P(?:([^YMD]*)Y)?(?:([^YMD]*)M)?(?:([^YMD]*)D)?")
_ROW = re.compile(r"([0-9]{1,3})-id", re.ASCII)
_POINTER = re.compile(r"/(?:terms|rules)/([0-9]+)(?:/(\w+))?(?:/.*)?", re.ASCII)
_MOVE = re.compile(r"(up|down|remove)-([0-9]{1,3})", re.ASCII)
_CONDITIONS = ("platforms", "accounts", "units", "kinds", "tags", "directions")
_HEADS = {"terms": ("zone", "action", "lock"), "rules": ("default_class",)}
_FIELDS = {"period": "years", "mark": "confirm"}
_ASK = {
    "citation": "Say which rule asks for this term.",
    "id": "Give it a name of its own.",
    "period": "Say how long.",
    "class_code": "Choose the class.",
    "default_class": "Choose the class of every other record.",
    "zone": "Name the time zone.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRow:
    """One term, every part of it as it is typed."""

    id: str = ""
    citation: str = ""
    trigger: str = TriggerKind.POSTED.value
    event: str = ""
    cutoff: str = CutoffKind.NONE.value
    first_month: str = "1"
    permanent: str = ""
    years: str = ""
    months: str = ""
    days: str = ""
    zone: str = ""
    confirm: str = ""
    note: str = ""

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the row of a term."""
        trigger, _, event = _text(value, "trigger").partition(":")
        cutoff, _, month = (_text(value, "cutoff") or CutoffKind.NONE).partition(":")
        period = _text(value, "period")
        found = _PERIOD.fullmatch(period)
        # What is no period was sent by a program: it is shown, and what is wrong with it.
        years, months, days = found.groups(default="") if found else (period, "", "")
        return cls(
            id=_text(value, "id"),
            citation=_text(value, "citation"),
            trigger=trigger,
            event=event,
            cutoff=cutoff,
            first_month=month or "1",
            permanent="yes" if period == PERMANENT else "",
            years="" if period == PERMANENT else years,
            months=months,
            days=days,
            zone=_text(value, "zone"),
            confirm="yes" if value.get("mark") == Mark.TO_BE_CONFIRMED else "",
            note=_text(value, "note"),
        )

    def json(self) -> dict[str, Any]:
        """Return the term."""
        parts = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        said = "".join(f"{number}{unit}" for number, unit in parts if number)
        is_event = self.trigger == TriggerKind.EVENT
        is_fiscal = self.cutoff == CutoffKind.FISCAL_YEAR
        return {
            "id": self.id,
            "citation": self.citation,
            "trigger": f"{self.trigger}:{self.event}" if is_event else self.trigger,
            "cutoff": f"{self.cutoff}:{self.first_month}" if is_fiscal else self.cutoff,
            "period": str(PERMANENT) if self.permanent else f"P{said}" if said else "",
            "zone": self.zone,
            "mark": str(Mark.TO_BE_CONFIRMED if self.confirm else Mark.CONFIRMED),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One class rule; each condition has its values one to a line."""

    id: str = ""
    class_code: str = ""
    platforms: str = ""
    accounts: str = ""
    units: str = ""
    kinds: str = ""
    tags: str = ""
    directions: str = ""

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the row of a rule."""
        lines = {name: "\n".join(_texts(value.get(name))) for name in _CONDITIONS}
        return cls(id=_text(value, "id"), class_code=_text(value, "class_code"), **lines)

    def json(self) -> dict[str, Any]:
        """Return the rule; conditions that ask nothing are left out."""
        values = {
            name: [line.strip() for line in getattr(self, name).splitlines() if line.strip()]
            for name in _CONDITIONS
        }
        asked = {name: found for name, found in values.items() if found}
        return {"id": self.id, "class_code": self.class_code, **asked}


Row = TermRow | RuleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftForm:
    """A draft in fields: those of the whole (`head`), and its terms or rules, which `part` says."""

    part: str
    reason: str
    head: Mapping[str, str]
    rows: tuple[Row, ...]

    def body(self) -> dict[str, Any]:
        """Return what the draft says."""
        return {**self.head, self.part: [row.json() for row in self.rows]}

    def rearranged(self, what: str) -> "DraftForm":
        """Return the form after `add`, `remove-2`, `up-2` or `down-2`; anything else is nothing."""
        rows = list(self.rows)
        if what == "add":
            rows.append(_row_type(self.part)(id=_free_name(self.part, rows)))
        elif found := _MOVE.fullmatch(what):
            place = int(found[2])
            if place < len(rows):
                row = rows.pop(place)
                step = {"up": -1, "down": 1}.get(found[1])
                if step is not None:
                    rows.insert(max(place + step, 0), row)
        return replace(self, rows=tuple(rows))


def form_of(view: DraftView) -> DraftForm:
    """Return a draft as a form."""
    body, part = view.body, "rules" if view.is_rules else "terms"
    values = body.get(part)
    found = [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
    return DraftForm(
        part=part,
        reason=view.row.reason,
        head={name: _text(body, name) for name in _HEADS[part]},
        rows=tuple(_row_type(part).of_json(each) for each in found),
    )


def form_sent(view: DraftView, sent: Mapping[str, str]) -> DraftForm:
    """Return the form that was sent of a draft.

    Raises:
        InvalidInput: more than `MOST_ROWS` terms or rules.
    """
    part = "rules" if view.is_rules else "terms"
    kind = _row_type(part)
    numbers = sorted(int(found[1]) for found in map(_ROW.fullmatch, sent) if found)
    if len(numbers) > MOST_ROWS:
        raise InvalidInput(f"expected at most {MOST_ROWS} {part}, found {len(numbers)}")
    names = [field.name for field in fields(kind)]
    return DraftForm(
        part=part,
        reason=sent.get("reason", ""),
        head={name: sent.get(name, "") for name in _HEADS[part]},
        rows=tuple(
            kind(**{name: sent.get(f"{number}-{name}", "") for name in names}) for number in numbers
        ),
    )


def errors_of(problems: tuple[Problem, ...]) -> Iterator[tuple[str, str]]:
    """Yield the field that each problem of a draft is about, and the problem in words."""
    for problem in problems:
        found = _POINTER.fullmatch(problem.pointer)
        name = (found[2] or "id") if found else problem.pointer.strip("/")
        is_missing = problem.text.endswith("found ''")
        text = _ASK[name] if is_missing and name in _ASK else _sentence(problem.text)
        place = f"{found[1]}-{_FIELDS.get(name, name)}" if found else name
        yield place if place in {"zone", "action", "lock", "default_class"} or found else "", text


def _row_type(part: str) -> type[TermRow] | type[RuleRow]:
    return TermRow if part == "terms" else RuleRow


def _free_name(part: str, rows: list[Row]) -> str:
    taken = {row.id for row in rows}
    names = (f"{part.removesuffix('s')}-{number}" for number in range(1, MOST_ROWS + 2))
    return next(name for name in names if name not in taken)


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return "" if found is None else str(found)


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
