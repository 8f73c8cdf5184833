"""Tiles proved by a signed root: from sound copies, from damaged ones, from two half damaged."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.signed_tree import SignedTree
from archiver.errors import IntegrityError, NotFound, StorageUnavailable
from archiver.jobs.copy_plan import objects_written
from archiver.preserve.ledger.merkle import Frontier
from archiver.preserve.ledger.tiles import Read, TileTree, grow, parse_tile_path

SIZES = (1, 255, 256, 257, 600, 65_536, 65_537, 66_100)
"""Trees with partial and full tiles at the edge, of one level, two and three."""

ENTRIES = [b"entry %d" % number for number in range(max(SIZES))]

Log = dict[str, bytes]


def reads(log: Log) -> Read:
    def read(path: str) -> bytes:
        try:
            return log[path]
        except KeyError as error:
            raise NotFound(path) from error

    return read


def log_of(*sizes: int) -> tuple[Log, bytes]:
    """The objects of a log that grew to each of these sizes in turn, and its root."""
    log: Log = {}
    frontier = Frontier()
    for size in sizes:
        growth = grow(frontier, ENTRIES[frontier.size : size], reads(log))
        log.update(growth.objects)
        frontier = growth.frontier
    return log, frontier.root()


@pytest.mark.parametrize("size", SIZES)
def test_every_object_of_a_sound_log_is_what_the_root_commits_to(size: int) -> None:
    log, root = log_of(size)
    tree = SignedTree(size, root, [reads(log)])
    for path, body in log.items():
        tree.require_object(parse_tile_path(path), body)
    tree.require_entries(0, ENTRIES[: min(size, 700)])
    tree.require_entries(max(0, size - 300), ENTRIES[max(0, size - 300) : size])


@pytest.mark.parametrize("size", SIZES)
def test_an_altered_object_is_refused_whichever_copies_there_are(size: int) -> None:
    log, root = log_of(size)
    generator = random.Random(size)
    for path in generator.sample(sorted(log), min(len(log), 12)):
        body = bytearray(log[path])
        body[generator.randrange(len(body))] ^= 1 << generator.randrange(8)
        altered = log | {path: bytes(body)}
        for copies in ([altered], [altered, log], [log, altered], [altered, altered]):
            tree = SignedTree(size, root, [reads(copy) for copy in copies])
            with pytest.raises(IntegrityError):
                tree.require_object(parse_tile_path(path), bytes(body))


@pytest.mark.parametrize("size", [size for size in SIZES if size > 255])
def test_a_true_object_is_proved_while_both_copies_are_damaged_elsewhere(size: int) -> None:
    log, root = log_of(size)
    generator = random.Random(size)
    paths = [path for path in sorted(log) if not path.startswith("tile/entries/")]
    for path in generator.sample(paths, min(len(paths), 12)):
        other = generator.choice([name for name in paths if name != path])
        one = {name: body for name, body in log.items() if name != other}
        two = log | {path: b"\0" * len(log[path])}
        tree = SignedTree(size, root, [reads(one), reads(two)])
        tree.require_object(parse_tile_path(path), log[path])


def test_a_wrong_entry_is_refused_and_named() -> None:
    log, root = log_of(600)
    tree = SignedTree(600, root, [reads(log)])
    with pytest.raises(IntegrityError, match="entry 1 is not the one at index 300"):
        tree.require_entries(299, [ENTRIES[299], ENTRIES[301]])


def test_superseded_partial_tiles_are_proved_by_the_ones_that_took_their_place() -> None:
    log, root = log_of(100, 300, 600)
    tree = SignedTree(600, root, [reads(log)])
    for path, body in log.items():
        tree.require_object(parse_tile_path(path), body)
        if ".p/" in path:
            with pytest.raises(IntegrityError):
                tree.require_object(parse_tile_path(path), body[:-1] + bytes([body[-1] ^ 1]))


def test_what_is_beyond_the_signed_size_is_refused() -> None:
    later, _ = log_of(300, 600)
    log, root = log_of(300)
    tree = SignedTree(300, root, [reads(log | later)])
    with pytest.raises(IntegrityError, match="not under the signed checkpoint"):
        tree.require_object(parse_tile_path("tile/0/001"), later["tile/0/001"])


def test_a_copy_that_does_not_answer_is_no_copy() -> None:
    log, root = log_of(600)

    def away(path: str) -> bytes:
        raise StorageUnavailable(path)

    tree = SignedTree(600, root, [away, reads(log)])
    tree.require_object(parse_tile_path("tile/0/001"), log["tile/0/001"])


def test_smaller_trees_are_read_from_proved_rows() -> None:
    log, root = log_of(66_100)
    tree = SignedTree(66_100, root, [reads(log)])
    for size in (1, 256, 300, 65_536, 66_000):
        assert TileTree(size, tree.read_prefix).root() == log_of(size)[1]


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=5, unique=True).map(sorted))
def test_what_a_copy_needs_is_what_the_integrator_wrote(sizes: list[int]) -> None:
    log, _ = log_of(*sizes)
    steps = zip([0, *sizes], sizes, strict=False)
    assert {name.path for old, new in steps for name in objects_written(old, new)} == set(log)
