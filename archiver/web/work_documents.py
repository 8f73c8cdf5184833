"""The JSON documents of jobs, integrity and imports, as models (see `documents`)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_ANSWER = ConfigDict(extra="allow", frozen=True)


class NewVerification(BaseModel):
    """A verification to start: of everything, or of `percent` of the records.

    `content` opens every record of a full one too; a sample always opens what it draws.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["verification"]
    percent: float | None = Field(default=None, gt=0, le=100)
    content: bool = False


class JobProgress(BaseModel):
    """How far a job is; `total` is null where nobody can tell."""

    model_config = _ANSWER

    phase: str
    done: int
    total: int | None


class JobDocument(BaseModel):
    """A job. `estimated_end_at` is an estimate; `result` depends on the kind."""

    model_config = _ANSWER

    id: str
    kind: str
    subject: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: JobProgress
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    estimated_end_at: datetime | None
    result: dict[str, Any]
    error: str
    result_url: str


class JobList(BaseModel):
    """A page of jobs, newest first."""

    model_config = _ANSWER

    items: list[JobDocument]
    next_cursor: str
    total: int
    total_is_exact: bool


class IntegrityReason(BaseModel):
    """What a judgement rests on: what was found, what it means, what to do."""

    model_config = _ANSWER

    gravity: Literal["problem", "notice"]
    what: str
    means: str
    do: str


class IntegrityDocument(BaseModel):
    """What may be said of the archive's integrity, and why."""

    model_config = _ANSWER

    state: Literal["verified", "verifying", "problem", "not-yet-verified"]
    sentence: str
    reasons: list[IntegrityReason]
    checkpoint: dict[str, Any]
    log_size: int
    waiting: int
    covered: int
    verifications: list[dict[str, Any]]
    locks: dict[str, Any] | None


class LocksDocument(BaseModel):
    """The newest run of the lock keeper, null where there was none yet."""

    model_config = _ANSWER

    newest: dict[str, Any] | None


class ImportList(BaseModel):
    """The newest imports, newest first."""

    model_config = _ANSWER

    items: list[dict[str, Any]]
    total: int
