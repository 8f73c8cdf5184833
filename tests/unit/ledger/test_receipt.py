import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigurationError, IntegrityError, InvalidInput
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier, open_note, sign_note
from archiver.preserve.ledger.receipt import Promise, Receipt, make_receipts, verify_receipt
from tests.unit.ledger.mutations import mutations
from tests.unit.ledger.naive_tree import NaiveTree

ORIGIN = "archive.example.com/acme"
SIGNER = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
OTHER_LOG = Ed25519Signer.from_seed("other.example", b"\x03" * 32)
KNOWN = [Ed25519Verifier(SIGNER.vkey), Ed25519Verifier(OTHER_LOG.vkey)]
ENTRIES = [b"entry %d" % number for number in range(256)]
NAIVE = NaiveTree(ENTRIES)
TIME_MS = 1_763_757_000_123


def receipts_of(count: int, first_index: int = 1_000) -> tuple[Receipt, ...]:
    leaves = [leaf_hash(entry) for entry in ENTRIES[:count]]
    return make_receipts(SIGNER, ORIGIN, first_index, leaves, TIME_MS)


@pytest.mark.parametrize("count", [*range(1, 20), 100, 255, 256])
def test_every_receipt_of_a_batch_is_good_for_its_entry(count: int) -> None:
    receipts = receipts_of(count)

    assert len(receipts) == count
    for position, receipt in enumerate(receipts):
        assert receipt.log_index == 1_000 + position
        assert list(receipt.path) == NAIVE.path(position, 0, count)
        assert verify_receipt(receipt, ENTRIES[position], KNOWN) == Promise(
            origin=ORIGIN,
            first_index=1_000,
            count=count,
            root=NAIVE.root(count),
            time_ms=TIME_MS,
        )


def test_a_batch_is_signed_once_with_the_documented_text() -> None:
    receipts = receipts_of(2)

    assert receipts[0].note == receipts[1].note
    assert open_note(receipts[0].note.encode(), KNOWN).text == (
        "muniment-receipt/v1\narchive.example.com/acme\n1000\n2\n"
        "WkdmL9ijF9lgSaP59HxV3GfKZgUbqjaD27GbL+CaB7A=\n1763757000123\n"
    )


def test_a_receipt_is_good_for_nothing_else() -> None:
    receipt = receipts_of(20)[7]
    neighbour = receipts_of(20)[8]
    broken = [
        replace(receipt, log_index=1_008),
        replace(receipt, log_index=999),
        replace(receipt, log_index=1_020),
        replace(receipt, path=neighbour.path),
        replace(receipt, path=receipt.path[:-1]),
        replace(receipt, path=(*receipt.path, receipt.path[0])),
        replace(receipt, note=receipts_of(21)[7].note),
        replace(receipt, note="\ud800"),
    ]

    verify_receipt(receipt, ENTRIES[7], KNOWN)
    for changed in broken:
        with pytest.raises(IntegrityError):
            verify_receipt(changed, ENTRIES[7], KNOWN)
    with pytest.raises(IntegrityError):
        verify_receipt(receipt, ENTRIES[8], KNOWN)


def test_every_mutated_receipt_is_refused() -> None:
    receipt = receipts_of(5)[3]

    for mutated in mutations(receipt.note.encode()):
        with pytest.raises(IntegrityError):
            verify_receipt(
                replace(receipt, note=mutated.decode("utf-8", "surrogateescape")), ENTRIES[3], KNOWN
            )
    for place, sibling in enumerate(receipt.path):
        for changed in mutations(sibling):
            path = (*receipt.path[:place], changed, *receipt.path[place + 1 :])
            with pytest.raises(IntegrityError):
                verify_receipt(replace(receipt, path=path), ENTRIES[3], KNOWN)


def test_a_receipt_is_signed_by_the_log_it_names() -> None:
    genuine = receipts_of(3)[0]
    text = open_note(genuine.note.encode(), KNOWN).text
    forged = replace(genuine, note=sign_note(text, [OTHER_LOG]).decode())

    with pytest.raises(IntegrityError, match="itself"):
        verify_receipt(forged, ENTRIES[0], KNOWN)
    with pytest.raises(ConfigurationError):
        make_receipts(OTHER_LOG, ORIGIN, 0, [leaf_hash(b"")], TIME_MS)


def test_a_receipt_does_not_open_as_a_checkpoint() -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(receipts_of(1)[0].note.encode(), ORIGIN, KNOWN)


def test_no_receipt_is_made_for_an_empty_batch_or_a_bad_origin() -> None:
    with pytest.raises(IntegrityError, match="one or more"):
        make_receipts(SIGNER, ORIGIN, 0, [], TIME_MS)
    with pytest.raises(InvalidInput):
        make_receipts(SIGNER, "muniment-receipt/v1", 0, [leaf_hash(b"")], TIME_MS)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (0, "muniment-receipt/v2"),
        (1, "other.example"),
        (2, "01000"),
        (3, "0"),
        (3, "-1"),
        (4, "AAAA"),
        (5, "1763757000.1"),
        (5, "1763757000123\nmore"),
        (0, ""),
    ],
)
def test_a_signed_text_in_another_form_is_no_receipt(line: int, text: str) -> None:
    receipt = receipts_of(1)[0]
    lines = open_note(receipt.note.encode(), KNOWN).text.split("\n")
    lines[line] = text
    changed = replace(receipt, note=sign_note("\n".join(lines), [SIGNER]).decode())

    with pytest.raises(IntegrityError):
        verify_receipt(changed, ENTRIES[0], KNOWN)


def test_a_receipt_survives_json() -> None:
    receipt = receipts_of(20)[7]
    data = json.loads(json.dumps(receipt.to_dict()))

    assert Receipt.from_dict(data) == receipt
    assert list(data) == ["note", "log_index", "path"]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "note": st.none() | st.text() | st.integers(),
            "log_index": st.none() | st.integers() | st.booleans() | st.floats() | st.text(),
            "path": st.none()
            | st.text()
            | st.lists(st.none() | st.integers() | st.text(max_size=5), max_size=3),
        },
    )
    | st.none()
    | st.lists(st.integers())
)
def test_garbage_json_is_no_receipt(data: Any) -> None:
    try:
        receipt = Receipt.from_dict(data)
    except IntegrityError:
        return

    with pytest.raises(IntegrityError):
        verify_receipt(receipt, ENTRIES[0], KNOWN)
