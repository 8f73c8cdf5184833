"""Handing a batch over before its records go: the package, and the receiver's word for its hash.

Where the schedule's action is transfer, a proposed batch is exported as an evidence bundle: each
record's native bytes, manifest and proof, checkable without us. Nobody can approve the disposal
before the receiver has confirmed that they hold those very bytes. With the two-person rule their
word is taken by another person than who made the package: one alone could confirm what nobody got.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.db import batches as rows
from archiver.db import records as record_rows
from archiver.db.batches import PackageRow
from archiver.db.transaction import Database
from archiver.disposal.batch_approvals import TRANSFER
from archiver.disposal.batch_changes import BatchChanges, require_state
from archiver.disposal.batch_views import BatchView, package_document
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.model.actor import Actor
from archiver.model.batch import BatchState, MemberState
from archiver.model.requester import requester_of
from archiver.preserve.event_record import legible

_is_sha256 = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_RECEIVER = range(1, 201)


class Packed(NamedTuple):
    """A package that was written: its SHA-256 in hex, its bytes, and its records."""

    sha256: str
    size: int
    records: int


class Packs(Protocol):
    """Writes records as a package that proves itself: an evidence bundle."""

    async def __call__(
        self,
        record_ids: Sequence[str],
        path: Path,
        *,
        actor: Actor,
        progress: Callable[[int, int], None],
    ) -> Packed:
        """Write the package of these records to `path`, which must not exist yet."""


class Transfers:
    """The use cases of handing a batch over."""

    def __init__(
        self, *, database: Database, changes: BatchChanges, pack: Packs, two_person: bool
    ) -> None:
        self._database = database
        self._changes = changes
        self._pack = pack
        self._two_person = two_person

    async def package(self, batch_id: str, *, actor: Actor) -> dict[str, object] | None:
        """Return what a batch was handed over as, None where nothing was made. Raises Denied."""
        require(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            found = await rows.package(tx, batch_id)
        await self._changes.note(Action.BATCH_VIEWED, batch_id, actor=actor, what="package")
        return None if found is None else package_document(found)

    async def export(
        self,
        batch_id: str,
        path: Path,
        *,
        actor: Actor,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Packed:
        """Write the package of a proposed batch; an earlier one is the batch's no more.

        Raises:
            Denied: the actor may not propose a disposal, not export, or not read content.
            NotFound: no such batch.
            Conflict: it is not to be transferred, not proposed, a record is not under a checkpoint
                yet, there is a file at `path`, or the batch was changed a moment ago.
            IntegrityError: what is stored is not what the log commits to.
        """
        async with self._changes.refusing(Action.BATCH_EXPORTED, batch_id, actor=actor):
            view = await self._transferable(batch_id, None, actor)
            async with self._database.reading() as tx:
                indexes = await rows.indexes_in(tx, batch_id, MemberState.IN)
                ids = await record_rows.ids_at(tx, indexes)
            packed = await self._pack(ids, path, actor=actor, progress=progress)
            details = {**packed._asdict(), "by_id": requester_of(actor)}
            await self._changes.change(Action.BATCH_EXPORTED, view, details, actor=actor)
        return packed

    async def confirm(
        self,
        batch_id: str,
        *,
        sha256: str,
        receiver: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Note that the receiver has the package: they state the SHA-256 of what they hold.

        Raises:
            Denied: the actor may not propose a disposal; or, with the two-person rule, they made
                the package or are no person who signed in.
            NotFound: no such batch.
            Conflict: no package was made, it was confirmed before, or the batch was changed.
            InvalidInput: no SHA-256, another one than the package has, or no receiver.
        """
        async with self._changes.refusing(Action.BATCH_CONFIRMED, batch_id, actor=actor):
            view = await self._transferable(batch_id, version, actor)
            async with self._database.reading() as tx:
                package = await rows.package(tx, batch_id)
            if package is not None and self._two_person:
                _require_another(view, package, actor)
            _require_same(view, package, sha256)
            if len(receiver.strip()) not in _RECEIVER:
                raise InvalidInput(
                    f"expected who received it in 1 to {_RECEIVER.stop - 1} characters",
                    pointer="receiver",
                )
            details = {"receiver": legible(receiver.strip()), "sha256": sha256.lower()}
            return await self._changes.change(Action.BATCH_CONFIRMED, view, details, actor=actor)

    async def _transferable(self, batch_id: str, version: int | None, actor: Actor) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        view = await self._changes.seen(batch_id, version)
        if view.row.action != TRANSFER:
            raise Conflict(
                f"batch {batch_id} is not to be transferred: its action is {view.row.action}"
            )
        require_state(view, BatchState.REVIEWED)
        return view


def _require_another(view: BatchView, package: PackageRow, actor: Actor) -> None:
    """Pass if the actor is a person, and another one than who made the package."""
    if not actor.person_id:
        raise Denied(
            "the receipt of a package is confirmed by people who sign in; a token or the command "
            "line's user could be who made it"
        )
    made_it = (
        package.exported_by_id == actor.person_id
        if package.exported_by_id
        else package.exported_by == actor.name
    )
    if made_it:
        raise Denied(
            f"you made the package of batch {view.id}, and who makes it does not confirm its "
            "receipt; ask another records manager to take the receiver's word"
        )


def _require_same(view: BatchView, package: PackageRow | None, sha256: str) -> None:
    if package is None:
        raise Conflict(
            f"no package of batch {view.id} was made; `muniment disposition transfer {view.id} "
            "--out FILE` makes it"
        )
    if package.confirmed_at is not None:
        raise Conflict(f"{package.receiver} has confirmed the package of batch {view.id} already")
    if not _is_sha256(sha256):
        raise InvalidInput(
            f"expected a SHA-256 in 64 hex digits, found {sha256[:80]!r}", pointer="sha256"
        )
    if bytes.fromhex(sha256) != package.sha256:
        raise InvalidInput(
            f"the receiver holds other bytes than the package of batch {view.id}: the SHA-256 is "
            "not its own. Hand it over again",
            pointer="sha256",
        )
