"""Checks a certificate of destruction: `python certificate_verifier.py FILE [--policy policy.txt]`.

Beside `evidence_verifier.py` this file needs no archive, no network and nothing else of Muniment.
It proves that the log's key signed the certificate as it is, that every record it names was in the
log, that the log let exactly these records go (`dis` entries, published under a signed checkpoint),
and that its numbers and approvals agree with each other.

It does not prove that no copy was made before. Without `--policy` it believes the key inside the
certificate, and says so.
"""

import argparse
import hashlib
import json
import sys
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

try:
    from archiver.assurance.evidence_verifier import (
        MALFORMED,
        Check,
        Policy,
        Refused,
        open_checkpoint,
        open_note,
        parse_policy,
        report_lines,
        require,
        unbase64,
    )
except ModuleNotFoundError:  # away from the archive, the two files stand beside each other
    from evidence_verifier import (  # type: ignore[import-not-found,no-redef]
        MALFORMED,
        Check,
        Policy,
        Refused,
        open_checkpoint,
        open_note,
        parse_policy,
        report_lines,
        require,
        unbase64,
    )

__all__ = ["is_certificate", "main", "verify_certificate"]

KIND = "muniment certificate of destruction v1"
PRIVACY = "privacy"
"""The action of a batch that carries out what a person asked for."""

CHECKS = {
    "form": "the file is one certificate in its one spelling, and not one byte besides",
    "seal": "the log's key signed the certificate",
    "checkpoints": "its checkpoint is signed by the log of the policy",
    "quorum": "enough witnesses of the policy cosigned",
    "inclusion": "every record, disposal and decision it names is in the tree of the checkpoint",
    "disposals": "the log let exactly these records of this batch go, after they were in it",
    "requests": "what was erased at a person's request names the decision, which came before",
    "counts": "its numbers are those of the records it names",
    "approvals": "enough other people than who proposed it approved this number, and before it",
}
"""The checks by id, in order; reports number them from 1."""


def is_certificate(start: bytes) -> bool:
    """Return whether a file that begins like this is a certificate, and not a bundle."""
    return start.startswith(b"{")


def root_of(leaves: dict[int, bytes], size: int, path: list[bytes]) -> bytes:
    """Return the root of the tree of `size` that holds `leaves`, hashes by index.

    `path` has the hash of each subtree that holds none of them, in the order in which RFC 9162
    section 2.1.1 divides the tree, left before right. Raises Refused.
    """
    indexes, rest = sorted(leaves), iter(path)
    require(indexes and indexes[0] >= 0 and indexes[-1] < size, "an entry is outside of the tree")

    def walk(start: int, end: int) -> bytes:
        place = bisect_left(indexes, start)
        if place == len(indexes) or indexes[place] >= end:
            found = next(rest, b"")
            require(found, "the proof is too short")
            return found
        if end - start == 1:
            return leaves[start]
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        left = walk(start, middle)
        return hashlib.sha256(b"\x01" + left + walk(middle, end)).digest()

    root = walk(0, size)
    require(next(rest, None) is None, "the proof is too long")
    return root


class Verification:
    """All checks on one certificate; `run` makes them and reports."""

    def __init__(self, data: bytes, policy: str | None) -> None:
        self._data, self._given_policy = data, policy
        self._checks = {name: Check(name) for name in CHECKS}
        self._policy = Policy([], {}, [], "none")
        self._body: dict[str, Any] = {}
        self._seal = b""
        self._entries: dict[int, dict[str, Any]] = {}
        self._let_go: dict[int, int] = {}  # the `dis` entry of each record

    def run(self) -> dict[str, Any]:
        """Make every check and return the report."""
        with self._check("form"):
            self._read()
        with self._check("seal") as check:
            self._check_seal(check)
        with self._check("checkpoints"):
            self._check_log()
        with self._check("disposals"):
            self._check_disposals()
        with self._check("requests") as check:
            self._check_requests(check)
        with self._check("counts"):
            self._check_counts()
        with self._check("approvals") as check:
            self._check_approvals(check)
        return self._report()

    @contextmanager
    def _check(self, name: str) -> Iterator[Check]:
        check = self._checks[name]
        check.made += 1
        try:
            yield check
        except Refused as error:
            check.failures.append(str(error))
        except MALFORMED as error:
            check.failures.append(f"missing or malformed ({str(error) or type(error).__name__})")

    def _read(self) -> None:
        document = json.loads(self._data)
        require(
            _canonical(document) + b"\n" == self._data,
            "expected JSON in the canonical form of RFC 8785 and one newline, found another file",
        )
        require(set(document) == {"certificate", "seal"}, "expected a certificate and its seal")
        self._body, self._seal = document["certificate"], document["seal"].encode()
        require(self._body["v"] == 1, "expected version 1 of the certificate")
        for each in self._named():
            index = each["index"]
            require(type(index) is int, f"expected a log index, found {index!r}")
            require(index not in self._entries, f"log index {index} stands twice")
            self._entries[index] = json.loads(each["entry"])
        require(self._body["records"], "it names no record")

    def _named(self) -> list[dict[str, Any]]:
        """Return all that names an entry of the log. Certificates of before have no requests."""
        body = self._body
        return [*body["records"], *body["disposals"], *body.get("requests", [])]

    def _check_seal(self, check: Check) -> None:
        given = self._given_policy
        self._policy = parse_policy(self._body["policy"] if given is None else given)
        text, signed_by, _ = open_note(self._seal, self._policy)
        digest = b64encode(hashlib.sha256(_canonical(self._body)).digest()).decode()
        expected = [KIND, signed_by, str(self._body["number"]), digest, ""]
        require(text.split("\n") == expected, f"the seal is of another certificate: {text!r}")
        require(self._body["archive"]["origin"] == signed_by, "it is of another archive's log")
        check.notes.append(f"sealed by {signed_by}")

    def _check_log(self) -> None:
        proof = self._body["proof"]
        checkpoint = open_checkpoint(proof["checkpoint"].encode(), self._policy)
        require(checkpoint.size == proof["size"], f"it is of size {checkpoint.size}")
        with self._check("quorum") as check:
            require(
                self._policy.is_met(checkpoint.cosigners),
                f"it has not the quorum {self._policy.quorum!r} of the policy",
            )
            seen = ", ".join(sorted(checkpoint.cosigners))
            check.notes.append(f"cosigned by {seen or 'nobody; the policy asks for none'}")
        with self._check("inclusion"):
            leaves = {
                each["index"]: hashlib.sha256(b"\x00" + each["entry"].encode()).digest()
                for each in self._named()
            }
            path = [unbase64(each) for each in proof["path"]]
            require(
                root_of(leaves, checkpoint.size, path) == checkpoint.root,
                f"its entries are not all in the tree of {checkpoint.size}",
            )

    def _check_disposals(self) -> None:
        """Check that `dis` entries of this batch cover each record, and nothing goes unsaid."""
        ids = self._ids()
        kept = {each["log_index"]: each["id"] for each in self._body["left_out"]}
        let_go: dict[int, str] = {}
        for each in self._body["disposals"]:
            index, entry = each["index"], self._entries[each["index"]]
            about = (entry["t"], entry["id"])
            require(about == ("dis", self._body["batch"]["id"]), f"entry {index} is about {about}")
            count = sum(end - first for first, end in entry["r"])
            require(count == entry["n"], f"entry {index} names {count} records, not {entry['n']}")
            require(0 < count <= len(ids) + len(kept), f"entry {index} names {count} records")
            covered = [at for first, end in entry["r"] for at in range(first, end)]
            require(max(covered) < index, f"entry {index} names what came after it")
            named = [ids.get(at) or kept.get(at, "") for at in covered]
            require(all(named), f"entry {index} lets records go that the certificate leaves out")
            digest = hashlib.sha256("\n".join(sorted(named)).encode()).digest()
            require(unbase64(entry["d"]) == digest, f"entry {index} names other records")
            let_go.update(dict.fromkeys(covered, entry["w"]))
            self._let_go.update(dict.fromkeys(covered, index))
        for each in self._body["records"]:
            method = let_go.get(each["index"])
            found = each["method"]
            require(method == found, f"record {each['index']}: {found}, and the log says {method}")

    def _check_requests(self, check: Check) -> None:
        """Check that each record of a privacy batch names decisions that stand between both."""
        body = self._body
        asked = body["batch"].get("action") == PRIVACY
        decided = {each["index"]: each for each in body.get("requests", [])}
        require(asked or not decided, "it names requests, and its batch is of none")
        used: set[int] = set()
        for each in body["records"]:
            places = each.get("decisions", [])
            require(not asked or places, f"record {each['index']} names no decision to erase it")
            for index in places:
                require(index in decided, f"record {each['index']} names {index}, no decision")
                require(
                    each["index"] < index < self._let_go[each["index"]],
                    f"decision {index} is not between record {each['index']} and its disposal",
                )
            used.update(places)
        for index, each in decided.items():
            entry = self._entries[index]
            require(entry["t"] == "aud", f"entry {index} is of no event")
            require(len(unbase64(entry["m"])) == hashlib.sha256().digest_size, "no digest")
            require(len(each["request"]) == len(entry["id"]), f"{each['request']!r} is no request")
            require(index in used, f"decision {index} is of none of its records")
            check.notes.append(
                f"request {each['request']}: event {entry['id']} decided it, at log index {index}; "
                f"SHA-256 of its manifest {unbase64(entry['m']).hex()}"
            )

    def _ids(self) -> dict[int, str]:
        found = {}
        for each in self._body["records"]:
            entry = self._entries[each["index"]]
            require(entry["t"] == "rec", f"entry {each['index']} is of no record")
            for name in ("m", "c"):
                require(len(unbase64(entry[name])) == hashlib.sha256().digest_size, "no hash")
            found[each["index"]] = str(entry["id"])
        return found

    def _check_counts(self) -> None:
        body, counts = self._body, self._body["counts"]
        kept = sum(each["state"] == "kept" for each in body["left_out"])
        excluded = sum(each["state"] == "excluded" for each in body["left_out"])
        destroyed = len(body["records"])
        expected = {
            "formed": destroyed + kept + excluded,
            "destroyed": destroyed,
            "kept": kept,
            "excluded": excluded,
        }
        found = {name: counts[name] for name in expected}
        require(found == expected, f"expected {expected}, found {found}")
        places = [each["index"] for each in body["records"]]
        left = [each["log_index"] for each in body["left_out"]]
        require(len({*places, *left}) == len(places) + len(left), "a record stands twice")

    def _check_approvals(self, check: Check) -> None:
        body, needed = self._body, self._body["approvals_needed"]
        own = {body["proposed"]["who"]}
        people = {each["who"] for each in body["approvals"]} - own - {""}
        require(needed >= 1, "it needed nobody's approval")
        require(len(people) >= needed, f"{len(people)} of the {needed} people needed approved it")
        judged = body["counts"]["destroyed"] + body["counts"]["kept"]
        first = min(self._entries[each["index"]]["ts"] for each in body["disposals"])
        for each in body["approvals"]:
            require(each["records"] == judged, f"{each['by']} approved {each['records']} records")
            at = datetime.fromisoformat(each["at"])
            ended = datetime.fromtimestamp((first + 1) / 1000, UTC)
            require(at <= ended, f"{each['by']} approved it after it was destroyed")
            require(each["why"], f"{each['by']} gave no reason")
            check.notes.append(f"approved by {each['by']} at {each['at']}")

    def _report(self) -> dict[str, Any]:
        ok = not any(check.failures for check in self._checks.values())
        keys = [
            {"vkey": vkey, "sha256": hashlib.sha256(key.public).hexdigest()}
            for vkey, key in self._policy.logs
        ]
        trust = (
            "Trust in the log's key was taken from the certificate itself. Compare the key below "
            "with one you have from elsewhere, or verify again with --policy."
        )
        return {
            "ok": ok,
            "checks": [
                {"number": number, "id": check.id, "what": CHECKS[check.id], "state": check.state}
                | {"made": check.made, "failures": check.failures, "notes": check.notes}
                for number, check in enumerate(self._checks.values(), start=1)
            ],
            "records": list(self._ids().values()) if ok else [],
            "conclusion": self._conclude() if ok else "Refused: this is no certificate.",
            "log_keys": keys,
            "trust": [trust] if self._given_policy is None else [],
        }

    def _conclude(self) -> str:
        body, count = self._body, len(self._body["records"])
        return (
            f"Certificate no. {body['number']}: the log of {body['archive']['origin']} let "
            f"{count} record{'' if count == 1 else 's'} of class {body['batch']['class']} go, and "
            f"the archive certifies that they were destroyed by {body['batch']['ended_at']}."
        )


def _canonical(document: object) -> bytes:
    """Return the canonical JSON (RFC 8785) of what holds text, integers, lists and objects only."""
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def verify_certificate(path: Path, *, policy: str | None = None) -> dict[str, Any]:
    """Return the report on the certificate at `path`; `policy` stands above its own.

    Raises:
        OSError: the file cannot be read.
    """
    return Verification(path.read_bytes(), policy).run()


def main(arguments: list[str] | None = None) -> int:
    """Verify one certificate; return 0, 1 where a check failed, 2 where a file cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("certificate", type=Path)
    parser.add_argument("--policy", type=Path, help="whom you trust: C2SP tlog-policy")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args(arguments)
    try:
        policy = given.policy.read_text("utf-8") if given.policy else None
        report = verify_certificate(given.certificate, policy=policy)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    lines = [json.dumps(report, indent=2)] if given.json else report_lines(report)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
