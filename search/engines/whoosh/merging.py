"""Which segments a commit makes one with what it adds: few to look into, and short commits."""

from collections.abc import Sequence
from itertools import accumulate

from search.engines.whoosh.catalogue import Entry

_PEERS = 8
"""Segments of about one size that are made one; each document is written a few times."""

_LARGEST = 20_000
"""Documents that merging puts into one segment: at 3,000 a second, seconds in which posts wait."""


def to_merge(entries: Sequence[Entry], added: int) -> frozenset[str]:
    """Return the names of the segments to be made one with `added` new documents.

    Those of about its size or less, by powers of 8, once there are 7 of them; and so on with what
    that makes, up to `_LARGEST`. Also one more than half deleted.
    """
    chosen = {entry.name for entry in entries if entry.live and 2 * entry.live < entry.size}
    size = added + sum(entry.live for entry in entries if entry.name in chosen)
    while size:
        rest = [entry for entry in entries if entry.live and entry.name not in chosen]
        peers = [entry for entry in rest if _tier(entry.live) <= _tier(size)]
        peers.sort(key=lambda entry: entry.live)
        totals = accumulate((entry.live for entry in peers), initial=size)
        fitting = sum(total <= _LARGEST for total in totals) - 1
        if len(peers) < _PEERS - 1 or fitting < 1:
            break
        chosen |= {entry.name for entry in peers[:fitting]}
        size += sum(entry.live for entry in peers[:fitting])
    return frozenset(chosen)


def _tier(size: int) -> int:
    return (size.bit_length() + 2) // 3
