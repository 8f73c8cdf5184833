"""Executing an approved batch: the gate and the destruction, then the certificate.

Interrupted anywhere, it is done again: what is destroyed stays so, what is condemned goes on, and
the certificate is issued once. To stop it there is the emergency stop (`stop`).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.db import batches as rows
from archiver.db import certificates as certificate_rows
from archiver.db import disposed as disposed_rows
from archiver.db import privacy as privacy_rows
from archiver.db.disposal_stop import read_reason_if_on
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges, require_state
from archiver.disposal.batch_views import BatchView
from archiver.disposal.batches import require_either
from archiver.disposal.certificates import Certificates, CertificateView
from archiver.disposal.privacy_changes import require_every_version
from archiver.errors import Conflict
from archiver.model.actor import Actor
from archiver.model.batch import BatchState, MemberState
from archiver.model.privacy import PRIVACY

Progress = Callable[[str, int, int], None]
"""Told a phase in words, how many records are through, of how many."""

_TOLD_EVERY_S = 0.5
_THROUGH = (MemberState.DISPOSED, MemberState.KEPT)


class Destroys(Protocol):
    """What carries out a batch: `archiver.disposal.destruction.Destruction`."""

    async def admit(self, batch_id: str, *, actor: Actor) -> None:
        """Pass if a batch may be executed now by this actor; what is refused is an event."""

    async def execute(self, batch_id: str, *, actor: Actor) -> object:
        """Destroy what may go of an approved batch; done again, it goes on where it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How far an execution is; no certificate where nothing was destroyed.

    `gone` are the records that count as destroyed: from the moment in which their keys are taken
    on, while the batch has them as disposed of only when their traces are removed too.
    """

    view: BatchView
    certificate: CertificateView | None
    gone: int

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        certificate = None if self.certificate is None else self.certificate.to_dict()
        return {**self.view.to_dict(), "certificate": certificate}


class Executions:
    """The use case that executes batches."""

    def __init__(
        self,
        *,
        database: Database,
        changes: BatchChanges,
        destruction: Destroys,
        certificates: Certificates,
    ) -> None:
        self._database = database
        self._changes = changes
        self._destruction = destruction
        self._certificates = certificates

    async def show(self, batch_id: str, *, actor: Actor) -> Execution:
        """Return how far a batch is, and its certificate if any. Raises Denied, NotFound."""
        require(actor, Permission.READ_FILE_PLAN)
        view = await self._changes.view(batch_id)
        async with self._database.reading() as tx:
            row = await certificate_rows.of_batch(tx, batch_id)
            gone = await disposed_rows.count_of(tx, batch_id)
        await self._changes.note(Action.BATCH_VIEWED, batch_id, actor=actor, what="execution")
        certificate = None if row is None else CertificateView(row=row)
        return Execution(view=view, certificate=certificate, gone=gone)

    async def execute(
        self,
        batch_id: str,
        *,
        version: int | None = None,
        actor: Actor,
        progress: Progress = lambda _phase, _done, _total: None,
    ) -> Execution:
        """Execute an approved batch, or go on with one, and issue its certificate.

        Raises:
            Denied: the actor may neither propose nor approve a disposal.
            NotFound: no such batch.
            Conflict: it is not approved, was changed since `version`, all disposal is stopped,
                another process is carrying out a batch, or a person's request is to erase posts of
                which later versions are not under it.
            Stopping: `progress` said to stop, or the clock is in doubt.
            OperatorError, IntegrityError: as `Destruction.execute`; execute it again.
        """
        view = await self.require_ready(batch_id, version=version, actor=actor)
        if view.state is not BatchState.DONE:
            if view.state is BatchState.APPROVED:
                # A batch that was started cannot be given up any more.
                await self._destruction.admit(batch_id, actor=actor)
                details = {"records": view.records}
                view = await self._changes.change(Action.BATCH_STARTED, view, details, actor=actor)
            await self._destroy(view, actor, progress)
        certificate = await self._certificates.issue(batch_id, actor=actor)
        view = await self._changes.view(batch_id)
        gone = view.counts.get(MemberState.DISPOSED, 0)
        return Execution(view=view, certificate=certificate, gone=gone)

    async def require_ready(
        self, batch_id: str, *, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Return a batch that may be executed now; what is refused is an event.

        Raises:
            Denied, NotFound, Conflict: as `execute`.
        """
        async with self._changes.refusing(Action.BATCH_STARTED, batch_id, actor=actor):
            return await self._may_start(batch_id, version, actor)

    async def _may_start(self, batch_id: str, version: int | None, actor: Actor) -> BatchView:
        require_either(actor)
        view = await self._changes.seen(batch_id, version)
        require_state(view, BatchState.APPROVED, BatchState.EXECUTING, BatchState.DONE)
        async with self._database.reading() as tx:
            if view.row.action == PRIVACY and view.state is BatchState.APPROVED:
                for request_id in await privacy_rows.requests_behind(tx, batch_id):
                    await require_every_version(tx, request_id)
            stopped = await read_reason_if_on(tx)
        if stopped is not None and view.state is not BatchState.DONE:
            raise Conflict(
                f"all disposal is stopped: {stopped}; `muniment disposition resume` lets it go on"
            )
        return view

    async def _destroy(self, view: BatchView, actor: Actor, progress: Progress) -> None:
        work = asyncio.create_task(self._destruction.execute(view.id, actor=actor))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=_TOLD_EVERY_S)
                async with self._database.reading() as tx:
                    counts = (await rows.counts(tx, [view.id]))[view.id]
                through = sum(counts.get(state, 0) for state in _THROUGH)
                progress("Destroying records", through, view.records)
        finally:
            if not work.done():
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
        await work
