"""What of the audit trail is asked for: parameters of a URL, as conditions, and in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta

from archiver.audit.actions import Action
from archiver.audit.sentences import action_in_words
from archiver.clock import rfc3339, to_millis
from archiver.db.events import NOT_OK, Arm
from archiver.errors import InvalidInput
from archiver.preserve.event_record import legible

MOST_ACTIONS = 20
_LONGEST = 200
_ACTION = re.compile(r"[a-z]+:(?:[a-z]+|\*)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFilter:
    """Events of which all that is stated holds; empty fields leave open.

    `actions` are of the form `hold:placed`, or `hold:*` for all of that subject. `since` is within,
    `until` is not. `result` is as stored, or `not-ok`. `text` stands anywhere in the object's id.
    """

    actor: str = ""
    actions: tuple[str, ...] = ()
    object_type: str = ""
    object_id: str = ""
    matter: str = ""
    result: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def arms(self) -> tuple[Arm, ...]:
        """Return the conditions for `archiver.db.events`, an arm for each action."""
        arm = Arm(
            actor=self.actor,
            object_types=(self.object_type,) if self.object_type else (),
            object_id=self.object_id,
            matter=self.matter,
            result=self.result,
            since=None if self.since is None else to_millis(self.since),
            until=None if self.until is None else to_millis(self.until),
            text=self.text,
        )
        actions = dict.fromkeys(each for named in self.actions for each in _expanded(named))
        return tuple(replace(arm, action=action) for action in actions) or (arm,)

    def to_params(self) -> dict[str, str]:
        """Return the parameters that `filter_from` reads as this filter."""
        given = {
            "actor": self.actor,
            "action": ",".join(self.actions),
            "object_type": self.object_type,
            "object_id": self.object_id,
            "matter": self.matter,
            "result": self.result,
            "from": "" if self.since is None else rfc3339(self.since),
            "to": "" if self.until is None else rfc3339(self.until),
            "text": self.text,
        }
        return {name: value for name, value in given.items() if value}

    def conditions(self) -> list[tuple[str, str]]:
        """Return each condition as the name of its parameter and in words."""
        words = {
            "actor": f"by {self.actor}",
            "action": ", ".join(map(_action_words, self.actions)),
            "object_type": f"about a {self.object_type}",
            "object_id": f"about {self.object_id}",
            "matter": f"matter {self.matter}",
            "result": "did not end well" if self.result == NOT_OK else f"result {self.result}",
            "from": f"from {_moment(self.since)}",
            "to": f"before {_moment(self.until)}",
            "text": f"“{self.text}” in the object's id",
        }
        return [(name, words[name]) for name in self.to_params()]

    def in_words(self) -> str:
        """Return all conditions in one line; empty where there is none."""
        return "; ".join(words for _, words in self.conditions())


def filter_from(params: Mapping[str, str]) -> TrailFilter:
    """Read a filter from parameters: those of `TrailFilter.to_params`; other names are ignored.

    Dates without a time mean the whole day, in UTC.

    Raises:
        InvalidInput: a value is malformed or too long; `pointer` names the parameter.
    """
    given = {name: legible(value).strip() for name, value in params.items()}
    for name, value in given.items():
        if name != "action" and len(value) > _LONGEST:
            raise InvalidInput(
                f"expected at most {_LONGEST} characters, found {len(value)}", pointer=name
            )
    since = _bound(given, "from", end=False)
    until = _bound(given, "to", end=True)
    if since and until and since >= until:
        raise InvalidInput("expected a start before the end, found them reversed", pointer="to")
    return TrailFilter(
        actor=given.get("actor", ""),
        actions=_actions(given.get("action", "")),
        object_type=given.get("object_type", ""),
        object_id=given.get("object_id", ""),
        matter=given.get("matter", ""),
        result=given.get("result", ""),
        since=since,
        until=until,
        text=given.get("text", ""),
    )


def _actions(text: str) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    wrong = [each for each in named if not _ACTION.fullmatch(each)]
    if wrong or len(named) > MOST_ACTIONS:
        raise InvalidInput(
            f"expected up to {MOST_ACTIONS} actions like hold:placed or hold:*, separated by "
            f"commas, found {(wrong or named)[0][:40]!r}",
            pointer="action",
        )
    return named


def _expanded(named: str) -> tuple[str, ...]:
    subject, _, act = named.partition(":")
    if act != "*":
        return (named,)
    known = tuple(action.value for action in Action if action.startswith(f"{subject}:"))
    return known or (named,)  # an arm that nothing meets, rather than the whole trail


def _bound(given: Mapping[str, str], name: str, *, end: bool) -> datetime | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1) if end else day
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"expected a date like 2026-11-21 or a moment like 2026-11-21T09:30:00Z, found "
            f"{text[:40]!r}",
            pointer=name,
        ) from error


def _action_words(named: str) -> str:
    subject, _, act = named.partition(":")
    return f"anything about a {subject}" if act == "*" else action_in_words(named)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else rfc3339(moment)
