"""What the published log states of holds and of destruction, read from the store alone.

A database is a view of the log, and whoever can write to it could make that view say anything: that
a hold was released, that a record was destroyed already. Before a byte goes, the log itself is
asked. It is followed from where it was left, one bundle of 256 entries after the other.
"""

from collections.abc import Iterator
from contextlib import suppress

from archiver.errors import IntegrityError
from archiver.preserve.ledger.destroyed import Destroyed
from archiver.preserve.ledger.disposal_entry import DisposalEntry
from archiver.preserve.ledger.entry import HoldEntry, decode_entry
from archiver.preserve.ledger.tiles import TILE_WIDTH, Read, TileName, read_bundle, read_tile

_STATING = (b'{"v":1,"t":"dis"', b'{"v":1,"t":"hold"')


class Statements:
    """The holds in force and the records let go, as the log below `size` states them.

    `placed` are all holds there ever were, `released` the ids of those that were let go.

    `read` gives an object of the log by its path (`tiles.Read`). Calls block.
    """

    def __init__(self, read: Read) -> None:
        self.size = 0
        self.destroyed = Destroyed()
        self.placed: dict[str, HoldEntry] = {}
        self.released: set[str] = set()
        self._read = read

    def follow(self, size: int) -> None:
        """Take in what the log states up to `size`, which is published.

        Raises:
            IntegrityError: entries are not those that the log's own tiles commit to.
            StorageUnavailable: the store did not answer; ask again.
        """
        start = self.size
        for n in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
            first = n * TILE_WIDTH
            for index, entry in enumerate(self._bundle(n, size), first):
                if index >= start and entry.startswith(_STATING):
                    self._note(index, entry)
            self.size = min(size, first + TILE_WIDTH)
            start = self.size

    def entries(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield the entries [start, end), which were followed already, with their indexes.

        Raises:
            IntegrityError, StorageUnavailable: as `follow`.
        """
        for n in range(start // TILE_WIDTH, -(-min(end, self.size) // TILE_WIDTH)):
            first = n * TILE_WIDTH
            for index, entry in enumerate(self._bundle(n, self.size), first):
                if start <= index < end:
                    yield index, entry

    def _bundle(self, n: int, size: int) -> list[bytes]:
        width = min(TILE_WIDTH, size - n * TILE_WIDTH)
        tile = read_tile(TileName(level=0, n=n, width=width), self._read)
        return read_bundle(n, width, tile, self._read)

    def _note(self, index: int, data: bytes) -> None:
        # What is no sound entry states nothing here; `verify` names it.
        with suppress(IntegrityError):
            entry = decode_entry(data)
            if isinstance(entry, DisposalEntry):
                self.destroyed.add(index, entry)
            elif isinstance(entry, HoldEntry) and entry.on:
                self.placed.setdefault(entry.id, entry)  # one hold is placed once
            elif isinstance(entry, HoldEntry):
                self.released.add(entry.id)
