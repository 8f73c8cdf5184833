"""Whether bytes are what the archive has promised under a key: asked before they replace anything.

A second copy is another store that may be damaged or hostile too. Nothing of it is believed because
it is there: segments are compared with the signed log and their seal, keys are unwrapped, epoch
keys opened, blobs compared with the manifest in their record, tiles and bundles with the signed
root, checkpoints with the log's key and tree, timestamp responses with their entry.
"""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import sha256

from archiver.assurance.signed_tree import SignedTree
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.segments import BlobRow, SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.ids import ulid_bytes
from archiver.preserve.epochs import Epochs
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.entry import RecordEntry, TimestampEntry, decode_entry
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.ledger.tiles import TileTree, parse_tile_path
from archiver.preserve.object_keys import (
    checkpoint_object,
    log_prefix,
    segment_id_of,
    timestamp_object,
)
from archiver.preserve.reader import RecordReader
from archiver.preserve.segments.keys import unwrap_key
from archiver.preserve.segments.segment import parse_segment
from archiver.preserve.store import ObjectStore

_PAGE = 8192
_STAMP = b'{"v":1,"t":"tsr",'


def can_vouch(key: str) -> bool:
    """Whether `Vouching.require` can tell; it cannot for policies and witnesses' signatures."""
    kind, _, path = key.partition("/")
    if kind == "log":
        return path.partition("/")[2].startswith(("tile/", "checkpoints/", "tsr/"))
    if kind == "keys":
        return key.endswith((".keys", "/epoch.json"))
    return kind in ("seg", "blob")


class Vouching:
    """Vouches for objects of one archive, by its log and its keyring.

    `copies` are the stores that the log's tiles may be read from; none of them is believed.
    """

    def __init__(
        self,
        *,
        archive_id: str,
        origin: str,
        verifiers: Sequence[Verifier],
        database: Database,
        reader: RecordReader,
        epochs: Epochs,
        copies: Callable[[], Sequence[ObjectStore]],
    ) -> None:
        self._archive_id = archive_id
        self._origin = origin
        self._verifiers = verifiers
        self._database = database
        self._reader = reader
        self._epochs = epochs
        self._copies = copies
        self._tree: SignedTree | None = None

    async def require(self, key: str, body: bytes) -> None:
        """Check that `body` is what `key` promises.

        Raises:
            IntegrityError: it is not, or the log and the keyring cannot tell.
            OperatorError: a store or the database did not answer.
        """
        log = log_prefix(self._archive_id)
        path = key.removeprefix(log)
        if not can_vouch(key):
            raise IntegrityError(
                f"{key}: neither the log nor the keyring can vouch for such an object; compare its "
                "copies and put it back by hand",
                object_key=key,
            )
        if key.startswith("seg/"):
            await self._require_segment(key, body)
        elif key.endswith("/epoch.json"):
            _, _, class_code, period, _ = key.split("/")
            await asyncio.to_thread(self._epochs.check, class_code, period, body)
        elif key.endswith(".keys"):
            await self._require_keys(key, body)
        elif key.startswith("blob/"):
            await self._require_blob(key, body)
        elif path.startswith("tile/"):
            tree = await self.tree()
            await asyncio.to_thread(tree.require_object, parse_tile_path(path), body)
        elif path.startswith("checkpoints/"):
            await self._require_checkpoint(key, body)
        else:
            await self._require_response(key, body)

    async def tree(self) -> SignedTree:
        """Return the tree under the newest checkpoint that the log has signed."""
        async with self._database.reading() as tx:
            state = await ledger_rows.state(tx)
        if self._tree is None or self._tree.size != state.size:
            head = open_checkpoint(state.checkpoint, self._origin, self._verifiers)
            copies = [_reads(store, log_prefix(self._archive_id)) for store in self._copies()]
            self._tree = SignedTree(head.size, head.root, copies)
        return self._tree

    async def _segment(self, segment_id: str, key: str) -> SegmentRow:
        try:
            async with self._database.reading() as tx:
                row = await segment_rows.get(tx, segment_id)
        except NotFound as error:
            raise IntegrityError(
                f"{key}: the database has no row of this segment, so its place in the log is not "
                "known",
                object_key=key,
            ) from error
        if key not in (row.object_key, row.keys_object_key):
            raise IntegrityError(f"{key}: the segment's row names another object", object_key=key)
        return row

    async def _entries(self, row: SegmentRow) -> list[bytes]:
        async with self._database.reading() as tx:
            return await ledger_rows.entries(tx, row.first_index, row.first_index + row.records)

    async def _require_segment(self, key: str, body: bytes) -> None:
        row = await self._segment(segment_id_of(key), key)
        parsed = await asyncio.to_thread(parse_segment, body)
        if (parsed.footer.segment, parsed.footer.archive) != (row.id, self._archive_id):
            raise IntegrityError(f"{key}: these are another segment's bytes", object_key=key)
        # The log has the records; that the rest (lock, class, writer) is as written, the seal says.
        if parsed.seal != row.seal or list(parsed.entries) != await self._entries(row):
            raise IntegrityError(
                f"{key}: seal or entries are not those that were sequenced", object_key=key
            )
        tree = await self.tree()
        signed = max(0, min(row.records, tree.size - row.first_index))
        await asyncio.to_thread(tree.require_entries, row.first_index, parsed.entries[:signed])

    async def _require_keys(self, key: str, body: bytes) -> None:
        row = await self._segment(key.rsplit("/", 1)[1].removesuffix(".keys"), key)
        if sha256(body).digest() != row.keys_sha256:
            raise IntegrityError(f"{key}: these are not the keys that were stored", object_key=key)
        entries = await self._entries(row)
        await asyncio.to_thread(self._unwrap_all, row, body, entries)

    def _unwrap_all(self, row: SegmentRow, body: bytes, entries: Sequence[bytes]) -> None:
        keys = self._reader.unlock(row, body)
        for number, wrapped in keys.wrapped.items():
            entry = decode_entry(entries[number]) if number < len(entries) else None
            if not isinstance(entry, RecordEntry):
                raise IntegrityError(
                    f"{row.keys_object_key}: key {number} belongs to no record",
                    object_key=row.keys_object_key,
                )
            unwrap_key(keys.wrapping, number, ulid_bytes(entry.id), wrapped)

    async def _require_blob(self, key: str, body: bytes) -> None:
        async with self._database.reading() as tx:
            blob = await segment_rows.find_blob(tx, key)
            if blob is None:
                raise IntegrityError(
                    f"{key}: the database knows no record with this blob", object_key=key
                )
            row = await record_rows.get(tx, blob.record_id)
            segment = await segment_rows.get(tx, row.segment_id)
            (entry,) = await ledger_rows.entries(tx, row.log_index, row.log_index + 1)
        promised = await asyncio.to_thread(self._promised_blob, blob, segment, row, entry)
        if sha256(body).hexdigest() != promised:
            raise IntegrityError(
                f"{key}: its SHA-256 is not the one in the manifest of record {blob.record_id}",
                object_key=key,
                record_id=blob.record_id,
            )

    def _promised_blob(
        self, blob: BlobRow, segment: SegmentRow, row: RecordRow, entry: bytes
    ) -> str:
        manifest = self._reader.open(segment, row, entry).manifest
        for part in manifest.parts:
            if part.blob is not None and part.blob.key == blob.object_key:
                return part.blob.sha256
        raise IntegrityError(
            f"{blob.object_key}: the manifest of record {blob.record_id} names no such blob",
            object_key=blob.object_key,
            record_id=blob.record_id,
        )

    async def _require_checkpoint(self, key: str, body: bytes) -> None:
        found = open_checkpoint(body, self._origin, self._verifiers)
        tree = await self.tree()
        if checkpoint_object(self._archive_id, found.size) != key or found.size > tree.size:
            raise IntegrityError(f"{key}: this is the checkpoint of another size", object_key=key)
        root = await asyncio.to_thread(TileTree(found.size, tree.read_prefix).root)
        if root != found.root:
            raise IntegrityError(
                f"{key}: it is signed, but over another tree than the newest checkpoint; keep both "
                "and tell the auditor",
                object_key=key,
            )

    async def _require_response(self, key: str, body: bytes) -> None:
        digest = sha256(body).digest()
        start, end = 0, _PAGE
        while start < end:
            async with self._database.reading() as tx:
                entries = await ledger_rows.entries(tx, start, end)
            for data in entries:
                if data.startswith(_STAMP) and self._is_stamp(key, digest, data):
                    return
            start, end = start + len(entries), start + len(entries) + _PAGE * bool(entries)
        raise IntegrityError(f"{key}: no entry of the log names this timestamp", object_key=key)

    def _is_stamp(self, key: str, digest: bytes, data: bytes) -> bool:
        entry = decode_entry(data)
        return (
            isinstance(entry, TimestampEntry)
            and timestamp_object(self._archive_id, entry.size, entry.authority) == key
            and entry.token_sha256 == digest
        )


def _reads(store: ObjectStore, prefix: str) -> Callable[[str], bytes]:
    return lambda path: store.get(prefix + path)
