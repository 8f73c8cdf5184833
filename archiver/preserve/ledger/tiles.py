"""The tree and its entries as immutable objects: C2SP tlog-tiles (https://c2sp.org/tlog-tiles).

Pure: objects are read through a callback and returned for somebody else to write. Paths are
relative to the log's prefix (`log/<archive>/`). Hash tiles of level L hold 256 roots of subtrees
of 256**L leaves; entry bundles hold the 256 entries under a tile of level 0. The rightmost tile
of each level may be partial; a partial tile is a prefix of the full one, so once the full tile
exists the partial may go, and every historical tree is still readable.

`grow` plans what to write, `TileTree` computes roots and proofs from what was written.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archiver.errors import IntegrityError, InvalidInput, NotFound, TooLarge
from archiver.preserve.ledger.merkle import (
    HASH_SIZE,
    Frontier,
    fold,
    leaf_hashes,
    parents,
    root_of_hashes,
    split_hashes,
)

TILE_HEIGHT = 8
TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * HASH_SIZE
MAX_ENTRY_BYTES = 65_535
MAX_LEVEL = 63

Read = Callable[[str], bytes]
"""Returns the whole object at a path relative to the log's prefix, or raises `NotFound`."""

_LENGTH_BYTES = 2
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<n>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TileName:
    """Which tile: its level (None for an entry bundle), its number in the level, its width."""

    level: int | None
    n: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The object's path, such as `tile/0/x001/x234/067` or `tile/entries/000.p/17`."""
        groups = [f"{self.n % 1000:03d}"]
        rest = self.n // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level is None else self.level
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def tile_path(level: int, n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of hash tile `n` of `level`."""
    return TileName(level=level, n=n, width=width).path


def bundle_path(n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of entry bundle `n`."""
    return TileName(level=None, n=n, width=width).path


def parse_tile_path(path: str) -> TileName:
    """Return the tile that `path` names.

    Raises:
        IntegrityError: `path` is not the one spelling of a tile's or bundle's path.
    """
    match = _PATH.fullmatch(path)
    if match:
        level = None if match["level"] == "entries" else int(match["level"])
        number = int(match["n"].replace("x", "").replace("/", ""))
        name = TileName(level=level, n=number, width=int(match["width"] or TILE_WIDTH))
        explicit_full = match["width"] is not None and name.width >= TILE_WIDTH
        if (level or 0) <= MAX_LEVEL and not explicit_full and name.path == path:
            return name
    raise IntegrityError(f"expected the path of a tile or entry bundle, found {path!r}")


def tiles_for_growth(old_size: int, new_size: int) -> Iterator[TileName]:
    """Yield the bundles, then the tiles from level 0 up, to write when the tree grows.

    From `old_size` 0 it yields all objects of the tree of `new_size`.
    """
    yield from _row_for_growth(None, old_size, new_size)
    level = 0
    while old_size < new_size:
        yield from _row_for_growth(level, old_size, new_size)
        old_size, new_size, level = old_size // TILE_WIDTH, new_size // TILE_WIDTH, level + 1


def _row_for_growth(level: int | None, old_count: int, new_count: int) -> Iterator[TileName]:
    if old_count == new_count:
        return
    for n in range(old_count // TILE_WIDTH, -(-new_count // TILE_WIDTH)):
        yield TileName(level=level, n=n, width=min(TILE_WIDTH, new_count - n * TILE_WIDTH))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry after its length as 2 bytes, big-endian.

    Raises:
        TooLarge: an entry is over 65,535 bytes.
    """
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise TooLarge(
                f"expected log entries of at most {MAX_ENTRY_BYTES} bytes, found {len(entry)}"
            )
    return b"".join([len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries])


def decode_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle, not yet proved to be the log's: `read_bundle` does that.

    Raises:
        IntegrityError: `data` is not a bundle of 1 to 256 whole entries.
    """
    entries: list[bytes] = []
    offset, end = 0, len(data)
    while offset < end:
        start = offset + _LENGTH_BYTES
        offset = start + int.from_bytes(data[offset:start], "big")
        entries.append(data[start:offset])
    if offset != end or not 1 <= len(entries) <= TILE_WIDTH:
        raise IntegrityError(
            f"expected an entry bundle of 1 to {TILE_WIDTH} whole entries, "
            f"found {len(entries)} in {end} bytes, the last one ending at {offset}"
        )
    return entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What to write, in this order, so that the tree becomes the one `frontier` describes."""

    objects: tuple[tuple[str, bytes], ...]
    frontier: Frontier

    @property
    def root(self) -> bytes:
        """The root of the grown tree, computed without the tiles."""
        return self.frontier.root()


def grow(frontier: Frontier, entries: Sequence[bytes], read: Read) -> Growth:
    """Plan the objects that append `entries` to the tree of `frontier`.

    Deterministic in the old tree and the entries, so that a crashed attempt may be repeated.
    Reads only the partial bundle and the partial tiles that get fuller, and copies nothing from
    them that the frontier does not vouch for.

    Raises:
        IntegrityError: what was read is missing or differs from the tree of `frontier`.
        TooLarge: an entry is over 65,535 bytes.
    """
    leaves = leaf_hashes(entries)
    grown = frontier.append(leaves)
    rows = _grow_rows(frontier, leaves, read)
    bundled = [*_partial_bundle(frontier, rows[0], read), *entries] if rows else []
    objects = []
    for name in tiles_for_growth(frontier.size, grown.size):
        start = name.n - (frontier.size >> TILE_HEIGHT * ((name.level or 0) + 1))
        cut = slice(start * TILE_WIDTH, start * TILE_WIDTH + name.width)
        if name.level is None:
            objects.append((name.path, encode_bundle(bundled[cut])))
        else:
            body = rows[name.level][cut.start * HASH_SIZE : cut.stop * HASH_SIZE]
            objects.append((name.path, body))
    return Growth(objects=tuple(objects), frontier=grown)


def _grow_rows(frontier: Frontier, leaves: bytes, read: Read) -> list[bytes]:
    """Return, for each level that grows, its hashes from the start of its last old tile on."""
    rows: list[bytes] = []
    row = leaves
    while row:
        row = _partial_tile(frontier, len(rows), read) + row
        rows.append(row)
        full = len(row) // TILE_BYTES * TILE_BYTES
        row = b"".join(
            root_of_hashes(row[start : start + TILE_BYTES]) for start in range(0, full, TILE_BYTES)
        )
    return rows


def _partial_tile(frontier: Frontier, level: int, read: Read) -> bytes:
    """Return the partial tile at the right edge of `level`, checked against the frontier."""
    count = frontier.size >> TILE_HEIGHT * level
    n, width = divmod(count, TILE_WIDTH)
    if not width:
        return b""
    tile = read_tile(TileName(level=level, n=n, width=width), read)
    first = (count - width).bit_count()
    if Frontier().append(tile).hashes != frontier.hashes[first : first + width.bit_count()]:
        raise IntegrityError(
            f"stored tile {tile_path(level, n, width)} differs from the tree of {frontier.size} "
            "leaves it belongs to; stop integrating and verify the log",
            object_key=tile_path(level, n, width),
        )
    return tile


def _partial_bundle(frontier: Frontier, row: bytes, read: Read) -> list[bytes]:
    """Return the entries of the partial bundle at the right edge, checked against level 0."""
    n, width = divmod(frontier.size, TILE_WIDTH)
    if not width:
        return []
    return read_bundle(n, width, row[: width * HASH_SIZE], read)


def read_tile(name: TileName, read: Read) -> bytes:
    """Return the hashes of a tile; of the full tile's first `width` where the partial is gone.

    Raises:
        IntegrityError: neither is there, or the object has another length.
    """
    data, found = _read_either(name, read)
    if len(data) != found.width * HASH_SIZE:
        raise IntegrityError(
            f"expected {found.width * HASH_SIZE} bytes in {found.path}, found {len(data)}",
            object_key=found.path,
        )
    return data[: name.width * HASH_SIZE]


def read_bundle(n: int, width: int, tile: bytes, read: Read) -> list[bytes]:
    """Return the first `width` entries of bundle `n`, checked against `width` leaf hashes.

    Raises:
        IntegrityError: the bundle is missing, malformed or not the one the hashes commit to.
    """
    data, found = _read_either(TileName(level=None, n=n, width=width), read)
    entries = decode_bundle(data)
    if len(entries) != found.width or leaf_hashes(entries[:width]) != tile:
        raise IntegrityError(
            f"expected the {found.width} entries that tile {n} of level 0 commits to in "
            f"{found.path}, found {len(entries)} entries with other hashes; verify the log",
            object_key=found.path,
        )
    return entries[:width]


def _read_either(name: TileName, read: Read) -> tuple[bytes, TileName]:
    full = TileName(level=name.level, n=name.n)
    for candidate in (name, full):
        try:
            return read(candidate.path), candidate
        except NotFound:
            continue
    raise IntegrityError(
        f"{name.path} is missing, and so is {full.path}; restore it from a copy of the log",
        object_key=name.path,
    )


class TileTree:
    """The tree of `size` leaves as its tiles tell it; historical sizes included.

    Trusts the tiles: compare `root` with a checkpoint, or verify what the proofs lead to. Keeps
    the last `keep` tiles it read (16 KB each), so that proofs asked for in log order read each
    tile once.
    """

    def __init__(self, size: int, read: Read, *, keep: int = 256) -> None:
        self.size = size
        self._read = read
        self._keep = keep
        self._tiles: dict[tuple[int, int], tuple[tuple[bytes, ...], ...]] = {}

    def root(self) -> bytes:
        """Return the root of the tree; reads one tile of each level."""
        return self.frontier().root()

    def frontier(self) -> Frontier:
        """Return what `grow` needs to extend the tree; reads one tile of each level."""
        return Frontier(self.size, tuple(self._subtrees(0, self.size)))

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Return PATH(index, D[size]) of RFC 6962 section 2.1.1, the leaf's sibling first.

        Raises:
            InvalidInput: `index` is not in the tree.
            IntegrityError: a tile is missing.
        """
        if not 0 <= index < self.size:
            raise InvalidInput(f"expected an index below the tree size {self.size}, found {index}")
        siblings = []
        start, end = 0, self.size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                siblings.append((middle, end))
                end = middle
            else:
                siblings.append((start, middle))
                start = middle
        return tuple(self.subtree_hash(*sibling) for sibling in reversed(siblings))

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Return PROOF(old_size, D[size]) of RFC 6962 section 2.1.2; empty from 0 and to itself.

        Raises:
            InvalidInput: `old_size` is over the tree's size.
            IntegrityError: a tile is missing.
        """
        if not 0 <= old_size <= self.size:
            raise InvalidInput(f"expected a tree size up to {self.size}, found {old_size}")
        if old_size == 0:
            return ()
        nodes = []
        start, end = 0, self.size
        while end != old_size:
            middle = start + _split(end - start)
            if old_size <= middle:
                nodes.append((middle, end))
                end = middle
            else:
                nodes.append((start, middle))
                start = middle
        if start:
            nodes.append((start, end))
        return tuple(self.subtree_hash(*node) for node in reversed(nodes))

    def subtree_hash(self, start: int, end: int) -> bytes:
        """Return MTH(D[start:end]) of a subtree of the tree, which may be ragged on its right.

        `start` and `end` are where RFC 6962 section 2.1 divides the tree, or 0 and its size.

        Raises:
            IntegrityError: a tile is missing.
        """
        return fold(tuple(self._subtrees(start, end)))

    def _subtrees(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the roots of the perfect subtrees of such a subtree, largest first."""
        while start < end:
            height = (end - start).bit_length() - 1
            yield self._perfect_hash(height, start >> height)
            start += 1 << height

    def _perfect_hash(self, height: int, position: int) -> bytes:
        """Return the root of the perfect subtree of 2**height leaves at `position` in its row."""
        level, rise = divmod(height, TILE_HEIGHT)
        n, place = divmod(position, TILE_WIDTH >> rise)
        return self._rows(level, n)[rise][place]

    def _rows(self, level: int, n: int) -> tuple[tuple[bytes, ...], ...]:
        """Return the 8 rows of complete nodes inside a tile, its own hashes first."""
        rows = self._tiles.get((level, n))
        if rows is None:
            count = self.size >> TILE_HEIGHT * level
            width = min(TILE_WIDTH, count - n * TILE_WIDTH)
            row = read_tile(TileName(level=level, n=n, width=width), self._read)
            built = [row]
            for _ in range(TILE_HEIGHT - 1):
                row = parents(row[: len(row) // (2 * HASH_SIZE) * (2 * HASH_SIZE)])
                built.append(row)
            rows = tuple(split_hashes(row) for row in built)
            while len(self._tiles) >= self._keep:
                del self._tiles[next(iter(self._tiles))]
            self._tiles[level, n] = rows
        return rows


def _split(count: int) -> int:
    """Return the largest power of two below `count`, where RFC 6962 divides `count` leaves."""
    return 1 << (count - 1).bit_length() - 1
