"""The log as the store has it: every entry in order, compared with the newest signed head.

What a crash left beyond that head counts too. The integrator writes bundles before it signs, so
they tell in which order those entries were sequenced; they cannot be replaced, and receipts promise
exactly those indexes.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from archiver.assurance.spool import Spool
from archiver.assurance.workers import batches, read_together
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hashes
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.ledger.tiles import (
    TILE_WIDTH,
    TileName,
    bundle_path,
    decode_bundle,
    parse_tile_path,
    read_bundle,
    read_tile,
)
from archiver.preserve.object_keys import checkpoint_object, checkpoint_prefix, log_prefix
from archiver.preserve.store import ObjectStore

_BUNDLES_AT_ONCE = 32
_INDEX_BITS = 30  # a thousand million entries
_TAG_MASK = (1 << 64 - _INDEX_BITS) - 1
_RECORDS = {b'{"v":1,"t":"rec"', b'{"v":1,"t":"aud"'}
_KIND_BYTES = 16
_ID = slice(23, 49)


class StoredLog:
    """Entries by index and records by id, on disk but for 16 bytes an entry.

    `signed` is the newest head and `note` its bytes (b"" for an empty log); `others` are the
    entries that are no record's, by index.
    """

    def __init__(self, signed: Checkpoint, note: bytes) -> None:
        self.signed = signed
        self.note = note
        self.others: dict[int, bytes] = {}
        self._spool = Spool()
        self._ends = array("Q", [0])
        self._ids = array("Q")
        self._sorted = True

    @property
    def end(self) -> int:
        """How many entries are known."""
        return len(self._ends) - 1

    def extend(self, entries: Sequence[bytes]) -> None:
        """Add entries after the last one."""
        if not entries:
            return
        for index, entry in enumerate(entries, self.end):
            if entry[:_KIND_BYTES] in _RECORDS:
                self._ids.append((hash(entry[_ID]) & _TAG_MASK) << _INDEX_BITS | index)
            else:
                self.others[index] = entry
        start = self._spool.append(b"".join(entries))
        for entry in entries:
            start += len(entry)
            self._ends.append(start)
        self._sorted = False

    def entries(self, start: int, end: int) -> list[bytes]:
        """Return the entries with indexes in [start, end), as far as they are known."""
        bounds = self._ends[start : min(end, self.end) + 1]
        data = self._spool.read(bounds[0], bounds[-1] - bounds[0]) if bounds else b""
        return [data[left - bounds[0] : right - bounds[0]] for left, right in pairwise(bounds)]

    def index_of(self, record_id: str) -> int | None:
        """Return the log index of a record, None where the log has none with this id."""
        if not self._sorted:
            self._ids = array("Q", sorted(self._ids))
            self._sorted = True
        wanted = record_id.encode()
        tag = hash(wanted) & _TAG_MASK
        place = bisect_left(self._ids, tag << _INDEX_BITS)
        while place < len(self._ids) and self._ids[place] >> _INDEX_BITS == tag:
            index = self._ids[place] & ((1 << _INDEX_BITS) - 1)
            if self.entries(index, index + 1)[0][_ID] == wanted:
                return index
            place += 1
        return None

    def close(self) -> None:
        """Free the space."""
        self._spool.close()


def read_stored_log(
    store: ObjectStore,
    archive_id: str,
    origin: str,
    verifiers: Sequence[Verifier],
    progress: Callable[[int, int], None],
) -> StoredLog:
    """Read the whole log and check it against its newest kept checkpoint.

    Raises:
        IntegrityError: the newest checkpoint is not signed by the log, or the bundles do not have
            its root; the object is named.
        StorageUnavailable: the store did not answer.
    """
    signed, note = _newest_head(store, archive_id, origin, verifiers)
    log, frontier = StoredLog(signed, note), Frontier()
    prefix = log_prefix(archive_id)
    try:
        for group in batches(_names(signed.size), _BUNDLES_AT_ONCE):
            for entries in read_together(store, partial(_read, store, prefix), group):
                frontier = frontier.append(leaf_hashes(entries))
                log.extend(entries)
            progress(log.end, signed.size)
        if frontier.root() != signed.root:
            _name_the_wrong_bundle(store, prefix, signed.size)
        for entries in _unsigned(store, prefix, log):
            log.extend(entries)
    except BaseException:
        log.close()
        raise
    return log


def _newest_head(
    store: ObjectStore, archive_id: str, origin: str, verifiers: Sequence[Verifier]
) -> tuple[Checkpoint, bytes]:
    # The published checkpoint tells where to look, so that not all of a year's are listed.
    after = ""
    try:
        published = open_checkpoint(
            store.get(log_prefix(archive_id) + "checkpoint"), origin, verifiers
        )
        after = checkpoint_object(archive_id, published.size - 1) if published.size else ""
    except (NotFound, IntegrityError):
        pass  # it can be replaced by whoever may write; the kept ones cannot
    newest = max(store.list_keys(checkpoint_prefix(archive_id), after=after), default="")
    if not newest:
        return Checkpoint(origin=origin, size=0, root=EMPTY_ROOT), b""
    note = store.get(newest)
    try:
        head = open_checkpoint(note, origin, verifiers)
    except IntegrityError as error:
        raise IntegrityError(
            f"{newest}: the newest checkpoint of the log cannot be trusted ({error}); restore it "
            "from the store's second copy, and check that the keyring is this archive's",
            object_key=newest,
        ) from error
    if checkpoint_object(archive_id, head.size) != newest:
        raise IntegrityError(
            f"{newest}: it holds the checkpoint of size {head.size}; restore it from the store's "
            "second copy",
            object_key=newest,
        )
    return head, note


def _names(size: int) -> Iterator[TileName]:
    for n in range(-(-size // TILE_WIDTH)):
        yield TileName(level=None, n=n, width=min(TILE_WIDTH, size - n * TILE_WIDTH))


def _read(store: ObjectStore, prefix: str, name: TileName) -> list[bytes]:
    key = prefix + name.path
    try:
        data = store.get(key)
    except NotFound:
        key = prefix + bundle_path(name.n)
        try:
            data = store.get(key)
        except NotFound as error:
            raise IntegrityError(
                f"{key}: the bundle is missing; restore it from the store's second copy",
                object_key=key,
            ) from error
    return decode_bundle(data)[: name.width]


def _name_the_wrong_bundle(store: ObjectStore, prefix: str, size: int) -> None:
    def read(path: str) -> bytes:
        return store.get(prefix + path)

    for name in _names(size):
        try:
            tile = read_tile(TileName(level=0, n=name.n, width=name.width), read)
            read_bundle(name.n, name.width, tile, read)
        except IntegrityError as error:
            key = prefix + (error.object_key or name.path)
            raise IntegrityError(
                f"{key}: {error}; restore it from the store's second copy", object_key=key
            ) from error
    raise IntegrityError(
        f"the bundles of the log do not have the root that was signed for size {size}, though its "
        "tiles agree with them: both were replaced. Restore the log from the store's second copy",
        object_key=prefix + bundle_path(0),
    )


def _unsigned(store: ObjectStore, prefix: str, log: StoredLog) -> Iterator[list[bytes]]:
    """Yield what bundles hold beyond the signed head, as far as they follow one another."""
    while True:
        n, known = divmod(log.end, TILE_WIDTH)
        widths = [
            parse_tile_path(key.removeprefix(prefix)).width
            for key in store.list_keys(prefix + bundle_path(n))
        ]
        if max(widths, default=0) <= known:
            return
        name = TileName(level=None, n=n, width=max(widths))
        entries = _read(store, prefix, name)
        start = n * TILE_WIDTH
        if entries[:known] != log.entries(start, start + known):
            raise IntegrityError(
                f"{prefix}{name.path}: it does not go on from the signed head; it was written by "
                "another log, or altered. Restore it from the store's second copy",
                object_key=prefix + name.path,
            )
        yield entries[known:]
