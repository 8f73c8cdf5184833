"""Closing a privacy request: nothing is left undecided, a signed document says what was done."""

import asyncio
from collections.abc import Sequence

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, to_millis
from archiver.db import privacy as rows
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.disposal.privacy_changes import PrivacyChanges, require_every_version
from archiver.disposal.privacy_document import Answered, body_of, sealed
from archiver.disposal.privacy_judging import judged
from archiver.disposal.privacy_views import UNDECIDED, RequestView
from archiver.errors import Conflict, InvalidInput
from archiver.model.actor import Actor
from archiver.model.privacy import PrivacyDecision
from archiver.preserve.event_record import legible
from archiver.preserve.ledger.note import Signer
from archiver.preserve.privacy_effects import document_part

_LONGEST = 4000


class PrivacyClosing:
    """The use cases of ending a request and of its document. `signers` are the log's keys."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        database: Database,
        changes: PrivacyChanges,
        clock: Clock,
        signers: Sequence[Signer],
    ) -> None:
        self._archive = archive
        self._database = database
        self._changes = changes
        self._clock = clock
        self._signers = signers

    async def close(
        self, request_id: str, *, remark: str = "", version: int | None = None, actor: Actor
    ) -> RequestView:
        """Close a request of which everything is decided and done, and sign its document.

        What it restricts stays restricted until that is lifted.

        Raises:
            Denied: the actor may not work privacy requests.
            NotFound: no such request.
            Conflict: a record is undecided, or decided to be erased and still there or without its
                certificate; a version of its posts is not under it; it is closed, or was changed a
                moment ago.
            InvalidInput: a very long remark.
        """
        async with self._changes.refusing(Action.PRIVACY_CLOSED, request_id, actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            view = await self._changes.open(request_id, version)
            if len(remark) > _LONGEST:
                raise InvalidInput(
                    f"expected a remark of at most {_LONGEST:,} characters, found {len(remark):,}",
                    pointer="remark",
                )
            _require_done(view)
            async with self._database.reading() as tx:
                await require_every_version(tx, request_id)
            answered = await self._answered(view)
            if any(each.asked.is_gone and not each.asked.certificate for each in answered.records):
                raise Conflict(
                    f"a certificate of what privacy request {request_id} had erased is not issued "
                    "yet; try again in a moment"
                )
            body = body_of(
                answered, remark=legible(remark), by=legible(actor.name), at=self._clock()
            )
            document = await asyncio.to_thread(sealed, body, self._signers)
            return await self._changes.change(
                Action.PRIVACY_CLOSED,
                view,
                {"records": len(answered.records)},
                parts=[document_part(document)],
                actor=actor,
            )

    async def document(self, request_id: str, *, actor: Actor) -> str:
        """Return the signed closing document of a request, as it was sealed.

        Raises:
            Denied: the actor may not see privacy requests.
            NotFound: no such request.
            Conflict: it is not closed.
        """
        require(actor, Permission.READ_PRIVACY)
        view = await self._changes.view(request_id)
        if not view.row.document:
            raise Conflict(f"privacy request {request_id} is open: closing it makes the document")
        await self._changes.note(Action.PRIVACY_VIEWED, request_id, actor=actor, what="document")
        return view.row.document

    async def _answered(self, view: RequestView) -> Answered:
        async with self._database.reading() as tx:
            found = await rows.records(tx, view.id)
            records = await judged(tx, found, at=to_millis(self._clock()))
        return Answered(
            archive_id=self._archive.id, origin=self._archive.origin, view=view, records=records
        )


def _require_done(view: RequestView) -> None:
    if undecided := view.count(UNDECIDED):
        raise Conflict(f"{undecided} records of privacy request {view.id} are undecided")
    if waiting := view.count(PrivacyDecision.ERASE):
        raise Conflict(
            f"{waiting} records of privacy request {view.id} are to be erased and are still there: "
            "form a batch of them and let it be approved and executed, or decide otherwise"
        )
