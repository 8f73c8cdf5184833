"""What the second store has to get before it may show a later checkpoint, and in which order."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import pairwise, takewhile

from archiver.assurance.repair import held_keys
from archiver.assurance.signed_tree import SignedTree
from archiver.clock import from_millis
from archiver.db import ledger as ledger_rows
from archiver.db import segments as segment_rows
from archiver.db.segments import BlobRow, SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.jobs.copying import Item
from archiver.model.lock import Lock, LockMode
from archiver.preserve.ledger.checkpoint import Checkpoint
from archiver.preserve.ledger.entry import RepairEntry, TimestampEntry, decode_entry
from archiver.preserve.ledger.tiles import TILE_WIDTH, TileName
from archiver.preserve.object_keys import (
    checkpoint_object,
    checkpoint_prefix,
    cosignature_prefix,
    epoch_object,
    log_prefix,
    timestamp_object,
)
from archiver.preserve.segments.segment import parse_segment
from archiver.preserve.store.second_copy import SecondCopy

_PAGE = 64
_STAMP = b'{"v":1,"t":"tsr",'
_REPAIR = b'{"v":1,"t":"repair",'


class CopyPlan:
    """Plans the way from one checkpoint of the copy to the next."""

    def __init__(self, *, archive_id: str, store: SecondCopy, database: Database) -> None:
        self._archive_id = archive_id
        self._prefix = log_prefix(archive_id)
        self._store = store
        self._database = database

    async def groups(self, start: int, head: Checkpoint) -> list[list[Item]]:
        """Return what log entries from `start` up to `head` rely on, each group before the next.

        Raises:
            OperatorError: a store or the database did not answer.
        """
        rows: list[SegmentRow] = []
        blobs: list[BlobRow] = []
        position = start
        async with self._database.reading() as tx:
            while page := await segment_rows.list_after(tx, position, _PAGE):
                rows += [row for row in page if row.first_index < head.size]
                position = page[-1].first_index + 1
                if position >= head.size:
                    break
            if rows:
                end = rows[-1].first_index + rows[-1].records
                blobs = await segment_rows.blobs_within(tx, rows[0].first_index, end)
            entries = await ledger_rows.entries(tx, start, head.size)
        self._forget_repaired(entries)
        held = await held_keys(self._database, self._archive_id)
        return [
            *self._content(rows, blobs, held),
            [Item(key=key) for key in self._stamps(entries)],
            *await asyncio.to_thread(self._log_objects, start, head),
        ]

    def _content(
        self, rows: Sequence[SegmentRow], blobs: Sequence[BlobRow], held: set[str]
    ) -> Iterator[list[Item]]:
        """Yield epoch keys, keys, segments, blobs."""
        lanes = {
            epoch_object(self._archive_id, row.class_code, row.period): _lock(row) for row in rows
        }
        yield [Item(key=key, lock=lock, held=key in held) for key, lock in lanes.items()]
        yield [
            Item(
                key=row.keys_object_key,
                check=partial(_require_sha256, row.keys_object_key, row.keys_sha256),
                lock=_lock(row),
                held=row.keys_object_key in held,
            )
            for row in rows
        ]
        yield [
            Item(
                key=row.object_key,
                check=partial(_require_seal, row),
                lock=_lock(row),
                held=row.object_key in held,
            )
            for row in rows
        ]
        yield [
            Item(
                key=blob.object_key,
                check=partial(_require_sha256, blob.object_key, blob.sha256),
                held=blob.object_key in held,
            )
            for blob in blobs
        ]

    def _stamps(self, entries: Iterable[bytes]) -> Iterator[str]:
        for data in entries:
            if data.startswith(_STAMP):
                entry = decode_entry(data)
                if isinstance(entry, TimestampEntry):
                    yield timestamp_object(self._archive_id, entry.size, entry.authority)

    def _forget_repaired(self, entries: Iterable[bytes]) -> None:
        """What any process has repaired is no damage any more."""
        for data in entries:
            if data.startswith(_REPAIR):
                entry = decode_entry(data)
                if isinstance(entry, RepairEntry):
                    self._store.repaired(entry.object_key)

    def _log_objects(self, start: int, head: Checkpoint) -> list[list[Item]]:
        """Return bundles and tiles from the bottom up, cosignatures, kept checkpoints."""
        first = self._store.primary
        kept = list(
            takewhile(
                lambda key: key <= checkpoint_object(self._archive_id, head.size),
                first.list_keys(
                    checkpoint_prefix(self._archive_id),
                    after=checkpoint_object(self._archive_id, start),
                ),
            )
        )
        signed = cosignature_prefix(self._archive_id)
        cosignatures = takewhile(
            lambda key: key < f"{signed}{head.size + 1:012d}",
            first.list_keys(signed, after=f"{signed}{start:012d}"),
        )
        return [
            self._tiles(start, head, [int(key[-12:]) for key in kept]),
            [Item(key=key) for key in cosignatures],
            [Item(key=key) for key in kept],
        ]

    def _tiles(self, start: int, head: Checkpoint, kept: Sequence[int]) -> list[Item]:
        copies = [
            lambda path, store=store: store.get(self._prefix + path)
            for store in (self._store.primary, self._store.second())
        ]
        tree = SignedTree(head.size, head.root, copies)
        names = {
            name
            for old, new in pairwise(sorted({start, head.size, *kept}))
            for name in objects_written(old, new)
        }
        return [
            Item(key=self._prefix + name.path, check=partial(tree.require_object, name))
            for name in sorted(names, key=_from_the_bottom)
        ]


def objects_written(old: int, new: int) -> Iterator[TileName]:
    """Yield the bundles and tiles that a tree gets when it grows from one size to another."""
    level = 0
    while (count := new >> 8 * level) > 0:
        before = old >> 8 * level
        if count > before:
            for n in range(before // TILE_WIDTH, -(-count // TILE_WIDTH)):
                width = min(TILE_WIDTH, count - n * TILE_WIDTH)
                yield TileName(level=level, n=n, width=width)
                if level == 0:
                    yield TileName(level=None, n=n, width=width)
        level += 1


def _from_the_bottom(name: TileName) -> tuple[int, int, int]:
    return -1 if name.level is None else name.level, name.n, name.width


def _lock(row: SegmentRow) -> Lock:
    return Lock(mode=LockMode(row.lock_mode), until=from_millis(row.lock_until))


def _require_sha256(key: str, digest: bytes, body: bytes) -> None:
    if sha256(body).digest() != digest:
        raise IntegrityError(f"{key}: these are not the bytes that were stored", object_key=key)


def _require_seal(row: SegmentRow, body: bytes) -> None:
    if parse_segment(body).seal != row.seal:
        raise IntegrityError(
            f"{row.object_key}: its seal is not the one that was sequenced",
            object_key=row.object_key,
        )
