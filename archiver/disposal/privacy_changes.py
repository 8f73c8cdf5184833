"""Privacy requests for their use cases: received, looked at, changed (`changes`)."""

from collections.abc import Sequence

from archiver.audit.actions import Action
from archiver.clock import from_millis
from archiver.db import privacy as rows
from archiver.db import restricted
from archiver.db.privacy import RequestRow
from archiver.db.transaction import Transaction
from archiver.disposal.changes import Changes, Details
from archiver.disposal.privacy_views import RequestView
from archiver.errors import Conflict
from archiver.model.actor import Actor
from archiver.model.privacy import RequestState
from archiver.preserve.effect import PartOf
from archiver.preserve.event_effects import Effect
from archiver.preserve.event_record import EventBody
from archiver.preserve.privacy_effects import PRIVACY_REQUEST, RequestReceived, privacy_effect


class PrivacyChanges(Changes[RequestView]):
    """Reads requests for use cases and records what they change."""

    object_type = PRIVACY_REQUEST

    async def view(self, object_id: str) -> RequestView:
        """Return one request. Raises NotFound."""
        async with self._database.reading() as tx:
            return (await views_of(tx, [await rows.get(tx, object_id)]))[0]

    def about(self, seen: RequestView) -> Details:
        """Return what the letter or the ticket is called."""
        return {"reference": seen.row.reference}

    def effect(self, body: EventBody, part: PartOf) -> Effect | None:
        """Return what an event about a request changes."""
        return privacy_effect(body, part)

    async def open(self, request_id: str, version: int | None) -> RequestView:
        """Return a request that is open and stands as the caller last saw it.

        Raises:
            NotFound: there is none.
            Conflict: it was changed since, or is closed.
        """
        found = await self.seen(request_id, version)
        if found.state is not RequestState.OPEN:
            raise Conflict(f"{found.title} is closed: its document is signed. Receive another one")
        return found

    async def receive(self, row: RequestRow, *, actor: Actor) -> RequestView:
        """Record that a request was received."""
        await self._trail.record(
            Action.PRIVACY_RECEIVED,
            actor=actor,
            object_type=PRIVACY_REQUEST,
            object_id=row.id,
            details={
                "kind": row.kind,
                "reference": row.reference,
                "person": row.person,
                "received_at": row.received_at,
                "due_at": row.due_at,
            },
            effect=RequestReceived(row=row),
            at=from_millis(row.made_at),
        )
        return await self.view(row.id)


async def require_every_version(tx: Transaction, request_id: str) -> None:
    """Pass if every stored version of a request's posts is under it.

    Platforms go on: a post may be edited after its records were found. Erased in part, what is left
    would stay for years, and the answer to the person would say that it is gone.

    Raises:
        Conflict: some versions are not; names the first.
    """
    outside = await rows.versions_outside(tx, request_id)
    if outside:
        raise Conflict(
            f"{len(outside)} versions of posts of privacy request {request_id} came after these "
            f"were found and are not under it, the first of them {outside[0]}: find the records "
            "again, and decide on those too"
        )


async def views_of(tx: Transaction, found: Sequence[RequestRow]) -> list[RequestView]:
    """Return requests as they may be shown, in the order of their rows."""
    counts = await rows.counts(tx, [row.id for row in found])
    restricting = [row.id for row in found if row.restricts]
    later = await restricted.later_counts(tx, restricting) if restricting else {}
    return [
        RequestView(row=row, counts=counts[row.id], later=later.get(row.id, 0)) for row in found
    ]
