"""Making deliveries: each is tried until it is taken, ever more rarely, and given up after a day.

Before each attempt is asked again whether its subscriber may still be told, and of how many hits.
An attempt is claimed before it is made, so two processes never make the same one; a process that
dies in the middle leaves a claim that runs out, and the attempt is made again under the same id.
The claim counts as an attempt: what is told and cannot be noted, because the store is away, is told
again ever more rarely too.
What was taken is an event, and the event says which stretch of the log was told: a database rebuilt
from the log tells it to nobody again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import subscriptions as rows
from archiver.db.subscriptions import ACTIVE, DEAD, DELIVERED, DeliveryRow
from archiver.db.transaction import Database
from archiver.errors import ConfigurationError, NotFound, PeerUnavailable
from archiver.ids import Randomness
from archiver.jobs.notices import Notice
from archiver.jobs.subscribed import asked_now
from archiver.jobs.subscriptions import TOO_MUCH, stop
from archiver.legal.news import News
from archiver.legal.subscription_views import ChannelName
from archiver.model.actor import SYSTEM
from archiver.preserve.event_record import legible
from archiver.preserve.subscription_effects import (
    SUBSCRIPTION,
    DeliverySettled,
    delivery_details,
)
from search.query import LogRange, every

BACKOFF = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)
)
"""Pauses after the first, second … failed attempt; after the last of them it is given up."""

CLAIM = timedelta(minutes=2)
"""The least time before another process makes an attempt: well beyond every time limit."""

_AT_ONCE = 8
_SPREAD = 0.1  # of a pause, at most: what failed together shall not come back together
_NOTHING_LEFT = "of its hits none may be told any more: they are out of reach, or restricted"
_SAID = 500

_log = structlog.get_logger("muniment.deliveries")


class Channel(Protocol):
    """One way to tell a subscriber."""

    async def send(self, notice: Notice) -> None:
        """Tell it. Raises PeerUnavailable: not now; NotFound: never again."""


class Deliveries:
    """Makes the deliveries that are due, through the channels there are."""

    def __init__(
        self,
        *,
        database: Database,
        news: News,
        trail: Trail,
        clock: Clock,
        randomness: Randomness,
        channels: Mapping[ChannelName, Channel],
        public_url: str = "",
    ) -> None:
        self._database = database
        self._news = news
        self._trail = trail
        self._clock = clock
        self._randomness = randomness
        self._channels = channels
        self._public_url = public_url

    async def deliver(self, channel: ChannelName) -> int:
        """Try what is due by one channel; return how many attempts were made.

        Webhooks are tried side by side. Mails go one after the other, for a server counts
        connections, and each is claimed when it is its turn: one that hangs outlasts no claim.

        Raises:
            OperatorError: the index does not answer, so nothing was told; or what became of an
                attempt could not be kept, and it is made again.
        """
        async with self._database.reading() as tx:
            now = self._clock()
            latest = to_millis(now + BACKOFF[-1] * (1 + _SPREAD))
            due = await rows.due(tx, channel.value, to_millis(now), _AT_ONCE, latest=latest)
        if channel is ChannelName.MAIL:
            return sum([await self._attempt(row) for row in due])
        return sum(await asyncio.gather(*(self._attempt(row) for row in due)))

    async def notice(self, channel: ChannelName) -> str:
        """Return what an operator should know: how many were given up; empty where none was."""
        async with self._database.reading() as tx:
            dead = await rows.count_dead(tx, channel.value)
        if not dead:
            return ""
        what = "delivery" if dead == 1 else "deliveries"
        was = "was" if dead == 1 else "were"
        return f"{dead} {what} by {channel} {was} given up; the pages of the saved searches say why"

    async def _attempt(self, waiting: DeliveryRow) -> bool:
        """Make an attempt, or find that none is to be made; False where it is not the time."""
        async with self._database.reading() as tx:
            subscription = await rows.get(tx, waiting.subscription_id)
            if subscription.state != ACTIVE:  # it ended while others were told
                return False
            asked = await asked_now(
                tx, self._news, subscription, self._clock(), version=waiting.version
            )
        if asked.tree is None:
            await stop(self._trail, self._clock, subscription, asked.saved.name, asked.why_not)
            return True
        stretch = LogRange(waiting.first_index, waiting.end_index)
        question = every((asked.tree, stretch)), waiting.first_index
        watermark, (hits,) = await self._news.count([question], SYSTEM)
        if hits is None:
            await stop(self._trail, self._clock, subscription, asked.saved.name, TOO_MUCH)
            return True
        if watermark < waiting.end_index:  # the index is being built anew
            return False
        row = replace(waiting, hits=hits)
        pause = BACKOFF[min(row.attempts, len(BACKOFF) - 1)]
        until = to_millis(self._clock() + max(CLAIM, pause))
        async with self._database.transaction() as tx:
            if not await rows.claim(tx, row, until=until):
                return False
        await self._make(
            Notice(
                delivery=row,
                subscription=subscription,
                saved=asked.saved,
                public_url=self._public_url,
            )
        )
        return True

    async def _make(self, notice: Notice) -> None:
        subscription, saved = notice.subscription, notice.saved
        if not notice.delivery.hits:
            await self._settle(notice, DEAD, _NOTHING_LEFT)
            return
        try:
            await self._channel(subscription.channel).send(notice)
        except (PeerUnavailable, ConfigurationError) as error:
            await self._failed(notice, str(error))
        except NotFound as error:
            await self._settle(notice, DEAD, str(error))
            await stop(self._trail, self._clock, subscription, saved.name, str(error))
        else:
            await self._settle(notice, DELIVERED, "")

    def _channel(self, name: str) -> Channel:
        channel = self._channels.get(ChannelName(name))
        if channel is None:
            raise ConfigurationError(
                f"the settings of this process give it no way to tell by {name}; see "
                "MUNIMENT_SMTP_URL"
            )
        return channel

    async def _failed(self, notice: Notice, problem: str) -> None:
        row = notice.delivery
        problem = legible(problem[:_SAID])
        _log.warning("delivery.failed", delivery=row.id, attempts=row.attempts + 1, error=problem)
        if row.attempts >= len(BACKOFF):
            await self._settle(notice, DEAD, problem)
            return
        until = self._after(BACKOFF[row.attempts])
        async with self._database.transaction() as tx:
            await rows.put_off(tx, row, problem=problem, until=to_millis(until))

    def _after(self, pause: timedelta) -> datetime:
        share = int.from_bytes(self._randomness(2)) / 65_536
        return self._clock() + pause * (1 + share * _SPREAD)

    async def _settle(self, notice: Notice, state: str, problem: str) -> None:
        at = to_millis(self._clock())
        row = replace(
            notice.delivery,
            state=state,
            attempts=notice.delivery.attempts + 1,
            problem=problem,
            settled_at=at,
        )
        sent = state == DELIVERED
        await self._trail.record(
            Action.DELIVERY_SENT if sent else Action.DELIVERY_ABANDONED,
            actor=SYSTEM,
            object_type=SUBSCRIPTION,
            object_id=row.subscription_id,
            result="ok" if sent else "failed",
            details={
                "name": notice.saved.name,
                "channel": notice.subscription.channel,
                "target": notice.subscription.target,
                **delivery_details(row),
            },
            effect=DeliverySettled(row=row),
            at=from_millis(at),
        )
