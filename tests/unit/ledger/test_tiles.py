from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import IntegrityError, InvalidInput, TooLarge
from archiver.preserve.ledger.merkle import (
    HASH_SIZE,
    Frontier,
    leaf_hashes,
    root_of_hashes,
    verify_consistency,
    verify_inclusion,
)
from archiver.preserve.ledger.tiles import (
    TileName,
    TileTree,
    bundle_path,
    decode_bundle,
    encode_bundle,
    grow,
    parse_tile_path,
    read_bundle,
    read_tile,
    tile_path,
    tiles_for_growth,
)
from tests.unit.ledger.log_store import LogStore
from tests.unit.ledger.naive_tree import NaiveTree

ENTRIES = [b"entry %d" % number for number in range(600)]
NAIVE = NaiveTree(ENTRIES)
BIG = 65_536 + 256 + 3
BIG_ENTRIES = [b"%d" % number for number in range(BIG)]
BIG_NAIVE = NaiveTree(BIG_ENTRIES)


def log_of(entries: Sequence[bytes], step: int) -> LogStore:
    log = LogStore()
    for start in range(0, len(entries), step):
        log.append(entries[start : start + step])
    return log


@pytest.fixture(scope="module")
def log() -> LogStore:
    return log_of(ENTRIES, 7)


@pytest.fixture(scope="module")
def big_log() -> LogStore:
    log = log_of(BIG_ENTRIES[:65_530], 13_000)
    for size in range(65_531, BIG + 1):
        if size <= 65_540 or size in {65_791, 65_792, 65_793, BIG}:
            log.append(BIG_ENTRIES[log.frontier.size : size])
    return log


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (TileName(level=0, n=1_234_067), "tile/0/x001/x234/067"),
        (TileName(level=0, n=0), "tile/0/000"),
        (TileName(level=63, n=999, width=1), "tile/63/999.p/1"),
        (TileName(level=1, n=1_000, width=255), "tile/1/x001/000.p/255"),
        (TileName(level=None, n=273, width=112), "tile/entries/273.p/112"),
        (TileName(level=None, n=1_000_000), "tile/entries/x001/x000/000"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(name: TileName, path: str) -> None:
    assert name.path == path
    assert parse_tile_path(path) == name


@given(st.none() | st.integers(0, 63), st.integers(0, 2**63), st.integers(1, 256))
def test_a_tile_path_leads_back_to_its_tile(level: int | None, n: int, width: int) -> None:
    name = TileName(level=level, n=n, width=width)

    assert parse_tile_path(name.path) == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/0/001.p/256",
        "tile/0/001.p/",
        "tile/0/001\n",
        "tile/0/\u0660\u0660\u0661",
        "/tile/0/001",
        "tile/entries/001/",
        "tile/Entries/001",
    ],
)
def test_another_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(IntegrityError, match="expected the path"):
        parse_tile_path(path)


@given(st.text(alphabet="tile/entrsx.p0123456789", max_size=30))
def test_a_garbage_path_is_refused_or_the_one_spelling(path: str) -> None:
    try:
        name = parse_tile_path(path)
    except IntegrityError:
        return

    assert name.path == path


def test_a_tree_of_70000_is_the_tiles_of_the_specification() -> None:
    names = list(tiles_for_growth(0, 70_000))

    full = [name for name in names if name.width == 256]
    assert sum(name.level == 0 for name in full) == 273
    assert sum(name.level is None for name in full) == 273
    assert [name.path for name in full if name.level == 1] == ["tile/1/000"]
    assert [name.path for name in names if name.width < 256] == [
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]


def test_a_tree_of_256_has_no_empty_tile() -> None:
    paths = [name.path for name in tiles_for_growth(0, 256)]

    assert paths == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_for_growth(256, 256)) == []


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_growth_in_any_steps_writes_what_the_last_size_needs(data: st.DataObject) -> None:
    sizes = sorted(data.draw(st.sets(st.integers(0, 600), max_size=6)) | {600})
    log = LogStore()
    for size in sizes:
        log.append(ENTRIES[log.frontier.size : size])

        assert log.frontier.root() == NAIVE.root(size) == TileTree(size, log.read).root()
        assert log.frontier == TileTree(size, log.read).frontier()
        assert {name.path for name in tiles_for_growth(0, size)} <= log.objects.keys()


def test_growth_is_the_same_each_time_and_reads_little(log: LogStore) -> None:
    frontier = Frontier().append(leaf_hashes(ENTRIES[:595]))
    log.reads.clear()

    first = grow(frontier, ENTRIES[595:], log.read)

    assert log.reads == ["tile/0/002.p/83", "tile/entries/002.p/83"]
    assert grow(frontier, ENTRIES[595:], log.read) == first
    assert [path for path, _ in first.objects] == ["tile/entries/002.p/88", "tile/0/002.p/88"]
    assert first.root == NAIVE.root(600)


def test_growing_by_nothing_writes_nothing(log: LogStore) -> None:
    growth = grow(log.frontier, [], log.read)

    assert growth.objects == ()
    assert growth.frontier == log.frontier


def test_every_hash_in_every_tile_is_the_definition(big_log: LogStore) -> None:
    for name in tiles_for_growth(0, BIG):
        if name.level is None:
            continue
        span = 256**name.level
        body = big_log.objects[name.path]
        for place in range(0, name.width, 37):
            start = (name.n * 256 + place) * span
            found = body[place * HASH_SIZE : (place + 1) * HASH_SIZE]
            assert found == BIG_NAIVE.mth(start, start + span), name


def test_all_entries_come_back_from_the_bundles(big_log: LogStore) -> None:
    found: list[bytes] = []
    for name in tiles_for_growth(0, BIG):
        if name.level is None:
            found += decode_bundle(big_log.objects[name.path])

    assert found == BIG_ENTRIES


def assert_proofs_of_the_rfc(tree: TileTree, naive: NaiveTree, indices: Sequence[int]) -> None:
    """Compare root and proofs with the recursive definition; `indices` are below the size."""
    size = tree.size
    assert tree.root() == naive.root(size)
    for index in indices:
        assert list(tree.inclusion_proof(index)) == naive.path(index, 0, size)
        assert list(tree.consistency_proof(index + 1)) == naive.proof(index + 1, size)


def test_all_proofs_of_small_trees_are_those_of_the_rfc() -> None:
    log = log_of(ENTRIES[:130], 1)
    for size in range(1, 131):
        assert_proofs_of_the_rfc(TileTree(size, log.read), NAIVE, range(size))


def test_proofs_around_full_tiles_are_those_of_the_rfc() -> None:
    log = log_of(ENTRIES, 1)
    for size in [*range(131, 250, 17), *range(250, 262), 511, 512, 513, *range(515, 601, 9), 600]:
        assert_proofs_of_the_rfc(TileTree(size, log.read), NAIVE, [*range(0, size, 9), size - 1])


def test_proofs_around_65536_are_those_of_the_rfc(big_log: LogStore) -> None:
    for size in (65_531, 65_535, 65_536, 65_537, 65_540, 65_792, 65_793, BIG):
        indices = [0, 1, 255, 256, 32_767, 32_768, 65_279, 65_280, 65_530, size - 1]
        assert_proofs_of_the_rfc(TileTree(size, big_log.read), BIG_NAIVE, indices)


def test_historical_proofs_survive_the_removal_of_partial_tiles() -> None:
    log = log_of(ENTRIES[:512], 7)
    log.drop_superseded_partials()

    assert not [path for path in log.objects if ".p/" in path and "tile/1" not in path]
    for size in range(1, 513, 7):
        assert_proofs_of_the_rfc(TileTree(size, log.read), NAIVE, [*range(0, size, 11), size - 1])


def test_a_log_goes_on_growing_after_the_removal_of_partial_tiles(log: LogStore) -> None:
    pruned = log_of(ENTRIES[:300], 7)
    pruned.drop_superseded_partials()

    pruned.append(ENTRIES[300:])

    assert pruned.objects["tile/0/001"] == log.objects["tile/0/001"]
    assert pruned.frontier == log.frontier


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_proofs_from_tiles_verify(log: LogStore, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([*range(7, 600, 7), 600]))
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(0, size))

    verify_inclusion(
        leaf=NAIVE.mth(index, index + 1),
        index=index,
        size=size,
        proof=TileTree(size, log.read).inclusion_proof(index),
        root=NAIVE.root(size),
    )
    verify_consistency(
        old_size=old_size,
        new_size=size,
        old_root=NAIVE.root(old_size),
        new_root=NAIVE.root(size),
        proof=TileTree(size, log.read).consistency_proof(old_size),
    )


def test_a_proof_reads_few_tiles(big_log: LogStore) -> None:
    big_log.reads.clear()

    TileTree(BIG, big_log.read).inclusion_proof(1_000)

    assert len(big_log.reads) == len(set(big_log.reads)) <= 5


def test_proofs_in_log_order_read_each_tile_once_while_it_is_kept(log: LogStore) -> None:
    tree = TileTree(600, log.read, keep=2)
    log.reads.clear()

    proofs = [tree.inclusion_proof(index) for index in range(256, 512)]

    assert [list(proof) for proof in proofs] == [NAIVE.path(i, 0, 600) for i in range(256, 512)]
    assert len(tree._tiles) == 2


def test_a_proof_outside_the_tree_is_the_callers_mistake(log: LogStore) -> None:
    for index in (-1, 600):
        with pytest.raises(InvalidInput, match="index"):
            TileTree(600, log.read).inclusion_proof(index)
    for old_size in (-1, 601):
        with pytest.raises(InvalidInput, match="tree size"):
            TileTree(600, log.read).consistency_proof(old_size)


def test_a_missing_or_short_tile_is_an_integrity_error(log: LogStore) -> None:
    gone, short = LogStore(), LogStore()
    short.objects = {path: body[:-1] for path, body in log.objects.items()}

    for broken, message in ((gone, "is missing"), (short, "bytes in tile/")):
        with pytest.raises(IntegrityError, match=message) as caught:
            TileTree(600, broken.read).root()
        assert caught.value.object_key is not None


def test_every_flipped_byte_of_a_tile_changes_the_root() -> None:
    log = log_of(ENTRIES[:300], 300)
    root = NAIVE.root(300)
    for path in ("tile/0/001.p/44", "tile/1/000.p/1"):
        body = log.objects[path]
        for place in range(len(body)):
            log.objects[path] = flip(body, place)
            assert TileTree(300, log.read).root() != root
        log.objects[path] = body


@pytest.mark.parametrize("path", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
def test_a_damaged_partial_object_is_never_copied_into_a_fuller_one(path: str) -> None:
    log = log_of(ENTRIES[:300], 300)
    body = log.objects[path]
    for place in range(len(body)):
        log.objects[path] = flip(body, place)
        with pytest.raises(IntegrityError):
            grow(log.frontier, ENTRIES[300:520], log.read)
    log.objects[path] = body

    assert grow(log.frontier, ENTRIES[300:520], log.read).root == NAIVE.root(520)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_an_entry_is_at_most_65535_bytes() -> None:
    assert decode_bundle(encode_bundle([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(TooLarge):
        encode_bundle([bytes(65_536)])


@given(st.binary(max_size=300))
def test_garbage_is_no_bundle_or_one_that_writes_itself_back(data: bytes) -> None:
    try:
        entries = decode_bundle(data)
    except IntegrityError:
        return

    assert encode_bundle(entries) == data


def test_an_empty_bundle_and_one_of_257_entries_are_refused() -> None:
    for data in (b"", encode_bundle([b"x"] * 257)):
        with pytest.raises(IntegrityError, match="1 to 256"):
            decode_bundle(data)


def test_every_mutated_cut_or_longer_bundle_is_refused(log: LogStore) -> None:
    name = TileName(level=0, n=2, width=88)
    tile = read_tile(name, log.read)
    bundle = log.objects["tile/entries/002.p/88"]
    mutated = [flip(bundle, place) for place in range(len(bundle))]
    cut = [bundle[:end] for end in range(len(bundle))]
    longer = [bundle + b"\0", bundle + b"\0\0", bundle + b"\0\1x"]

    assert read_bundle(2, 88, tile, {"tile/entries/002.p/88": bundle}.__getitem__) == ENTRIES[512:]
    for broken in (*mutated, *cut, *longer):
        with pytest.raises(IntegrityError):
            read_bundle(2, 88, tile, {"tile/entries/002.p/88": broken}.__getitem__)


def test_the_first_entries_of_a_full_bundle_stand_in_for_a_partial_one(log: LogStore) -> None:
    tile = read_tile(TileName(level=0, n=1, width=100), log.read)
    pruned = LogStore()
    pruned.objects = {bundle_path(1): log.objects[bundle_path(1)]}

    assert read_bundle(1, 100, tile, pruned.read) == ENTRIES[256:356]


def test_a_partial_tile_is_a_prefix_of_the_full_one() -> None:
    log = log_of(ENTRIES[:256], 7)
    full = log.objects[tile_path(0, 0)]

    partials = [path for path in log.objects if path.startswith("tile/0/000.p/")]
    assert len(partials) == 36
    assert all(full.startswith(log.objects[path]) for path in partials)
    assert root_of_hashes(full) == log.objects["tile/1/000.p/1"] == NAIVE.root(256)


def test_a_million_entry_tree_extends_from_twenty_hashes() -> None:
    leaves = b"".join(sha256(b"%d" % number).digest() for number in range(1 << 10))
    frontier = Frontier()
    for _ in range(976):
        frontier = frontier.append(leaves[: 1024 * HASH_SIZE])

    assert frontier.size == 999_424
    assert len(frontier.to_bytes()) < 700


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]
