"""The log's bottom row: entry bundles against the tiles of level 0, in ranges, by workers."""

from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from operator import sub

from archiver.assurance.report import Problem
from archiver.assurance.workers import read_together
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.merkle import HASH_SIZE, leaf_hashes, root_of_hashes
from archiver.preserve.ledger.tiles import (
    TILE_WIDTH,
    TileName,
    decode_bundle,
    encode_bundle,
)
from archiver.preserve.store import ObjectStore

BUNDLES_PER_TASK = 32
RECORD_ENTRIES = frozenset({b'{"v":1,"t":"rec"', b'{"v":1,"t":"aud"'})
_KIND_BYTES = 16
_MOMENT = slice(-15, -1)
_LAST_MS = 253_402_300_799_999  # the end of year 9999
_SHORT_MS = 60_000
MOMENTS = 3
"""How many numbers `ScannedBundle.moments` are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRange:
    """Bundles `first` up to `end` of the log of `size` entries.

    `partials` are those partial bundles and tiles of level 0 in the range that are in the store.
    """

    prefix: str
    first: int
    end: int
    size: int
    partials: tuple[TileName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedBundle:
    """The leaf hashes of one bundle.

    `leaves` come from the entries, or from the tile where the entries are gone; where the two
    differ, `by_tile` holds the other opinion. Both empty: nothing is left. `others` are the entries
    that belong to no frame, with their indexes. `moments` are the least and the greatest `ts` of
    the entries, and how far one lies below a greater one before it; zeros where they are gone.
    """

    n: int
    leaves: bytes
    by_tile: bytes
    root: bytes
    others: tuple[tuple[int, bytes], ...]
    moments: tuple[int, int, int]
    problems: tuple[Problem, ...]
    stored_bytes: int


def scan_bundles(store: ObjectStore, task: BundleRange) -> list[ScannedBundle]:
    """Read bundles and their tiles and derive leaf hashes and tile roots. A task for `Workers`.

    Raises:
        StorageUnavailable: the store did not answer.
    """
    numbers = range(task.first, task.end)
    return list(read_together(store, partial(_scan_bundle, store, task), numbers))


def _scan_bundle(store: ObjectStore, task: BundleRange, n: int) -> ScannedBundle:
    width = min(TILE_WIDTH, task.size - n * TILE_WIDTH)
    problems: list[Problem] = []
    bundle_name = TileName(level=None, n=n, width=width)
    tile_name = TileName(level=0, n=n, width=width)
    bundle = read_log_object(store, task.prefix, bundle_name, problems)
    tile = read_log_object(store, task.prefix, tile_name, problems)
    entries = _entries(task.prefix + bundle_name.path, bundle, width, problems)
    by_tile = _hashes(task.prefix + tile_name.path, tile, width, problems)
    leaves = leaf_hashes(entries) or by_tile
    for name in task.partials:
        if name.n == n and name.width != width:
            known = encode_bundle(entries[: name.width]) if name.level is None else leaves
            problems += partial_problems(store, task.prefix, name, width, known)
    return ScannedBundle(
        n=n,
        leaves=leaves,
        by_tile=by_tile if by_tile != leaves else b"",
        root=root_of_hashes(leaves) if len(leaves) == TILE_WIDTH * HASH_SIZE else b"",
        others=_others(entries, n * TILE_WIDTH),
        moments=_moments(entries),
        problems=tuple(problems),
        stored_bytes=len(bundle or b"") + len(tile or b""),
    )


def read_log_object(
    store: ObjectStore, prefix: str, name: TileName, problems: list[Problem]
) -> bytes | None:
    """Return a tile or bundle, the full one where the partial is superseded; None for neither."""
    full = TileName(level=name.level, n=name.n)
    for candidate in dict.fromkeys((name, full)):
        try:
            return store.get(prefix + candidate.path)
        except NotFound:
            continue
    first, last = span(name)
    what = (
        f"it is missing: the log's entries {first} to {last} cannot be proved without it; restore "
        "it from a copy of the log"
    )
    problems.append(Problem(what=what, object_key=prefix + name.path))
    return None


def partial_problems(
    store: ObjectStore, prefix: str, name: TileName, width: int, known: bytes
) -> list[Problem]:
    """Compare a partial object with `known`: its own bytes, or the row of hashes it begins.

    `width` is how much of the tile the verified tree has; a live log may have more by now.
    """
    key = prefix + name.path
    try:
        data = store.get(key)
    except NotFound:  # superseded, and removed since it was listed
        return []
    if not known:
        return []
    if name.level is None:
        same = data == known if name.width <= width else data.startswith(known)
    else:
        common = min(name.width, width) * HASH_SIZE
        same = len(data) == name.width * HASH_SIZE and data[:common] == known[:common]
    if same:
        return []
    what = "this partial tile is not the beginning of the tile that took its place; it was altered"
    return [Problem(what=what, object_key=key)]


def span(name: TileName) -> tuple[int, int]:
    """Return the first and the last log index under a tile or bundle."""
    each = TILE_WIDTH ** (name.level or 0)
    first = name.n * TILE_WIDTH * each
    return first, first + name.width * each - 1


def _entries(key: str, data: bytes | None, width: int, problems: list[Problem]) -> list[bytes]:
    if data is None:
        return []
    try:
        entries = _split_evenly(data) or decode_bundle(data)
    except IntegrityError as error:
        problems.append(Problem.of(error, key))
        return []
    if len(entries) < width:
        what = f"expected {width} entries, found {len(entries)}; restore it from a copy of the log"
        problems.append(Problem(what=what, object_key=key))
        return []
    return entries[:width]


def _others(entries: list[bytes], first: int) -> tuple[tuple[int, bytes], ...]:
    if {entry[:_KIND_BYTES] for entry in entries} <= RECORD_ENTRIES:
        return ()
    return tuple(
        (index, entry)
        for index, entry in enumerate(entries, first)
        if entry[:_KIND_BYTES] not in RECORD_ENTRIES
    )


def moment_of(entry: bytes) -> int:
    """Return the `ts` of an entry, which stands last in its one spelling; 0 for another one."""
    digits = entry[entry.rfind(b":") + 1 : -1]
    moment = int(digits) if digits.isdigit() and len(digits) <= len(str(_LAST_MS)) else 0
    return moment if moment <= _LAST_MS else 0


def _moments(entries: list[bytes]) -> tuple[int, int, int]:
    # From 2001 to 2286 a moment has 13 digits, so that texts of one length compare like numbers.
    # A longer or shorter one has no colon in this place and so comes out first or last.
    texts = [entry[_MOMENT] for entry in entries]
    least, greatest = min(texts, default=b""), max(texts, default=b"")
    if least[:1] == greatest[:1] == b":" and least[1:].isdigit() and greatest[1:].isdigit():
        first, last = int(least[1:]), int(greatest[1:])
        if last - first <= _SHORT_MS:
            return first, last, last - first
    known = [moment for moment in map(moment_of, entries) if moment]
    falls = map(sub, accumulate(known, max), known)
    return min(known, default=0), max(known, default=0), max(falls, default=0)


def _split_evenly(data: bytes) -> list[bytes]:
    """Return the entries of a bundle where all are of one length, as records' are; else nothing."""
    length = int.from_bytes(data[:2], "big")
    count, rest = divmod(len(data), 2 + length)
    if rest or not 1 <= count <= TILE_WIDTH:
        return []
    high, low = data[:: 2 + length], data[1 :: 2 + length]
    if high != data[:1] * count or low != data[1:2] * count:
        return []
    return [data[at : at + length] for at in range(2, len(data), 2 + length)]


def _hashes(key: str, data: bytes | None, width: int, problems: list[Problem]) -> bytes:
    if data is None:
        return b""
    if len(data) % HASH_SIZE or len(data) < width * HASH_SIZE:
        what = f"expected {width * HASH_SIZE} bytes of hashes, found {len(data)}; restore the tile"
        problems.append(Problem(what=what, object_key=key))
        return b""
    return data[: width * HASH_SIZE]
