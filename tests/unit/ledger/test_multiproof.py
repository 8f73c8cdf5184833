"""One proof over many leaves leads to the root, and no other leaves or hashes do."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.certificate_verifier import root_of as root_by_verifier
from archiver.assurance.evidence_verifier import Refused
from archiver.errors import IntegrityError, InvalidInput
from archiver.preserve.ledger.merkle import Frontier, leaf_hash
from archiver.preserve.ledger.multiproof import prove, root_of
from archiver.preserve.ledger.tiles import TileTree, grow

LARGEST = 700


def tree_of(size: int) -> TileTree:
    """The tree of entries `0`, `1`, …, as its tiles."""
    entries = [str(n).encode() for n in range(size)]
    objects: dict[str, bytes] = dict(grow(Frontier(), entries, lambda _: b"").objects)
    return TileTree(size, objects.__getitem__)


TREES = {size: tree_of(size) for size in (1, 2, 3, 7, 8, 255, 256, 257, LARGEST)}


def leaves(indexes: Sequence[int]) -> dict[int, bytes]:
    return {index: leaf_hash(str(index).encode()) for index in indexes}


def test_every_choice_of_leaves_of_small_trees_leads_to_the_root() -> None:
    for size in (1, 2, 3, 7, 8):
        tree = TREES[size]
        for count in range(1, size + 1):
            for chosen in combinations(range(size), count):
                path = prove(tree, chosen)
                assert root_of(leaves(chosen), size, path) == tree.root()
                assert root_by_verifier(leaves(chosen), size, list(path)) == tree.root()


@given(
    st.sampled_from(sorted(TREES)).flatmap(
        lambda size: st.tuples(
            st.just(size), st.sets(st.integers(0, size - 1), min_size=1, max_size=40)
        )
    )
)
def test_any_leaves_lead_to_the_root_and_none_can_be_exchanged(
    given_tree: tuple[int, set[int]],
) -> None:
    size, chosen = given_tree
    tree, indexes = TREES[size], sorted(chosen)
    path = prove(tree, indexes)

    assert root_of(leaves(indexes), size, path) == tree.root()
    other = {**leaves(indexes), indexes[0]: leaf_hash(b"another")}
    assert root_of(other, size, path) != tree.root()
    for wrong in (path[1:], (*path, bytes(32))):
        if wrong != path:
            with pytest.raises(IntegrityError):
                root_of(leaves(indexes), size, wrong)
            with pytest.raises(Refused):
                root_by_verifier(leaves(indexes), size, list(wrong))


def test_neighbours_share_their_hashes() -> None:
    tree = TREES[LARGEST]

    assert len(prove(tree, range(300))) < 12
    assert prove(tree, range(LARGEST)) == ()


@pytest.mark.parametrize("indexes", [(), (-1,), (0, LARGEST)])
def test_leaves_that_are_not_in_the_tree_are_refused(indexes: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput):
        prove(TREES[LARGEST], indexes)
    with pytest.raises(Refused):
        root_by_verifier(dict.fromkeys(indexes, bytes(32)), LARGEST, [])
