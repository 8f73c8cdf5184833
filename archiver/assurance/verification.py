"""`muniment verify --full`: everything that is stored, derived again and compared.

From inside an open archive and from outside it is the same run: only what is at hand differs
(`VerificationTarget`). The order matters while the archive is live. First what is promised is fixed
(the database's state, then the signed checkpoint), then the store is listed: whatever the
checkpoint covers was stored before it. What comes later is not judged.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from archiver.assurance.checkpoints import LogHead
from archiver.assurance.content import SEGMENTS_PER_TASK, ContentTask, open_segments
from archiver.assurance.head import find_head
from archiver.assurance.inspection import Inspection
from archiver.assurance.inventory import (
    Inventory,
    list_archive,
    note_extra_versions,
    note_leftovers,
    note_unused_blobs,
    note_unused_epochs,
)
from archiver.assurance.join import Catalogue, judge_unplaced, place_segments
from archiver.assurance.lane_objects import (
    check_blob_locks,
    check_epochs,
    hash_blobs,
    lane_locks,
)
from archiver.assurance.log_check import CheckedLog, check_log, entries_at
from archiver.assurance.log_keys import judge_signers
from archiver.assurance.log_objects import check_log_locks
from archiver.assurance.receipt_check import check_receipts
from archiver.assurance.report import Findings, Progress, Report
from archiver.assurance.segment_check import SegmentTask, check_segments
from archiver.assurance.stamps import check_stamps
from archiver.assurance.statement import state_proven
from archiver.assurance.target import VerificationTarget
from archiver.assurance.times import check_times
from archiver.assurance.trust_copies import compare_trust_copies
from archiver.assurance.witnessed import check_cosignatures
from archiver.assurance.workers import Workers, batches
from archiver.clock import to_millis
from archiver.errors import InvalidInput
from archiver.preserve.object_keys import checkpoint_object, epoch_object, keys_for_segment

if TYPE_CHECKING:  # see `_database_of`
    from collections.abc import Mapping

    from archiver.assurance.database_side import DatabaseSide

UNDER_WAY = timedelta(minutes=10)
"""The longest that a write takes from its first object to the checkpoint over it."""

_SEGMENTS_PER_TASK = 8


def quiet(phase: str, done: int, total: int) -> None:
    """Report progress to nobody."""


async def verify_full(
    target: VerificationTarget, *, workers: int, content: bool, progress: Progress = quiet
) -> Report:
    """Verify every object, entry, record and row; with `content`, open every record as well.

    Never stops at a problem: what could be wrong with the archive is in the report.

    Raises:
        InvalidInput: no workers, or content without the keyring.
        StorageUnavailable, DatabaseUnavailable: they did not answer; that says nothing about what
            is stored.
        Stopping: a worker process died.
    """
    if workers < 1 or (content and target.keyring is None):
        raise InvalidInput(
            f"expected one worker or more, and the keyring to open content; found {workers}"
            f"{'' if target.keyring else ' and no keyring'}"
        )
    pool = await asyncio.to_thread(Workers, target.store_url, target.clock, workers)
    with pool:
        return await _FullVerification(target, pool, progress).run(content=content)


class _FullVerification:
    """One run: the phases in order, and what they hand on to one another."""

    def __init__(self, target: VerificationTarget, pool: Workers, progress: Progress) -> None:
        self._target = target
        self._archive_id = target.archive_id
        self._pool = pool
        self._progress = progress
        self._findings = Findings()
        self._catalogue = Catalogue()
        self._database = _database_of(target, self._findings)
        self._log: CheckedLog | None = None
        self._ended: Mapping[str, int] = {}
        now = target.clock()
        self._run = Inspection(
            target=target,
            workers=pool,
            findings=self._findings,
            now_ms=to_millis(now),
            recent_ms=to_millis(now - UNDER_WAY),
            settled_ms=0,
        )

    async def run(self, *, content: bool) -> Report:
        started = perf_counter()
        try:
            state = None
            if self._database is not None:
                state = await self._database.state(content=content)
            self._progress("checkpoints", 0, 1)
            head = await find_head(self._run, state)
            inventory = await asyncio.to_thread(
                list_archive, self._pool.store, self._archive_id, self._findings
            )
            self._run = replace(self._run, settled_ms=self._settled_ms(head, inventory))
            if self._database is not None:
                self._ended = await self._database.ended_segments(self._run.now_ms)
            await asyncio.to_thread(self._scan_segments, inventory)
            log = await asyncio.to_thread(self._check_log, head, inventory)
            if self._database is not None:
                await self._database.add_pending(log)
            missing = await asyncio.to_thread(place_segments, self._catalogue, log, self._findings)
            await asyncio.to_thread(self._name_missing, log, missing)
            await self._check_objects(log, inventory)
            await asyncio.to_thread(self._check_evidence, log, head, inventory)
            if self._database is not None:
                await self._database.check_rows(
                    self._pool.store, self._catalogue, log, missing, self._progress
                )
            await self._check_content(inventory, log, asked=content)
            state_proven(
                store=self._pool.store,
                catalogue=self._catalogue,
                log=log,
                head=head,
                findings=self._findings,
            )
        finally:
            self._catalogue.spool.close()
            if self._log is not None:
                self._log.leaves.close()
            if self._database is not None:
                self._database.close()
        return self._findings.report(
            checked=self._catalogue.records,
            size=head.size,
            root=head.root,
            seconds=perf_counter() - started,
        )

    def _settled_ms(self, head: LogHead, inventory: Inventory) -> int:
        """Return before when things were stored that the head must know of.

        An archive that nobody has written to for days keeps its newest events without a checkpoint
        for as long, so it is the head's own age that counts, not the present.
        """
        kept = checkpoint_object(self._archive_id, head.size)
        stored = [one.modified_ms for one in inventory.log if one.key == kept]
        return min([*stored, self._run.now_ms]) - UNDER_WAY // timedelta(milliseconds=1)

    def _scan_segments(self, inventory: Inventory) -> None:
        total, done = len(inventory.segments), 0
        later = inventory.later_keys
        tasks = (
            SegmentTask(
                segments=chunk,
                now_ms=self._run.now_ms,
                keys={key: later[key] for key, _ in chunk if key in later},
                ended=self._ended,
            )
            for chunk in batches(inventory.segments, _SEGMENTS_PER_TASK)
        )
        for answers in self._pool.map(check_segments, tasks):
            for scanned in answers:
                self._findings.extend(scanned.problems)
                self._findings.stored_bytes += scanned.stored_bytes
                self._catalogue.add(scanned, self._findings)
            done += len(answers)
            self._progress("segments", done, total)
        self._findings.count("segments", total)
        used = {later.get(key, keys_for_segment(key)) for key, _ in inventory.segments}
        note_leftovers(inventory, used, self._run.recent_ms, self._findings)

    def _check_log(self, head: LogHead, inventory: Inventory) -> CheckedLog:
        self._log = check_log(
            self._pool, self._archive_id, head, inventory.partials, self._findings, self._progress
        )
        return self._log

    def _name_missing(self, log: CheckedLog, missing: list[tuple[int, int]]) -> None:
        for start, end in missing:
            entries = entries_at(self._pool.store, self._archive_id, log.size, start, end)
            for index in range(start, end):
                entry = entries.get(index, b"")
                self._findings.problem(
                    f"the record is in the log at index {index}, but no segment of the store holds "
                    "it as the log has it; restore its segment from its second copy",
                    record_id=entry[23:49].decode("ascii", "replace"),
                )

    async def _check_objects(self, log: CheckedLog, inventory: Inventory) -> None:
        findings, store = self._findings, self._pool.store
        self._note_missing_keys(log)
        await asyncio.to_thread(note_extra_versions, store, inventory, log.repairs, findings)
        lanes = lane_locks(self._catalogue.segments, self._run.now_ms, self._ended)
        await asyncio.to_thread(
            check_epochs, store, self._archive_id, lanes, self._target.keyring, findings
        )
        epochs = {epoch_object(self._archive_id, *lane) for lane in lanes}
        note_unused_epochs(inventory, epochs, self._run.recent_ms, findings)
        blobs = await asyncio.to_thread(hash_blobs, self._pool, inventory.blobs, findings)
        check_blob_locks(blobs, lanes, findings)
        known = None
        if self._database is not None:
            known = await self._database.check_segments(self._catalogue, inventory, log)
            used = await self._database.check_blobs(blobs, inventory)
            note_unused_blobs(inventory, used, self._run.recent_ms, findings)
        newest_ms = self._run.settled_ms if known is None else self._run.now_ms
        judge_unplaced(self._catalogue, log, known, newest_ms, findings)

    def _check_evidence(self, log: CheckedLog, head: LogHead, inventory: Inventory) -> None:
        """Check what proves the log to others: keys, locks, timestamps, witnesses, receipts."""
        run = self._run
        judge_signers(run, head, log.key_changes)
        check_log_locks(run, inventory.log)
        stamps = check_stamps(run, inventory.log, log, head)
        check_times(run, log, self._catalogue, stamps)
        check_cosignatures(run, inventory.log, head)
        check_receipts(run, log, head)
        compare_trust_copies(run, head)

    def _note_missing_keys(self, log: CheckedLog) -> None:
        for segment in self._catalogue.segments:
            is_young = segment.object.modified_ms >= self._run.recent_ms
            is_excused = segment.object.key in log.orphans or (segment.first_index < 0 and is_young)
            if segment.keys is None and not is_excused:
                self._findings.problem(
                    f"the keys of this segment's {segment.records} records are missing: they "
                    "cannot be read any more; restore the object from its second copy",
                    object_key=keys_for_segment(segment.object.key),
                )

    async def _check_content(self, inventory: Inventory, log: CheckedLog, *, asked: bool) -> None:
        keyring = self._target.keyring
        if not asked or keyring is None:
            self._findings.not_checked.append(
                "level B, what lies under encryption (manifests, parts, blobs), and so the "
                "database columns derived from it, such as account, class and retain_until, what "
                "people decided by events, and that each `dis` entry has the event that let "
                "records go: that needs the keyring and --content"
            )
            if inventory.blobs and self._database is None:
                self._findings.not_checked.append(
                    "that blobs are those of their records, as only encrypted manifests name them"
                )
            return
        self._findings.level = "B"
        placed = {
            segment.object.key: segment
            for segment in self._catalogue.segments
            if segment.first_index >= 0
        }
        names = [(key, segment.object.version_id) for key, segment in placed.items()]
        later = inventory.later_keys
        tasks = (
            ContentTask(
                keyring=keyring,
                segments=chunk,
                keys={key: later[key] for key, _ in chunk if key in later},
            )
            for chunk in batches(names, SEGMENTS_PER_TASK)
        )
        answers, done = self._pool.map(open_segments, tasks), 0
        named: set[str] = set()
        while (opened := await asyncio.to_thread(next, answers, None)) is not None:
            for one in opened:
                self._findings.extend(one.problems)
                named.update(blob for record in one.records for blob in record.blobs)
                if self._database is not None:
                    await self._database.compare_facts(placed[one.key], one, self._run.now_ms)
            done += len(opened)
            self._progress("content", done, len(names))
        if self._database is not None:
            await self._database.check_statements(log, self._run.now_ms)
        else:
            note_unused_blobs(inventory, named, self._run.recent_ms, self._findings)


def _database_of(target: VerificationTarget, findings: Findings) -> "DatabaseSide | None":
    if target.database is None:
        findings.not_checked.append(
            "the database, and so that each `dis` entry has the event that let records go: none "
            "was given"
        )
        return None
    # An audit from outside has no database: SQLAlchemy would be half the time that it starts in.
    from archiver.assurance.database_side import DatabaseSide  # noqa: PLC0415

    return DatabaseSide(database=target.database, archive_id=target.archive_id, findings=findings)
