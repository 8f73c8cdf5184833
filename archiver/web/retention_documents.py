"""The JSON documents of retention events and simulations."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
"""A calendar day: that day in whatever time zone a schedule counts."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class NewRetentionEvent(_Request):
    """What happened: to an account (platform and account), or to one record."""

    name: str = Field(min_length=1, max_length=40)
    happened_at: _Day | AwareDatetime
    platform: str = Field(default="", max_length=64)
    account: str = Field(default="", max_length=1024)
    record_id: str = Field(default="", max_length=40)
    note: str = Field(default="", max_length=4000)


class RetentionEventCorrection(_Request):
    """Another date for an event, and why."""

    happened_at: _Day | AwareDatetime
    note: str | None = Field(default=None, max_length=4000)
    reason: str = Field(min_length=1, max_length=4000)


class RetentionEventDocument(_Answer):
    """A statement. `in_force` is false once it was corrected or withdrawn.

    `day` is the calendar day that was stated, empty where a moment was; `happened_at` is its end
    in the archive's time zone.
    """

    id: str
    name: str
    happened_at: str
    day: str
    in_force: bool
    warnings: list[str]


class RetentionEventList(_Answer):
    """One page of statements, the newest first."""

    items: list[RetentionEventDocument]
    next_cursor: str


class RetentionEventImport(_Answer):
    """What became of a CSV file. `bad_lines` names the first thousand of those refused."""

    stated: int
    known: int
    refused: int
    unawaited: list[str]
    unknown_accounts: list[str]
    bad_lines: list[dict[str, Any]]


class Simulated(_Request):
    """What to simulate: a draft, or the body of a schedule or of class rules."""

    draft: str = Field(default="", max_length=40)
    body: dict[str, Any] | None = None


class SimulatedSelection(Simulated):
    """A number of a simulation whose records are wanted; `after` is the last log index seen."""

    category: str
    year: str = Field(default="", max_length=20)
    platform: str = Field(default="", max_length=64)
    account: str = Field(default="", max_length=1024)
    class_code: str = Field(default="", max_length=40)
    after: int = -1
    limit: int = Field(default=50, ge=1, le=200)


class SimulationDocument(_Answer):
    """A simulation: totals, years, classes, and lines by year, account and class."""

    subject: str
    class_code: str
    version: int
    digest: str
    as_of: str
    log_size: int


class SimulatedRecords(_Answer):
    """Records behind a number, in log order."""

    items: list[dict[str, Any]]
