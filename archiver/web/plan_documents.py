"""The JSON documents of making the file plan: classes, drafts, what is amiss."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_MOST_MEMBERS = 10_000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class NewClass(_Request):
    """A class to add. With a template, what is left empty is taken from that."""

    code: str = Field(min_length=1, max_length=40)
    title: str = Field(default="", max_length=200)
    authority: str = Field(default="", max_length=1000)
    jurisdiction: str = Field(default="", max_length=200)
    note: str = Field(default="", max_length=4000)
    mandate: str = Field(default="", max_length=1000)
    parent: str = Field(default="", max_length=40)
    template: str = Field(default="", max_length=100)


class ClassChange(_Request):
    """What of a class changes; what is absent stays. Code and authority never change."""

    title: str | None = Field(default=None, max_length=200)
    note: str | None = Field(default=None, max_length=4000)
    parent: str | None = Field(default=None, max_length=40)
    reason: str = Field(min_length=1, max_length=4000)


class MovedRecords(_Request):
    """Records to put into a class: by id, or a frozen set."""

    record_ids: tuple[str, ...] = Field(default=(), max_length=_MOST_MEMBERS)
    set_id: str = Field(default="", max_length=40)
    reason: str = Field(min_length=1, max_length=4000)


class NewDraft(_Request):
    """A draft to begin, of a class's schedule; without a class, of the class rules."""

    class_code: str = Field(default="", max_length=40)
    template: str = Field(default="", max_length=100)
    empty: bool = False
    fiscal_year_starts: int | None = Field(default=None, ge=1, le=12)
    period: str = Field(default="", max_length=40)
    reason: str = Field(min_length=1, max_length=4000)


class DraftChange(_Request):
    """Another body or reason of a draft; what is absent stays."""

    body: dict[str, Any] | None = None
    reason: str | None = Field(default=None, min_length=1, max_length=4000)


class Submission(_Request):
    """Sends a draft for approval. `seen` is the digest of what was simulated, where it was."""

    in_force_from: AwareDatetime | None = None
    seen: str = Field(default="", max_length=64)


class ClassDocument(_Answer):
    """A class with the schedule in force, None where there is none."""

    code: str
    title: str
    authority: str
    mandate: str
    parent: str
    depth: int
    revision: int
    closed: bool
    closed_at: str | None
    schedule: dict[str, Any] | None


class ClassTree(_Answer):
    """Every class below the one above it."""

    items: list[ClassDocument]


class DraftDocument(_Answer):
    """A draft: its body, what is missing in it, what it changes, its simulation."""

    id: str
    subject: str
    class_code: str
    based_on: int
    version: int
    state: str
    reason: str
    body: dict[str, Any]
    problems: list[str]
    digest: str
    changes: list[dict[str, str]]
    simulation: dict[str, Any] | None
    in_force_from: str | None
    revision: int
    made_by: str
    decided_by: str
    mine: bool


class DraftList(_Answer):
    """Drafts, newest first."""

    items: list[DraftDocument]


class RuleList(_Answer):
    """The class rules in force, in the order in which they are asked; the default comes last."""

    version: int
    items: list[dict[str, Any]]


class TemplateList(_Answer):
    """The shipped retention templates. What counsel has to confirm is marked so."""

    items: list[dict[str, Any]]


class Reclassified(_Answer):
    """What was put into a class, or would be."""

    class_code: str
    schedule_version: int
    moved: int
    unchanged: int
    kept_longer: int
    kept_shorter: int
    held: int
    from_classes: list[dict[str, Any]]


class PlanReportDocument(_Answer):
    """What in the file plan leads nowhere, waits, or is unconfirmed."""

    rules_version: int
    count: int
    findings: list[dict[str, Any]]


class FiledRecords(_Answer):
    """Posts of a class, in log order; `next_after` is where the next page begins, or null."""

    items: list[dict[str, Any]]
    next_after: int | None
