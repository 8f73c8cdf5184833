"""Certificates of destruction: issued once for a batch that is done, kept for good.

A certificate is made when all that it names is under a published checkpoint that satisfies the
archive's trust policy. The archive checks its own proof before it signs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import batches as batch_rows
from archiver.db import certificates as rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import records as record_rows
from archiver.db.archive import ArchiveRow
from archiver.db.batches import BatchRow
from archiver.db.certificates import CertificateRow, Decided, Destroyed
from archiver.db.transaction import Database, Transaction
from archiver.disposal.certificate_document import Certified, Proved, body_of, sealed
from archiver.errors import Conflict, IntegrityError, InvalidInput
from archiver.ids import Ulids
from archiver.model.actor import SYSTEM, Actor
from archiver.model.batch import BatchState
from archiver.model.privacy import PRIVACY
from archiver.preserve.certificate_effects import CERTIFICATE, CertificateIssued
from archiver.preserve.event_record import legible
from archiver.preserve.ledger import multiproof
from archiver.preserve.ledger.cosigning import cosigned_note
from archiver.preserve.ledger.merkle import leaf_hash
from archiver.preserve.ledger.note import Signer
from archiver.preserve.ledger.policy import Policy, open_cosigned
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import ObjectStore

MAX_LIST = 1000
_TRIES = 5  # of a number that another process took
_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """A certificate in a list."""

    row: CertificateRow

    @property
    def name(self) -> str:
        """The name of its file, without an ending."""
        return f"certificate-{self.row.number:06d}"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "number": row.number,
            "batch": row.batch_id,
            "class": row.class_code,
            "records": row.records,
            "issued_at": rfc3339(from_millis(row.issued_at)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCertificate(CertificateView):
    """A certificate in a list, with its batch, who approved it, and the SHA-256 of its file."""

    batch: BatchRow
    approvers: tuple[str, ...]
    sha256: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        batch = self.batch
        return {
            **CertificateView.to_dict(self),
            "platform": batch.platform,
            "account": batch.account,
            "period": batch.period,
            "schedule_version": batch.schedule_version,
            "method": batch.method,
            "approvers": list(self.approvers),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a certificate is made from besides the database. `signers` are the log's active keys.

    `describe_store` tries the store's locks where it claims any, and says in words what it is;
    `publish` signs and publishes all that is sequenced. `backup_days` is how long backups of the
    database are kept.
    """

    store: ObjectStore
    signers: Sequence[Signer]
    policy: Policy
    publish: Callable[[], Awaitable[object]]
    describe_store: Callable[[], Awaitable[str]]
    backup_days: int


class Certificates:
    """The use cases of certificates."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        database: Database,
        sources: Sources,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
    ) -> None:
        self._archive = archive
        self._database = database
        self._sources = sources
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._sums: dict[str, str] = {}  # of files that never change and may be megabytes, by id

    async def issue(self, batch_id: str, *, actor: Actor) -> CertificateView | None:
        """Return the certificate of a batch that is done, issued now if it has none.

        None where nothing was destroyed: there is nothing to certify.

        Raises:
            NotFound: no such batch.
            Conflict: it is not done, or its entries are not under a checkpoint that satisfies the
                trust policy yet: ask again in a moment.
            IntegrityError: the stored log does not prove what the database says was destroyed.
            OperatorError: the store or the database did not answer.
        """
        for _ in range(_TRIES):
            async with self._database.reading() as tx:
                known = await rows.find(tx, batch_id)
            if known is not None:
                return CertificateView(row=known)
            what = await self._certified(batch_id)
            if what is None:
                return None
            effect = await self._issue(what, actor)
            if effect.took:
                return CertificateView(row=effect.row)
        raise Conflict("other certificates are being issued at this moment; ask again")

    async def issue_missing(self) -> bool:
        """Issue the certificates that an execution left without; whether there may be more.

        The process may have died between the last byte and the certificate. Raises as `issue`.
        """
        async with self._database.reading() as tx:
            waiting = await rows.uncertified(tx, limit=_AT_ONCE)
        for batch_id in waiting:
            await self.issue(batch_id, actor=SYSTEM)
        return len(waiting) == _AT_ONCE

    async def show(self, named: str, *, actor: Actor) -> CertificateView:
        """Return a certificate, by its id or its batch's. Raises Denied, NotFound."""
        require(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            row = await rows.get(tx, named)
        await self._trail.record(
            Action.CERTIFICATE_VIEWED,
            actor=actor,
            object_type=CERTIFICATE,
            object_id=row.id,
            details={"name": f"no. {row.number}"},
        )
        return CertificateView(row=row)

    async def list(
        self, *, before: int = 0, limit: int = 50, actor: Actor
    ) -> tuple[ListedCertificate, ...]:
        """Return certificates, newest first, those with numbers below `before` where it is given.

        Raises:
            Denied: the actor may not read the file plan.
            InvalidInput: a limit out of 1 to `MAX_LIST`.
        """
        require(actor, Permission.READ_FILE_PLAN)
        if not 1 <= limit <= MAX_LIST:
            raise InvalidInput(
                f"expected a limit of 1 to {MAX_LIST}, found {limit}", pointer="limit"
            )
        async with self._database.reading() as tx:
            found = await rows.page(tx, before=before, limit=limit)
            listed = await self._listed(tx, found)
        await self._trail.record(
            Action.CERTIFICATE_VIEWED,
            actor=actor,
            object_type=CERTIFICATE,
            details={"listed": len(found)},
        )
        return listed

    async def _listed(
        self, tx: Transaction, found: Sequence[CertificateRow]
    ) -> tuple[ListedCertificate, ...]:
        ids = [row.batch_id for row in found]
        batches = await batch_rows.get_many(tx, ids)
        approvals = await batch_rows.approvals(tx, ids)
        async for each, body in rows.bodies(
            tx, [row.id for row in found if row.id not in self._sums]
        ):
            self._sums[each] = sha256(body.encode()).hexdigest()
        return tuple(
            ListedCertificate(
                row=row,
                batch=batches[row.batch_id],
                approvers=tuple(a.approved_by for a in approvals if a.batch_id == row.batch_id),
                sha256=self._sums[row.id],
            )
            for row in found
        )

    async def _certified(self, batch_id: str) -> Certified | None:
        async with self._database.reading() as tx:
            batch = await batch_rows.get(tx, batch_id)
            if batch.state != BatchState.DONE:
                raise Conflict(
                    f"batch {batch_id} is {batch.state}: a certificate is issued when it was "
                    "executed"
                )
            destroyed = await rows.destroyed(tx, batch_id)
            if not destroyed:
                return None
            left_out = await rows.left_out(tx, batch_id)
            proposed_at = await rows.proposed_at(tx, batch_id)
            decisions = await rows.decisions(tx, batch_id) if batch.action == PRIVACY else []
            approvals = await batch_rows.approvals(tx, [batch_id])
            package = await batch_rows.package(tx, batch_id)
            file_class = await file_plan_rows.get_class(tx, batch.class_code)
            schedule = await file_plan_rows.get_schedule(
                tx, batch.class_code, batch.schedule_version
            )
            indexes = {i for each in destroyed for i in (each.log_index, each.dis_index)}
            indexes |= {each.event_index for each in decisions}
            entries = await record_rows.entries_at(tx, sorted(indexes))
        if batch.action == PRIVACY:
            _require_decided(batch_id, destroyed, decisions)
        await self._sources.publish()
        store = await self._sources.describe_store()
        return Certified(
            archive_id=self._archive.id,
            origin=self._archive.origin,
            store=store,
            batch=batch,
            proposed_at=proposed_at,
            file_class=file_class,
            schedule=schedule,
            approvals=approvals,
            package=package,
            destroyed=destroyed,
            decisions=decisions,
            left_out=left_out,
            proved=await asyncio.to_thread(self._prove, entries),
            backup_days=self._sources.backup_days,
        )

    def _prove(self, entries: Mapping[int, bytes]) -> Proved:
        """Return entries with the proof that they are under the newest checkpoint."""
        prefix = log_prefix(self._archive.id)
        newest = open_cosigned(
            self._sources.store.get(prefix + "checkpoint"), self._sources.policy
        ).checkpoint
        note = cosigned_note(self._sources.store, self._archive.id, newest.size)
        last = max(entries)
        if last >= newest.size or not open_cosigned(note, self._sources.policy).quorum_met:
            raise Conflict(
                f"log index {last} is not under a checkpoint that satisfies the trust policy yet: "
                f"the newest has {newest.size} entries; ask again in a moment"
            )
        tree = TileTree(newest.size, lambda path: self._sources.store.get(prefix + path))
        path = multiproof.prove(tree, sorted(entries))
        leaves = {index: leaf_hash(entry) for index, entry in entries.items()}
        if multiproof.root_of(leaves, newest.size, path) != newest.root:
            raise IntegrityError(
                "the stored log does not prove the entries that the certificate would name; run "
                "`muniment verify --full`"
            )
        return Proved(
            entries=entries,
            size=newest.size,
            path=path,
            checkpoint=note,
            policy=self._sources.policy.to_text(),
        )

    async def _issue(self, what: Certified, actor: Actor) -> CertificateIssued:
        at = self._clock()
        async with self._database.reading() as tx:
            number = await rows.next_number(tx)
        effect = CertificateIssued(
            row=await asyncio.to_thread(self._made, what, number, legible(actor.name), at)
        )
        await self._trail.record(
            Action.CERTIFICATE_ISSUED,
            actor=actor,
            object_type=CERTIFICATE,
            object_id=effect.row.id,
            details=effect.details,
            parts=[effect.part],
            effect=effect,
            at=at,
        )
        return effect

    def _made(self, what: Certified, number: int, by: str, at: datetime) -> CertificateRow:
        certificate_id = self._ulids.one(at)
        body = body_of(what, number=number, certificate_id=certificate_id, by=by, at=at)
        return CertificateRow(
            id=certificate_id,
            number=number,
            batch_id=what.batch.id,
            class_code=what.batch.class_code,
            records=len(what.destroyed),
            body=sealed(body, self._sources.signers).decode(),
            issued_at=to_millis(at),
        )


def _require_decided(
    batch_id: str, destroyed: Sequence[Destroyed], decisions: Sequence[Decided]
) -> None:
    undecided = {each.log_index for each in destroyed} - {each.log_index for each in decisions}
    if undecided:
        raise IntegrityError(
            f"batch {batch_id}: {len(undecided)} records, the first at log index {min(undecided)}, "
            "were erased at a person's request, and the database has no decision to erase them: it "
            "was changed by hand. No certificate is issued; run `muniment verify --full`"
        )
