"""Both stores compared object by object: what is missing, differs, or is less promised.

The copy is put right from the first store: objects, locks, and holds as the hold rows say. What is
wrong with the first store is told and left to `muniment verify --full --repair`, since somebody
must ask how it came to be. Nothing is copied or replaced that the log does not vouch for.

Every object is compared as the stores describe it. Descriptions are what was once told: so the
bytes of both are read as well, of a part of the objects each day, and of all once in `CYCLE` days.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from archiver.assurance.repair import Repairs
from archiver.assurance.vouching import Vouching, can_vouch
from archiver.clock import Clock
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import longest
from archiver.preserve.ledger.tiles import parse_tile_path
from archiver.preserve.object_keys import log_prefix, segment_id_of
from archiver.preserve.store import StoredObject
from archiver.preserve.store.second_copy import SecondCopy

CYCLE = 28
"""Days in which the bytes of every object are read once."""

_PAGE = 250  # objects compared in one turn
_REPLACED = ("checkpoint", "policy.txt", "keys.vkey", "tsa-roots.pem")


@dataclass(frozen=True, slots=True)
class _Place:
    """Up to where it was compared: the number of the prefix, and the last key below it."""

    number: int = 0
    after: str = ""


class Comparison:
    """Compares page by page, so that copying goes on in between."""

    def __init__(
        self,
        *,
        archive_id: str,
        store: SecondCopy,
        vouching: Vouching,
        repairs: Repairs,
        database: Database,
        clock: Clock,
    ) -> None:
        self._prefixes = [f"{kind}/{archive_id}/" for kind in ("keys", "seg", "blob", "log")]
        self._log = log_prefix(archive_id)
        self._store = store
        self._vouching = vouching
        self._repairs = repairs
        self._database = database
        self._clock = clock
        self._place: _Place | None = None
        self._copied = 0
        self._read_all = False
        self.compared = 0
        self.counts: Counter[str] = Counter()

    @property
    def under_way(self) -> bool:
        """Whether a comparison has begun and not ended."""
        return self._place is not None

    def begin(self, copied: int, *, read_all: bool) -> None:
        """Compare anew what belongs to the first `copied` entries of the log."""
        self._place, self._copied, self._read_all = _Place(), copied, read_all
        self.compared, self.counts = 0, Counter()

    async def go_on(self, held: Collection[str]) -> bool:
        """Compare the next page; False when all is compared.

        Raises:
            OperatorError: a store or the database did not answer; go on later.
        """
        if self._place is None:
            return False
        place = self._place
        pairs, last = await asyncio.to_thread(self._page, place)
        for key, in_first, in_second in pairs:
            await self._compare(key, held, in_first=in_first, in_second=in_second)
            self.compared += 1
        self._place = _Place(place.number, last) if last else self._next_prefix(place)
        return self._place is not None

    def _next_prefix(self, place: _Place) -> _Place | None:
        following = place.number + 1
        return _Place(following) if following < len(self._prefixes) else None

    def _page(self, place: _Place) -> tuple[list[tuple[str, bool, bool]], str]:
        """Return keys with who has them, and the last one where there may be more."""
        prefix = self._prefixes[place.number]
        pages = [
            list(islice(store.list_keys(prefix, after=place.after), _PAGE))
            for store in (self._store.primary, self._store.second())
        ]
        ends = [page[-1] for page in pages if len(page) == _PAGE]
        last = min(ends, default="")
        first, second = ({key for key in page if not last or key <= last} for page in pages)
        return [(key, key in first, key in second) for key in sorted(first | second)], last

    async def _compare(
        self, key: str, held: Collection[str], *, in_first: bool, in_second: bool
    ) -> None:
        if key.removeprefix(self._log) in _REPLACED:
            await asyncio.to_thread(self._follow_replaced, key, in_first)
        elif not in_second:
            await self._add(key, held)
        elif not in_first:
            await asyncio.to_thread(self._note_lost, key)
        else:
            await self._compare_both(key, held)

    def _follow_replaced(self, key: str, in_first: bool) -> None:  # noqa: FBT001 - in a thread
        """Public trust material changes; the checkpoint is copied with what it covers."""
        if key == f"{self._log}checkpoint" or not in_first:
            return
        body, second = self._store.primary.get(key), self._store.second()
        try:
            same = second.get(key) == body
        except NotFound:
            same = False
        if not same:
            second.replace(key, body)
            self.counts["copied"] += 1

    async def _add(self, key: str, held: Collection[str]) -> None:
        if not await self._belongs(key):
            return
        try:
            first = await asyncio.to_thread(self._store.primary.head, key)
            body = await asyncio.to_thread(self._store.primary.get, key)
            if can_vouch(key):
                await self._vouching.require(key, body)
            lock = await self._repairs.lock_of(key, first.lock)
            await asyncio.to_thread(
                self._store.second().put, key, body, lock=lock, legal_hold=key in held
            )
        except (NotFound, IntegrityError) as error:
            self._note_damage(key, error)
        else:
            self.counts["copied"] += 1

    async def _belongs(self, key: str) -> bool:
        """Whether the checkpoint of the copy covers it: what is beyond comes with a later one."""
        kind, _, path = key.partition("/")
        path = path.partition("/")[2]
        if key.endswith((".seg", ".keys")):
            segment_id = segment_id_of(key).removesuffix(".keys")
            async with self._database.reading() as tx:
                rows = await segment_rows.get_many(tx, [segment_id])
            return any(row.first_index < self._copied for row in rows.values())
        if kind == "blob":
            async with self._database.reading() as tx:
                blob = await segment_rows.find_blob(tx, key)
                indexes = await record_rows.indexes_of(tx, [blob.record_id]) if blob else {}
            return any(index < self._copied for index in indexes.values())
        if path.startswith("checkpoints/"):
            return path.removeprefix("checkpoints/") <= f"{self._copied:012d}"
        return kind != "log" or not path.startswith("tile/") or self._is_covered(path)

    def _is_covered(self, path: str) -> bool:
        try:
            name = parse_tile_path(path)
        except IntegrityError:
            return False
        level = name.level or 0
        return name.n * 256 + name.width <= self._copied >> 8 * level

    def _note_lost(self, key: str) -> None:
        path = key.removeprefix(self._log)
        if path.startswith("tile/") and ".p/" in path:
            return  # superseded: a partial tile may go
        self._note_damage(key, NotFound(f"{key}: only the second copy has it"))

    def _note_damage(self, key: str, error: NotFound | IntegrityError) -> None:
        self._store.note_damage(key, error)
        self.counts["damaged"] += 1

    async def _compare_both(self, key: str, held: Collection[str]) -> None:
        try:
            first = await asyncio.to_thread(self._store.primary.head, key)
        except (NotFound, IntegrityError) as error:  # a lock file of a file system is damaged
            self._note_damage(key, error)
            return
        second = await asyncio.to_thread(self._described_copy, key)
        if second is None or not await asyncio.to_thread(self._are_same, first, second):
            await self._settle(first, held)
        else:
            await asyncio.to_thread(self._promise, first, second, held)

    def _described_copy(self, key: str) -> StoredObject | None:
        try:
            return self._store.second().head(key)
        except (NotFound, IntegrityError):
            return None

    def _are_same(self, first: StoredObject, second: StoredObject) -> bool:
        told = (first.sha256 or b"", second.sha256 or b"")
        if first.size != second.size or (all(told) and told[0] != told[1]):
            return False
        if not self._is_read(first.key):
            return True
        return self._store.primary.get(first.key) == self._store.second().get(first.key)

    def _is_read(self, key: str) -> bool:
        day = self._clock().toordinal()
        return self._read_all or (zlib.crc32(key.encode()) + day) % CYCLE == 0

    async def _settle(self, first: StoredObject, held: Collection[str]) -> None:
        """The stores differ: the copy is put right if the first one has what the log promises."""
        key = first.key
        try:
            body = await asyncio.to_thread(self._store.primary.get, key)
            await self._repairs.repair_copy(
                key, body, copy=self._store.second(), lock=first.lock, held=key in held
            )
        except (NotFound, IntegrityError) as error:
            self._note_damage(key, error)
        else:
            self.counts["repaired"] += 1

    def _promise(self, first: StoredObject, second: StoredObject, held: Collection[str]) -> None:
        """Let the copy keep what the first store keeps, and be held where rows say so.

        No hold is lifted here: one that no row asks for may have been set by somebody in the
        bucket. The lock keeper names it, and lifts it where a hold of this archive was released.
        """
        copies = self._store.second()
        lock = longest(second.lock, first.lock)
        if lock is not None and lock != second.lock and lock.binds(self._clock()):
            copies.extend_lock(second.key, version_id=second.version_id, lock=lock)
            self.counts["locks extended"] += 1
        if second.key in held and not second.legal_hold:
            copies.set_legal_hold(second.key, version_id=second.version_id, on=True)
            self.counts["holds changed"] += 1
