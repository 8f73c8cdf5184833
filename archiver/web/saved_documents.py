"""The JSON documents of saved searches and subscriptions."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from archiver.legal.asking import Asked, read_filters
from archiver.legal.saved_versions import Change
from archiver.legal.subscription_views import ChannelName, Pace
from search.query import DateName

_QUERY = 10_000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class AskedDocument(_Request):
    """A query and the filters beside it, as the search takes them."""

    query: str = Field(default="", max_length=_QUERY)
    include: tuple[str, ...] = Field(default=(), max_length=200)
    exclude: tuple[str, ...] = Field(default=(), max_length=200)
    since: str = Field(default="", max_length=100)
    until: str = Field(default="", max_length=100)
    clock: DateName = DateName.POSTED
    stem: bool = False
    zone: str = Field(default="", max_length=100)

    def asked(self) -> Asked:
        """Return it as the use case takes it. Raises InvalidInput."""
        return Asked(
            query=self.query,
            include=read_filters(self.include, "include"),
            exclude=read_filters(self.exclude, "exclude"),
            since=self.since,
            until=self.until,
            clock=self.clock,
            stem=self.stem,
            zone=self.zone,
        )


class NewSavedSearch(AskedDocument):
    """A search to save. `shared_with`: empty, `everybody`, `unit:NAME` or `matter:NAME`."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=4_000)
    shared_with: str = Field(default="", max_length=250)


class SavedSearchChange(_Request):
    """What is to be different in a new version; what is not given stays."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=4_000)
    asked: AskedDocument | None = None
    shared_with: str | None = Field(default=None, max_length=250)
    archived: bool | None = None

    def change(self) -> Change:
        """Return it as the use case takes it. Raises InvalidInput."""
        return Change(
            name=self.name,
            description=self.description,
            asked=None if self.asked is None else self.asked.asked(),
            shared_with=self.shared_with,
            archived=self.archived,
        )


class NewSubscription(_Request):
    """Who is to be told, and how often. Mail goes to your own address where none is given."""

    channel: ChannelName
    target: str = Field(default="", max_length=2_000)
    pace: Pace = Pace.AT_ONCE


class SubscriptionChange(_Request):
    """Whether a subscription goes on."""

    state: Literal["active", "stopped", "ended"]


class SavedSearchDocument(_Answer):
    """One version of a saved search; `new` is null where it is not known now."""

    id: str
    version: int
    newest_version: int
    name: str
    description: str
    owner: str
    mine: bool
    query: str
    normalised: str
    asked: dict[str, Any]
    shared_with: str
    archived: bool
    made_at: str
    made_by: str
    last_run_at: str
    new: int | None


class SavedSearchList(_Answer):
    """A page of saved searches."""

    items: list[SavedSearchDocument]
    next_cursor: str
    total: int
    total_is_exact: bool


class SubscriptionDocument(_Answer):
    """A subscription; `secret` is there once, in the answer to who made it."""

    id: str
    saved_search_id: str
    owner: str
    channel: str
    target: str
    pace: str
    state: str
    why: str
    created_at: str
    told_until: int
    last_delivery: dict[str, Any] | None


class SubscriptionList(_Answer):
    """Your subscriptions to a saved search."""

    items: list[SubscriptionDocument]
    next_cursor: str
    total: int
    total_is_exact: bool


class WebhookTestDocument(_Answer):
    """What became of a test; `id` is the `webhook-id` that the receiver saw."""

    id: str
    subscription_id: str
    target: str
    delivered: bool
    problem: str


class DeliveryList(_Answer):
    """The newest deliveries of your subscriptions to a saved search."""

    items: list[dict[str, Any]]
    next_cursor: str
    total: int
    total_is_exact: bool
