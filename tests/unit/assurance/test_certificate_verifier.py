"""What the log's key signed is still checked: a certificate that contradicts itself is refused."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.certificate_verifier import verify_certificate
from archiver.disposal.certificate_document import canonical, sealed
from archiver.preserve.ledger.checkpoint import Checkpoint, sign_checkpoint
from archiver.preserve.ledger.entry import disposal_entries, record_entry
from archiver.preserve.ledger.merkle import Frontier
from archiver.preserve.ledger.multiproof import prove
from archiver.preserve.ledger.note import Ed25519Signer, encode_base64
from archiver.preserve.ledger.tiles import TileTree, grow

ORIGIN = "archive.example/acme"
SIGNER = Ed25519Signer.from_seed(ORIGIN, bytes(range(32)))
OTHER = Ed25519Signer.from_seed(ORIGIN, bytes(32))
DECISION, REQUEST = "01K0000000000000000000000D", "01K0000000000000000000000R"
BATCH = "01K0000000000000000000000B"
IDS = [f"01K0000000000000000000000{n}" for n in range(5)]
TS = 1_795_348_800_000
EARLIER = "2026-11-22T11:00:00.000Z"
Body = dict[str, Any]


def a_body(**changes: Any) -> Body:
    """What a certificate of three of five records says, with a log of its own."""
    entries = [record_entry("rec", each, bytes(32), bytes(32), "2026-01", TS - 9) for each in IDS]
    going = {0: IDS[0], 1: IDS[1], 3: IDS[3]}
    entries += disposal_entries(BATCH, "delete", going, TS)
    path, note = _proved(entries, [*going, 5])
    body: Body = {
        "v": 1,
        "number": 7,
        "id": "01K0000000000000000000000C",
        "archive": {"id": "A", "origin": ORIGIN, "store": "a folder"},
        "batch": {"id": BATCH, "class": "default", "ended_at": "2026-11-22T12:30:00.000Z"},
        "proposed": {"by": "rita", "who": "R", "why": "due"},
        "approvals_needed": 2,
        "approvals": [_approval("ada", "A"), _approval("ben", "B")],
        "counts": {"formed": 5, "destroyed": 3, "kept": 1, "excluded": 1, "bytes": 9},
        "records": [
            {"index": index, "entry": entries[index].decode(), "method": "delete"}
            for index in going
        ],
        "disposals": [{"index": 5, "entry": entries[5].decode()}],
        "left_out": [
            {"log_index": 2, "id": IDS[2], "state": "excluded", "reason": "of value"},
            {"log_index": 4, "id": IDS[4], "state": "kept", "reason": "held"},
        ],
        "proof": {"size": 6, "path": path, "checkpoint": note},
        "policy": f"log {SIGNER.vkey}\nquorum none\n",
    }
    return {**body, **changes}


def a_privacy_body() -> Body:
    """The same three records, erased by the decision of a person's request: entry 5 of its log."""
    entries = [record_entry("rec", each, bytes(32), bytes(32), "2026-01", TS - 9) for each in IDS]
    entries.append(record_entry("aud", DECISION, bytes(32), bytes(32), "2026-01", TS - 1))
    going = {0: IDS[0], 1: IDS[1], 3: IDS[3]}
    entries += disposal_entries(BATCH, "delete", going, TS)
    path, note = _proved(entries, [*going, 5, 6])
    body = a_body(
        requests=[{"request": REQUEST, "index": 5, "entry": entries[5].decode()}],
        disposals=[{"index": 6, "entry": entries[6].decode()}],
        proof={"size": 7, "path": path, "checkpoint": note},
    )
    body["batch"]["action"] = "privacy"
    for each in body["records"]:
        each["decisions"] = [5]
    return body


def _approval(by: str, who: str) -> Body:
    return {"by": by, "who": who, "at": EARLIER, "records": 4, "why": "agreed"}


def _proved(entries: list[bytes], indexes: list[int]) -> tuple[list[str], str]:
    grown = grow(Frontier(), entries, lambda _: b"")
    tree = TileTree(len(entries), dict(grown.objects).__getitem__)
    checkpoint = Checkpoint(origin=ORIGIN, size=len(entries), root=grown.root)
    note = sign_checkpoint(checkpoint, [SIGNER]).decode()
    return [encode_base64(each) for each in prove(tree, sorted(indexes))], note


def failed(tmp_path: Path, body: Body, *, signer: Ed25519Signer = SIGNER, **given: str) -> set[str]:
    """The checks that fail on a certificate that a key signed."""
    path = tmp_path / "certificate.json"
    path.write_bytes(sealed(body, [signer]))
    report = verify_certificate(path, **given)
    failures = {each["id"] for each in report["checks"] if each["state"] == "FAILED"}
    assert report["ok"] == (not failures)
    return failures


def test_a_certificate_that_agrees_with_itself_is_accepted(tmp_path: Path) -> None:
    assert failed(tmp_path, a_body()) == set()


LIES: Mapping[str, tuple[str, Callable[[Body], object]]] = {
    "fewer approvals": ("approvals", lambda b: b["approvals"].pop()),
    "the same person twice": ("approvals", lambda b: b["approvals"][1].update(who="A")),
    "the proposer approves": ("approvals", lambda b: b["approvals"][1].update(who="R")),
    "nobody approves": ("approvals", lambda b: b["approvals"][1].update(who="")),
    "another number approved": ("approvals", lambda b: b["approvals"][0].update(records=5)),
    "approved afterwards": (
        "approvals",
        lambda b: b["approvals"][0].update(at="2026-11-22T13:00:00.000Z"),
    ),
    "approved without a reason": ("approvals", lambda b: b["approvals"][0].update(why="")),
    "nobody needed": ("approvals", lambda b: b.update(approvals_needed=0)),
    "a record kept silent": ("disposals", lambda b: b["left_out"].clear() or b["records"].pop()),
    "another count": ("counts", lambda b: b["counts"].update(destroyed=2)),
    "more were formed": ("counts", lambda b: b["counts"].update(formed=6)),
    "a record on both sides": ("counts", lambda b: b["left_out"][0].update(log_index=0)),
    "another batch": ("disposals", lambda b: b["batch"].update(id=IDS[0])),
    "another method": ("disposals", lambda b: b["records"][0].update(method="erase")),
    "a record the log did not let go": (
        "disposals",
        lambda b: b["records"][0].update(index=2, entry=b["records"][0]["entry"]),
    ),
    "another entry": (
        "inclusion",
        lambda b: b["records"][0].update(entry=b["records"][0]["entry"].replace("2026", "2027")),
    ),
    "a proof that is cut": ("inclusion", lambda b: b["proof"]["path"].clear()),
    "another size": ("checkpoints", lambda b: b["proof"].update(size=7)),
    "another log": ("seal", lambda b: b["archive"].update(origin="archive.example/other")),
    "a record twice": ("form", lambda b: b["records"].append(dict(b["records"][0]))),
    "no records": ("form", lambda b: b["records"].clear()),
    "another version": ("form", lambda b: b.update(v=2)),
    "an endless disposal": (
        "disposals",
        lambda b: b["disposals"][0].update(
            entry=b["disposals"][0]["entry"].replace("[[0,2]", "[[0,99999999999999]")
        ),
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_signed_lie_is_refused(tmp_path: Path, lie: str) -> None:
    check, tell = LIES[lie]
    body = deepcopy(a_body())
    tell(body)

    assert check in failed(tmp_path, body)


def test_an_erasure_at_a_persons_request_names_the_decision(tmp_path: Path) -> None:
    assert failed(tmp_path, a_privacy_body()) == set()


REQUEST_LIES: Mapping[str, tuple[str, Callable[[Body], object]]] = {
    "no request": ("requests", lambda b: b.update(requests=[])),
    "a record that nobody decided": ("requests", lambda b: b["records"][1].pop("decisions")),
    "a decision of nothing": (
        "requests",
        lambda b: [each.update(decisions=[6]) for each in b["records"]],
    ),
    "of another batch": ("requests", lambda b: b["batch"].update(action="destroy")),
    "without a name": ("requests", lambda b: b["requests"][0].update(request="")),
    "a decision that is not in the log": (
        "inclusion",
        lambda b: b["requests"][0].update(
            entry=b["requests"][0]["entry"].replace(DECISION, REQUEST)
        ),
    ),
    "a decision before the record": (
        "requests",
        lambda b: b["requests"][0].update(index=2),
    ),
}


@pytest.mark.parametrize("lie", REQUEST_LIES)
def test_a_signed_lie_about_a_request_is_refused(tmp_path: Path, lie: str) -> None:
    check, tell = REQUEST_LIES[lie]
    body = a_privacy_body()
    tell(body)
    assert check in failed(tmp_path, body)


def test_another_key_than_the_trusted_one_is_refused(tmp_path: Path) -> None:
    trusted = f"log {SIGNER.vkey}\nquorum none\n"
    forged = a_body(policy=f"log {OTHER.vkey}\nquorum none\n")

    assert failed(tmp_path, a_body(), policy=trusted) == set()
    assert "seal" in failed(tmp_path, a_body(), signer=OTHER)
    assert "seal" in failed(tmp_path, forged, signer=OTHER, policy=trusted)
    assert "checkpoints" in failed(tmp_path, forged, signer=OTHER)  # the log did not sign it


def test_a_quorum_that_was_not_met_is_refused(tmp_path: Path) -> None:
    witness = Ed25519Signer.from_seed("witness.example", bytes(31) + b"\1").vkey
    policy = f"log {SIGNER.vkey}\nwitness w {witness}\nquorum w\n"

    assert failed(tmp_path, a_body(), policy=policy) == {"quorum"}


@pytest.mark.parametrize("spelling", [" ", "\n", "\ufeff"])
def test_another_spelling_of_the_same_certificate_is_refused(tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(sealed(a_body(), [SIGNER]).decode() + spelling, encoding="utf-8")
    assert not verify_certificate(path)["ok"]
    path.write_text(json.dumps(json.loads(sealed(a_body(), [SIGNER])), indent=1), encoding="utf-8")
    assert not verify_certificate(path)["ok"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_is_refused_and_told(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.json"
    path.write_bytes(data)

    assert not verify_certificate(path)["ok"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(a_body())), JSON)
def test_any_other_value_of_a_field_is_refused_and_told(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    body = a_body()
    if body[name] == value or name == "id":
        return
    document = {"certificate": {**body, name: value}, "seal": _seal_of(body)}
    path = tmp_path_factory.getbasetemp() / "changed.json"
    path.write_bytes(canonical(document) + b"\n")

    assert not verify_certificate(path)["ok"]


def _seal_of(body: Body) -> str:
    return str(json.loads(sealed(body, [SIGNER]))["seal"])
