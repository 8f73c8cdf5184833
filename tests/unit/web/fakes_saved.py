# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Saved searches and subscriptions kept in memory, for tests of the face alone."""

from dataclasses import dataclass, field, replace

import msgspec

from archiver.access.rules import Permission, reach
from archiver.db.saved_searches import SavedRow, VisitRow
from archiver.db.subscriptions import DEAD, DeliveryRow, SubscriptionRow
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.legal.asking import Asked
from archiver.legal.saved_searches import SavedDetail, SavedPage
from archiver.legal.saved_versions import Change
from archiver.legal.saved_views import SavedView, Version, history_of
from archiver.legal.subscription_views import (
    ChannelName,
    DeliveryView,
    Pace,
    SubscriptionView,
    Tested,
)
from archiver.model.actor import Actor

SAVED = "01KAM0SAVED000000000000001"
SUBSCRIPTION = "01KAM0SBSCRPT0000000000001"
DELIVERY = "01KAM0DEVERY00000000000001"
HOSTILE_NAME = "<b>Fees</b>"
SECRET = "whsec_" + "c" * 44
_AT = 1_790_000_000_000

FIRST = SavedRow(
    id=SAVED,
    owner="carla@example.com",
    owner_key="P1",
    newest=2,
    version=1,
    name=HOSTILE_NAME,
    description="",
    query="fees",
    normalised="fees",
    asked=msgspec.json.encode(Asked(query="fees")).decode(),
    shared_with="",
    archived=False,
    made_at=_AT,
    made_by="carla@example.com",
)
SECOND = replace(
    FIRST,
    version=2,
    query="fees OR <i>",
    normalised='fees OR "<i>"',
    asked=msgspec.json.encode(Asked(query="fees OR <i>")).decode(),
    shared_with="everybody",
)


@dataclass
class FakeSavedSearches:
    """One saved search of two versions, and what was saved since."""

    rows: list[SavedRow] = field(default_factory=lambda: [FIRST, SECOND])
    saved: list[tuple[Asked, str, str, str]] = field(default_factory=list)
    changes: list[tuple[Change, int]] = field(default_factory=list)
    new: int | None = 12

    async def save(
        self,
        asked: Asked,
        *,
        name: str,
        description: str = "",
        shared_with: str = "",
        actor: Actor,
    ) -> SavedView:
        reach(actor, Permission.SEARCH)
        if not name:
            raise InvalidInput("expected a name, found none", pointer="name")
        self.saved.append((asked, name, description, shared_with))
        return SavedView(row=replace(FIRST, newest=1, name=name), mine=True)

    async def change(
        self, saved_search_id: str, change: Change, *, based_on: int, actor: Actor
    ) -> SavedView:
        view = self._view(saved_search_id, 0, actor)
        if based_on < 1:
            raise InvalidInput("expected the version, found none", pointer="version")
        if based_on != view.row.version:
            raise Conflict("the saved search was changed meanwhile")
        if change.name == "":
            raise InvalidInput("expected a name, found none", pointer="name")
        self.changes.append((change, based_on))
        return view

    async def list(
        self, *, archived: bool = False, limit: int = 50, cursor: str = "", actor: Actor
    ) -> SavedPage:
        reach(actor, Permission.SEARCH)
        items = () if archived else (self._view(SAVED, 0, actor),)
        return SavedPage(items=items, total=len(items), cursor="")

    async def mine(self, *, actor: Actor) -> tuple[SavedView, ...]:
        return (self._view(SAVED, 0, actor),)

    async def shareable(self, *, actor: Actor) -> tuple[str, ...]:
        reach(actor, Permission.SEARCH)
        return ("", "everybody", "unit:<u>Treasury</u>")

    async def show(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedView:
        return self._view(saved_search_id, version, actor)

    async def page(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedDetail:
        view = self._view(saved_search_id, version, actor)
        return SavedDetail(view=view, history=await self.history(saved_search_id, actor=actor))

    async def history(self, saved_search_id: str, *, actor: Actor) -> tuple[Version, ...]:
        self._view(saved_search_id, 0, actor)
        return history_of([SavedView(row=row, mine=True) for row in reversed(self.rows)])

    async def open(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedView:
        return self._view(saved_search_id, version, actor)

    def _view(self, saved_search_id: str, version: int, actor: Actor) -> SavedView:
        reach(actor, Permission.SEARCH)
        for row in reversed(self.rows):
            if saved_search_id == row.id and version in {0, row.version}:
                return SavedView(row=row, mine=True, visit=VisitRow(seen=7, at=_AT), new=self.new)
        raise NotFound(f"no saved search {saved_search_id!r}")


class FakeSubscriptions:
    """A subscription by webhook that fails, and those made since."""

    def __init__(self) -> None:
        self.mail_works = True
        self.made: list[tuple[ChannelName, str, Pace]] = []
        self.states: list[str] = []
        self.retried: list[str] = []
        self.receiver_says = ""

    async def create(
        self,
        saved_search_id: str,
        *,
        channel: ChannelName,
        target: str = "",
        pace: Pace = Pace.AT_ONCE,
        actor: Actor,
    ) -> SubscriptionView:
        self._require(saved_search_id, actor)
        if channel is ChannelName.WEBHOOK and not target.startswith("https:"):
            raise InvalidInput("expected a URL, found none", pointer="target")
        self.made.append((channel, target, pace))
        secret = SECRET if channel is ChannelName.WEBHOOK else ""
        return replace(_subscription(channel.value, target), secret=secret)

    async def list(self, saved_search_id: str, *, actor: Actor) -> tuple[SubscriptionView, ...]:
        self._require(saved_search_id, actor)
        return (_subscription("webhook", "https://a.example/<in>"),)

    async def deliveries(self, saved_search_id: str, *, actor: Actor) -> tuple[DeliveryView, ...]:
        self._require(saved_search_id, actor)
        return (_delivery(),)

    async def set_state(
        self, subscription_id: str, state: str, *, actor: Actor
    ) -> SubscriptionView:
        reach(actor, Permission.SEARCH)
        if subscription_id != SUBSCRIPTION:
            raise NotFound(f"no subscription {subscription_id!r}")
        self.states.append(state)
        return _subscription("webhook", "https://a.example/in")

    async def test(self, subscription_id: str, *, actor: Actor) -> Tested:
        reach(actor, Permission.SEARCH)
        if subscription_id != SUBSCRIPTION:
            raise NotFound(f"no subscription {subscription_id!r}")
        row = _subscription("webhook", "https://a.example/<in>").row
        return Tested(id=DELIVERY, row=row, problem=self.receiver_says)

    async def retry(self, delivery_id: str, *, actor: Actor) -> SubscriptionView:
        reach(actor, Permission.SEARCH)
        if delivery_id != DELIVERY:
            raise NotFound(f"no delivery {delivery_id!r}")
        self.retried.append(delivery_id)
        return _subscription("webhook", "https://a.example/in")

    def _require(self, saved_search_id: str, actor: Actor) -> None:
        reach(actor, Permission.SEARCH)
        if saved_search_id != SAVED:
            raise NotFound(f"no saved search {saved_search_id!r}")


def _subscription(channel: str, target: str) -> SubscriptionView:
    return SubscriptionView(
        row=SubscriptionRow(
            id=SUBSCRIPTION,
            saved_search_id=SAVED,
            owner="carla@example.com",
            owner_key="P1",
            requester="{}",
            channel=channel,
            target=target,
            pace="daily",
            secret=b"",
            state="active",
            why="",
            created_at=_AT,
            stated_at=_AT,
            position=9,
            looked_at=_AT,
        ),
        last=_delivery(),
    )


def _delivery() -> DeliveryView:
    return DeliveryView(
        row=DeliveryRow(
            id=DELIVERY,
            subscription_id=SUBSCRIPTION,
            first_index=3,
            end_index=9,
            hits=2,
            version=2,
            state=DEAD,
            attempts=8,
            next_at=_AT,
            problem="it answered <500>",
            created_at=_AT,
            settled_at=_AT,
        )
    )
