"""One proof that a tree holds many leaves: the subtree hashes that complete them to the root.

Inclusion proofs of neighbours repeat nearly all of each other; a certificate over thousands of
records would be megabytes of the same hashes. Here every subtree without any of the leaves is named
once, in the order in which RFC 6962 section 2.1 divides the tree, left before right. Whoever walks
the tree the same way takes the next hash wherever none of the leaves is below. Pure.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from archiver.errors import IntegrityError, InvalidInput
from archiver.preserve.ledger.tiles import TileTree


def prove(tree: TileTree, indexes: Sequence[int]) -> tuple[bytes, ...]:
    """Return the hashes that complete the leaves at ascending `indexes` to the root of `tree`.

    Raises:
        InvalidInput: no leaves, or one that is not in the tree.
        IntegrityError: a tile is missing.
    """
    if not indexes or indexes[0] < 0 or indexes[-1] >= tree.size:
        raise InvalidInput(f"expected leaves of the tree of {tree.size}, found {indexes[-3:]}")
    return tuple(
        tree.subtree_hash(start, end)
        for start, end in _subtrees(indexes, tree.size)
        if not _holds(indexes, start, end)
    )


def root_of(leaves: Mapping[int, bytes], size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of the tree of `size` that holds leaf hashes at these indexes.

    Raises:
        IntegrityError: the proof is too short or too long.
    """
    indexes, rest = sorted(leaves), iter(path)

    def walk(start: int, end: int) -> bytes:
        if not _holds(indexes, start, end):
            return next(rest)
        if end - start == 1:
            return leaves[start]
        middle = start + _split(end - start)
        return sha256(b"\x01" + walk(start, middle) + walk(middle, end)).digest()

    try:
        root = walk(0, size)
    except StopIteration:
        raise IntegrityError(f"expected more than {len(path)} hashes in the proof") from None
    if next(rest, None) is not None:
        raise IntegrityError(f"expected fewer than {len(path)} hashes in the proof")
    return root


def _subtrees(indexes: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """Yield every subtree on the way to the leaves, and those beside it, left before right."""
    open_subtrees = [(0, size)]
    while open_subtrees:
        start, end = open_subtrees.pop()
        yield start, end
        if end - start > 1 and _holds(indexes, start, end):
            middle = start + _split(end - start)
            open_subtrees += [(middle, end), (start, middle)]


def _holds(indexes: Sequence[int], start: int, end: int) -> bool:
    place = bisect_left(indexes, start)
    return place < len(indexes) and indexes[place] < end


def _split(count: int) -> int:
    """Return the largest power of two below `count`, where RFC 6962 divides `count` leaves."""
    return 1 << (count - 1).bit_length() - 1
