"""Classes of the file plan, their versioned schedules, and the terms schedules are made of.

A record is kept until the *latest* of its schedule's terms. All types check themselves when made,
and have a JSON form (`to_dict`, `from_dict`) in which a database can keep every version.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from retention.documents import Document, decode, present
from retention.errors import DefinitionError
from retention.periods import (
    NO_CUTOFF,
    PERMANENT,
    Cutoff,
    Period,
    Permanent,
    parse_length,
    time_zone,
)

HOUSE_RULE = "house rule"
"""How the citation of a term begins that the archive's owner set and no law asks for."""

_CLASS_CODE = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


class TriggerKind(StrEnum):
    """What starts the count of a term."""

    POSTED = "posted"
    CAPTURED = "captured"
    SUPERSEDED = "superseded"
    EVENT = "event"


class Action(StrEnum):
    """What is proposed when every term has ended. Nothing happens without review and approval."""

    DESTROY = "destroy"
    TRANSFER = "transfer"
    REVIEW = "review"
    PERMANENT = "permanent"


class LockMode(StrEnum):
    """The object lock a class asks for, in the words of S3 Object Lock."""

    COMPLIANCE = "compliance"
    GOVERNANCE = "governance"
    NONE = "none"


class Mark(StrEnum):
    """Whether the citation was read in the rule, or recalled and still to be checked."""

    CONFIRMED = "confirmed"
    TO_BE_CONFIRMED = "to be confirmed by counsel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts the count. Written `posted`, `captured`, `superseded`, `event:account_closed`.

    Raises:
        DefinitionError: an event without a name, or a name without the kind `EVENT`.
    """

    kind: TriggerKind
    event: str = ""

    def __post_init__(self) -> None:
        if self.kind is TriggerKind.EVENT and not _EVENT_NAME.fullmatch(self.event):
            raise DefinitionError(
                "expected an event name of 1 to 40 characters a-z 0-9 _ that starts with a "
                f"letter, found {self.event!r}"
            )
        if self.kind is not TriggerKind.EVENT and self.event:
            raise DefinitionError(
                f"expected no event name with the trigger {self.kind}, found {self.event!r}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the trigger that `text` writes.

        Raises:
            DefinitionError: `text` is no trigger.
        """
        kind, colon, event = text.partition(":")
        for word in TriggerKind:
            if word == kind and bool(colon) == (word is TriggerKind.EVENT):
                return cls(kind=word, event=event)
        raise DefinitionError(
            f"expected a trigger: posted, captured, superseded or event:<name>, found {text!r}"
        )

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        return f"{self.kind}:{self.event}" if self.event else str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One reason to keep: a period counted from a trigger, with its legal citation.

    `id` is unique within the schedule. `zone` is the IANA time zone the term counts in; empty, it
    is the schedule's.
    """

    id: str
    citation: str
    trigger: Trigger
    period: Period | Permanent
    cutoff: Cutoff = NO_CUTOFF
    zone: str = ""
    mark: Mark = Mark.CONFIRMED
    note: str = ""

    def __post_init__(self) -> None:
        if not self.id.strip() or not self.citation.strip():
            raise DefinitionError(
                f"expected a term with an id and a citation, found {self.id!r}, {self.citation!r}"
            )
        if self.zone:
            time_zone(self.zone)

    @property
    def cited(self) -> str:
        """The citation, with its mark when counsel still has to confirm it."""
        return self.citation if self.mark is Mark.CONFIRMED else f"{self.citation} ({self.mark})"

    @property
    def is_house_rule(self) -> bool:
        """Whether no law asks for it: its citation says so with its first words, "House rule".

        Everything else counts as a legal obligation, also what was misspelt: in doubt, it binds.
        """
        return self.citation.strip().casefold().startswith(HOUSE_RULE)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "citation": self.citation,
            "trigger": str(self.trigger),
            "cutoff": str(self.cutoff),
            "period": str(self.period),
            "zone": self.zone,
            "mark": str(self.mark),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One version of the schedule of a class.

    Raises:
        DefinitionError: `problems` lists all of: an ill-formed class code, a version under 1, no
            term, a term id used twice, an unknown time zone, a permanent term whose schedule names
            another action.
    """

    class_code: str
    version: int
    terms: tuple[Term, ...]
    action: Action
    lock: LockMode
    zone: str

    def __post_init__(self) -> None:
        problems = [
            *code_problems(self.class_code),
            *_term_problems(self.terms, self.action),
        ]
        if self.version < 1:
            problems.append(f"expected a version from 1 up, found {self.version}")
        try:
            time_zone(self.zone)
        except DefinitionError as error:
            problems.extend(error.problems)
        if problems:
            raise DefinitionError(*problems)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "class_code": self.class_code,
            "version": self.version,
            "zone": self.zone,
            "action": str(self.action),
            "lock": str(self.lock),
            "terms": [term.to_dict() for term in self.terms],
        }

    @staticmethod
    def from_dict(value: object) -> "Schedule":
        """Return the schedule whose JSON form is `value`.

        Raises:
            DefinitionError: `problems` lists everything that is wrong with it.
        """
        return decode(value, _read_schedule, path="schedule")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClass:
    """A class of the file plan: what is kept together, on whose authority.

    `code` is part of object keys: 1 to 40 characters `a-z 0-9 -`. `authority` is the rule
    without which nothing of the class may be disposed of (MoReq2010; NARA GRS 6.4); `mandate` is
    whose decision applies it here, where that is another thing. `parent` is the code of the class
    above, empty at the top; `class_tree` checks the whole.
    """

    code: str
    title: str
    authority: str
    jurisdiction: str = ""
    note: str = ""
    mandate: str = ""
    parent: str = ""

    def __post_init__(self) -> None:
        problems = code_problems(self.code)
        if self.parent:
            problems.extend(code_problems(self.parent))
        if not self.title.strip() or not self.authority.strip():
            problems.append(f"expected class {self.code!r} to have a title and an authority")
        if problems:
            raise DefinitionError(*problems)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "code": self.code,
            "title": self.title,
            "authority": self.authority,
            "jurisdiction": self.jurisdiction,
            "note": self.note,
            "mandate": self.mandate,
            "parent": self.parent,
        }

    @staticmethod
    def from_dict(value: object) -> "FileClass":
        """Return the class whose JSON form is `value`.

        Raises:
            DefinitionError: `problems` lists everything that is wrong with it.
        """
        return decode(value, _read_class, path="class")


def code_problems(code: str) -> list[str]:
    """Return what is wrong with a class code; nothing when it is well formed."""
    if _CLASS_CODE.fullmatch(code):
        return []
    return [f"expected a class code of 1 to 40 characters a-z 0-9 -, found {code!r}"]


def _term_problems(terms: tuple[Term, ...], action: Action) -> list[str]:
    problems = []
    if not terms:
        problems.append("expected at least one term, found none")
    ids = [term.id for term in terms]
    problems.extend(
        f"expected every term to have an id of its own, found {each!r} more than once"
        for each in sorted({each for each in ids if ids.count(each) > 1})
    )
    problems.extend(
        f"expected the action permanent with the permanent term {term.id!r}, found {action}"
        for term in terms
        if term.period is PERMANENT and action is not Action.PERMANENT
    )
    return problems


def _read_term(document: Document) -> Term | None:
    return document.build(
        Term,
        id=document.text("id"),
        citation=document.text("citation"),
        trigger=document.parsed("trigger", Trigger.parse),
        cutoff=document.parsed("cutoff", Cutoff.parse),
        period=document.parsed("period", parse_length),
        zone=document.text("zone", default=""),
        mark=document.choice("mark", Mark),
        note=document.text("note", default=""),
    )


def _read_schedule(document: Document) -> Schedule | None:
    return document.build(
        Schedule,
        class_code=document.text("class_code"),
        version=document.integer("version"),
        zone=document.text("zone"),
        action=document.choice("action", Action),
        lock=document.choice("lock", LockMode),
        terms=present(_read_term(each) for each in document.tables("terms")),
    )


def _read_class(document: Document) -> FileClass | None:
    return document.build(
        FileClass,
        code=document.text("code"),
        title=document.text("title"),
        authority=document.text("authority"),
        jurisdiction=document.text("jurisdiction", default=""),
        note=document.text("note", default=""),
        mandate=document.text("mandate", default=""),
        parent=document.text("parent", default=""),
    )
