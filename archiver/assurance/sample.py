"""`muniment verify --sample`: everything that can be checked, for a few records drawn by a seed."""

import asyncio
from dataclasses import dataclass
from functools import partial
from random import Random
from time import perf_counter

from archiver.assurance.checkpoints import SignedCheckpoint, read_published
from archiver.assurance.content import OpenedSegment, RecordOpener
from archiver.assurance.database_facts import compare_facts
from archiver.assurance.locks import lock_problem
from archiver.assurance.report import Findings, Problem, Progress, Report
from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import quiet
from archiver.clock import to_millis
from archiver.db import disposed as disposed_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db import verification as rows
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import IntegrityError, InvalidInput, NotFound
from archiver.ids import ulid_bytes
from archiver.model.lock import LockMode
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.disposal_entry import KEEP, DisposalEntry
from archiver.preserve.ledger.entry import decode_entry
from archiver.preserve.ledger.merkle import leaf_hash, verify_inclusion
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.segments.keys import parse_keys
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store

_PAGE = 500


async def verify_sample(
    target: VerificationTarget, percent: float, seed: int, progress: Progress = quiet
) -> Report:
    """Verify `percent` of the signed records: locks, bytes, content, database and inclusion proof.

    The same seed draws the same log indexes from a log of the same size.

    Raises:
        InvalidInput: no database or keyring, or not a percentage.
        StorageUnavailable, DatabaseUnavailable: they did not answer.
    """
    if target.database is None or target.keyring is None or not 0 < percent <= 100:  # noqa: PLR2004 - per cent
        raise InvalidInput(
            f"expected a percentage up to 100, the database and the keyring, found {percent}; "
            "--full verifies from the store alone"
        )
    store = await asyncio.to_thread(open_store, target.store_url, clock=target.clock, create=False)
    try:
        sample = _Sample(target, target.database, target.keyring, store)
        return await sample.run(percent, seed, progress)
    finally:
        store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """One record as the database describes it."""

    row: RecordRow
    segment: SegmentRow
    entry: bytes


class _Sample:
    def __init__(
        self, target: VerificationTarget, database: Database, keyring: Keyring, store: ObjectStore
    ) -> None:
        self._target = target
        self._database = database
        self._store = store
        self._opener = RecordOpener(store, keyring)
        self._findings = Findings()
        self._segments: dict[str, dict[int, bytes]] = {}

    async def run(self, percent: float, seed: int, progress: Progress) -> Report:
        started, target = perf_counter(), self._target
        found = await asyncio.to_thread(
            read_published, self._store, target.archive_id, target.origin, target.vkeys
        )
        if isinstance(found, Problem):
            self._findings.extend([found])
            return self._findings.report(
                checked=0, size=0, root=bytes(32), seconds=perf_counter() - started
            )
        tree = TileTree(found.size, self._read)
        drawn = sorted(
            Random(seed).sample(  # noqa: S311 - a sample anyone can repeat, not a secret
                range(found.size), k=round(found.size * percent / 100)
            )
        )
        checked = 0
        for start in range(0, len(drawn), _PAGE):
            for record in await self._draw(drawn[start : start + _PAGE]):
                await self._check(record, tree, found)
                checked += 1
            progress("sample", min(start + _PAGE, len(drawn)), len(drawn))
        self._findings.count("sampled", checked)
        self._findings.count("seed", seed)
        self._findings.not_checked.append(
            f"the other {100 - percent:g} % of the log, and objects that no sampled record is in"
        )
        return self._findings.report(
            checked=checked, size=found.size, root=found.root, seconds=perf_counter() - started
        )

    async def _draw(self, indexes: list[int]) -> list[_Drawn]:
        drawn = []
        async with self._database.reading() as tx:
            by_index = await record_rows.list_by_index(tx, indexes)
            gone = await tx.run_sync(partial(disposed_rows.remains_at, log_indexes=indexes))
            for index in indexes:
                entries = await ledger_rows.entries(tx, index, index + 1)
                if index in gone and await _is_logged(tx, index, gone[index].dis_index):
                    self._findings.count("destroyed, as the log says")
                    continue
                row = by_index.get(index)
                if row is not None and entries:
                    segment = await segment_rows.get(tx, row.segment_id)
                    drawn.append(_Drawn(row=row, segment=segment, entry=entries[0]))
                elif not entries or entries[0][12:15] in {b"rec", b"aud"}:
                    self._findings.problem(
                        f"log index {index} has no {'record' if entries else 'entry'} in the "
                        "database: the row was deleted; run verify --full"
                    )
        return drawn

    async def _check(self, record: _Drawn, tree: TileTree, checkpoint: SignedCheckpoint) -> None:
        try:
            opened = await asyncio.to_thread(self._open, record, tree, checkpoint)
        except (IntegrityError, NotFound) as error:
            self._findings.problem(
                str(error), object_key=record.segment.object_key, record_id=record.row.id
            )
            return
        index = record.row.log_index
        async with self._database.reading() as tx:
            facts = await rows.facts(tx, index, index + 1)
            events = await rows.events(tx, index, index + 1)
            filing = await rows.filing(tx, index, index + 1, to_millis(self._target.clock()))
        first = index - record.row.frame
        compare_facts(opened, first, facts, events, filing=filing, findings=self._findings)

    def _open(self, record: _Drawn, tree: TileTree, checkpoint: SignedCheckpoint) -> OpenedSegment:
        row, segment = record.row, record.segment
        verify_inclusion(
            leaf=leaf_hash(record.entry),
            index=row.log_index,
            size=checkpoint.size,
            proof=tree.inclusion_proof(row.log_index),
            root=checkpoint.root,
        )
        wrapped = self._wrapped(segment)
        frame = self._store.get_range(
            segment.object_key, row.frame_offset, row.frame_length, version_id=segment.version_id
        )
        self._findings.stored_bytes += len(frame)
        wrapping = self._opener.wrapping(segment.class_code, segment.period, segment.id)
        opened = self._opener.open(
            wrapping, row.frame, wrapped.get(row.frame, b""), frame, record.entry
        )
        return OpenedSegment(key=segment.object_key, records=(opened,), problems=())

    def _wrapped(self, segment: SegmentRow) -> dict[int, bytes]:
        """Return the wrapped keys of a segment; the first time, check the locks of both objects."""
        known = self._segments.get(segment.id)
        if known is None:
            for key, version in (
                (segment.object_key, segment.version_id),
                (segment.keys_object_key, segment.keys_version_id),
            ):
                found = self._store.head(key, version_id=version)
                mode = LockMode(segment.lock_mode)
                if what := lock_problem(found.lock, mode, segment.lock_until):
                    self._findings.problem(what, object_key=key)
            data = self._store.get(segment.keys_object_key, version_id=segment.keys_version_id)
            known = parse_keys(data, ulid_bytes(segment.id))
            self._segments = {segment.id: known}  # indexes ascend, so that one is enough
        return known

    def _read(self, path: str) -> bytes:
        return self._store.get(log_prefix(self._target.archive_id) + path)


async def _is_logged(tx: Transaction, index: int, dis_index: int) -> bool:
    """Whether the entry that a destroyed record's row names lets that record go."""
    found = [decode_entry(each) for each in await ledger_rows.entries(tx, dis_index, dis_index + 1)]
    return any(
        isinstance(entry, DisposalEntry)
        and entry.method != KEEP
        and any(first <= index < end <= dis_index for first, end in entry.ranges)
        for entry in found
    )
