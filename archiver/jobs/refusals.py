"""Which documents an engine does not take, found by halving.

An engine that fails on a batch says nothing of which document it was, and gives the batch up. The
halves are tried on an index of their own, so that the one that answers is never touched by it.
"""

from collections.abc import Callable, Sequence

from search.document import Document
from search.errors import IndexUnavailable
from search.index import Index

MOST = 20
"""More refusals than these in one batch, and it is the engine that is unwell."""


def refused_among(documents: Sequence[Document], open_index: Callable[[], Index]) -> frozenset[int]:
    """Return the numbers of the documents that an index does not take, each by itself.

    Raises:
        IndexUnavailable: it takes nothing, not even an empty commit, or refuses more than `MOST`.
    """
    refused: set[int] = set()
    pieces = [documents]
    while pieces:
        piece = pieces.pop()
        if _takes(piece, open_index):
            continue
        if len(piece) <= 1:
            refused.update(each.number for each in piece)
        else:
            half = len(piece) // 2
            pieces += [piece[half:], piece[:half]]
        if len(refused) > MOST:
            raise IndexUnavailable(f"The index refuses more than {MOST} documents of a batch.")
    return frozenset(refused)


def _takes(documents: Sequence[Document], open_index: Callable[[], Index]) -> bool:
    index = open_index()
    try:
        index.commit(0)
        try:
            index.add(documents)
            index.commit(0)
        except IndexUnavailable:
            return False
        return True
    finally:
        index.close()
