"""Finding what is to be told: the follower of the log behind subscriptions.

It follows the log as far as the index has read it, so that every count is exact: of the stretch
from a subscription's own position to the index's watermark the engine counts the hits within the
subscriber's reach, and one transaction takes up a delivery and moves the position. A crash tells
nothing twice and leaves nothing out; of several processes one does it.

A subscription with a delivery under way is left alone: its position waits, and what comes meanwhile
is told together. Capture never waits for any of this.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import subscriptions as rows
from archiver.db.subscriptions import STOPPED, WAITING, DeliveryRow, SubscriptionRow
from archiver.db.transaction import Database
from archiver.ids import Ulids
from archiver.jobs.subscribed import Asked, asked_now
from archiver.legal.news import News
from archiver.legal.subscription_views import Pace
from archiver.model.actor import SYSTEM
from archiver.preserve.subscription_effects import (
    SUBSCRIPTION,
    SubscriptionStated,
    subscription_details,
)

TOO_MUCH = "its query finds too much to be counted"
"""Why a subscription stops whose query costs more than any may."""


class SubscriptionFollower:
    """Takes up deliveries for what is new."""

    def __init__(
        self, *, database: Database, news: News, trail: Trail, clock: Clock, ulids: Ulids
    ) -> None:
        self._database = database
        self._news = news
        self._trail = trail
        self._clock = clock
        self._ulids = ulids

    async def follow(self) -> int:
        """Look for each subscription whose turn it is; return how many deliveries were taken up.

        Raises:
            SearchUnavailable, DatabaseUnavailable: nothing is lost; the next look finds it.
        """
        now = self._clock()
        async with self._database.reading() as tx:
            due = [row for row in await rows.list_idle(tx) if _is_due(row, now)]
        if not due:
            return 0
        watermark = await self._news.watermark()
        async with self._database.reading() as tx:
            asked = [
                await asked_now(tx, self._news, row, now) for row in due if row.position < watermark
            ]
        for each in asked:
            if each.why_not:
                await self._stop(each)
        return await self._take_up([each for each in asked if not each.why_not], now)

    async def _take_up(self, asked: Sequence[Asked], now: datetime) -> int:
        """Count what is new for each in one state of the index, and move them on."""
        if not asked:
            return 0
        questions = [(each.tree, each.row.position) for each in asked if each.tree is not None]
        watermark, news = await self._news.count(questions, SYSTEM)
        taken_up = 0
        for each, hits in zip(asked, news, strict=True):
            if hits is None:
                await self._stop(replace(each, why_not=TOO_MUCH))
                continue
            if each.row.position >= watermark:  # the index was rebuilt between the two looks
                continue
            told = self._delivery(each, watermark, hits, now) if hits else None
            async with self._database.transaction() as tx:
                moved = await rows.move_on(tx, each.row, watermark, now=to_millis(now), told=told)
            taken_up += moved and told is not None
        return taken_up

    def _delivery(self, asked: Asked, end: int, hits: int, now: datetime) -> DeliveryRow:
        return DeliveryRow(
            id=self._ulids.one(now),
            subscription_id=asked.row.id,
            first_index=asked.row.position,
            end_index=end,
            hits=hits,
            version=asked.saved.version,
            state=WAITING,
            attempts=0,
            next_at=to_millis(now),
            problem="",
            created_at=to_millis(now),
        )

    async def _stop(self, asked: Asked) -> None:
        await stop(self._trail, self._clock, asked.row, asked.saved.name, asked.why_not)


async def stop(trail: Trail, clock: Clock, row: SubscriptionRow, name: str, why: str) -> None:
    """Stop a subscription, by an event that says why. Its subscriber can resume it."""
    at = max(to_millis(clock()), row.stated_at)
    stopped = replace(row, state=STOPPED, why=why, stated_at=at)
    await trail.record(
        Action.SUBSCRIPTION_STOPPED,
        actor=SYSTEM,
        object_type=SUBSCRIPTION,
        object_id=row.id,
        details={"name": name, **subscription_details(stopped)},
        effect=SubscriptionStated(row=stopped),
        at=from_millis(at),
    )


def _is_due(row: SubscriptionRow, now: datetime) -> bool:
    """Return whether enough was gathered; also where a clock that was set back looked last."""
    return not to_millis(now - Pace(row.pace).interval) < row.looked_at <= to_millis(now)
