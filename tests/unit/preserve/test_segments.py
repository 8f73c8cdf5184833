"""Segments, frames, keys and blobs: whatever is changed about them is noticed."""

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.errors import IntegrityError
from archiver.ids import ulid_bytes
from archiver.preserve.segments.frame import open_frame, parse_header, seal_frame, walk_frames
from archiver.preserve.segments.keys import (
    build_keys,
    item_range,
    parse_item,
    parse_keys,
    unwrap_key,
)
from archiver.preserve.segments.manifest import parse_manifest
from archiver.preserve.segments.media import media_context, open_media, seal_media
from archiver.preserve.segments.segment import parse_segment
from tests.unit.ledger.mutations import mutations
from tests.vectors.segments import generate

VECTOR: dict[str, Any] = json.loads(generate.FILE.read_text(encoding="utf-8"))
SEGMENT = b64decode(VECTOR["segment"])
KEYS = b64decode(VECTOR["keys_object"])
ARCHIVE, SEGMENT_ID = ulid_bytes(generate.ARCHIVE), ulid_bytes(generate.SEGMENT)
RECORD = ulid_bytes(generate.RECORDS[0])
RECORD_KEY = b64decode(VECTOR["record_keys"][0])
WRAPPING = b64decode(VECTOR["wrapping_key"])


def first_frame() -> bytes:
    offset, length = parse_segment(SEGMENT).places[0]
    return SEGMENT[offset : offset + length]


def test_every_small_damage_to_a_segment_is_refused() -> None:
    parse_segment(SEGMENT)
    for damaged in mutations(SEGMENT, step=3):
        with pytest.raises(IntegrityError):
            parse_segment(damaged)


def test_a_segment_without_its_last_frame_is_refused_although_its_seal_fits() -> None:
    offset, length = parse_segment(SEGMENT).places[-1]
    forged = SEGMENT[:offset] + SEGMENT[offset + length :]

    with pytest.raises(IntegrityError, match="1 frames but 2 entries"):
        parse_segment(forged)


def test_every_small_damage_to_wrapped_keys_is_refused() -> None:
    parse_keys(KEYS, SEGMENT_ID)
    for damaged in mutations(KEYS):
        with pytest.raises(IntegrityError):
            parse_keys(damaged, SEGMENT_ID)


def test_keys_of_another_segment_are_refused() -> None:
    with pytest.raises(IntegrityError, match="another segment"):
        parse_keys(KEYS, RECORD)


def test_a_wrapped_key_opens_only_at_its_index_for_its_record() -> None:
    wrapped = parse_keys(KEYS, SEGMENT_ID)
    assert unwrap_key(WRAPPING, 0, RECORD, wrapped[0]) == RECORD_KEY

    other = ulid_bytes(generate.RECORDS[1])
    for wrapping, index, record, data in (
        (WRAPPING, 1, RECORD, wrapped[0]),
        (WRAPPING, 0, other, wrapped[0]),
        (WRAPPING, 0, RECORD, wrapped[1]),
        (RECORD_KEY, 0, RECORD, wrapped[0]),
    ):
        with pytest.raises(IntegrityError, match="does not unwrap"):
            unwrap_key(wrapping, index, record, data)


def test_every_small_damage_to_a_frame_is_refused() -> None:
    open_frame(ARCHIVE, RECORD_KEY, first_frame())
    for damaged in mutations(first_frame()):
        with pytest.raises(IntegrityError):
            open_frame(ARCHIVE, RECORD_KEY, damaged)


def test_a_frame_opens_only_in_its_archive_and_under_its_key() -> None:
    for archive, key in ((SEGMENT_ID, RECORD_KEY), (ARCHIVE, WRAPPING)):
        with pytest.raises(IntegrityError, match="do not open"):
            open_frame(archive, key, first_frame())


def test_every_small_damage_to_a_blob_is_refused() -> None:
    key, context = bytes(32), media_context(ARCHIVE, RECORD, 1)
    blob = seal_media(key, context, b"picture")
    assert open_media(key, context, blob) == b"picture"
    for damaged in mutations(blob):
        with pytest.raises(IntegrityError):
            open_media(key, context, damaged)


def test_a_blob_of_several_chunks_cannot_be_cut_or_shuffled() -> None:
    key, context = bytes(32), media_context(ARCHIVE, RECORD, 1)
    content = bytes(range(256)) * 64 * 3
    blob, chunk = seal_media(key, context, content), 16_384 + 16
    head, chunks = blob[:56], [blob[56 + at : 56 + at + chunk] for at in range(0, 3 * chunk, chunk)]
    assert open_media(key, context, blob) == content

    for wrong in (chunks[:2], chunks[:1], [], [chunks[1], chunks[0], chunks[2]], chunks[1:]):
        with pytest.raises(IntegrityError):
            open_media(key, context, head + b"".join(wrong))


def test_one_wrapped_key_is_read_from_its_place_alone_and_from_no_other() -> None:
    for number, wrapped in parse_keys(KEYS, SEGMENT_ID).items():
        offset, length = item_range(number)
        item = KEYS[offset : offset + length]
        assert parse_item(item, number) == wrapped
        assert parse_item(item, number + 1) is None  # as in a later generation, without this one
        assert parse_item(item[:-1], number) is None
        assert parse_item(b"", number) is None


def test_a_blob_opens_only_at_its_place() -> None:
    blob = seal_media(bytes(32), media_context(ARCHIVE, RECORD, 1), b"picture")
    for context in (media_context(ARCHIVE, RECORD, 2), media_context(ARCHIVE, SEGMENT_ID, 1)):
        with pytest.raises(IntegrityError):
            open_media(bytes(32), context, blob)


@given(manifest=st.binary(max_size=300), parts=st.lists(st.binary(max_size=300), max_size=4))
def test_a_frame_gives_back_what_was_sealed(manifest: bytes, parts: list[bytes]) -> None:
    frame = seal_frame(ARCHIVE, RECORD, RECORD_KEY, manifest, tuple(parts))

    assert open_frame(ARCHIVE, RECORD_KEY, frame) == (manifest, b"".join(parts))
    assert parse_header(frame, 0).length == len(frame)


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=20, unique=True))
def test_wrapped_keys_give_back_every_key(records: list[bytes]) -> None:
    pairs = [(record, sha256(record).digest()) for record in records]
    wrapped = parse_keys(build_keys(SEGMENT_ID, WRAPPING, pairs), SEGMENT_ID)

    found = [unwrap_key(WRAPPING, n, record, wrapped[n]) for n, (record, _) in enumerate(pairs)]
    assert found == [key for _, key in pairs]


@given(st.binary(max_size=200))
@example(b"")
@example(SEGMENT[:8] * 20)
@example(b"{}")
@example(b'{"v":2}')
def test_garbage_is_refused_by_every_parser_in_its_own_family(data: bytes) -> None:
    for parse in (
        parse_segment,
        parse_manifest,
        lambda data: parse_keys(data, SEGMENT_ID),
        lambda data: open_frame(ARCHIVE, RECORD_KEY, data),
        lambda data: open_media(RECORD_KEY, RECORD, data),
        lambda data: walk_frames(data, 0, len(data) + 1),
    ):
        with pytest.raises(IntegrityError):
            parse(data)
