"""The JSON documents of disposal batches, approvals and certificates."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from archiver.web.documents import StatedReason

_MOST_RECORDS = 5_000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class NewBatches(_Request):
    """Which batches to form: of all that is due, or of one class or account."""

    class_code: str = Field(default="", alias="class", max_length=40)
    account: str = Field(default="", max_length=500)


class Exclusion(StatedReason):
    """Records to leave out of a batch; with `keep_until` in no batch before that moment."""

    record_ids: list[str] = Field(alias="records", min_length=1, max_length=_MOST_RECORDS)
    keep_until: AwareDatetime | None = None


class Inclusion(StatedReason):
    """Excluded records to put back."""

    record_ids: list[str] = Field(alias="records", min_length=1, max_length=_MOST_RECORDS)


class NewApproval(StatedReason):
    """An approval of exactly so many records, as the approver counted them."""

    records: int = Field(ge=0)


class Confirmation(_Request):
    """The receiver's word for the package of a transfer."""

    receiver: str = Field(min_length=1, max_length=200)
    sha256: str = Field(min_length=64, max_length=64)


class BatchDocument(_Answer):
    """A disposal batch. `version` is its ETag: a change names the one it was made upon."""

    id: str
    version: int
    state: str
    action: str
    records: int
    approvals_needed: int
    approvals: list[dict[str, Any]]
    next: str


class BatchReviewDocument(BatchDocument):
    """A batch with all that its review needs but its records."""

    statistics: dict[str, Any]
    exceptions: dict[str, int]
    not_in_it: dict[str, Any]
    consequences: dict[str, Any]
    package: dict[str, Any] | None


class BatchListDocument(_Answer):
    """A page of batches, newest first."""

    items: list[BatchDocument]
    total: int
    total_is_exact: bool
    next_cursor: str


class BatchesFormed(_Answer):
    """The batches that were formed."""

    items: list[BatchDocument]


class BatchRecords(_Answer):
    """Records of a batch; `after` is to go on with, null at the end."""

    batch: str
    version: int
    items: list[dict[str, Any]]
    after: int | None


class DueDocument(_Answer):
    """What batches would be formed of now."""

    items: list[dict[str, Any]]
    records: int


class CertificateList(_Answer):
    """Certificates, newest first."""

    items: list[dict[str, Any]]


class StopDocument(_Answer):
    """Whether all disposal is stopped, and by what."""

    stopped: bool
    stops: list[dict[str, Any]]
