"""Merkle tree hashing and proof checking of RFC 6962 section 2.1 (identical in RFC 9162).

Pure: no storage, no signatures. A *buffer* of hashes is the hashes concatenated, 32 bytes each;
the bulk functions take buffers because one object per hash would cost more than the hashing.
`archiver.preserve.ledger.tiles` lays the tree out as objects and builds the proofs checked here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from archiver.errors import IntegrityError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

# RFC 6962 section 2.1 prefixes keep a leaf from passing for a node. Copying a started hash is
# half again as fast as starting one: OpenSSL 3 looks the algorithm up at each start.
_LEAF = sha256(b"\x00")
_NODE = sha256(b"\x01")
_SIZE_BYTES = 8


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry), 32 bytes."""
    hasher = _LEAF.copy()
    hasher.update(entry)
    return hasher.digest()


def leaf_hashes(entries: Iterable[bytes]) -> bytes:
    """Return the leaf hashes of `entries` as one buffer, in order."""
    start = _LEAF.copy
    hashes = []
    for entry in entries:  # not by `leaf_hash`: the call would cost a fifth of the hash
        hasher = start()
        hasher.update(entry)
        hashes.append(hasher.digest())
    return b"".join(hashes)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), 32 bytes."""
    hasher = _NODE.copy()
    hasher.update(left + right)
    return hasher.digest()


def parents(hashes: bytes) -> bytes:
    """Return the next level up of a buffer holding an even number of hashes."""
    start = _NODE.copy
    nodes = []
    for offset in range(0, len(hashes), 2 * HASH_SIZE):
        hasher = start()
        hasher.update(hashes[offset : offset + 2 * HASH_SIZE])
        nodes.append(hasher.digest())
    return b"".join(nodes)


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes of 32 bytes each; `EMPTY_ROOT` for none."""
    return root_of_hashes(b"".join(leaves))


def root_of_hashes(buffer: bytes | memoryview) -> bytes:
    """Return the Merkle tree hash over a buffer of leaf hashes; `EMPTY_ROOT` for an empty one."""
    return Frontier().append(buffer).root()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All one needs of a tree to extend it: the roots of its perfect subtrees, largest first.

    `hashes` has one root for each bit set in `size`, so a tree of a million leaves is at most
    20 hashes. Immutable: `append` returns the larger tree's frontier.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise IntegrityError(
                f"expected one subtree hash for each bit set in tree size {self.size}, "
                f"found {len(self.hashes)}; rebuild the frontier from the tiles"
            )
        if any(len(found) != HASH_SIZE for found in self.hashes):
            raise IntegrityError(f"expected subtree hashes of {HASH_SIZE} bytes, found others")

    def append(self, leaves: bytes | memoryview) -> Self:
        """Return the frontier of this tree with a buffer of leaf hashes added at its end."""
        level = bytes(leaves)
        if len(level) % HASH_SIZE:
            raise IntegrityError(
                f"expected leaf hashes of {HASH_SIZE} bytes each, found {len(level)} bytes in all"
            )
        merging = list(self.hashes)
        kept: list[bytes] = []
        position = self.size
        while position or level:
            if position & 1:
                level = merging.pop() + level
            if len(level) // HASH_SIZE & 1:
                kept.append(level[-HASH_SIZE:])
                level = level[:-HASH_SIZE]
            level = parents(level)
            position >>= 1
        return type(self)(self.size + len(leaves) // HASH_SIZE, tuple(reversed(kept)))

    def root(self) -> bytes:
        """Return the Merkle tree hash of the tree; `EMPTY_ROOT` when it has no leaf."""
        return fold(self.hashes)

    def to_bytes(self) -> bytes:
        """Return the size as 8 bytes, big-endian, followed by the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            IntegrityError: `data` is not a frontier.
        """
        if len(data) < _SIZE_BYTES or (len(data) - _SIZE_BYTES) % HASH_SIZE:
            raise IntegrityError(
                f"expected a frontier of {_SIZE_BYTES} + n x {HASH_SIZE} bytes, found {len(data)}"
            )
        return cls(
            int.from_bytes(data[:_SIZE_BYTES], "big"),
            split_hashes(data[_SIZE_BYTES:]),
        )


def split_hashes(buffer: bytes) -> tuple[bytes, ...]:
    """Return the hashes of a buffer one by one."""
    return tuple(buffer[offset : offset + HASH_SIZE] for offset in range(0, len(buffer), HASH_SIZE))


def fold(subtrees: Sequence[bytes]) -> bytes:
    """Return the root over adjoining perfect subtrees, largest first; `EMPTY_ROOT` for none."""
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the tree of `size` leaves with `root` has leaf hash `leaf` at `index`.

    RFC 9162 section 2.1.3.2; `proof` starts with the leaf's sibling.

    Raises:
        IntegrityError: it is not proved.
    """
    what = f"inclusion proof of leaf {index} in the tree of {size}"
    if not 0 <= index < size:
        raise IntegrityError(f"expected an index below the tree size {size}, found {index}")
    _require_hashes(what, (leaf, root, *proof))
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise IntegrityError(f"{what} is too long: {len(proof)} hashes")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            node, last = _climb_left_edge(node, last)
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise IntegrityError(f"{what} is too short: {len(proof)} hashes")
    _require_root(what, root, computed)


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `new_size` leaves extends the tree of `old_size`, changing nothing.

    RFC 9162 section 2.1.4.2. A tree extends itself and the empty tree with an empty proof.

    Raises:
        IntegrityError: it is not proved.
    """
    what = f"consistency proof from tree size {old_size} to {new_size}"
    if not 0 <= old_size <= new_size:
        raise IntegrityError(f"{what}: expected sizes in ascending order")
    _require_hashes(what, (old_root, new_root, *proof))
    if old_size in {0, new_size}:
        if proof:
            raise IntegrityError(f"{what}: expected no hashes, found {len(proof)}")
        _require_root(what, old_root, EMPTY_ROOT if old_size == 0 else new_root)
        if new_size == 0:
            _require_root(what, new_root, EMPTY_ROOT)
        return
    path = list(proof)
    if old_size.bit_count() == 1:
        path.insert(0, old_root)
    if not path:
        raise IntegrityError(f"{what} is empty")
    old_computed, new_computed = _consistency_roots(what, old_size, new_size, path)
    _require_root(what, old_root, old_computed)
    _require_root(what, new_root, new_computed)


def _consistency_roots(
    what: str, old_size: int, new_size: int, path: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return the roots of the old and the new tree that `path` leads to."""
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise IntegrityError(f"{what} is too long")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _climb_left_edge(node, last)
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise IntegrityError(f"{what} is too short")
    return old, new


def _climb_left_edge(node: int, last: int) -> tuple[int, int]:
    """Skip the levels where a right-edge node has no sibling and is promoted unchanged."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _require_hashes(what: str, hashes: Iterable[bytes]) -> None:
    for found in hashes:
        if len(found) != HASH_SIZE:
            raise IntegrityError(
                f"{what}: expected hashes of {HASH_SIZE} bytes, found one of {len(found)}"
            )


def _require_root(what: str, expected: bytes, computed: bytes) -> None:
    if computed != expected:
        raise IntegrityError(
            f"{what} does not hold: expected root {expected.hex()}, computed {computed.hex()}"
        )
