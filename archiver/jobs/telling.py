"""Saved searches, subscriptions and the loops that tell of new hits, put together."""

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from archiver.access.sealed_secrets import SealedSecrets
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db.transaction import Database
from archiver.ids import Randomness, Ulids
from archiver.jobs.deliveries import Channel, Deliveries
from archiver.jobs.loops import Chore
from archiver.jobs.mail import Mail, MailServer
from archiver.jobs.subscriptions import SubscriptionFollower
from archiver.jobs.webhooks import TIMEOUT_S, Webhooks
from archiver.legal.news import News
from archiver.legal.queries import OpenIndex
from archiver.legal.saved_searches import SavedSearches
from archiver.legal.subscription_views import ChannelName
from archiver.legal.subscriptions import Subscriptions
from archiver.legal.turns import Turns
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.exchange import GuardedExchange
from archiver.preserve.outbound import Outbound

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The use cases, and what runs behind them."""

    saved_searches: SavedSearches
    subscriptions: Subscriptions
    follower: SubscriptionFollower
    deliveries: Deliveries

    @property
    def chores(self) -> tuple[Chore, ...]:
        """The loops: what is new is found by one and told by others, which may have to wait."""
        return (
            Chore(name="subscriptions", act=self._follow, every_s=_EVERY_S, of_posts=True),
            *(
                Chore(
                    name=f"deliveries by {channel}",
                    act=partial(self._deliver, channel),
                    every_s=_EVERY_S,
                )
                for channel in ChannelName
            ),
        )

    async def _follow(self) -> str:
        await self.follower.follow()
        return ""

    async def _deliver(self, channel: ChannelName) -> str:
        while await self.deliveries.deliver(channel):
            pass
        return await self.deliveries.notice(channel)


def open_telling(
    *,
    settings: Settings,
    archive: str,
    zone: tzinfo,
    keyring: Keyring,
    database: Database,
    index: OpenIndex,
    trail: Trail,
    clock: Clock,
    ulids: Ulids,
    randomness: Randomness,
    turns: Turns,
) -> Telling:
    """Return it for an archive of this origin; nothing runs yet.

    Raises:
        ConfigurationError: a mail server is set, and no address that mail comes from.
    """
    secrets = SealedSecrets(keyring, randomness)
    outbound = Outbound.of(settings.webhook_networks.split())
    posting = GuardedExchange(outbound, timeout_s=TIMEOUT_S)
    webhooks = Webhooks(posting=posting, secrets=secrets, clock=clock)
    channels: dict[ChannelName, Channel] = {ChannelName.WEBHOOK: webhooks}
    if (server := MailServer.of(settings)) is not None:
        channels[ChannelName.MAIL] = Mail(server=server, clock=clock, archive=archive)
    news = News(database=database, index=index, turns=turns)
    return Telling(
        saved_searches=SavedSearches(
            database=database, news=news, zone=zone, trail=trail, clock=clock, ulids=ulids
        ),
        subscriptions=Subscriptions(
            database=database,
            trail=trail,
            clock=clock,
            ulids=ulids,
            randomness=randomness,
            secrets=secrets,
            outbound=outbound,
            webhooks=webhooks,
            mail_works=server is not None,
        ),
        follower=SubscriptionFollower(
            database=database, news=news, trail=trail, clock=clock, ulids=ulids
        ),
        deliveries=Deliveries(
            database=database,
            news=news,
            trail=trail,
            clock=clock,
            randomness=randomness,
            channels=channels,
            public_url=settings.public_url,
        ),
    )
