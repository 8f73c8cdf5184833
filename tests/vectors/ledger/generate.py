"""Known answers of the ledger's formats, described in archiver/preserve/ledger/FORMAT.md.

Run `python -m tests.vectors.ledger.generate` from the repository's root after a deliberate change
of format; a test compares the files with what this module computes. One small log runs through
the files: `entry.json` holds its entries, `checkpoint.json` its head, `tlog_proof.json` and
`receipt.json` what is proved of it.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from archiver.preserve.ledger.checkpoint import Checkpoint, sign_checkpoint
from archiver.preserve.ledger.entry import (
    hold_entry,
    key_entry,
    members_digest,
    orphan_entry,
    other_entry,
    record_entry,
)
from archiver.preserve.ledger.merkle import Frontier, leaf_hash, leaf_hashes, tree_root
from archiver.preserve.ledger.note import Ed25519Signer
from archiver.preserve.ledger.proof import TlogProof
from archiver.preserve.ledger.receipt import make_receipts
from archiver.preserve.ledger.tiles import (
    TileTree,
    bundle_path,
    encode_bundle,
    grow,
    tile_path,
)
from archiver.preserve.object_keys import checkpoint_object, log_prefix

FOLDER = Path(__file__).parent
ORIGIN = "archive.example.com/acme"
SEED = bytes(range(32))
SIGNER = Ed25519Signer.from_seed(ORIGIN, SEED)
TIME_MS = 1_763_757_000_123
RECORD_IDS = [f"01JD4M8X7ZK3Q9V5T2W6Y8B1C{last}" for last in "DEFG"]
RFC6962_INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    bytes(range(0x60, 0x70)),
]


def vectors() -> dict[str, Any]:
    """Return the content of each file by its name."""
    return {
        "merkle.json": merkle(),
        "tiles.json": tiles(),
        "entry.json": [
            {"entry": entry.decode(), "leaf_hash": leaf_hash(entry).hex()} for entry in log()
        ],
        "checkpoint.json": checkpoint(),
        "tlog_proof.json": tlog_proof(),
        "receipt.json": receipt(),
    }


def log() -> list[bytes]:
    """Return the entries of the log that runs through the files."""
    hashes = [sha256(b"%d" % number).digest() for number in range(6)]
    records = [
        record_entry("rec", RECORD_IDS[0], hashes[0], hashes[1], "2032-11", TIME_MS),
        record_entry("rec", RECORD_IDS[1], hashes[2], hashes[3], "9999-12", TIME_MS + 1),
        record_entry("aud", RECORD_IDS[2], hashes[4], hashes[5], "2032-11", TIME_MS + 2),
    ]
    members = members_digest(RECORD_IDS[:2])
    orphan = "seg/acme/SEC17A4/2032-11/01JD4M8X7ZK3Q9V5T2W6Y8B1CH.seg"
    return [
        key_entry(str(SIGNER.vkey), on=True, ts_ms=TIME_MS),
        *records,
        hold_entry(RECORD_IDS[3], on=True, count=2, members_sha256=members, ts_ms=TIME_MS + 3),
        orphan_entry(orphan, hashes[0], TIME_MS + 4),
        other_entry("gap", {"id": RECORD_IDS[3]}, TIME_MS + 5),
    ]


def stored(entries: list[bytes], *steps: int) -> tuple[dict[str, bytes], Frontier]:
    """Return the objects of a log that grew to each of `steps`, and its frontier."""
    objects: dict[str, bytes] = {}
    frontier = Frontier()
    for size in steps:
        growth = grow(frontier, entries[frontier.size : size], objects.__getitem__)
        objects.update(growth.objects)
        frontier = growth.frontier
    return objects, frontier


def merkle() -> dict[str, Any]:
    """Return the tree of the Certificate Transparency reference implementation, with proofs."""
    leaves = [leaf_hash(data) for data in RFC6962_INPUTS]
    objects, _ = stored(RFC6962_INPUTS, *range(1, 9))
    read = objects.__getitem__
    sizes = [(old, new) for new in (7, 8) for old in range(1, new + 1)]
    return {
        "inputs": [data.hex() for data in RFC6962_INPUTS],
        "leaf_hashes": [leaf.hex() for leaf in leaves],
        "roots": [tree_root(leaves[:size]).hex() for size in range(9)],
        "inclusion": [
            {"index": index, "size": 7, "proof": _hex(TileTree(7, read).inclusion_proof(index))}
            for index in range(7)
        ],
        "consistency": [
            {
                "old_size": old,
                "new_size": new,
                "proof": _hex(TileTree(new, read).consistency_proof(old)),
            }
            for old, new in sizes
        ],
    }


def tiles() -> dict[str, Any]:
    """Return a log of the entries `entry 0` to `entry 299` that grew in three steps."""
    entries = [b"entry %d" % number for number in range(300)]
    objects, frontier = stored(entries, 2, 250, 300)
    return {
        "paths": {
            tile_path(0, 1_234_067): {"level": 0, "n": 1_234_067, "width": 256},
            tile_path(1, 1, 17): {"level": 1, "n": 1, "width": 17},
            bundle_path(273, 112): {"level": "entries", "n": 273, "width": 112},
        },
        "sizes": [2, 250, 300],
        "objects_sha256": {path: sha256(body).hexdigest() for path, body in objects.items()},
        "bundle_of_two": encode_bundle(entries[:2]).hex(),
        "tile_of_two": leaf_hashes(entries[:2]).hex(),
        "frontier": frontier.to_bytes().hex(),
        "root": frontier.root().hex(),
        "inclusion_of_255_in_300": _hex(TileTree(300, objects.__getitem__).inclusion_proof(255)),
    }


def checkpoint() -> dict[str, Any]:
    """Return the signed head of the small log."""
    root = tree_root([leaf_hash(entry) for entry in log()])
    size = len(log())
    return {
        "seed": SEED.hex(),
        "vkey": str(SIGNER.vkey),
        "origin": ORIGIN,
        "size": size,
        "root": root.hex(),
        "kept_at": checkpoint_object(ORIGIN, size).removeprefix(log_prefix(ORIGIN)),
        "signed": _signed_checkpoint().decode(),
    }


def tlog_proof() -> dict[str, Any]:
    """Return the proof file of the small log's entry 1."""
    objects, frontier = stored(log(), len(log()))
    path = TileTree(frontier.size, objects.__getitem__).inclusion_proof(1)
    proof = TlogProof(index=1, path=path, checkpoint=_signed_checkpoint())
    return {"entry": log()[1].decode(), "proof": proof.to_bytes().decode()}


def receipt() -> dict[str, Any]:
    """Return the receipts of the batch that wrote entries 1 to 3 of the small log."""
    batch = log()[1:4]
    leaves = [leaf_hash(entry) for entry in batch]
    receipts = make_receipts(SIGNER, ORIGIN, 1, leaves, TIME_MS + 100)
    return {
        "entries": [entry.decode() for entry in batch],
        "receipts": [made.to_dict() for made in receipts],
    }


def render(content: Any) -> str:
    """Return the text of a file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _signed_checkpoint() -> bytes:
    root = tree_root([leaf_hash(entry) for entry in log()])
    return sign_checkpoint(Checkpoint(origin=ORIGIN, size=len(log()), root=root), [SIGNER])


def _hex(hashes: tuple[bytes, ...]) -> list[str]:
    return [found.hex() for found in hashes]


if __name__ == "__main__":
    for name, content in vectors().items():
        (FOLDER / name).write_text(render(content), encoding="utf-8")
        print(f"wrote {name}")
