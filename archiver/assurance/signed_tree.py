"""The log's hashes as its signed root commits to them, whichever copy of the tiles they come from.

A full tile is committed to by the tile above it, the tiles on the right edge together by the root.
So every row that is given out here is proved, and of two damaged copies of a log the sound parts
are still of use.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from archiver.errors import IntegrityError, NotFound, StorageUnavailable
from archiver.preserve.ledger.merkle import HASH_SIZE, leaf_hashes, root_of_hashes
from archiver.preserve.ledger.tiles import (
    TILE_WIDTH,
    Read,
    TileName,
    TileTree,
    decode_bundle,
    parse_tile_path,
    read_tile,
    tile_path,
)

_ROWS_KEPT = 256


class SignedTree:
    """The tree of `size` entries under a root that the log has signed."""

    def __init__(self, size: int, root: bytes, copies: Sequence[Read]) -> None:
        """Take the tree's tiles from `copies`, each a reader of paths below the log's prefix."""
        self.size = size
        self._root = root
        # In each order: a missing tile comes from the next copy, an altered one from another order.
        self._reads = [
            partial(_first_of, (*copies[start:], *copies[:start])) for start in range(len(copies))
        ]
        self._rows: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def require_entries(self, first: int, entries: Sequence[bytes]) -> None:
        """Check that `entries` stand at `first` and after it.

        Raises:
            IntegrityError: the signed tree has others there, or no copy proves which.
        """
        found = leaf_hashes(entries)
        for number in range(len(entries)):
            n, place = divmod(first + number, TILE_WIDTH)
            wanted = self.row(0, n)[place * HASH_SIZE : (place + 1) * HASH_SIZE]
            if found[number * HASH_SIZE : (number + 1) * HASH_SIZE] != wanted:
                raise IntegrityError(
                    f"entry {number} is not the one at index {first + number} of the signed log"
                )

    def require_object(self, name: TileName, body: bytes) -> None:
        """Check that `body` is the tile or entry bundle of this name.

        Raises:
            IntegrityError: it is not, or the signed tree does not reach so far.
        """
        level = name.level or 0
        width = min(TILE_WIDTH, (self.size >> 8 * level) - name.n * TILE_WIDTH)
        if name.width > width:
            raise IntegrityError(
                f"{name.path} is not under the signed checkpoint of {self.size} entries yet"
            )
        hashes = leaf_hashes(decode_bundle(body)) if name.level is None else body
        if hashes != self.row(level, name.n)[: name.width * HASH_SIZE]:
            raise IntegrityError(f"{name.path} is not what the signed root commits to")

    def read_prefix(self, path: str) -> bytes:
        """Return a tile of a smaller tree of this log, proved by this one: a `Read`."""
        name = parse_tile_path(path)
        if name.level is None:
            raise NotFound(f"only tiles are proved here, not {path}")
        return self.row(name.level, name.n)[: name.width * HASH_SIZE]

    def row(self, level: int, n: int) -> bytes:
        """Return the hashes of a tile, as wide as the tree has it.

        Raises:
            IntegrityError: no copy has a tile that the signed root commits to.
        """
        known = self._rows.get((level, n))
        if known is not None:
            return known
        width = min(TILE_WIDTH, (self.size >> 8 * level) - n * TILE_WIDTH)
        name = TileName(level=level, n=n, width=width)
        for row in self._candidates(name):
            if self._is_committed(name, row):
                self._rows[level, n] = row
                while len(self._rows) > _ROWS_KEPT:
                    self._rows.popitem(last=False)
                return row
        raise IntegrityError(f"no copy of {name.path} is what the signed root commits to")

    def _candidates(self, name: TileName) -> Iterator[bytes]:
        for read in self._reads:
            with suppress(IntegrityError):
                yield read_tile(name, read)

    def _is_committed(self, name: TileName, row: bytes) -> bool:
        level = name.level or 0
        above = self.size >> 8 * (level + 1)  # how many full tiles this level has
        if name.n < above:
            parent = self.row(level + 1, name.n // TILE_WIDTH)
            place = name.n % TILE_WIDTH
            return parent[place * HASH_SIZE : (place + 1) * HASH_SIZE] == root_of_hashes(row)
        return any(self._root_with(read, name, row) == self._root for read in self._reads)

    def _root_with(self, read: Read, name: TileName, row: bytes) -> bytes:
        path = tile_path(name.level or 0, name.n, name.width)
        try:
            return TileTree(self.size, lambda asked: row if asked == path else read(asked)).root()
        except IntegrityError:  # the edge has a further tile that this order of copies lacks
            return b""


def _first_of(copies: Sequence[Callable[[str], bytes]], path: str) -> bytes:
    for copy in copies:
        with suppress(NotFound, StorageUnavailable):
            return copy(path)
    raise NotFound(f"no copy of the log has {path}")
