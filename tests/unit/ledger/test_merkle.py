from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import IntegrityError
from archiver.preserve.ledger.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    Frontier,
    leaf_hash,
    leaf_hashes,
    node_hash,
    root_of_hashes,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.ledger.naive_tree import NaiveTree

# The tree of the Certificate Transparency reference implementation, sizes 0 to 8.
RFC6962_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
RFC6962_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

ENTRIES = [b"entry %d" % number for number in range(600)]
NAIVE = NaiveTree(ENTRIES)
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SAMPLED_SIZES = [*range(1, 66), 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 600]


@pytest.mark.parametrize(("size", "root"), list(enumerate(RFC6962_ROOTS)))
def test_the_known_roots_of_rfc_6962_come_out(size: int, root: str) -> None:
    leaves = [leaf_hash(leaf) for leaf in RFC6962_LEAVES[:size]]

    assert tree_root(leaves).hex() == root


def test_every_root_up_to_600_leaves_is_the_recursive_definition() -> None:
    for size in range(601):
        assert tree_root(LEAVES[:size]) == NAIVE.root(size), size


def test_a_root_is_the_same_from_a_view_of_a_buffer() -> None:
    buffer = leaf_hashes(ENTRIES)

    assert root_of_hashes(memoryview(buffer)[: 100 * HASH_SIZE]) == NAIVE.root(100)


def test_a_frontier_grown_in_any_steps_has_the_root_of_the_whole() -> None:
    for size in SAMPLED_SIZES:
        stepped = Frontier()
        for start, end in pairwise(sorted({0, 1, size // 3, size // 2, size})):
            stepped = stepped.append(b"".join(LEAVES[start:end]))

        assert stepped == Frontier().append(b"".join(LEAVES[:size]))
        assert stepped.size == size
        assert stepped.root() == NAIVE.root(size)


def test_a_frontier_grown_leaf_by_leaf_has_every_root_on_its_way() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES, start=1):
        frontier = frontier.append(leaf)

        assert frontier.root() == NAIVE.root(size)


@given(st.integers(0, 600))
def test_a_frontier_survives_being_stored(size: int) -> None:
    frontier = Frontier().append(b"".join(LEAVES[:size]))

    assert Frontier.from_bytes(frontier.to_bytes()) == frontier


@given(st.binary(max_size=200))
def test_garbage_is_no_frontier_or_one_that_writes_itself_back(data: bytes) -> None:
    try:
        frontier = Frontier.from_bytes(data)
    except IntegrityError:
        return

    assert frontier.to_bytes() == data


def test_a_frontier_refuses_hashes_that_do_not_fit_its_size() -> None:
    with pytest.raises(IntegrityError, match="one subtree hash for each bit"):
        Frontier(3, (EMPTY_ROOT,))
    with pytest.raises(IntegrityError, match="32 bytes"):
        Frontier(1, (b"short",))
    with pytest.raises(IntegrityError, match="33 bytes in all"):
        Frontier().append(bytes(33))


def test_every_inclusion_proof_of_small_trees_verifies() -> None:
    for size in range(1, 130):
        for index in range(size):
            verify_inclusion(
                leaf=LEAVES[index],
                index=index,
                size=size,
                proof=NAIVE.path(index, 0, size),
                root=NAIVE.root(size),
            )


def test_every_consistency_proof_of_small_trees_verifies() -> None:
    for size in range(130):
        for old_size in range(size + 1):
            verify_consistency(
                old_size=old_size,
                new_size=size,
                old_root=NAIVE.root(old_size),
                new_root=NAIVE.root(size),
                proof=NAIVE.proof(old_size, size) if old_size else [],
            )


@given(st.data())
@settings(deadline=None)
def test_an_inclusion_proof_proves_nothing_else(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, 599).filter(lambda number: number != index))
    proof, root = NAIVE.path(index, 0, size), NAIVE.root(size)

    with pytest.raises(IntegrityError):
        verify_inclusion(leaf=LEAVES[other], index=index, size=size, proof=proof, root=root)
    with pytest.raises(IntegrityError):
        verify_inclusion(leaf=LEAVES[index], index=other, size=size, proof=proof, root=root)
    with pytest.raises(IntegrityError):
        verify_inclusion(
            leaf=LEAVES[index], index=index, size=size, proof=proof, root=LEAVES[0][::-1]
        )


@pytest.mark.parametrize("claimed", [2, 3, 4, 9, 16, 600])
def test_a_proof_too_long_or_too_short_for_the_claimed_size_fails(claimed: int) -> None:
    """Else a root could be passed off as that of a tree of another height."""
    with pytest.raises(IntegrityError, match=r"too (long|short)"):
        verify_inclusion(
            leaf=LEAVES[1], index=1, size=claimed, proof=NAIVE.path(1, 0, 8), root=NAIVE.root(8)
        )
    if claimed != 2:
        with pytest.raises(IntegrityError, match=r"too (long|short)"):
            verify_consistency(
                old_size=2,
                new_size=claimed,
                old_root=NAIVE.root(2),
                new_root=NAIVE.root(8),
                proof=NAIVE.proof(2, 8),
            )


def test_hashes_of_another_length_prove_nothing() -> None:
    with pytest.raises(IntegrityError, match="32 bytes"):
        verify_inclusion(leaf=b"", index=0, size=1, proof=[], root=b"")
    with pytest.raises(IntegrityError, match="32 bytes"):
        verify_consistency(old_size=1, new_size=1, old_root=b"", new_root=b"", proof=[])


@given(st.data())
@settings(deadline=None)
def test_a_mutated_inclusion_proof_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 600))
    index = data.draw(st.integers(0, size - 1))
    proof = NAIVE.path(index, 0, size)

    for mutated in mutations_of_path(proof):
        with pytest.raises(IntegrityError):
            verify_inclusion(
                leaf=LEAVES[index], index=index, size=size, proof=mutated, root=NAIVE.root(size)
            )


@given(st.data())
@settings(deadline=None)
def test_a_mutated_consistency_proof_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 600))
    old_size = data.draw(st.integers(1, size - 1))
    old_root, new_root = NAIVE.root(old_size), NAIVE.root(size)
    proof = NAIVE.proof(old_size, size)

    for mutated in mutations_of_path(proof):
        with pytest.raises(IntegrityError):
            verify_consistency(
                old_size=old_size,
                new_size=size,
                old_root=old_root,
                new_root=new_root,
                proof=mutated,
            )
    for bad_old, bad_new in ((new_root, new_root), (old_root, old_root), (EMPTY_ROOT, new_root)):
        with pytest.raises(IntegrityError):
            verify_consistency(
                old_size=old_size, new_size=size, old_root=bad_old, new_root=bad_new, proof=proof
            )


def mutations_of_path(path: list[bytes]) -> list[list[bytes]]:
    """Every hash with each of its bytes changed in turn; one hash less, one more, one cut."""
    changed = [
        [*path[:place], flip(sibling, byte), *path[place + 1 :]]
        for place, sibling in enumerate(path)
        for byte in range(0, HASH_SIZE, 5)
    ]
    shortened = [path[:-1], path[1:], [*path[:-1], path[-1][:-1]]]
    lengthened = [[*path, path[-1]], [path[0], *path], [*path, b""], [*path, EMPTY_ROOT]]
    return [*changed, *shortened, *lengthened]


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("old_size", "new_size", "old_root", "new_root", "proof"),
    [
        (0, 5, NAIVE.root(1), NAIVE.root(5), []),
        (0, 5, EMPTY_ROOT, NAIVE.root(5), [EMPTY_ROOT]),
        (0, 0, EMPTY_ROOT, NAIVE.root(5), []),
        (5, 5, NAIVE.root(5), NAIVE.root(4), []),
        (5, 5, NAIVE.root(5), NAIVE.root(5), [EMPTY_ROOT]),
        (5, 4, NAIVE.root(5), NAIVE.root(4), []),
        (-1, 4, NAIVE.root(5), NAIVE.root(4), []),
        (4, 5, NAIVE.root(4), NAIVE.root(5), []),
        (3, 5, NAIVE.root(3), NAIVE.root(5), []),
    ],
)
def test_a_consistency_proof_at_the_edges_is_strict(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: list[bytes]
) -> None:
    with pytest.raises(IntegrityError):
        verify_consistency(
            old_size=old_size,
            new_size=new_size,
            old_root=old_root,
            new_root=new_root,
            proof=proof,
        )


def test_a_node_does_not_pass_for_a_leaf() -> None:
    """The two prefixes of RFC 6962 are what keeps a subtree from being shown as an entry."""
    forged_entry = LEAVES[0] + LEAVES[1]

    assert leaf_hash(forged_entry) != node_hash(LEAVES[0], LEAVES[1])
    with pytest.raises(IntegrityError):
        verify_inclusion(
            leaf=leaf_hash(forged_entry), index=0, size=1, proof=[], root=NAIVE.root(2)
        )
