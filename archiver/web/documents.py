"""The JSON documents of the API, as models: what is accepted, and what OpenAPI tells of answers.

Requests are validated with them, strictly: an unknown field is an error, because a misspelt one
would otherwise be ignored in silence. Answers are built by the views' own `to_dict`; tests check
each against its model here.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from archiver.model.actor import Role


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class NewHold(_Request):
    """A hold to place: why, and over what. At least one of query, accounts, records."""

    name: str = Field(min_length=1, max_length=200)
    matter: str = Field(default="", max_length=200)
    reason: str = Field(min_length=1, max_length=4000)
    query: str | None = Field(default=None, max_length=10_000)
    saved: str = Field(default="", max_length=40)
    set_id: str = Field(default="", max_length=40)
    accounts: tuple[str, ...] = Field(default=(), max_length=10_000)
    record_ids: tuple[str, ...] = Field(default=(), max_length=10_000)


class Release(_Request):
    """Why a hold is released."""

    reason: str = Field(min_length=1, max_length=4000)


class NewToken(_Request):
    """A token to make."""

    name: str = Field(min_length=1, max_length=200)
    roles: tuple[Role, ...] = Field(min_length=1, max_length=len(Role))
    unit: str = Field(default="", max_length=200)
    matter: str = Field(default="", max_length=200)
    expires_at: AwareDatetime | None = None


class Captured(_Answer):
    """What became of one post. The receipt is a signed promise; keep it."""

    status: Literal["captured", "unchanged"]
    id: str
    log_index: int
    receipt: dict[str, Any] | None


class CapturedLine(_Answer):
    """What became of one line. `receipt.note` is a number: the place in `notes`."""

    line: int
    status: Literal["captured", "unchanged", "refused"]
    id: str = ""
    log_index: int = -1
    receipt: dict[str, Any] | None = None
    reason: str = ""


class CapturedBatch(_Answer):
    """What became of each line; the signed notes of the receipts stand once in `notes`."""

    captured: int
    unchanged: int
    refused: int
    notes: list[str]
    items: list[CapturedLine]


class Covered(_Answer):
    """Which part of the archive the answer speaks of."""

    log_size: int
    records: int
    not_searchable: int
    set_aside: int
    exact: bool


class QueryUnderstood(_Answer):
    """How a query is understood. Where it cannot be read, `error` says why and where."""

    query: str
    syntax: str
    normalised: str
    words: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    error: dict[str, Any] | None


class QueryWords(_Answer):
    """Which words of the index the words of a query stand for, with how many records hold each."""

    normalised: str
    items: list[dict[str, Any]]


class FacetValue(_Answer):
    """How many hits have a value of a field."""

    value: str
    count: int


class SearchFacet(_Answer):
    """The most frequent values of a field; `other` is how often all further ones occur.

    `counted` false: there is too much to count.
    """

    field: str
    values: list[FacetValue]
    other: int
    counted: bool


class SearchBar(_Answer):
    """How many hits there are from the day `from` to the day `to`, both included."""

    label: str
    count: int


class SearchHistogram(_Answer):
    """Hits by time, in the archive's zone; `undated` ones have no time on this clock."""

    clock: str
    interval: str
    undated: int
    buckets: list[SearchBar]


class SearchAnswer(_Answer):
    """An exact count, what it covers, and a page of hits.

    `within` names the part of the archive that was searched where it was not all of it. `facets`
    and `histogram` are there if they were asked for.
    """

    query: str
    normalised: str
    count: int
    covered: Covered
    engine: str
    analyzer: str
    hits: list[dict[str, Any]] = []
    next_cursor: str = ""
    within: list[str] = []
    facets: list[SearchFacet] = []
    histogram: SearchHistogram | None = None


class RecordDocument(_Answer):
    """Everything known about a record but its bytes."""

    id: str
    log_index: int


class Versions(_Answer):
    """Every version of the same post, oldest first."""

    items: list[dict[str, Any]]


class KeepingReason(_Answer):
    """One reason to keep a record."""

    text: str
    citation: str


class Why(_Answer):
    """Why a record is kept, and until when."""

    id: str
    state: str
    until: str | None
    reasons: list[KeepingReason]


class HoldDocument(_Answer):
    """A legal hold."""

    id: str
    name: str
    state: str
    records: int


class HoldPreviewDocument(HoldDocument):
    """What a hold would cover now, by account, and which holds cover some of it already."""

    accounts: list[dict[str, Any]]
    held_already: int | None
    overlaps: list[dict[str, Any]]


class HoldList(_Answer):
    """All holds."""

    items: list[HoldDocument]


class ClassList(_Answer):
    """The classes of the file plan with their schedules."""

    items: list[dict[str, Any]]


class ScheduleList(_Answer):
    """Every version of a class's schedule, newest first, each with `in_force_from`."""

    items: list[dict[str, Any]]


class ExampleDocument(_Answer):
    """Until when a record would be kept that is posted on a day, and why."""

    posted: str
    event: str | None
    state: str
    until: str | None
    reasons: list[KeepingReason]


class NewAccount(_Request):
    """An account to register, by what captures call it."""

    platform: str = Field(min_length=1, max_length=64)
    handle: str = Field(min_length=1, max_length=1024)
    title: str = Field(default="", max_length=200)
    custodian: str = Field(default="", max_length=200)
    unit: str = Field(default="", max_length=200)


class AccountChange(_Request):
    """What to change of an account; what is left out stays."""

    title: str | None = Field(default=None, max_length=200)
    custodian: str | None = Field(default=None, max_length=200)
    unit: str | None = Field(default=None, max_length=200)


class StatedReason(_Request):
    """Why something is done; it stands in the audit trail."""

    reason: str = Field(min_length=1, max_length=4000)


class AccountClosing(StatedReason):
    """Why an account is closed, and since when; now unless told."""

    closed_at: AwareDatetime | None = None


class AccountDocument(_Answer):
    """An account with its totals. `state` is open, closed or not registered (then `id` is "")."""

    id: str
    platform: str
    handle: str
    unit: str
    state: Literal["open", "closed", "not registered"]
    records: int


class NotRegistered(_Answer):
    """Accounts that captures name and the register does not; at most 50 of them."""

    items: list[AccountDocument]
    total: int


class AccountList(_Answer):
    """A page of the register."""

    items: list[AccountDocument]
    next_cursor: str
    total: int
    total_is_exact: Literal[True]
    not_registered: NotRegistered


class TokenDocument(_Answer):
    """A token without its secret."""

    id: str
    name: str
    roles: list[Role]
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewTokenDocument(TokenDocument):
    """A token with its secret, shown this once."""

    secret: str


class TokenList(_Answer):
    """All tokens, revoked ones included."""

    items: list[TokenDocument]


class ConsistencyProof(_Answer):
    """That the log of size `new` continues the log of size `old`: hashes in base64."""

    old: int
    new: int
    proof: list[str]


class ProblemDocument(_Answer):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: list[dict[str, str]] = []
