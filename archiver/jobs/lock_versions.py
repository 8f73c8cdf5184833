"""Every version that a store lists: markers and versions too many, and the locks of the log."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from archiver.assurance.inventory import TRUST_MATERIAL
from archiver.assurance.lock_drift import DriftKind
from archiver.assurance.lock_promises import ObjectNeed, lasting_need
from archiver.db import integrity as integrity_rows
from archiver.db import segments as segment_rows
from archiver.errors import IntegrityError
from archiver.jobs.lock_settling import Settling
from archiver.jobs.lock_store import Side
from archiver.preserve.ledger.entry import RepairEntry, decode_entry
from archiver.preserve.ledger.tiles import TILE_WIDTH, parse_tile_path
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import StoredObject

_PAGE = 200
_REPAIR = b'{"v":1,"t":"repair",'
_MOST_REPAIRS = 10_000
_KEPT = ("checkpoints/", "tsr/", "cosignatures/")
_REPLACED = frozenset({"checkpoint", *TRUST_MATERIAL})

Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True, kw_only=True)
class Versions:
    """The versions of the objects of one archive. `settling` is the run's."""

    settling: Settling
    progress: Progress
    _repairs: set[str] | None = field(default=None, init=False)

    async def look(self, side: Side) -> None:
        """Look at all versions of a store, and keep locked what is kept as long as the log.

        Raises:
            OperatorError: store or database did not answer.
            IntegrityError: a damaged lock file hides what is there.
        """
        archive_id, count = self.settling.archive.archive_id, 0
        lasting: list[ObjectNeed] = []
        for prefix in (f"{kind}/{archive_id}/" for kind in ("seg", "keys", "blob", "log")):
            async for several in side.versions(prefix):
                await self._judge(side, several)
                lasting += self._lasting(side, several[0])
                count += 1
                if len(lasting) >= _PAGE:
                    await self._renew(side, lasting)
                    lasting = []
                if count % _PAGE == 0:
                    self.progress(f"Listing versions of the {side.name}", count, None)
        await self._renew(side, lasting)

    async def _renew(self, side: Side, needs: Sequence[ObjectNeed]) -> None:
        outcomes = await self.settling.compare(side, needs, self.settling.archive.clock())
        objects = sum(each.extended for each in outcomes)
        if objects:
            await self.settling.tell_extended(objects, [side])

    def _lasting(self, side: Side, one: StoredObject) -> Iterator[ObjectNeed]:
        archive = self.settling.archive
        path = one.key.removeprefix(log_prefix(archive.archive_id))
        is_log = path != one.key and _is_kept(path)
        if is_log or one.key.startswith(f"keys/{archive.archive_id}/escrow/"):
            # A copy is younger than its lock, and the time of a file is whatever a tool made it.
            is_told = side.is_first and side.store.enforces_locks
            made = one.modified_at if is_told else None
            yield lasting_need(one.key, made, archive.log_lock, archive.clock())

    async def _judge(self, side: Side, several: Sequence[StoredObject]) -> None:
        """Name what stands over or beneath the one version that ought to be there."""
        key = several[0].key
        if len(several) == 1 and not several[0].is_delete_marker:
            return
        if key.removeprefix(log_prefix(self.settling.archive.archive_id)) in _REPLACED:
            return
        named = await self._named_by_rows(key)
        if not named and not _has_no_row(key):
            return  # of what was destroyed, or left by a crash
        real = [one.version_id for one in several if not one.is_delete_marker]
        if not (named and side.is_first):
            named = set(real[-1:])  # listed newest first
        repaired = key in await self._repaired()
        for one in several:
            if one.is_delete_marker and not (repaired and not one.is_latest):
                found = f"a delete marker, version {one.version_id}"
                await self.settling.note(side.drift(DriftKind.DELETE_MARKER, key, found))
            elif not one.is_delete_marker and one.version_id not in named and not repaired:
                found = f"a further version {one.version_id}, {one.size} bytes"
                await self.settling.note(side.drift(DriftKind.EXTRA_VERSION, key, found))

    async def _named_by_rows(self, key: str) -> set[str]:
        """Return the version that a row names, found by its primary key: there may be very many."""
        async with self.settling.archive.database.reading() as tx:
            if key.startswith("blob/"):
                blob = await segment_rows.find_blob(tx, key)
                return {blob.version_id} if blob else set()
            segment_id = key.rsplit("/", 1)[1].partition(".")[0]
            row = (await segment_rows.get_many(tx, [segment_id])).get(segment_id)
        if row is None:
            return set()
        names = {row.object_key: row.version_id, row.keys_object_key: row.keys_version_id}
        return {names[key]} if key in names else set()

    async def _repaired(self) -> set[str]:
        """Return the objects that the log says were put right again; read once if need be."""
        if self._repairs is None:
            async with self.settling.archive.database.reading() as tx:
                found = await integrity_rows.newest_entries(
                    tx, _REPAIR, start=0, limit=_MOST_REPAIRS
                )
            entries = (decode_entry(data) for _, data in found)
            self._repairs = {each.object_key for each in entries if isinstance(each, RepairEntry)}
        return self._repairs


def _has_no_row(key: str) -> bool:
    """Whether an object is one that no row names: of the log, an epoch key, a copy in escrow."""
    return key.startswith("log/") or key.endswith("/epoch.json") or "/escrow/" in key


def _is_kept(path: str) -> bool:
    """Whether an object of the log is kept for good; partial tiles are superseded."""
    if not path.startswith("tile/"):
        return path.startswith(_KEPT)
    try:
        return parse_tile_path(path).width == TILE_WIDTH
    except IntegrityError:  # a stranger's: verification names it
        return False
