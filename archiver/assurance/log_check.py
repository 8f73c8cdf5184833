"""The log as a tree: every row from the entries up, the signed roots, old checkpoints included."""

from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archiver.assurance.checkpoints import LogHead
from archiver.assurance.log_keys import KeyChange
from archiver.assurance.log_scan import (
    BUNDLES_PER_TASK,
    RECORD_ENTRIES,
    BundleRange,
    ScannedBundle,
    partial_problems,
    read_log_object,
    scan_bundles,
)
from archiver.assurance.report import Findings, Problem, Progress
from archiver.assurance.spool import Spool
from archiver.assurance.workers import Workers
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.destroyed import Destroyed
from archiver.preserve.ledger.disposal_entry import DisposalEntry
from archiver.preserve.ledger.entry import (
    Entry,
    HoldEntry,
    KeyEntry,
    OrphanEntry,
    RepairEntry,
    TimestampEntry,
    WormEntry,
    decode_entry,
)
from archiver.preserve.ledger.merkle import HASH_SIZE, Frontier, leaf_hashes, root_of_hashes
from archiver.preserve.ledger.tiles import (
    TILE_BYTES,
    TILE_WIDTH,
    TileName,
    bundle_path,
    decode_bundle,
)
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import ObjectStore

UNREADABLE = "unreadable"
"""Stands among the kinds for entries that are no entry of ours at all."""


@dataclass(slots=True)
class CheckedLog:
    """The verified log: `size` entries are signed, `end` more or equally many are sequenced.

    `leaves` holds the leaf hashes of [0, end) in order; those from `size` on are the database's.
    `unreadable` are index ranges whose entries and hashes are both lost; their leaves are zeros.
    `others` are the indexes of entries that belong to no frame, `kinds` how many of each kind;
    `orphans` the objects that the log names as left by a crash, `repairs` those that were put
    again, with their SHA-256, `disposals` the `dis` entries with their indexes, `destroyed` which
    records may be gone by these, `holds` what it says of holds, in its order, `stamps` the
    timestamps it names, `key_changes` its keys, and `lock_probe` the last trial of the store's
    locks.
    `moments` are those of each signed bundle (`ScannedBundle.moments`), one after the other.
    """

    size: int
    root: bytes
    leaves: Spool
    end: int
    unreadable: list[tuple[int, int]] = field(default_factory=list)
    others: set[int] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    orphans: set[str] = field(default_factory=set)
    repairs: dict[str, bytes] = field(default_factory=dict)
    destroyed: Destroyed = field(default_factory=Destroyed)
    disposals: list[tuple[int, bytes]] = field(default_factory=list)
    holds: list[HoldEntry] = field(default_factory=list)
    stamps: list[TimestampEntry] = field(default_factory=list)
    key_changes: list[KeyChange] = field(default_factory=list)
    lock_probe: WormEntry | None = None
    moments: "array[int]" = field(default_factory=lambda: array("q"))

    def leaf_range(self, start: int, end: int) -> bytes:
        """Return the leaf hashes of entries [start, end)."""
        return self.leaves.read(start * HASH_SIZE, (end - start) * HASH_SIZE)

    def extend(self, entries: Sequence[bytes]) -> None:
        """Add entries that are sequenced and not yet signed."""
        self.leaves.append(leaf_hashes(entries))
        for index, entry in enumerate(entries, self.end):
            if not entry.startswith(tuple(RECORD_ENTRIES)):
                self.note_other(index, entry)
        self.end += len(entries)

    def note_other(self, index: int, entry: bytes) -> None:
        """Remember an entry that belongs to no frame."""
        self.others.add(index)
        try:
            found = decode_entry(entry)
        except IntegrityError:  # a later version's, which is hashed like all others
            self.kinds[UNREADABLE] += 1
            return
        self.kinds[found.kind] += 1
        if isinstance(found, DisposalEntry):
            self.disposals.append((index, entry))
        self._note(index, found)

    def _note(self, index: int, found: Entry) -> None:
        match found:
            case OrphanEntry():
                self.orphans.add(found.object_key)
            case RepairEntry():
                self.repairs[found.object_key] = found.object_sha256
            case DisposalEntry():
                self.destroyed.add(index, found)
            case HoldEntry():
                self.holds.append(found)
            case TimestampEntry():
                self.stamps.append(found)
            case KeyEntry():
                self.key_changes.append(KeyChange(index=index, vkey=found.vkey, on=found.on))
            case WormEntry():
                self.lock_probe = found
            case _:
                pass

    def is_unreadable(self, index: int) -> bool:
        """Whether nothing is left of the entry at `index`."""
        return any(start <= index < end for start, end in self.unreadable)


def check_log(  # noqa: PLR0917 - handed to a thread, which takes positions
    workers: Workers,
    archive_id: str,
    head: LogHead,
    partials: Iterable[TileName],
    findings: Findings,
    progress: Progress,
) -> CheckedLog:
    """Derive the tree of `head.size` entries from the bundles and compare everything with it."""
    check = _LogCheck(workers.store, archive_id, head, findings)
    by_tile: dict[tuple[int, int], list[TileName]] = defaultdict(list)
    for name in partials:
        by_tile[name.level or 0, name.n].append(name)
    tasks = _tasks(log_prefix(archive_id), head.size, by_tile)
    for scanned in workers.map(scan_bundles, tasks):
        for bundle in scanned:
            check.take(bundle)
        progress("log", min(head.size, check.log.leaves.size // HASH_SIZE), head.size)
    check.finish(by_tile)
    return check.log


def _tasks(
    prefix: str, size: int, partials: Mapping[tuple[int, int], list[TileName]]
) -> Iterator[BundleRange]:
    bundles = -(-size // TILE_WIDTH)
    for first in range(0, bundles, BUNDLES_PER_TASK):
        end = min(first + BUNDLES_PER_TASK, bundles)
        found = [name for n in range(first, end) for name in partials.get((0, n), ())]
        yield BundleRange(prefix=prefix, first=first, end=end, size=size, partials=tuple(found))


class _LogCheck:
    """Grows the tree bundle by bundle, and meets every kept checkpoint on the way."""

    def __init__(
        self, store: ObjectStore, archive_id: str, head: LogHead, findings: Findings
    ) -> None:
        self._store = store
        self._prefix = log_prefix(archive_id)
        self._head = head
        self._findings = findings
        self._upper = Frontier()  # over the roots of full tiles of level 0
        self._row = bytearray()  # those roots: level 1
        self._sizes = [one.size for one in head.kept]
        self._next = 0
        self.log = CheckedLog(size=head.size, root=head.root, leaves=Spool(), end=head.size)

    def take(self, bundle: ScannedBundle) -> None:
        """Add the next bundle."""
        self._findings.extend(bundle.problems)
        self._findings.stored_bytes += bundle.stored_bytes
        leaves, root = bundle.leaves, bundle.root
        if bundle.by_tile:
            leaves = self._settle(bundle)
            root = root_of_hashes(leaves)
        width = min(TILE_WIDTH, self._head.size - bundle.n * TILE_WIDTH)
        if not leaves:
            first = bundle.n * TILE_WIDTH
            self.log.unreadable.append((first, first + width))
            leaves = bytes(width * HASH_SIZE)
            root = root_of_hashes(leaves)
        self.log.leaves.append(leaves)
        self.log.moments.extend(bundle.moments)
        self._note_others(bundle)
        self._meet_checkpoints(bundle.n, leaves, width)
        if width == TILE_WIDTH:
            self._row += root
            self._upper = self._upper.append(root)

    def _settle(self, bundle: ScannedBundle) -> bytes:
        """Entries and tile differ: the one that the tree above commits to is right."""
        tile = TileName(level=0, n=bundle.n, width=len(bundle.leaves) // HASH_SIZE)
        for leaves, wrong in (
            (bundle.leaves, tile),
            (bundle.by_tile, replace(tile, level=None)),
        ):
            if self._is_committed(bundle.n, leaves):
                places = _differing(bundle.leaves, bundle.by_tile)
                first = bundle.n * TILE_WIDTH
                self._findings.problem(
                    f"entry {first + places[0]} of the log ({len(places)} in this object) is not "
                    "as the signed tree has it: the object was altered; restore it from a copy of "
                    "the log",
                    object_key=self._prefix + wrong.path,
                )
                return leaves
        self._findings.problem(
            f"it differs from the entries in {bundle_path(tile.n, tile.width)} and neither is what "
            "the tree above commits to; restore both from a copy of the log",
            object_key=self._prefix + tile.path,
        )
        return bundle.leaves

    def _is_committed(self, n: int, leaves: bytes) -> bool:
        if len(leaves) < TILE_BYTES:
            frontier = Frontier(n * TILE_WIDTH, self._upper.hashes)
            return frontier.append(leaves).root() == self._head.root
        number, place = divmod(n, TILE_WIDTH)
        width = min(TILE_WIDTH, self._head.size // TILE_WIDTH - number * TILE_WIDTH)
        row = read_log_object(
            self._store, self._prefix, TileName(level=1, n=number, width=width), []
        )
        at = slice(place * HASH_SIZE, (place + 1) * HASH_SIZE)
        return (row or b"")[at] == root_of_hashes(leaves)

    def _note_others(self, bundle: ScannedBundle) -> None:
        for index, entry in bundle.others:
            self.log.note_other(index, entry)

    def _meet_checkpoints(self, n: int, leaves: bytes, width: int) -> None:
        """Compare the roots of the sizes that end in this bundle: old trees begin the new one."""
        start = n * TILE_WIDTH
        end = bisect_right(self._sizes, start + width)
        frontier = Frontier(start, self._upper.hashes)
        for one in self._head.kept[self._next : end]:
            part = leaves[(frontier.size - start) * HASH_SIZE : (one.size - start) * HASH_SIZE]
            frontier = frontier.append(part)
            if frontier.root() != one.root:
                self._findings.problem(
                    f"the log's first {one.size} entries have root {frontier.root().hex()}, but "
                    f"this signed checkpoint says {one.root.hex()}: entries before {one.size} were "
                    "altered, or the log was signed in two versions. Keep both, and ask why",
                    object_key=one.where,
                )
        self._next = end

    def finish(self, partials: Mapping[tuple[int, int], list[TileName]]) -> None:
        """Compare the rows above, level by level, and the partial tiles that are still stored."""
        level, row = 1, bytes(self._row)
        while row:
            count = len(row) // HASH_SIZE
            for n in range(-(-count // TILE_WIDTH)):
                width = min(TILE_WIDTH, count - n * TILE_WIDTH)
                self._check_tile(TileName(level=level, n=n, width=width), row, partials)
            full = len(row) // TILE_BYTES * TILE_BYTES
            row = b"".join(
                root_of_hashes(row[at : at + TILE_BYTES]) for at in range(0, full, TILE_BYTES)
            )
            level += 1

    def _check_tile(
        self, name: TileName, row: bytes, partials: Mapping[tuple[int, int], list[TileName]]
    ) -> None:
        problems: list[Problem] = []
        start = name.n * TILE_BYTES
        known = row[start : start + name.width * HASH_SIZE]
        data = read_log_object(self._store, self._prefix, name, problems)
        if data is not None:
            self._findings.stored_bytes += len(data)
            if data[: len(known)] != known or (
                len(data) != len(known) and not self._superseded(name)
            ):
                what = (
                    "its hashes are not those of the tiles below it; restore it from a copy of the "
                    "log, or rebuild it from the level below"
                )
                problems.append(Problem(what=what, object_key=self._prefix + name.path))
        for partial in partials.get((name.level or 0, name.n), ()):
            if partial != name:
                problems += partial_problems(self._store, self._prefix, partial, name.width, known)
        self._findings.extend(problems)

    def _superseded(self, name: TileName) -> bool:
        """Whether the log has grown meanwhile, and `read_log_object` gave the full tile."""
        try:
            self._store.head(self._prefix + name.path)
        except NotFound:
            return name.width < TILE_WIDTH
        return False


def entries_at(
    store: ObjectStore, archive_id: str, size: int, start: int, end: int
) -> dict[int, bytes]:
    """Return entries [start, end) by index, from their bundles; the unreadable ones are absent.

    `size` is that of the signed log: the last bundle may be partial.
    """
    found: dict[int, bytes] = {}
    for n in range(start // TILE_WIDTH, -(-min(end, size) // TILE_WIDTH)):
        name = TileName(level=None, n=n, width=min(TILE_WIDTH, size - n * TILE_WIDTH))
        data = read_log_object(store, log_prefix(archive_id), name, [])
        try:
            entries = decode_bundle(data or b"")
        except IntegrityError:  # named as a problem where the log was read
            continue
        found.update(enumerate(entries[: name.width], n * TILE_WIDTH))
    return {index: entry for index, entry in found.items() if start <= index < end}


def _differing(left: bytes, right: bytes) -> list[int]:
    return [
        at // HASH_SIZE
        for at in range(0, len(left), HASH_SIZE)
        if left[at : at + HASH_SIZE] != right[at : at + HASH_SIZE]
    ]
