"""The one door to content: who may open a record, and what is shown of it.

Content always comes through `RecordReader`, which checks it against the log entry before a byte is
returned. A read is answered only after its event is durable.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from archiver.access.record_views import (
    AccessedRecord,
    Json,
    RecordSummary,
    RecordView,
    summary_of,
)
from archiver.access.rules import Permission, allowed, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.archive import ArchiveRow
from archiver.db.records import RecordRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, IntegrityError, NotFound
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.ledger.proof import TlogProof
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.store.threads import AsyncStore

T = TypeVar("T")

EVENT = "aud"


class Records:
    """The use cases on single records."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        verifiers: Sequence[Verifier],
        database: Database,
        store: AsyncStore,
        reader: RecordReader,
        trail: Trail,
    ) -> None:
        self._database = database
        self._store = store.blocking
        self._log = log_prefix(archive.id)
        self._origin = archive.origin
        self._verifiers = verifiers
        self._reader = reader
        self._trail = trail

    async def access_record(self, record_id: str, *, actor: Actor) -> AccessedRecord:
        """Return a record whose content this actor may read.

        Events are read with the permission for the audit trail: they tell who searched for what.

        Raises:
            Denied: the actor may not read records of this kind.
            NotFound: no such record.
        """
        if not allowed(actor, Permission.READ_AUDIT):
            require(actor, Permission.READ_CONTENT)
        found = await self._load(record_id)
        event = found.row.entry_type == EVENT
        require(actor, Permission.READ_AUDIT if event else Permission.READ_CONTENT)
        return found

    async def show(self, record_id: str, *, actor: Actor) -> RecordView:
        """Return everything known about a record but the bytes of its parts.

        Raises:
            Denied, NotFound: as `access_record`.
            IntegrityError: what is stored is not what the log commits to.
        """
        found = await self.access_record(record_id, actor=actor)
        opened = await self._open(found)
        versions = len(await self._versions_of(found.row))
        await self._note(found, actor, what="record")
        return RecordView(record=found, manifest=opened.manifest, versions=versions)

    async def raw(self, record_id: str, *, actor: Actor) -> Part:
        """Return the payload exactly as it was received. Raises as `show`."""
        found = await self.access_record(record_id, actor=actor)
        opened = await self._open(found)
        part = await asyncio.to_thread(self._reader.part, opened, 0)
        await self._note(found, actor, what="raw", part=part.name)
        return part

    async def parts(self, record_id: str, *, actor: Actor) -> tuple[Part, ...]:
        """Return every part. Raises as `show`."""
        found = await self.access_record(record_id, actor=actor)
        opened = await self._open(found)
        parts = await asyncio.to_thread(self._all_parts, opened)
        await self._note(found, actor, what="parts")
        return parts

    async def part(self, record_id: str, name: str, *, actor: Actor) -> Part:
        """Return the part of this name. Raises as `show`, and NotFound if there is none."""
        found = await self.access_record(record_id, actor=actor)
        opened = await self._open(found)
        names = [part.name for part in opened.manifest.parts]
        if name not in names:
            raise NotFound(
                f"record {record_id} has no part {name!r}; its parts are {', '.join(names)}"
            )
        part = await asyncio.to_thread(self._reader.part, opened, names.index(name))
        await self._note(found, actor, what="part", part=name)
        return part

    async def versions(self, record_id: str, *, actor: Actor) -> tuple[RecordSummary, ...]:
        """Return every version of the same post, oldest first. Raises Denied, NotFound."""
        found = await self.access_record(record_id, actor=actor)
        rows = await self._versions_of(found.row)
        await self._note(found, actor, what="versions")
        return tuple(summary_of(row) for row in rows)

    async def proof(self, record_id: str, *, actor: Actor) -> str:
        """Return the tlog-proof of a record against the newest published checkpoint.

        It was verified before it is returned; it shows no content.

        Raises:
            Denied: the actor may not read the log.
            NotFound: no such record.
            Conflict: no checkpoint covers the record yet.
            IntegrityError: the stored log does not prove it.
        """
        require(actor, Permission.READ_LOG)
        found = await self._load(record_id)
        proof = await asyncio.to_thread(self._prove, found)
        await self._note(found, actor, what="proof")
        return proof.to_bytes().decode()

    async def verify(self, record_id: str, *, actor: Actor) -> Json:
        """Check one record against the log and say each check in words.

        Returns `{"id", "ok", "checks": [{"what", "ok", "detail"}]}`. A failed check is an answer,
        not an error; what depends on it is not checked any more.

        Raises:
            Denied: the actor may not verify.
            NotFound: no such record.
            Conflict: no checkpoint covers the record yet.
            StorageUnavailable: the store did not answer.
        """
        require(actor, Permission.VERIFY)
        found = await self._load(record_id)
        checks = await asyncio.to_thread(self._check_all, found)
        ok = all(check["ok"] for check in checks)
        await self._trail.record(
            Action.RECORD_VERIFIED,
            actor=actor,
            object_type="record",
            object_id=record_id,
            result="ok" if ok else "integrity",
            details={"checks": len(checks)},
        )
        return {"id": record_id, "ok": ok, "checks": checks}

    async def _load(self, record_id: str) -> AccessedRecord:
        async with self._database.reading() as tx:
            row = await record_rows.get(tx, record_id)
            place = row.log_index
            (entry,) = await ledger_rows.entries(tx, place, place + 1)
            return AccessedRecord(
                row=row,
                segment=await segment_rows.get(tx, row.segment_id),
                entry=entry,
                holds=tuple((await record_rows.holds_on(tx, [place])).get(place, ())),
            )

    async def _open(self, found: AccessedRecord) -> OpenedRecord:
        return await asyncio.to_thread(self._reader.open, found.segment, found.row, found.entry)

    async def _versions_of(self, row: RecordRow) -> Sequence[RecordRow]:
        if row.entry_type == EVENT:
            return (row,)
        async with self._database.reading() as tx:
            return await record_rows.versions(tx, row.platform, row.account, row.post_id)

    def _all_parts(self, opened: OpenedRecord) -> tuple[Part, ...]:
        return tuple(
            self._reader.part(opened, number) for number in range(len(opened.manifest.parts))
        )

    def _read_log(self, path: str) -> bytes:
        return self._store.get(self._log + path)

    def _prove(self, found: AccessedRecord) -> TlogProof:
        place = found.row.log_index
        try:
            note = self._read_log("checkpoint")
        except NotFound as error:
            raise _not_yet(found.row, 0) from error
        size = open_checkpoint(note, self._origin, self._verifiers).size
        if place >= size:
            raise _not_yet(found.row, size)
        path = TileTree(size, self._read_log).inclusion_proof(place)
        proof = TlogProof(index=place, path=path, checkpoint=note)
        proof.verify(found.entry, self._origin, self._verifiers)
        return proof

    def _check_all(self, found: AccessedRecord) -> list[Json]:
        checks = []
        opened, check = _checked("stored bytes", partial(self._check_bytes, found))
        checks.append(check)
        if opened is not None:
            for number, part in enumerate(opened.manifest.parts):
                ask = partial(self._check_part, opened, number)
                checks.append(_checked(f"part {part.name}", ask)[1])
        checks.append(_checked("place in the log", partial(self._check_place, found))[1])
        return checks

    def _check_bytes(self, found: AccessedRecord) -> tuple[OpenedRecord, str]:
        opened = self._reader.open(found.segment, found.row, found.entry)
        return opened, "frame and manifest have the hashes that the log entry commits to"

    def _check_part(self, opened: OpenedRecord, number: int) -> tuple[Part, str]:
        part = self._reader.part(opened, number)
        return part, f"{len(part.content)} bytes have the SHA-256 that the manifest names"

    def _check_place(self, found: AccessedRecord) -> tuple[TlogProof, str]:
        proof = self._prove(found)
        size = open_checkpoint(proof.checkpoint, self._origin, self._verifiers).size
        return proof, (
            f"entry {proof.index} is in the tree of the checkpoint of {size} entries that "
            f"{self._origin} signed"
        )

    async def _note(self, found: AccessedRecord, actor: Actor, **details: str) -> None:
        await self._trail.record(
            Action.RECORD_VIEWED,
            actor=actor,
            object_type="record",
            object_id=found.row.id,
            details=details,
        )


def _checked(what: str, ask: Callable[[], tuple[T, str]]) -> tuple[T | None, Json]:
    """Return what was checked, None if it failed, and the check in words."""
    try:
        checked, detail = ask()
    except (IntegrityError, NotFound) as error:
        return None, {"what": what, "ok": False, "detail": str(error)}
    return checked, {"what": what, "ok": True, "detail": detail}


def _not_yet(row: RecordRow, size: int) -> Conflict:
    return Conflict(
        f"record {row.id} is not yet under a checkpoint: it stands at log index {row.log_index}, "
        f"the newest checkpoint covers {size} entries; try again in a second"
    )
