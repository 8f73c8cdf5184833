"""Scanning a segment: every byte counts, and the verdict is that of the segment format itself."""

import hashlib
import os
import struct
from array import array
from collections.abc import Callable
from random import Random

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archiver.assurance.segment_scan import diagnose, scan_segment
from archiver.clock import system_clock
from archiver.errors import ArchiverError, IntegrityError
from archiver.ids import Ulids, ulid_bytes
from archiver.preserve.ledger.entry import hold_entry, record_entry
from archiver.preserve.ledger.merkle import leaf_hashes
from archiver.preserve.segments.frame import frame_hash, seal_frame
from archiver.preserve.segments.keys import build_keys, parse_keys
from archiver.preserve.segments.segment import END_MAGIC, Footer, build_segment, parse_segment

ULIDS = Ulids()
ARCHIVE = ULIDS.one(system_clock())
SEGMENT = ULIDS.one(system_clock())
PERIOD = "2032-11"
KEY = "seg/a/c/2032-11/x.seg"


def frame(record_id: str, text: bytes = b"{}") -> bytes:
    return seal_frame(ulid_bytes(ARCHIVE), ulid_bytes(record_id), os.urandom(32), text, ())


def entry(record_id: str, body: bytes, period: str = PERIOD) -> bytes:
    return record_entry("rec", record_id, bytes(32), frame_hash(body), period, 1_763_757_000_123)


def segment(frames: list[bytes], entries: list[bytes]) -> bytes:
    footer = Footer(
        v=1,
        segment=SEGMENT,
        archive=ARCHIVE,
        class_code="letters",
        period=PERIOD,
        created_at=1,
        writer="test",
        lock_mode="none",
        lock_until=0,
        entries=[msgspec.Raw(one) for one in entries],
    )
    return build_segment(footer, frames)[0]


def small_segment(count: int = 3) -> tuple[bytes, list[str]]:
    ids = ULIDS.take(count, system_clock())
    frames = [frame(one) for one in ids]
    return segment(frames, [entry(one, body) for one, body in zip(ids, frames, strict=True)]), ids


def resealed(data: bytes) -> bytes:
    """The same bytes with a seal that fits, as one who knows the format would leave them."""
    (length,) = struct.unpack_from(">I", data, len(data) - 44)
    sealed = data[:24] + data[max(len(data) - 44 - length, 24) : -40]
    return data[:-40] + hashlib.sha256(sealed).digest() + END_MAGIC


def test_a_whole_segment_gives_leaf_hashes_and_frame_lengths_in_order() -> None:
    data, ids = small_segment()
    scanned, parsed = scan_segment(data), parse_segment(data)

    assert scanned.records == len(ids)
    assert scanned.leaves == leaf_hashes(parsed.entries)
    assert array("I", scanned.lengths) == parsed.lengths
    assert scanned.seal == parsed.seal == data[-40:-8]


def test_an_empty_segment_has_no_records() -> None:
    assert scan_segment(segment([], [])).records == 0


def test_every_changed_byte_of_a_segment_is_found() -> None:
    data, _ = small_segment()
    for offset in range(len(data)):
        damaged = bytearray(data)
        damaged[offset] ^= 1 << offset % 8
        with pytest.raises(IntegrityError) as caught:
            scan_segment(bytes(damaged))
        assert diagnose(KEY, bytes(damaged), caught.value)


def test_every_changed_byte_of_a_frame_is_found_though_no_seal_covers_it() -> None:
    data, ids = small_segment()
    parsed = parse_segment(data)
    for number, (start, length) in enumerate(parsed.places):
        for offset in range(start, start + length):
            damaged = bytearray(data)
            damaged[offset] ^= 1 << offset % 8
            assert resealed(bytes(damaged)) == damaged
            with pytest.raises(IntegrityError) as caught:
                scan_segment(bytes(damaged))
            named = {problem.record_id for problem in diagnose(KEY, bytes(damaged), caught.value)}
            assert ids[number] in named


def test_every_shortened_segment_is_found() -> None:
    data, _ = small_segment(1)
    for length in range(len(data)):
        with pytest.raises(IntegrityError):
            scan_segment(data[:length])


def test_what_the_format_refuses_the_scan_refuses() -> None:
    """Structural damage under a seal that fits: the two verdicts are the same."""
    data, ids = small_segment(2)
    start = parse_segment(data).places[0][0]
    changes = {
        "magic of a frame": (start, b"SMF2"),
        "algorithm": (start + 20, b"\x02"),
        "flags": (start + 21, b"\x02"),
        "length": (start + 22, b"\xff\xff\xff\xff"),
        "short length": (start + 22, struct.pack(">I", 3)),
        "segment id": (8, ulid_bytes(ids[0])),
        "footer length": (len(data) - 44, struct.pack(">I", 1)),
        "long footer length": (len(data) - 44, b"\xff\xff\xff\xff"),
    }
    for offset, replacement in changes.values():
        damaged = bytearray(data)
        damaged[offset : offset + len(replacement)] = replacement
        forged = resealed(bytes(damaged))
        for check in (parse_segment, scan_segment):
            with pytest.raises(IntegrityError):
                check(forged)


@given(count=st.integers(1, 5), random=st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_whatever_is_put_in_the_place_of_some_bytes_is_found(count: int, random: Random) -> None:
    data, _ = small_segment(count)
    start = random.randrange(len(data) + 1)
    end = random.choice((start, start + 1, random.randrange(start, len(data) + 1)))
    put = random.choice((b"", random.randbytes(1), random.randbytes(end - start), data[:start]))
    changed = data[:start] + put + data[end:]
    assume(changed != data)

    for check in (parse_segment, scan_segment):
        with pytest.raises(IntegrityError):
            check(changed)


@pytest.mark.parametrize(
    "other", [str.lower, lambda text: "_" + text[1:], lambda text: "+" + text[1:]]
)
def test_another_spelling_of_a_record_id_is_refused(other: Callable[[str], str]) -> None:
    """`int` would take them for the same number; the log would not for the same entry."""
    record_id = ULIDS.one(system_clock())
    body = frame(record_id)
    changed = other(record_id)
    spelled = entry(record_id, body).replace(record_id.encode(), changed.encode())

    with pytest.raises(IntegrityError, match="another record"):
        scan_segment(segment([body], [spelled]))


@pytest.mark.parametrize("case", ["exchanged", "foreign", "period", "kind", "missing", "surplus"])
def test_frames_and_entries_that_do_not_belong_together_are_refused(case: str) -> None:
    first, second = ULIDS.take(2, system_clock())
    frames = [frame(first), frame(second)]
    entries = [entry(first, frames[0]), entry(second, frames[1])]
    if case == "exchanged":
        frames.reverse()
    elif case == "foreign":  # the log commits to a frame that says it is another record's
        entries[1] = entry(ULIDS.one(system_clock()), frames[1])
    elif case == "period":
        entries[1] = entry(second, frames[1], period="2031-01")
    elif case == "kind":
        hold = hold_entry(second, on=True, count=1, members_sha256=bytes(32), ts_ms=1)
        entries[1] = hold
    elif case == "missing":
        entries.pop()
    else:
        frames.pop()
    with pytest.raises(IntegrityError):
        scan_segment(segment(frames, entries))


def test_garbage_is_refused_and_nothing_else_is_raised() -> None:
    for length in (0, 1, 67, 68, 69, 300):
        for _ in range(50):
            data = b"MUNSEG\x00\x01" + os.urandom(length)
            with pytest.raises(IntegrityError) as caught:
                scan_segment(data)
            assert diagnose(KEY, data, caught.value)


def test_every_changed_byte_of_a_key_object_is_found() -> None:
    segment_id = ulid_bytes(SEGMENT)
    ids = [ulid_bytes(one) for one in ULIDS.take(3, system_clock())]
    data = build_keys(segment_id, os.urandom(32), [(one, os.urandom(32)) for one in ids])
    for offset in range(len(data)):
        damaged = bytearray(data)
        damaged[offset] ^= 1 << offset % 8
        with pytest.raises(ArchiverError):
            parse_keys(bytes(damaged), segment_id)
