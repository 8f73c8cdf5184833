"""The one door to content: who may open a record, and what is shown of it.

Content always comes through `RecordReader`, which checks it against the log entry before a byte is
returned. A read is answered only after its event is durable. What is out of an actor's reach is not
found, by whatever act (`record_access`).
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from archiver.access.content_tickets import ContentTickets
from archiver.access.custody import Custody
from archiver.access.destroyed_records import DestroyedRecord, RecordDestroyed
from archiver.access.post_text import PostText, post_text
from archiver.access.record_access import EVENT, Recently, RecordAccess
from archiver.access.record_opening import RecordOpening
from archiver.access.record_page import Attest, Explain, RecordPage, RecordPages, Tab
from archiver.access.record_proof import RecordProof
from archiver.access.record_views import (
    AccessedRecord,
    Json,
    RecordSummary,
    RecordView,
    summary_of,
)
from archiver.access.rules import Permission, reach
from archiver.access.thread import Thread
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.db import disposed as disposed_rows
from archiver.db import records as record_rows
from archiver.db.archive import ArchiveRow
from archiver.db.records import RecordRow
from archiver.db.transaction import Database
from archiver.errors import NotFound
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.named_records import members_digest
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.store.threads import AsyncStore

ONE_VIEWING = timedelta(minutes=10)
"""A player asks for a film in many pieces: within this, one person's pieces are one event."""


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
        explain: Explain,
        attest: Attest,
        tickets: ContentTickets,
    ) -> None:
        self._database = database
        self._trail = trail
        self._access = access = RecordAccess(database=database, trail=trail)
        self._tickets = tickets
        self._opening = RecordOpening(database=database, reader=reader, access=access)
        self._proof = RecordProof(
            archive=archive, verifiers=verifiers, store=store.blocking, reader=reader
        )
        self._pages = RecordPages(
            archive=archive,
            database=database,
            access=access,
            opening=self._opening,
            explain=explain,
            attest=attest,
        )
        self._viewings = Recently(ONE_VIEWING)

    async def access_record(self, record_id: str, *, actor: Actor) -> AccessedRecord:
        """Return a record whose content this actor may read.

        Events are read with the permission for the audit trail: they tell who searched for what.

        Raises:
            Denied: the actor may not read records of this kind.
            NotFound: no such record within the actor's reach.
        """
        return await self._opening.load(record_id, Permission.READ_CONTENT, actor=actor)

    async def page(
        self, record_id: str, *, tab: Tab = Tab.POST, against: str = "", actor: Actor
    ) -> RecordPage:
        """Return all that one page about a record shows, as one event.

        Args:
            record_id: the record.
            tab: which side of it; only what that needs is read.
            against: on the tab of versions, the version to compare with; empty for the one before.
            actor: who looks.

        Raises:
            Denied, NotFound: as `access_record`; or `against` is no version of the same post.
            IntegrityError: what is stored is not what the log commits to.
        """
        try:
            row = await self._access.find(record_id, Permission.READ_CONTENT, actor=actor)
        except RecordDestroyed:
            await self._note_gone(record_id, actor)
            raise
        page = await self._pages.read(row, tab=tab, against=against, actor=actor)
        await self._note(page.view.record, actor, what=f"page {tab}", **page.seen_besides)
        return page

    async def show(self, record_id: str, *, actor: Actor) -> RecordView | DestroyedRecord:
        """Return everything known about a record but the bytes of its parts.

        Of a destroyed one that is what remains of it.

        Raises:
            Denied, NotFound: as `access_record`.
            IntegrityError: what is stored is not what the log commits to.
        """
        try:
            found = await self.access_record(record_id, actor=actor)
        except RecordDestroyed as gone:
            await self._note_gone(record_id, actor)
            return gone.record
        opened = await self._opening.open(found)
        versions = len(await self._versions_of(found.row, actor))
        await self._note(found, actor, what="record")
        return RecordView(record=found, manifest=opened.manifest, versions=versions)

    async def posts(self, log_indexes: Sequence[int], *, actor: Actor) -> dict[int, PostText]:
        """Return what the posts of a list say, by log index, as one event.

        What is not within the actor's reach, and what was destroyed, is absent.

        Raises:
            Denied: the actor may read no content.
        """
        reach(actor, Permission.READ_CONTENT)
        async with self._database.reading() as tx:
            rows = await record_rows.list_by_index(tx, log_indexes)
            gone = await tx.run_sync(lambda known: disposed_rows.remains_at(known, log_indexes))
            there = [row for index, row in sorted(rows.items()) if index not in gone]
            seen = await self._access.within(tx, there, actor=actor)
            contents = await self._opening.open_many(tx, seen)
        await self._trail.record(
            Action.RECORD_VIEWED,
            actor=actor,
            object_type="record",
            details={
                "what": "posts of a list",
                "records": len(seen),
                "members_sha256": members_digest([row.log_index for row in seen]),
            },
        )
        return {row.log_index: post_text(found) for row, found in zip(seen, contents, strict=True)}

    async def raw(self, record_id: str, *, actor: Actor) -> Part:
        """Return the payload exactly as it was received. Raises as `show`."""
        found = await self.access_record(record_id, actor=actor)
        part = await self._opening.part(await self._opening.open(found), 0)
        await self._note(found, actor, what="raw", part=part.name)
        return part

    async def parts(self, record_id: str, *, actor: Actor) -> tuple[Part, ...]:
        """Return every part. Raises as `show`."""
        found = await self.access_record(record_id, actor=actor)
        parts = await self._opening.parts(await self._opening.open(found))
        await self._note(found, actor, what="parts")
        return parts

    async def part(self, record_id: str, name: str, *, actor: Actor) -> Part:
        """Return the part of this name. Raises as `show`, and NotFound if there is none."""
        found = await self.access_record(record_id, actor=actor)
        part = await self._named_part(await self._opening.open(found), name)
        await self._note(found, actor, what="part", part=name)
        return part

    async def content(self, record_id: str, name: str, *, actor: Actor) -> Part:
        """Return a part to be looked at within a page. Raises as `part`.

        Unlike a download it makes one event for what one actor asks within ten minutes.
        """
        found = await self.access_record(record_id, actor=actor)
        return await self._content(found, name, actor)

    async def content_by_ticket(self, record_id: str, name: str, ticket: str) -> Part:
        """Return a part to whoever holds a ticket for it. Raises as `content`."""
        actor = self._tickets.read(ticket, record_id, name)
        found = await self._opening.load_granted(record_id, actor=actor)
        return await self._content(found, name, actor)

    def give_tickets(self, page: RecordPage, *, actor: Actor) -> dict[str, str]:
        """Return a ticket for each part that a page shows, by its name."""
        record_id = page.view.record.row.id
        return {
            part.name: self._tickets.give(record_id, part.name, actor=actor) for part in page.media
        }

    async def versions(self, record_id: str, *, actor: Actor) -> tuple[RecordSummary, ...]:
        """Return every version of the same post, oldest first. Raises Denied, NotFound."""
        found = await self.access_record(record_id, actor=actor)
        rows = await self._versions_of(found.row, actor)
        await self._note(found, actor, what="versions")
        return tuple(summary_of(row) for row in rows)

    async def thread(self, record_id: str, *, actor: Actor) -> Thread:
        """Return the posts of the same conversation, oldest first. Raises Denied, NotFound."""
        thread = (await self.page(record_id, tab=Tab.THREAD, actor=actor)).thread
        if thread is None:
            raise NotFound(f"record {record_id} is an event: it stands in no conversation")
        return thread

    async def custody(self, record_id: str, *, actor: Actor) -> Custody:
        """Return the life of a record in order. Raises Denied, NotFound."""
        custody = (await self.page(record_id, tab=Tab.CUSTODY, actor=actor)).custody
        if custody is None:
            raise NotFound(f"record {record_id} has no custody to show")
        return custody

    async def proof(self, record_id: str, *, actor: Actor) -> str:
        """Return the tlog-proof of a record against the newest published checkpoint.

        It was verified before it is returned; it shows no content.

        Raises:
            Denied: the actor may not read the log.
            NotFound: no such record within the actor's reach.
            Conflict: no checkpoint covers the record yet.
            IntegrityError: the stored log does not prove it.
        """
        found = await self._opening.load(record_id, Permission.READ_LOG, actor=actor)
        proof = await asyncio.to_thread(self._proof.prove, found)
        await self._note(found, actor, what="proof")
        return proof.to_bytes().decode()

    async def verify(self, record_id: str, *, actor: Actor) -> Json:
        """Check one record against the log and say each check in words.

        Returns `{"id", "ok", "checks": [{"what", "ok", "detail"}]}`. A failed check is an answer,
        not an error; what depends on it is not checked any more.

        Raises:
            Denied: the actor may not verify.
            NotFound: no such record within the actor's reach.
            Conflict: no checkpoint covers the record yet.
            StorageUnavailable: the store did not answer.
        """
        found = await self._opening.load(record_id, Permission.VERIFY, actor=actor)
        checks = await asyncio.to_thread(self._proof.check, found)
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

    async def _content(self, found: AccessedRecord, name: str, actor: Actor) -> Part:
        part = await self._named_part(await self._opening.open(found), name)
        key = (actor.name, actor.via, found.row.id, name)
        if self._viewings.count(*key, now=self._trail.clock()) == 1:
            await self._note(found, actor, what="content", part=name)
        return part

    async def _named_part(self, opened: OpenedRecord, name: str) -> Part:
        names = [part.name for part in opened.manifest.parts]
        if name not in names:
            raise NotFound(
                f"record {opened.manifest.id} has no part {name!r}; its parts are "
                f"{', '.join(names)}"
            )
        return await self._opening.part(opened, names.index(name))

    async def _versions_of(self, row: RecordRow, actor: Actor) -> Sequence[RecordRow]:
        if row.entry_type == EVENT:
            return (row,)
        async with self._database.reading() as tx:
            rows = await record_rows.versions(tx, row.platform, row.account, row.post_id)
            return await self._access.within(tx, rows, actor=actor)

    async def _note_gone(self, record_id: str, actor: Actor) -> None:
        await self._trail.record(
            Action.RECORD_VIEWED,
            actor=actor,
            object_type="record",
            object_id=record_id,
            details={"what": "what remains of it"},
        )

    async def _note(self, found: AccessedRecord, actor: Actor, **details: str | int) -> None:
        await self._trail.record(
            Action.RECORD_VIEWED,
            actor=actor,
            object_type="record",
            object_id=found.row.id,
            details=details,
        )
