"""The known answers reproduce, and check out without the code that made them."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.ledger.naive_tree import NaiveTree
from tests.vectors.ledger import generate

FORMAT = Path(__file__).parents[3] / "archiver" / "preserve" / "ledger" / "FORMAT.md"


def vector(name: str) -> Any:
    return json.loads((generate.FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", list(generate.vectors()))
def test_a_vector_file_is_what_the_generator_writes(name: str) -> None:
    stored = (generate.FOLDER / name).read_text(encoding="utf-8")

    assert stored == generate.render(generate.vectors()[name]), "run the generator if intended"


def test_no_vector_file_is_left_over() -> None:
    assert {path.name for path in generate.FOLDER.glob("*.json")} == set(generate.vectors())


def test_the_tree_vectors_are_the_recursive_definition() -> None:
    data = vector("merkle.json")
    naive = NaiveTree([bytes.fromhex(leaf) for leaf in data["inputs"]])

    assert data["roots"] == [naive.root(size).hex() for size in range(9)]
    for case in data["inclusion"]:
        expected = naive.path(case["index"], 0, case["size"])
        assert case["proof"] == [found.hex() for found in expected]
    for case in data["consistency"]:
        expected = naive.proof(case["old_size"], case["new_size"])
        assert case["proof"] == [found.hex() for found in expected]


def test_the_tile_vectors_are_the_recursive_definition() -> None:
    data = vector("tiles.json")
    entries = [b"entry %d" % number for number in range(300)]
    naive = NaiveTree(entries)
    bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries[256:])

    assert data["root"] == naive.root(300).hex()
    assert data["inclusion_of_255_in_300"] == [h.hex() for h in naive.path(255, 0, 300)]
    stored = data["objects_sha256"]
    assert stored["tile/entries/001.p/44"] == sha256(bundle).hexdigest()
    assert stored["tile/1/000.p/1"] == sha256(naive.root(256)).hexdigest()
    assert stored["tile/0/000"] == sha256(b"".join(map(naive_leaf, entries[:256]))).hexdigest()


def test_the_checkpoint_vector_is_signed_with_ed25519_over_its_text() -> None:
    data = vector("checkpoint.json")
    naive = NaiveTree([case["entry"].encode() for case in vector("entry.json")])
    text, _, line = data["signed"].partition("\n\n")
    signature = b64decode(line.split(" ")[2])
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(data["seed"])).public_key()

    key.verify(signature[4:], text.encode() + b"\n")
    hashed = data["origin"].encode() + b"\n\x01" + key.public_bytes_raw()
    assert signature[:4] == sha256(hashed).digest()[:4]
    assert b64decode(text.split("\n")[2]) == naive.root(data["size"])


def test_the_entry_vectors_hash_as_leaves() -> None:
    for case in vector("entry.json"):
        assert case["leaf_hash"] == naive_leaf(case["entry"].encode()).hex()


def test_the_receipt_vectors_lead_to_the_signed_root() -> None:
    data = vector("receipt.json")
    naive = NaiveTree([entry.encode() for entry in data["entries"]])

    for position, receipt in enumerate(data["receipts"]):
        assert b64decode(receipt["note"].split("\n")[4]) == naive.root(3)
        assert [b64decode(found) for found in receipt["path"]] == naive.path(position, 0, 3)


def test_the_format_description_shows_the_vectors() -> None:
    described = FORMAT.read_text(encoding="utf-8")

    for shown in (
        vector("checkpoint.json")["vkey"],
        vector("checkpoint.json")["signed"],
        vector("tlog_proof.json")["proof"],
        vector("receipt.json")["receipts"][0]["note"],
        vector("tiles.json")["bundle_of_two"],
        *(case["entry"] for case in vector("entry.json")),
        *vector("merkle.json")["roots"],
    ):
        assert shown in described


def naive_leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()
