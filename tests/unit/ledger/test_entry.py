import json
from hashlib import sha256
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import IntegrityError, TooLarge
from archiver.preserve.ledger.entry import (
    EntryKind,
    HoldEntry,
    KeyEntry,
    OrphanEntry,
    OtherEntry,
    RecordEntry,
    RepairEntry,
    decode_entry,
    hold_entry,
    key_entry,
    members_digest,
    orphan_entry,
    other_entry,
    record_entry,
    repair_entry,
)
from tests.unit.ledger.mutations import mutations

ID = "01JD4M8X7ZK3Q9V5T2W6Y8B1CD"
M, C = bytes(range(32)), bytes(range(32, 64))
M64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
C64 = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
TS = 1_763_757_000_123
REC = (
    f'{{"v":1,"t":"rec","id":"{ID}","m":"{M64}","c":"{C64}","x":"2032-11","ts":1763757000123}}'
).encode()
HOLD = f'{{"v":1,"t":"hold","id":"{ID}","on":true,"n":3,"d":"{M64}","ts":1763757000123}}'.encode()
ORPHAN = f'{{"v":1,"t":"orphan","k":"seg/a/b.seg","d":"{M64}","ts":1763757000123}}'.encode()
REPAIR = ORPHAN.replace(b'"orphan"', b'"repair"')
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
KEY = f'{{"v":1,"t":"key","k":"{VKEY}","on":true,"ts":1763757000123}}'.encode()
GAP = b'{"v":1,"t":"gap","id":"x","n":[1,2],"ts":1763757000123}'


@pytest.mark.parametrize("kind", ["rec", "aud"])
def test_a_record_entry_is_these_exact_bytes(kind: Literal["rec", "aud"]) -> None:
    data = record_entry(kind, ID, M, C, "2032-11", TS)

    assert data == REC.replace(b"rec", kind.encode())
    assert 170 <= len(data) <= 200
    assert decode_entry(data) == RecordEntry(
        kind=kind, id=ID, manifest_sha256=M, frame_sha256=C, expiry="2032-11", ts_ms=TS
    )


def test_the_other_entries_with_a_class_are_these_exact_bytes() -> None:
    assert hold_entry(ID, on=True, count=3, members_sha256=M, ts_ms=TS) == HOLD
    assert orphan_entry("seg/a/b.seg", M, TS) == ORPHAN
    assert repair_entry("seg/a/b.seg", M, TS) == REPAIR
    assert key_entry(VKEY, on=True, ts_ms=TS) == KEY
    assert other_entry("gap", {"id": "x", "n": [1, 2]}, TS) == GAP


def test_each_entry_is_read_into_its_class() -> None:
    assert decode_entry(HOLD) == HoldEntry(id=ID, on=True, count=3, members_sha256=M, ts_ms=TS)
    assert decode_entry(ORPHAN) == OrphanEntry(object_key="seg/a/b.seg", object_sha256=M, ts_ms=TS)
    assert decode_entry(REPAIR) == RepairEntry(object_key="seg/a/b.seg", object_sha256=M, ts_ms=TS)
    assert decode_entry(KEY) == KeyEntry(vkey=VKEY, on=True, ts_ms=TS)
    assert decode_entry(GAP) == OtherEntry(kind="gap", fields={"id": "x", "n": [1, 2]}, ts_ms=TS)


def test_an_entry_of_a_later_version_can_be_walked_over() -> None:
    entry = decode_entry(b'{"v":1,"t":"seal2","x":{"y":"\xc3\xa9"},"ts":0}')

    assert isinstance(entry, OtherEntry)
    assert (entry.kind, entry.fields, entry.ts_ms) == ("seal2", {"x": {"y": "\u00e9"}}, 0)


def test_an_entry_is_json_that_any_reader_reads() -> None:
    read = json.loads(other_entry("gap", {"why": 'a "quote" \u2028 \u00e9 \\'}, TS))

    assert read == {"v": 1, "t": "gap", "why": 'a "quote" \u2028 \u00e9 \\', "ts": TS}


def test_the_members_of_a_hold_are_hashed_in_order_of_their_ids() -> None:
    assert members_digest(["b", "a", "c"]) == sha256(b"a\nb\nc").digest()
    assert members_digest([]) == sha256(b"").digest()


REFUSED_RECORDS: list[dict[str, Any]] = [
    {"record_id": ""},
    {"record_id": ID.lower()},
    {"record_id": ID + "0"},
    {"record_id": "8" + ID[1:]},
    {"record_id": ID[:-1] + '"'},
    {"manifest_sha256": M[:-1]},
    {"manifest_sha256": b""},
    {"frame_sha256": C + b"\0"},
    {"expiry": "2032-13"},
    {"expiry": "2032-1"},
    {"expiry": "permanent"},
    {"expiry": "2032-11\n"},
    {"ts_ms": -1},
    {"ts_ms": 10**15},
]


@pytest.mark.parametrize("change", REFUSED_RECORDS)
def test_no_record_entry_is_written_that_no_reader_would_accept(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "record_id": ID,
        "manifest_sha256": M,
        "frame_sha256": C,
        "expiry": "2032-11",
        "ts_ms": TS,
    }

    with pytest.raises(IntegrityError, match="well-formed"):
        record_entry("rec", **(fields | change))


@pytest.mark.parametrize(
    ("kind", "fields", "ts_ms"),
    [
        ("rec", {}, TS),
        ("hold", {"id": ID, "on": True, "n": 3, "d": M64}, TS),
        ("Gap", {}, TS),
        ("", {}, TS),
        ("gap", {"ts": 5}, TS),
        ("gap", {"t": "dis"}, TS),
        ("gap", {"v": 2}, TS),
        ("gap", {"x": object()}, TS),
        ("gap", {}, -1),
        ("gap", {"x": b"\xff", 3: object()}, TS),
    ],
)
def test_no_other_entry_is_written_that_no_reader_would_accept(
    kind: str, fields: dict[str, Any], ts_ms: int
) -> None:
    with pytest.raises(IntegrityError):
        other_entry(kind, fields, ts_ms)


def test_an_entry_is_at_most_65535_bytes() -> None:
    room = 65_535 - len(other_entry("gap", {"x": ""}, TS))

    data = other_entry("gap", {"x": "a" * room}, TS)

    assert len(data) == 65_535
    assert isinstance(decode_entry(data), OtherEntry)
    with pytest.raises(TooLarge):
        other_entry("gap", {"x": "a" * (room + 1)}, TS)
    with pytest.raises(TooLarge):
        orphan_entry("a" * 65_536, M, TS)
    with pytest.raises(TooLarge):
        key_entry("a" * 65_536, on=True, ts_ms=TS)
    with pytest.raises(IntegrityError, match="65535 bytes"):
        decode_entry(data.replace(b'"x":"', b'"x":"a'))


MALFORMED = [
    b"",
    b"{}",
    b"null",
    b'{"v":1,"t":"rec"}',
    b'{"v":1,"t":"',
    REC.replace(b'"v":1', b'"v":2'),
    REC.replace(b'"v":1', b'"v":1.0'),
    REC.replace(b'"v":1,"t":"rec"', b'"t":"rec","v":1'),
    REC.replace(b'"t":"rec"', b'"t":"dis","t":"rec"'),
    REC.replace(b',"ts"', b', "ts"'),
    REC.replace(b"}", b',"more":1}'),
    REC.replace(b"}", b',"ts":1763757000123}'),
    REC.replace(b"Hh8=", b"Hh9="),
    REC.replace(b"Hh8=", b"Hh8"),
    REC.replace(b"Hh8=", b"Hh8A"),
    REC.replace(b'"01JD', b'"\\u00301JD'),
    REC.replace(b"1763757000123", b'"1763757000123"'),
    REC.replace(b"1763757000123", b"1763757000123.0"),
    REC.replace(b"1763757000123", b"-1"),
    REC.replace(b"1763757000123", b"-0"),
    REC.replace(b"2032-11", b"2032-00"),
    REC + b"\n",
    b"\xef\xbb\xbf" + REC,
    HOLD.replace(b"true", b"1"),
    HOLD.replace(b'"n":3', b'"n":-3'),
    HOLD.replace(b'"hold"', b'"orphan"'),
    ORPHAN.replace(b"seg/a/b.seg", b""),
    REPAIR.replace(b"seg/a/b.seg", b""),
    REPAIR.replace(b"Hh8=", b"Hg=="),
    KEY.replace(b"true", b"null"),
    GAP.replace(b'"gap"', b'"GAP"'),
    GAP.replace(b'"gap"', b"5"),
    GAP.replace(b'"ts":', b'"st":'),
    GAP.replace(b"1763757000123", b"true"),
    GAP.replace(b"1763757000123", b"1" * 30),
    GAP.replace(b"[1,2]", b"[1, 2]"),
    GAP.replace(b"[1,2]", b"[" * 50_000),
    GAP.replace(b'"id":"x",', b'"ts":1763757000123,'),
    GAP.replace(b'"id":"x"', b'"ts":5'),
    GAP.replace(b'"id":"x"', b'"id":"\xff"'),
    GAP.replace(b'"id":"x"', b'"id":"\\ud800"'),
    b'{"v":1,"t":"gap","x":{"v":1,"ts":1763757000123}}',
    b'{"t":"gap","v":1,"ts":1}',
]


@pytest.mark.parametrize("data", MALFORMED)
def test_another_spelling_is_no_entry(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_entry(data)


def test_a_mutated_entry_is_refused_or_says_something_else() -> None:
    """Bytes alone cannot show every change: that is what the leaf hash is for."""
    for data in (REC, HOLD, ORPHAN, REPAIR, KEY, GAP):
        original = decode_entry(data)
        for mutated in mutations(data):
            try:
                entry = decode_entry(mutated)
            except IntegrityError:
                continue
            assert entry != original, mutated


@given(
    st.binary(max_size=100)
    | st.binary(max_size=60).map(lambda tail: b'{"v":1,"t":"' + tail)
    | st.text(alphabet='{}[]":,vt1s rechold', max_size=60).map(
        lambda tail: b'{"v":1,"t":"' + tail.encode()
    )
)
def test_garbage_is_no_entry(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_entry(data)


@given(
    st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in {"v", "t", "ts"}),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
        max_size=4,
    ),
    st.integers(0, 253_402_300_799_999),
)
def test_other_entries_come_back(fields: dict[str, Any], ts_ms: int) -> None:
    for kind in (EntryKind.REKEY, EntryKind.GAP, "later"):
        assert decode_entry(other_entry(kind, fields, ts_ms)) == OtherEntry(
            kind=kind, fields=fields, ts_ms=ts_ms
        )
