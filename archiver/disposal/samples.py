"""Random samples that anybody can draw again from the seed alone. Pure."""

import heapq
from collections.abc import Iterable
from hashlib import sha256

SEED_BYTES = 8


def draw(indexes: Iterable[int], size: int, seed: str) -> list[int]:
    """Return `size` of these log indexes, or all where they are fewer, ascending.

    Those with the smallest SHA-256 over `<seed>:<log index>` in UTF-8. So the sample depends on no
    library's generator, and of a batch that lost a record only that record changes.
    """
    chosen = heapq.nsmallest(size, indexes, key=lambda index: _rank(seed, index))
    return sorted(chosen)


def _rank(seed: str, index: int) -> bytes:
    return sha256(f"{seed}:{index}".encode()).digest()
