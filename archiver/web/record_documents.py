"""The JSON documents about single records, as models (see `documents`)."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

_ANSWER = ConfigDict(extra="allow", frozen=True)


class ThreadPostDocument(BaseModel):
    """One post of a thread. `missing_parent` is what it answers and the archive does not have."""

    model_config = _ANSWER

    id: str
    this: bool
    author: str
    text: str
    parent: str
    missing_parent: str
    versions: int
    integrity: str


class ThreadDocument(BaseModel):
    """The posts around a record, oldest first; `before` and `after` count those not listed."""

    model_config = _ANSWER

    items: list[ThreadPostDocument]
    total: int
    total_is_exact: bool
    before: int
    after: int


class CustodyStep(BaseModel):
    """One thing that happened to a record; `event` is the record of it, where it is an event."""

    model_config = _ANSWER

    at: datetime | None
    what: str
    detail: str
    event: str


class CustodyDocument(BaseModel):
    """The life of a record; `events_shown` says whether who looked at it is among the items."""

    model_config = _ANSWER

    items: list[CustodyStep]
    total: int
    total_is_exact: bool
    events_shown: bool


class VerifiedDocument(BaseModel):
    """What verifying a record found: each check as `{"what", "ok", "detail"}`."""

    model_config = _ANSWER

    id: str
    ok: bool
    checks: list[dict[str, Any]]
