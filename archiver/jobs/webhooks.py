"""Telling by webhook, as the Standard Webhooks specification says (1.0.0).

`webhook-id` is the delivery's id and the same at each attempt, so a receiver that was told and
could not say so drops the second. `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over
`id.timestamp.body`. Only a 2xx is an answer; redirects are not followed; 410 ends the subscription.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

import msgspec

from archiver import __version__
from archiver.access.sealed_secrets import SealedSecrets
from archiver.clock import Clock, rfc3339
from archiver.db.subscriptions import SubscriptionRow
from archiver.errors import NotFound, PeerUnavailable
from archiver.jobs.notices import Notice
from archiver.preserve.ledger.exchange import Answer

TIMEOUT_S = 15.0
"""What the specification recommends to give a receiver."""


class Posting(Protocol):
    """Sends a body: `archiver.preserve.ledger.exchange.GuardedExchange`."""

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Return the answer, whatever its status. Raises PeerUnavailable."""


class Webhooks:
    """Posts notices to where subscribers said."""

    def __init__(self, *, posting: Posting, secrets: SealedSecrets, clock: Clock) -> None:
        self._posting = posting
        self._secrets = secrets
        self._clock = clock

    async def send(self, notice: Notice) -> None:
        """Tell it; return when the receiver has said that it took it.

        Raises:
            PeerUnavailable: it did not; to be tried again.
            NotFound: it answered 410: nobody is there any more, and nobody will be.
        """
        await self._post(notice.subscription, notice.delivery.id, notice.to_dict())

    async def send_test(self, subscription: SubscriptionRow, test_id: str) -> None:
        """Send what a receiver can tell from hits by its type, signed like them. Raises as `send`.

        Unlike a delivery it is made once, whatever becomes of it.
        """
        document = {
            "type": "subscription.test",
            "timestamp": rfc3339(self._clock()),
            "data": {
                "test": True,
                "saved_search_id": subscription.saved_search_id,
                "subscription_id": subscription.id,
            },
        }
        await self._post(subscription, test_id, document)

    async def _post(
        self, row: SubscriptionRow, message_id: str, document: Mapping[str, object]
    ) -> None:
        secret = self._secrets.open(row.secret, row.id)
        timestamp = int(self._clock().timestamp())
        body = msgspec.json.encode(document)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"muniment/{__version__}",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, message_id, timestamp, body),
        }
        answer = await self._posting.post(row.target, body, headers)
        if answer.status == HTTPStatus.GONE:
            raise NotFound(f"{row.target} answered 410: it is gone")
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise PeerUnavailable(
                f"{row.target} answered {answer.status}, a redirect, which is never followed; "
                "subscribe with the address it leads to"
            )
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise PeerUnavailable(f"{row.target} answered {answer.status} and not 2xx")


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: version 1, symmetric."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
