"""The JSON documents of privacy requests."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from archiver.web.disposition_documents import BatchDocument
from archiver.web.documents import StatedReason

_MOST_RECORDS = 5_000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class NewPrivacyRequest(_Request):
    """A request that was received; now, unless `received_at` says when."""

    kind: Literal["erasure", "restriction", "objection"]
    person: str = Field(min_length=1, max_length=2000)
    reference: str = Field(default="", max_length=2000)
    received_at: AwareDatetime | None = None


class Extension(StatedReason):
    """One or two months more to answer."""

    months: int = Field(ge=1, le=2)


class FoundRecords(_Request):
    """The records a request is about: these, or all of a frozen set; in every version."""

    record_ids: list[str] = Field(default=[], alias="records", max_length=_MOST_RECORDS)
    set_id: str = Field(default="", alias="set", max_length=40)


class _Chosen(StatedReason):
    record_ids: list[str] = Field(default=[], alias="records", max_length=_MOST_RECORDS)
    everything: bool = Field(default=False, alias="all")


class PrivacyDecisionDocument(_Chosen):
    """The decision on these records, or on all undecided ones where it is possible.

    `ground` is needed with a refusal, and with nothing else.
    """

    decision: Literal["erase", "refuse", "restrict"]
    ground: str = Field(default="", max_length=60)


class Lifting(_Chosen):
    """Restrictions to lift, and when the person was told of it."""

    told_at: AwareDatetime


class Closing(_Request):
    """What else the signed answer tells the person."""

    remark: str = Field(default="", max_length=4000)


class PrivacyRequestDocument(_Answer):
    """A privacy request. `version` is its ETag: a change names the one it was made upon."""

    id: str
    version: int
    kind: str
    state: str
    due_at: str
    records: int
    undecided: int
    next: str


class PrivacyRequestList(_Answer):
    """A page of requests, newest first."""

    items: list[PrivacyRequestDocument]
    total: int
    next_cursor: str


class PrivacyRecords(_Answer):
    """Records of a request, each with what may be decided on it and what stands against it."""

    items: list[dict[str, Any]]
    after: int | None


class ErasureBatches(_Answer):
    """The batches that were formed: nothing is destroyed before two people approve them."""

    items: list[BatchDocument]
